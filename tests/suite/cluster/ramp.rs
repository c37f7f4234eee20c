//! What `soc2gate ramp` tells of a real cluster, and that what it prints is taken and does what it says.

use std::{collections::BTreeMap, path::Path};

use jiff::ToSpan;
use kube::{
    Api,
    api::{DynamicObject, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use soc2gate::cluster::{Cluster as Connected, Store, Watched, definitions::policy_resource, today};

use super::definitions::{Cluster, policy};
use crate::cli::{Run, run_with};

const PRIVILEGED: &str = "privileged-container";

/// Checks that the tests are about.
const ASKED: [&str; 8] =
    ["--check", PRIVILEGED, "--check", "host-port", "--check", "root-user", "--check", "unmasked-proc-mount"];

fn deployments(cluster: &Cluster) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("apps", "v1", "Deployment"));
    Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &kind)
}

async fn deploy(cluster: &Cluster, name: &str, labels: Value, container: Value) {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    });
    let params = PatchParams::apply("test").force();
    deployments(cluster).patch(name, &params, &Patch::Apply(deployment)).await.unwrap();
}

/// The checks were watched for so many days; some found something as many days ago.
async fn observed(cluster: &Cluster, days: i64, found: &[(&str, i64)]) {
    let (client, namespace) = (cluster.client.clone(), cluster.namespace.clone());
    let store = Store::of(&Connected { client, namespace, identity: "test".to_owned() });
    let ago = |days: i64| today().saturating_sub(days.days());
    let change = |record: &mut soc2gate::cluster::Record| {
        for check in soc2gate::checks::all() {
            record.watched.insert(check.id.to_owned(), Watched { since: ago(days), last: today() });
        }
        record.namespaces.insert(cluster.namespace.clone(), ago(days));
        for (check, days) in found {
            record
                .found
                .entry((*check).to_owned())
                .or_default()
                .insert(cluster.namespace.clone(), ago(*days));
        }
    };
    store.update(change).await.unwrap();
}

fn ramp(cluster: &Cluster, arguments: &[&str]) -> Run {
    let own = ["ramp", "--gate-namespace", &cluster.namespace];
    run_with(Path::new("."), &[&own[..], arguments].concat(), "")
}

fn told(cluster: &Cluster, arguments: &[&str]) -> Value {
    let run = ramp(cluster, &[arguments, &["-o", "json"]].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err))
}

/// Verdict and reason of each check.
fn verdicts(told: &Value) -> BTreeMap<&str, String> {
    let verdict = |check: &'_ Value| {
        format!("{} {}", check["verdict"].as_str().unwrap(), check["reason"].as_str().unwrap())
    };
    let checks = told["checks"].as_array().unwrap().iter();
    checks.map(|check| (check["check"].as_str().unwrap(), verdict(check).trim().to_owned())).collect()
}

/// Applies everything that was printed, as a person would.
async fn apply(cluster: &Cluster, told: &Value) {
    for step in told["apply"].as_array().unwrap() {
        let kind = policy_resource();
        if let Some(yaml) = step["manifest"].as_str() {
            let documents = soc2gate::manifest::parse("printed.yaml", yaml).unwrap();
            let manifest = serde_json::from_str(&documents[0].to_json_text()).unwrap();
            cluster.apply(&kind, manifest).await.unwrap();
        } else {
            let name = step["policy"].as_str().unwrap();
            patch(&cluster.api(&kind), name, &step["patch"]).await;
        }
    }
    let ceiling = &told["ceiling"]["patch"];
    if let Some(deployment) = ceiling["deployment"].as_str() {
        patch(&deployments(cluster), deployment, &ceiling["operations"]).await;
    }
}

async fn patch(api: &Api<DynamicObject>, name: &str, operations: &Value) {
    let patch: Patch<()> = Patch::Json(serde_json::from_value(operations.clone()).unwrap());
    api.patch(name, &PatchParams::default(), &patch)
        .await
        .unwrap_or_else(|error| panic!("{error}: {operations}"));
}

fn serving(arguments: Value) -> Value {
    json!({"name": "soc2gate", "image": "registry.example.com/soc2gate:1", "args": arguments})
}

fn own_labels() -> Value {
    json!({"app.kubernetes.io/name": "soc2gate"})
}

#[tokio::test]
async fn only_what_was_clean_for_long_enough_and_would_deny_nothing_is_ready() {
    let Some(cluster) = Cluster::connect("ramp").await else { return };
    let mixed = json!([
        {"id": PRIVILEGED, "mode": "warn"}, {"id": "host-port", "mode": "warn"}, {"id": "root-user", "mode": "audit"},
        {"id": "unmasked-proc-mount", "mode": "enforce"},
    ]);
    cluster.apply(&policy_resource(), policy("cc6.1-access", mixed)).await.unwrap();
    let container =
        json!({"name": "app", "image": "app:1", "ports": [{"containerPort": 80, "hostPort": 80}]});
    deploy(&cluster, "web", json!({}), container).await;
    let run = ramp(&cluster, &[&ASKED[..], &["--fail-if-not-ready"]].concat());
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("unknown: nothing was observed yet"), "{}", run.out);

    observed(&cluster, 20, &[("root-user", 3)]).await;
    let answer = told(&cluster, &ASKED);
    let verdicts_now = verdicts(&answer);
    assert_eq!(verdicts_now[PRIVILEGED], "ready", "{answer}");
    assert_eq!(verdicts_now["host-port"], format!("not yet would deny 1 in {}", cluster.namespace));
    let root = format!("not yet found something in {} 3 days ago", cluster.namespace);
    assert_eq!(verdicts_now["root-user"], root);
    assert_eq!(verdicts_now["unmasked-proc-mount"], "in force");
    let port =
        answer["checks"].as_array().unwrap().iter().find(|check| check["check"] == "host-port").unwrap();
    assert_eq!(port["wouldDeny"][&cluster.namespace]["examples"], json!(["deployment.apps/web"]));

    let expected = json!([{"policy": "cc6.1-access", "patch": [
        {"op": "test", "path": "/spec/checks/0/id", "value": PRIVILEGED},
        {"op": "test", "path": "/spec/checks/0/mode", "value": "warn"},
        {"op": "replace", "path": "/spec/checks/0/mode", "value": "enforce"},
    ]}]);
    assert_eq!(answer["apply"], expected);
    let text = ramp(&cluster, &ASKED).out;
    assert!(text.contains("\nkubectl patch controlpolicy cc6.1-access --type=json -p '[{"), "{text}");
    apply(&cluster, &answer).await;
    assert_eq!(verdicts(&told(&cluster, &ASKED))[PRIVILEGED], "in force");

    // A day later it may be another world.
    observed(&cluster, 20, &[("host-port", 0)]).await;
    let elsewhere = told(&cluster, &["--check", "host-port", "--namespace", "default"]);
    assert_eq!(verdicts(&elsewhere)["host-port"], "unknown nothing was seen of namespace default yet");
    cluster.leave().await;
}

#[tokio::test]
async fn without_the_ceiling_nothing_but_what_is_ready_is_applied_harder() {
    let Some(cluster) = Cluster::connect("ceiling").await else { return };
    let arguments = json!(["serve", "--cluster", "--mode-ceiling=audit", "--admin-listen=0.0.0.0:9090"]);
    deploy(&cluster, "soc2gate", own_labels(), serving(arguments)).await;
    observed(&cluster, 20, &[("host-port", 1)]).await;
    let asked = ["--check", PRIVILEGED, "--check", "host-port"];
    let answer = told(&cluster, &asked);
    assert_eq!(answer["ceiling"]["mode"], "audit");
    let text = ramp(&cluster, &asked).out;
    for words in [
        "audit (states enforce)",
        "The gate runs under --mode-ceiling audit, which must go",
        "kubectl apply -f - <<'END'\napiVersion: soc2gate.io/v1\nkind: ControlPolicy\n",
        &format!("kubectl patch deployment soc2gate -n {} --type=json -p '[{{", cluster.namespace),
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    apply(&cluster, &answer).await;
    let left = deployments(&cluster).get("soc2gate").await.unwrap();
    let arguments = &left.data["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(*arguments, json!(["serve", "--cluster", "--admin-listen=0.0.0.0:9090"]));
    let all = told(&cluster, &[]);
    assert_eq!(all["ceiling"], Value::Null);
    for check in all["checks"].as_array().unwrap() {
        let expected = if check["check"] == PRIVILEGED { "enforce" } else { "audit" };
        assert_eq!(check["mode"], expected, "{}", check["check"]);
        assert_eq!(check["statedMode"], expected, "{}", check["check"]);
    }
    cluster.leave().await;
}

#[tokio::test]
async fn in_one_namespace_a_policy_of_its_own_raises_what_is_ready_there() {
    let Some(cluster) = Cluster::connect("narrow").await else { return };
    deploy(&cluster, "soc2gate", own_labels(), serving(json!(["serve", "--cluster"]))).await;
    observed(&cluster, 20, &[]).await;
    let asked = ["--check", "root-user", "--namespace", &cluster.namespace];
    let answer = told(&cluster, &asked);
    assert_eq!(verdicts(&answer)["root-user"], "ready", "{answer}");
    assert_eq!(answer["apply"][0]["policy"], format!("cc6.1-access.{}", cluster.namespace));
    apply(&cluster, &answer).await;
    assert_eq!(verdicts(&told(&cluster, &asked))["root-user"], "in force");
    assert_eq!(
        verdicts(&told(&cluster, &["--check", "root-user"]))["root-user"],
        "ready",
        "elsewhere as before"
    );
    cluster.leave().await;
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_with_what_to_change() {
    let Some(cluster) = Cluster::connect("asked").await else { return };
    for (arguments, expected) in [
        (&["--check", "privilged-container"][..], "did you mean `privileged-container`"),
        (&["--criterion", "CC99"], "CC99"),
        (&["--to", "audit"], "use warn or enforce"),
        (&["--days", "0"], "--days"),
        (&["--namespace", "no-such-namespace"], "there is no namespace `no-such-namespace`"),
    ] {
        let run = ramp(&cluster, arguments);
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.err.contains(expected), "{arguments:?}: {}", run.err);
    }
    cluster.leave().await;
}
