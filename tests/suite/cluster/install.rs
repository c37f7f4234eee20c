//! Installing into a real cluster and leaving it again, and what the guard keeps meanwhile.

mod cold_start;
mod guard;
mod request;
mod rights;

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    time::{Duration, Instant},
};

use kube::{
    Api, Client, Discovery,
    api::{DynamicObject, ListParams, Patch, PatchParams},
    core::discovery::{Scope, verbs},
};
use serde_json::{Value, json};
use soc2gate::{
    cluster::{Id, Objects, connect_as},
    installation::{Wanted, everything, render},
};

use super::{alone, kubeconfig};

const IMAGE: &str = "registry.example.com/security/soc2gate:0.1.0";

/// Whoever may do everything but is no installer.
const ROOT: &[&str] = &["--as", "root", "--as-group", "system:masters"];

const INSTALLER: &[&str] =
    &["--as", "ann", "--as-group", "system:masters", "--as-group", "soc2gate:installers"];

fn soc2gate(arguments: &[&[&str]]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_soc2gate")).args(arguments.concat()).output().unwrap();
    eprintln!("{}", String::from_utf8_lossy(&run.stderr));
    run
}

/// Runs the program, which must succeed, and returns what it told.
fn done(arguments: &[&[&str]]) -> String {
    let run = soc2gate(arguments);
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stderr).unwrap()
}

/// Of how many objects an installation is made.
fn parts() -> usize {
    render(&Wanted::default()).unwrap().len()
}

fn install(arguments: &[&[&str]]) -> String {
    done(&[&["install", "--apply", "--image", IMAGE], &arguments.concat()])
}

async fn client() -> Client {
    soc2gate::server::install_provider();
    connect_as(None, &[]).await.unwrap()
}

/// Begins a test alone in a cluster without a gate; none where there is no cluster.
async fn begin() -> Option<super::Alone> {
    kubeconfig()?;
    let alone = alone().await;
    clean();
    Some(alone)
}

/// Takes away what an interrupted test may have left.
fn clean() {
    done(&[&["uninstall", "--yes"], INSTALLER]);
}

/// Waits for what must happen.
async fn soon<F: Future<Output = bool>>(what: &str, has_happened: impl Fn() -> F) {
    let begun = Instant::now();
    while !has_happened().await {
        assert!(begun.elapsed() < Duration::from_secs(30), "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every object of the cluster, apart from Events and from what the control plane renews by itself.
async fn census(client: &Client) -> BTreeSet<String> {
    let discovery = Discovery::new(client.clone()).run().await.unwrap();
    let mut all = BTreeSet::new();
    for (resource, capabilities) in discovery.groups().flat_map(|group| group.recommended_resources()) {
        if !capabilities.supports_operation(verbs::LIST)
            || ["Event", "Lease", "ComponentStatus"].contains(&&*resource.kind)
        {
            continue;
        }
        let api = Api::<DynamicObject>::all_with(client.clone(), &resource);
        for object in api.list(&ListParams::default()).await.unwrap() {
            let is_namespaced = capabilities.scope == Scope::Namespaced;
            let namespace = object.metadata.namespace.filter(|_| is_namespaced).unwrap_or_default();
            all.insert(format!("{} {namespace}/{}", resource.kind, object.metadata.name.unwrap_or_default()));
        }
    }
    all
}

/// As if a kubelet ran the replicas.
async fn pretend_to_run(client: &Client, namespace: &str) {
    let deployments = Api::<k8s_openapi::api::apps::v1::Deployment>::namespaced(client.clone(), namespace);
    let pods = Api::<k8s_openapi::api::core::v1::Pod>::namespaced(client.clone(), namespace);
    soon("two replicas run", || async {
        let now = "2026-01-01T00:00:00Z";
        let ready = json!({"status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
        }});
        for pod in pods.list(&ListParams::default()).await.unwrap() {
            let name = pod.metadata.name.unwrap_or_default();
            let _ = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&ready)).await;
        }
        let status = deployments.get_opt("soc2gate").await.unwrap().and_then(|found| found.status);
        status.is_some_and(|status| status.available_replicas >= Some(2))
    })
    .await;
}

/// As if the gate had written its CA.
async fn pretend_to_have_a_ca(client: &Client) {
    use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
    let api = Api::<ValidatingWebhookConfiguration>::all(client.clone());
    soon("the gate is registered", || async { api.get_opt("soc2gate").await.unwrap().is_some() }).await;
    let write = |at: usize| json!({"op": "add", "path": format!("/webhooks/{at}/clientConfig/caBundle"), "value": ca()});
    let patch = serde_json::from_value(Value::Array((0..4).map(write).collect())).unwrap();
    api.patch("soc2gate", &PatchParams::default(), &Patch::<()>::Json(patch)).await.unwrap();
}

/// A CA of nobody, in base64.
fn ca() -> String {
    use base64::{Engine, prelude::BASE64_STANDARD};
    let state = tempfile::tempdir().unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--state"])
        .arg(state.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let mut run = run.unwrap();
    let begun = Instant::now();
    let pem = loop {
        match std::fs::read(state.path().join("ca.crt")) {
            Ok(pem) if !pem.is_empty() => break pem,
            _ => assert!(begun.elapsed() < Duration::from_secs(20)),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    run.kill().unwrap();
    run.wait().unwrap();
    BASE64_STANDARD.encode(pem)
}

#[tokio::test]
async fn nothing_is_left_of_what_was_installed() {
    let Some(_alone) = begin().await else { return };
    let client = client().await;
    let before = census(&client).await;
    for (namespace, flags) in
        [("soc2gate", &[][..]), ("gate-2", &["--mode", "warn", "--exclude-namespace", "sandbox"])]
    {
        let told = install(&[&["--namespace", namespace], flags]);
        assert_eq!(told.matches("create ").count(), parts(), "{told}");
        let api = Api::<k8s_openapi::api::core::v1::Secret>::namespaced(client.clone(), namespace);
        let secret = json!({"metadata": {"name": "soc2gate-tls"}, "data": {}});
        let by_the_gate =
            connect_as(Some("ann"), &["system:masters".into(), "soc2gate:installers".into()]).await;
        let api = Api::namespaced(by_the_gate.unwrap(), api.namespace().unwrap());
        api.create(
            &Default::default(),
            &serde_json::from_value::<k8s_openapi::api::core::v1::Secret>(secret).unwrap(),
        )
        .await
        .unwrap();
        let told = done(&[&["uninstall"], ROOT]);
        assert_eq!(told.matches("would remove ").count(), parts(), "the namespace is found: {told}");
        let told = done(&[&["uninstall", "--yes"], ROOT]);
        assert!(told.contains(&format!("removed Namespace {namespace}")), "{told}");
        let after = census(&client).await;
        let left: Vec<_> = after.difference(&before).collect();
        let lost: Vec<_> = before.difference(&after).collect();
        assert_eq!((left, lost), (vec![], vec![]));
    }
    assert!(done(&[&["uninstall", "--yes"]]).contains("nothing of the gate is here"));
}

#[tokio::test]
async fn a_second_installation_changes_nothing() {
    let Some(_alone) = begin().await else { return };
    let client = client().await;
    install(&[]);
    pretend_to_have_a_ca(
        &connect_as(Some("ann"), &["system:masters".into(), "soc2gate:installers".into()]).await.unwrap(),
    )
    .await;
    let dry = install(&[&["--dry-run"], INSTALLER]);
    assert_eq!(dry.matches("unchanged ").count(), parts(), "{dry}");
    let again = install(&[INSTALLER]);
    assert!(again.contains("everything is as it should be"), "{again}");
    let warn = install(&[&["--mode", "warn", "--replicas", "1"], INSTALLER]);
    let changed: Vec<_> = warn.lines().filter(|line| !line.starts_with("unchanged")).collect();
    assert!(changed.contains(&"change    Deployment soc2gate/soc2gate"), "{warn}");
    assert!(changed.contains(&"remove    PodDisruptionBudget soc2gate/soc2gate"), "{warn}");
    let registration = Id {
        api_version: "admissionregistration.k8s.io/v1".into(),
        kind: "ValidatingWebhookConfiguration".into(),
        namespace: String::new(),
        name: "soc2gate".into(),
    };
    let live = Objects::new(client).get(&registration).await.unwrap().unwrap();
    assert_eq!(
        live["webhooks"][0]["clientConfig"]["caBundle"].as_str().map(str::is_empty),
        Some(false),
        "the CA stays"
    );
    clean();
}

#[tokio::test]
async fn a_gate_in_another_namespace_is_not_installed_twice() {
    let Some(_alone) = begin().await else { return };
    install(&[&["--namespace", "gate-2"]]);
    let run = soc2gate(&[&["install", "--apply", "--image", IMAGE], INSTALLER]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(!run.status.success() && told.contains("installed in namespace gate-2"), "{told}");
    clean();
}

#[tokio::test]
async fn nothing_waits_for_a_gate_that_has_never_answered() {
    let Some(_alone) = begin().await else { return };
    let client = client().await;
    let policies = async || {
        use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
        let live = Api::<ValidatingWebhookConfiguration>::all(client.clone()).get("soc2gate").await.unwrap();
        live.webhooks.unwrap().into_iter().map(|webhook| webhook.failure_policy.unwrap()).collect::<Vec<_>>()
    };
    let flags = ["--mode", "enforce", "--fail-closed", "all", "--timeout", "2"];
    let run = soc2gate(&[&["install", "--apply", "--image", IMAGE], &flags]);
    let told = String::from_utf8(run.stderr).unwrap();
    assert!(!run.status.success() && told.contains("the gate does not answer yet"), "{told}");
    assert_eq!(policies().await, ["Ignore"; 4]);
    pretend_to_run(&client, "soc2gate").await;
    let run = soc2gate(&[&["install", "--apply", "--image", IMAGE], &flags]);
    assert!(String::from_utf8(run.stderr).unwrap().contains("no CA has been written"));
    assert_eq!(policies().await, ["Ignore"; 4]);
    pretend_to_have_a_ca(&client).await;
    install(&[&flags]);
    assert_eq!(policies().await, ["Fail"; 4]);

    // Nobody answers: what the gate would be asked about waits, and uninstalling does not.
    let namespaces = Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone());
    let other = serde_json::from_value(json!({"metadata": {"name": "install-test"}})).unwrap();
    soon("the cluster waits for the gate", || async {
        let created =
            namespaces.create(&kube::api::PostParams { dry_run: true, ..Default::default() }, &other).await;
        created.is_err_and(|error| error.to_string().contains("failed calling webhook"))
    })
    .await;
    let told = done(&[&["uninstall", "--yes"], ROOT]);
    assert!(told.contains("removed Namespace soc2gate"), "{told}");
}

#[tokio::test]
async fn kubectl_applies_each_of_the_manifests() {
    if Command::new("kubectl").arg("version").output().is_err() {
        return eprintln!("NOT RUN: kubectl_applies_each_of_the_manifests needs kubectl");
    }
    let Some(_alone) = begin().await else { return };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests");
    let kubectl = |folder: &str| {
        let run = Command::new("kubectl")
            .args(["apply", "-k", &format!("{root}/{folder}")])
            .args(INSTALLER)
            .output();
        let run = run.unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    };
    let told = kubectl("");
    assert_eq!(told.matches(" created").count(), parts(), "{told}");
    let again = kubectl("");
    assert_eq!(
        again.matches(" unchanged").count() + again.matches(" configured").count(),
        parts(),
        "{again}"
    );
    let warn = kubectl("overlays/warn");
    assert!(warn.contains("deployment.apps/soc2gate configured"), "{warn}");
    // Without a gate `guard` waits for it; nothing of the manifests needs to ask.
    let enforce = kubectl("overlays/enforce");
    assert!(
        enforce.contains("validatingwebhookconfiguration.admissionregistration.k8s.io/soc2gate configured"),
        "{enforce}"
    );
    clean();
}

#[tokio::test]
async fn the_api_server_takes_every_object_as_it_is_written() {
    let Some(_alone) = begin().await else { return };
    install(&[]);
    let installer =
        connect_as(Some("ann"), &["system:masters".into(), "soc2gate:installers".into()]).await.unwrap();
    let mut cluster = Objects::new(installer);
    let wanted = Wanted { cert_manager: true, ..Wanted::default() };
    let served = async |cluster: &mut Objects, object: &Value| cluster.serves(&Id::of(object)).await.unwrap();
    for object in everything("soc2gate").unwrap().iter().chain(&render(&wanted).unwrap()) {
        if !served(&mut cluster, object).await {
            continue;
        }
        let after = cluster.apply(object, "test", true).await.unwrap().unwrap();
        assert!(holds(&after, object), "{}: something was dropped or changed", Id::of(object));
    }
    clean();
}

/// Whether one value has everything that another one has: what the API server does not know it drops.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|found| holds(found, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        // `1.0` comes back as `1`.
        (Value::Number(whole), Value::Number(part)) => whole.as_f64() == part.as_f64(),
        (whole, part) => whole == part,
    }
}
