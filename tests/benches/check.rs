//! What `soc2gate check` costs on a large repository, in every output: `cargo bench --bench check`.
//!
//! 10,000 manifests of 2 to 4 kB: Deployments, StatefulSets, CronJobs, ConfigMaps, Services and Roles, of which every
//! fifth workload is careless. Memory is the peak that Linux reports of the program.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and prints its table"
)]

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn main() {
    // Run as a test it only shows that it still runs.
    let manifests = if std::env::args().any(|argument| argument == "--bench") { 10_000 } else { 50 };
    let root = tempfile::tempdir().unwrap();
    let mut bytes = 0;
    for number in 0..manifests {
        let folder = root.path().join(format!("team-{}", number % 40));
        fs::create_dir_all(&folder).unwrap();
        let text = manifest(number);
        bytes += text.len();
        fs::write(folder.join(format!("{number}.yaml")), text).unwrap();
    }
    println!("{manifests} manifests, {:.1} MB", bytes as f64 / 1e6);
    println!("| output | seconds | objects/s | MB/s | peak memory, MiB | printed, MB |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for output in ["text", "json", "sarif", "junit", "github"] {
        let printed = root.path().join(output);
        let begun = Instant::now();
        let peak = finish(check(root.path(), output, &printed));
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "| {output} | {seconds:.2} | {:.0} | {:.1} | {} | {:.1} |",
            manifests as f64 / seconds,
            bytes as f64 / 1e6 / seconds,
            peak / 1024,
            fs::metadata(&printed).unwrap().len() as f64 / 1e6,
        );
    }
}

fn check(root: &Path, output: &str, printed: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(["check", ".", "-o", output])
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(fs::File::create(printed).unwrap())
        .spawn()
        .unwrap()
}

/// Waits for the program, and tells the most memory that it held, in KiB.
fn finish(mut child: Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The mark only rises, and is gone with the program: the last look is the one that counts.
        let seen = fs::read_to_string(&status).unwrap_or_default();
        let line = seen.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default();
        peak = peak.max(now);
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(1), "careless workloads must be found");
            return peak;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn manifest(number: u64) -> String {
    let (team, name) = (number % 40, format!("service-{number}"));
    let head = |version: &str, kind: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n  namespace: team-{team}\n  labels:\n    \
             app.kubernetes.io/name: {name}\n    app.kubernetes.io/part-of: shop\n    team: team-{team}\n"
        )
    };
    match number % 10 {
        0..=4 => {
            let mut text = head("apps/v1", "Deployment");
            text += "spec:\n  replicas: 3\n  selector:\n    matchLabels:\n      app: x\n  template:\n";
            text + &pod_template(&name, "    ", number.is_multiple_of(5), number)
        }
        5 => {
            let mut text = head("apps/v1", "StatefulSet");
            text += "spec:\n  serviceName: db\n  selector:\n    matchLabels:\n      app: x\n  template:\n";
            text + &pod_template(&name, "    ", true, number)
        }
        6 => {
            let mut text = head("batch/v1", "CronJob");
            text += "spec:\n  schedule: \"0 3 * * *\"\n  jobTemplate:\n    spec:\n      template:\n";
            text + &pod_template(&name, "        ", false, number)
        }
        7 => {
            let mut text = head("v1", "ConfigMap") + "data:\n  application.properties: |\n";
            for line in 0..55 {
                let _ =
                    writeln!(text, "    service.pool-{line}.max-size = {}", (number + line) * 7_919 % 1_000);
            }
            text
        }
        8 => {
            let mut text = head("rbac.authorization.k8s.io/v1", "Role") + "rules:\n";
            for rule in 0..16 {
                let _ = write!(
                    text,
                    "- apiGroups: [apps]\n  resources: [deployments, statefulsets]\n  resourceNames: [service-{rule}]\n  \
                     verbs: [get, list, watch]\n"
                );
            }
            text
        }
        _ => {
            let mut text =
                head("v1", "Service") + "spec:\n  type: ClusterIP\n  selector: {app: x}\n  ports:\n";
            for port in 0..25 {
                let _ = write!(
                    text,
                    "  - name: port-{port}\n    port: {}\n    targetPort: {}\n    protocol: TCP\n",
                    8_000 + port,
                    9_000 + (number + port) * 7_919 % 900
                );
            }
            text
        }
    }
}

/// A pod template at an indentation, with two containers.
fn pod_template(name: &str, indent: &str, careless: bool, number: u64) -> String {
    let mut text = format!(
        "metadata:\n  labels: {{app: {name}}}\n  annotations:\n    prometheus.io/scrape: \"true\"\nspec:\n  serviceAccountName: \
         {name}\n  automountServiceAccountToken: false\n"
    );
    if !careless {
        text += "  securityContext:\n    runAsNonRoot: true\n    seccompProfile: {type: RuntimeDefault}\n";
    }
    text += "  containers:\n";
    for container in ["app", "proxy"] {
        let _ = write!(
            text,
            "  - name: {container}\n    image: registry.example.com/shop/{name}-{container}:1.{}.{}\n    ports:\n    - \
             {{name: http, containerPort: 8080}}\n    env:\n",
            number % 40,
            number % 30
        );
        for variable in 0..8 {
            let _ = write!(
                text,
                "    - name: SETTING_{variable}\n      value: \"value-{}\"\n",
                (number + variable) * 7_919
            );
        }
        text += "    resources:\n      requests: {cpu: 100m, memory: 128Mi}\n      limits: {memory: 256Mi}\n    \
                 readinessProbe:\n      httpGet: {path: /healthz, port: http}\n      periodSeconds: 5\n";
        text += if careless && container == "app" {
            "    securityContext:\n      privileged: true\n      capabilities:\n        add: [SYS_ADMIN, NET_ADMIN]\n"
        } else {
            "    securityContext:\n      allowPrivilegeEscalation: false\n      readOnlyRootFilesystem: true\n      \
             capabilities:\n        drop: [ALL]\n"
        };
    }
    if careless {
        text += "  volumes:\n  - name: node\n    hostPath: {path: /var/run/docker.sock}\n";
    }
    text.lines().fold(String::new(), |mut whole, line| {
        let _ = writeln!(whole, "{indent}{line}");
        whole
    })
}
