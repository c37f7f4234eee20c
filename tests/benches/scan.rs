//! What the background scan costs: `cargo bench --bench scan`.
//!
//! 100,000 objects of 1 to 6 kB with their managed fields, one page after the other, through the door on one core.
//! Memory is what the process holds, as Linux reports it, beside the inventory that was there before.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and prints its table"
)]

use std::{fs, sync::Arc, time::Instant};

use jiff::Timestamp;
use serde_json::{Value, json};
use soc2gate::{
    cluster::Raw,
    inventory::{Inventory, Survey},
    object::Kind,
    policy::{Loaded, Settings},
    scanner::{Limits, Scanner},
};

const PAGE: usize = 500;

/// The kinds in the order of a scan, and how many of a hundred objects are of each.
const MIX: [(Kind, &str, usize); 8] = [
    (Kind::Deployment, "apps/v1", 16),
    (Kind::CronJob, "batch/v1", 2),
    (Kind::ReplicaSet, "apps/v1", 24),
    (Kind::Pod, "v1", 32),
    (Kind::ConfigMap, "v1", 10),
    (Kind::Service, "v1", 8),
    (Kind::Role, "rbac.authorization.k8s.io/v1", 4),
    (Kind::ServiceAccount, "v1", 4),
];

fn main() {
    // Run as a test it only shows that it still runs.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[usize] = if is_bench { &[10_000, 50_000, 100_000] } else { &[1_000] };
    println!("| objects | MB | seconds | objects/s | of them reading, s | findings | kept | grown by, MiB |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for objects in sizes {
        measure(*objects);
    }
}

fn measure(objects: usize) {
    let policies = Arc::new(Loaded::shipped().unwrap().bind(&Settings::default()).unwrap());
    let mut survey = Survey::default();
    pages(objects, |kind, page| {
        page.iter().for_each(|raw| survey.see(&raw.read(kind).unwrap()));
    });
    let inventory = Arc::new(survey.inventory(Inventory::default()));
    let mut scanner = Scanner::new(policies, inventory, Timestamp::now(), Limits::default());
    let before = resident();
    let (mut bytes, mut reading, mut judging, mut peak) = (0, 0.0, 0.0, before);
    for (kind, api_version, _) in MIX {
        scanner.begin(kind, api_version);
    }
    pages(objects, |kind, page| {
        bytes += page.iter().map(|raw| raw.json().len()).sum::<usize>();
        let begun = Instant::now();
        page.iter().for_each(|raw| drop(raw.read(kind).unwrap()));
        reading += begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        page.iter().for_each(|raw| scanner.judge(raw.read(kind).unwrap()));
        judging += begun.elapsed().as_secs_f64();
        peak = peak.max(resident());
    });
    let scan = scanner.finish(Timestamp::now());
    let findings: usize = scan.counts().values().sum();
    let kept: usize = scan.namespaces.values().map(|of| of.kept.len()).sum();
    assert!(findings > 0 && kept > 0 && scan.objects + scan.represented == objects);
    println!(
        "| {objects} | {:.0} | {judging:.2} | {:.0} | {reading:.2} | {findings} | {kept} | {} |",
        bytes as f64 / 1e6,
        objects as f64 / judging,
        peak.saturating_sub(before) / 1024,
    );
}

/// What the process holds now, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

/// Makes the objects page by page, as an API server sends them.
fn pages(objects: usize, mut each: impl FnMut(Kind, &[Raw])) {
    for (kind, _, share) in MIX {
        let all = objects * share / 100;
        for first in (0..all).step_by(PAGE) {
            let items: Vec<_> = (first..all.min(first + PAGE)).map(|number| object(kind, number)).collect();
            let text = Value::Array(items).to_string();
            let page: Vec<Raw> = serde_json::from_str(&text).unwrap();
            each(kind, &page);
        }
    }
}

fn object(kind: Kind, number: usize) -> Value {
    // Every workload has its template, and some a second, older ReplicaSet.
    let workload = match kind {
        Kind::ReplicaSet => number * 2 / 3,
        Kind::Pod => number / 2,
        _ => number,
    };
    let namespace = format!("team-{}", workload % 400);
    let name = match kind {
        Kind::ReplicaSet => format!("service-{workload}-{}", ["aaaa", "bbbb"][number % 2]),
        Kind::Pod => format!("service-{workload}-aaaa-{number}"),
        _ => format!("service-{workload}"),
    };
    let mut metadata = json!({
        "name": name, "namespace": namespace, "uid": format!("00000000-0000-0000-0000-{number:012}"),
        "resourceVersion": "123456", "creationTimestamp": "2026-06-01T00:00:00Z",
        "labels": {"app.kubernetes.io/name": format!("service-{workload}"), "pod-template-hash": "aaaa"},
        "managedFields": managed_fields(),
    });
    let owner = |api_version: &str, kind: &str, name: String| json!([{"apiVersion": api_version, "kind": kind, "name": name, "uid": "u", "controller": true}]);
    match kind {
        Kind::ReplicaSet => {
            metadata["ownerReferences"] = owner("apps/v1", "Deployment", format!("service-{workload}"));
        }
        Kind::Pod => {
            metadata["ownerReferences"] = owner("apps/v1", "ReplicaSet", format!("service-{workload}-aaaa"));
        }
        _ => {}
    }
    // Every fifth workload is careless.
    let pod = pod_spec(workload.is_multiple_of(5));
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": pod});
    match kind {
        Kind::Pod => json!({"metadata": metadata, "spec": pod, "status": {"phase": "Running"}}),
        Kind::CronJob => {
            json!({"metadata": metadata, "spec": {"jobTemplate": {"spec": {"template": template}}}})
        }
        Kind::ConfigMap => {
            let lines: String =
                (0..60).map(|line| format!("service.pool-{line}.max-size = {}\n", line * 7)).collect();
            json!({"metadata": metadata, "data": {"application.properties": lines}})
        }
        Kind::Service => {
            json!({"metadata": metadata, "spec": {"type": "ClusterIP", "ports": [{"port": 80}]}})
        }
        Kind::Role => json!({"metadata": metadata, "rules":
            [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "watch"]}]}),
        Kind::ServiceAccount => json!({"metadata": metadata, "automountServiceAccountToken": false}),
        _ => json!({"metadata": metadata, "spec": {"replicas": 2, "template": template}}),
    }
}

fn pod_spec(is_careless: bool) -> Value {
    let container = |name: &str| {
        let mut container = json!({
            "name": name, "image": format!("registry.example.com/shop/{name}:1.2"),
            "env": (0..8).map(|n| json!({"name": format!("SETTING_{n}"), "value": format!("value-{n}")})).collect::<Vec<_>>(),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
            "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
                "capabilities": {"drop": ["ALL"]}},
        });
        if is_careless && name == "app" {
            container["securityContext"] =
                json!({"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}});
        }
        container
    };
    let mut spec = json!({
        "serviceAccountName": "app", "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container("app"), container("proxy")],
    });
    if is_careless {
        spec["volumes"] = json!([{"name": "node", "hostPath": {"path": "/var/run/docker.sock"}}]);
    }
    spec
}

/// Half of a real body, which nobody reads.
fn managed_fields() -> Value {
    let field = |n: usize| (format!("f:field-{n}"), json!({}));
    let fields: serde_json::Map<_, _> = (0..40).map(field).collect();
    json!([{"manager": "kubectl", "operation": "Apply", "apiVersion": "v1", "fieldsV1": {"f:spec": fields}}])
}
