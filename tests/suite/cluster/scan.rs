//! What already runs in a real cluster: the command that scans it, and the replica that leads and writes reports.

use std::{
    collections::BTreeMap,
    future::Future,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    config::{AuthInfo, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

use super::kubeconfig;
use crate::{
    cli::{Run, run_with, sarif},
    gate::Gate,
};

/// How long a test waits for what a scan or a controller must do.
const SOON: Duration = Duration::from_secs(90);

const PRIVILEGED: &str = "privileged-container";

/// A test's own namespaces in the cluster, whose names begin alike.
#[derive(Clone)]
struct World {
    client: Client,
    prefix: String,
}

impl World {
    fn namespace(&self, number: usize) -> String {
        format!("{}-{number}", self.prefix)
    }

    /// Makes namespaces, each with a privileged Deployment that has no pods.
    async fn fill(&self, namespaces: usize) {
        for number in 0..namespaces {
            let name = self.namespace(number);
            let namespace = json!({"metadata": {"name": name}});
            let namespaces: Api<Namespace> = Api::all(self.client.clone());
            namespaces
                .create(&PostParams::default(), &serde_json::from_value(namespace).unwrap())
                .await
                .unwrap();
            self.deployments(&name).create(&PostParams::default(), &deployment("web", true)).await.unwrap();
        }
    }

    fn deployments(&self, namespace: &str) -> Api<DynamicObject> {
        self.api("apps", "v1", "Deployment", namespace)
    }

    fn reports(&self, namespace: &str) -> Api<DynamicObject> {
        self.api("openreports.io", "v1alpha1", "Report", namespace)
    }

    fn api(&self, group: &str, version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, &resource),
        }
    }

    /// The version and the failures of every report in the test's namespaces.
    async fn written(&self) -> BTreeMap<String, (String, i64)> {
        // Whose definition was written a moment ago cannot be listed yet.
        let Ok(all) = self.reports("").list(&ListParams::default()).await else { return BTreeMap::new() };
        let ours = all.items.into_iter().filter_map(|report| {
            let namespace = report.metadata.namespace?;
            namespace.starts_with(&self.prefix).then_some(())?;
            let failures = report.data["summary"]["fail"].as_i64().unwrap_or(-1);
            Some((namespace, (report.metadata.resource_version?, failures)))
        });
        ours.collect()
    }

    async fn written_until(
        &self,
        fits: impl Fn(&BTreeMap<String, (String, i64)>) -> bool,
    ) -> BTreeMap<String, (String, i64)> {
        let begun = Instant::now();
        loop {
            let written = self.written().await;
            if fits(&written) {
                return written;
            }
            assert!(begun.elapsed() < SOON, "never came: {written:?}");
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

fn deployment(name: &str, privileged: bool) -> DynamicObject {
    let container = json!({"name": "app", "image": "registry.example.com/shop/web:1",
        "securityContext": {"privileged": privileged}});
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}}});
    serde_json::from_value(object).unwrap()
}

/// Runs a test in namespaces of its own, which are gone afterwards however it ends.
fn in_cluster<F: Future<Output = ()> + Send + 'static>(name: &str, test: impl FnOnce(World, String) -> F) {
    let Some(path) = kubeconfig() else { return };
    soc2gate::server::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let _alone = super::alone().await;
        let client = soc2gate::cluster::client(None).await.unwrap();
        let prefix = format!("soc2gate-{name}-{}", std::process::id());
        let world = World { client: client.clone(), prefix: prefix.clone() };
        let outcome = tokio::spawn(test(world, path)).await;
        let namespaces: Api<Namespace> = Api::all(client);
        for namespace in namespaces.list(&ListParams::default()).await.unwrap() {
            let name = namespace.metadata.name.unwrap_or_default();
            if name.starts_with(&prefix) {
                let _ = namespaces.delete(&name, &DeleteParams::default()).await;
            }
        }
        outcome.unwrap();
    });
}

/// The report API; those who have it already keep theirs. Tells which definitions were made.
async fn with_report_api(client: &Client) -> Vec<String> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let mut made = Vec::new();
    for text in include_str!("../../fixtures/reports/openreports.yaml").split("---\n") {
        let definition: CustomResourceDefinition = serde_saphyr::from_str(text).unwrap();
        if definitions.create(&PostParams::default(), &definition).await.is_ok() {
            made.extend(definition.metadata.name);
        }
    }
    let begun = Instant::now();
    let group = GroupVersionKind::gvk("openreports.io", "v1alpha1", "ClusterReport");
    while kube::discovery::pinned_kind(client, &group).await.is_err() {
        assert!(begun.elapsed() < SOON, "the report API is not served");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    made
}

async fn drop_report_api(client: &Client, made: Vec<String>) {
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    for name in made {
        let _ = definitions.delete(&name, &DeleteParams::default()).await;
    }
}

/// A replica that scans every ten seconds, and leads in a namespace of its own.
fn replica(world: &World) -> Gate {
    let namespace = world.namespace(0);
    Gate::start(&["--cluster", "--gate-namespace", &namespace, "--identity", "one", "--scan-every", "10s"])
}

/// Waits for so many more scans to end, with what they had to write.
async fn scans(gate: &Gate, more: usize) {
    let ended = || {
        let lines = gate.logged();
        lines.iter().filter(|line| line["message"] == "reports were brought in line").count()
    };
    let (before, begun) = (ended(), Instant::now());
    while ended() < before + more {
        assert!(begun.elapsed() < SOON, "no scan ended: {:?}", gate.logged());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn reports_are_written_once_and_again_only_where_something_changed() {
    in_cluster("reports", |world, _| async move {
        world.fill(50).await;
        let made = with_report_api(&world.client).await;
        let outcome = tokio::spawn(follow_reports(world.clone())).await;
        drop_report_api(&world.client, made).await;
        outcome.unwrap();
    });
}

async fn follow_reports(world: World) {
    let gate = replica(&world);
    let first = world.written_until(|written| written.len() == 50).await;
    assert!(first.values().all(|(_, failures)| *failures == 1), "{first:?}");
    let report = world.reports(&world.namespace(7)).get("soc2gate").await.unwrap();
    assert_eq!(report.metadata.labels.as_ref().unwrap()["app.kubernetes.io/managed-by"], "soc2gate");
    let worst = &report.data["results"][0];
    assert_eq!(
        (&worst["rule"], &worst["result"], &worst["category"]),
        (&json!(PRIVILEGED), &json!("fail"), &json!("CC6.1"))
    );
    assert_eq!(
        worst["resources"],
        json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web",
        "namespace": world.namespace(7)}])
    );

    scans(&gate, 2).await;
    assert_eq!(world.written().await, first, "a scan that finds the same writes nothing");

    // One is mended, one goes with its namespace, one is tampered with, one is taken over.
    let mended = serde_json::to_value(deployment("web", false)).unwrap();
    let patch = Patch::Merge(&mended);
    world.deployments(&world.namespace(1)).patch("web", &PatchParams::default(), &patch).await.unwrap();
    let namespaces: Api<Namespace> = Api::all(world.client.clone());
    namespaces.delete(&world.namespace(2), &DeleteParams::default()).await.unwrap();
    let edit = async |number, edit: Value| {
        let reports = world.reports(&world.namespace(number));
        reports.patch("soc2gate", &PatchParams::default(), &Patch::Merge(&edit)).await.unwrap();
    };
    edit(3, json!({"summary": {"fail": 0}})).await;
    edit(
        4,
        json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "another"}}, "summary": {"fail": 9}}),
    )
    .await;
    let failures = |written: &BTreeMap<String, (String, i64)>, number| {
        written.get(&world.namespace(number)).map(|(_, failures)| *failures)
    };
    let then = world
        .written_until(|written| {
            let of = |number| failures(written, number);
            (of(1), of(2), of(3)) == (Some(0), None, Some(1))
        })
        .await;
    assert_eq!(failures(&then, 4), Some(9), "what is somebody else's stays as it is");
    let untouched = |number| then[&world.namespace(number)] == first[&world.namespace(number)];
    assert!((5..50).all(untouched), "{then:?}");
    let metrics = gate.admin("/metrics").await.text().to_owned();
    assert!(metrics.contains(r#"soc2gate_scan_findings{check="privileged-container""#), "{metrics}");
}

#[test]
fn only_the_replica_that_leads_scans_and_shows_findings() {
    in_cluster("leads", |world, _| async move {
        world.fill(1).await;
        let first = replica(&world);
        first.admin_until("/readyz?verbose", |text| text.contains("this replica leads")).await;
        let second = Gate::start(&[
            "--cluster",
            "--gate-namespace",
            &world.namespace(0),
            "--identity",
            "two",
            "--scan-every",
            "10s",
        ]);
        let shows = |text: &str| text.contains("soc2gate_scan_findings{");
        first.admin_until("/metrics", shows).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!shows(second.admin("/metrics").await.text()));
        drop(first);
        let begun = Instant::now();
        while !shows(second.admin("/metrics").await.text()) {
            assert!(begun.elapsed() < SOON, "nobody took over");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    });
}

/// Runs `soc2gate scan` over the test's namespace.
fn scan(world: &World, kubeconfig: &Path, arguments: &[&str]) -> Run {
    let namespace = world.namespace(0);
    let arguments = [&["scan", "--namespace", &namespace], arguments].concat();
    run_with(kubeconfig.parent().unwrap(), &arguments, "")
}

#[test]
fn the_command_tells_what_runs_and_how_it_stands() {
    in_cluster("command", |world, path| async move {
        world.fill(1).await;
        world
            .deployments(&world.namespace(0))
            .create(&PostParams::default(), &deployment("api", false))
            .await
            .unwrap();
        let path = Path::new(&path);
        let namespace = world.namespace(0);

        let run = scan(&world, path, &["--select", PRIVILEGED]);
        assert_eq!(run.code, 1, "{}{}", run.out, run.err);
        let told = format!(
            "deployment.apps/web -n {namespace}\n  enforce critical CC6.1 {PRIVILEGED}: spec.template.spec."
        );
        assert!(run.out.starts_with(&told), "{}", run.out);
        assert!(run.out.contains("not scanned: secrets: Secrets are never read\n"), "{}", run.out);
        assert!(run.out.contains(": 1 finding (1 enforce, 0 warn, 0 audit)"), "{}", run.out);

        let run = scan(&world, path, &["-o", "json"]);
        let account: Value = serde_json::from_str(&run.out).unwrap();
        let of_check =
            account["checks"].as_array().unwrap().iter().find(|of| of["check"] == PRIVILEGED).unwrap();
        assert_eq!((&of_check["enforce"], &of_check["warn"]), (&json!(1), &json!(0)));
        let places: Vec<_> =
            account["namespaces"].as_array().unwrap().iter().map(|of| &of["namespace"]).collect();
        assert_eq!(places, [&json!(""), &json!(namespace)], "the namespace itself is in none");
        assert!(account["scan"]["policyDigest"].as_str().unwrap().starts_with("sha256:"));
        let left_out = account["notScanned"].as_array().unwrap();
        let why =
            |resource: &str| left_out.iter().find(|not| not["resource"] == resource).map(|not| &not["why"]);
        assert_eq!(why("secrets"), Some(&json!("left-out")));
        assert_eq!(why("clusterroles.rbac.authorization.k8s.io"), Some(&json!("left-out")));

        let run = scan(&world, path, &["-o", "sarif", "--select", PRIVILEGED]);
        let log = sarif::log(&run);
        let location = &log["results"][0]["locations"][0];
        assert_eq!(
            location["logicalLocations"][0]["fullyQualifiedName"],
            json!(format!("Deployment/{namespace}/web"))
        );
        assert!(location.get("physicalLocation").is_none(), "{location}");
    });
}

#[test]
fn exit_codes_tell_findings_from_what_could_not_be_read() {
    in_cluster("codes", |world, path| async move {
        world.fill(1).await;
        let path = Path::new(&path);
        let run = scan(&world, path, &["--select", "host-namespace"]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", run.out);
        let run = scan(&world, path, &["--select", PRIVILEGED, "--mode-ceiling", "warn"]);
        assert_eq!(run.code, 0, "{}", run.out);
        for (arguments, expected) in [
            (
                vec!["--namespace", "soc2gate-no-such"],
                "--namespace: there is no namespace `soc2gate-no-such`",
            ),
            (vec!["--context", "no-such"], "--context: `no-such` of the kubeconfig cannot be used"),
            (vec!["--policies", "no-such-directory"], "no-such-directory"),
        ] {
            let run = scan(&world, path, &arguments);
            assert_eq!(run.code, 2, "{}{}", run.out, run.err);
            assert!(run.err.contains(expected), "{}", run.err);
        }
    });
}

/// A kubeconfig beside the first, by which one acts as somebody else.
fn acting_as(path: &str, user: &str) -> tempfile::TempDir {
    let mut config = Kubeconfig::read_from(path).unwrap();
    for named in &mut config.auth_infos {
        named.auth_info.get_or_insert_with(AuthInfo::default).impersonate = Some(user.to_owned());
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("config"), serde_json::to_string(&config).unwrap()).unwrap();
    directory
}

#[test]
fn what_may_not_be_read_is_told_and_all_else_is_judged() {
    in_cluster("rights", |world, path| async move {
        world.fill(1).await;
        let namespace = world.namespace(0);
        let user = format!("{}-user", world.prefix);
        let put = async |kind: &str, object: Value| {
            let api = world.api("rbac.authorization.k8s.io", "v1", kind, &namespace);
            api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
        };
        let rules = json!([{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["list"]}]);
        put("Role", json!({"metadata": {"name": "reader"}, "rules": rules})).await;
        put(
            "RoleBinding",
            json!({"metadata": {"name": "reader"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]}),
        )
        .await;
        // Without this right it would be judged by other policies than the cluster's, where it has any.
        let everywhere = |kind: &str| world.api("rbac.authorization.k8s.io", "v1", kind, "");
        for (kind, object) in [
            (
                "ClusterRole",
                json!({"metadata": {"name": user}, "rules": [
                {"apiGroups": ["soc2gate.io"], "resources": ["controlpolicies", "exemptions"], "verbs": ["list"]}]}),
            ),
            (
                "ClusterRoleBinding",
                json!({"metadata": {"name": user},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
                "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}]}),
            ),
        ] {
            let object = serde_json::from_value(object).unwrap();
            everywhere(kind).create(&PostParams::default(), &object).await.unwrap();
        }
        let directory = acting_as(&path, &user);
        let output = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
            .args(["scan", "--namespace", &namespace, "--select", PRIVILEGED, "-o", "json"])
            .env("KUBECONFIG", directory.path().join("config"))
            .output()
            .unwrap();
        for kind in ["ClusterRoleBinding", "ClusterRole"] {
            everywhere(kind).delete(&user, &Default::default()).await.unwrap();
        }
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(2), "{out}{err}");
        assert!(err.contains("pods: not scanned: it may not be read: "), "{err}");
        let account: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(account["findings"][0]["object"]["name"], "web", "{out}");
        let failed = account["notScanned"].as_array().unwrap().iter().filter(|not| not["why"] == "forbidden");
        assert!(failed.clone().any(|not| not["resource"] == "pods") && failed.count() > 3, "{out}");
    });
}
