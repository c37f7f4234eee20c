//! What makes pods: every kind, every way to write, and what was there before the gate.

use serde_json::json;

use super::{
    kubectl::{pod, privileged, until, workload},
    registered::{Ground, Registered, metric},
};

const KINDS: [(&str, &str); 8] = [
    ("v1", "PodTemplate"),
    ("v1", "ReplicationController"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
];

#[tokio::test]
async fn a_privileged_pod_is_denied_through_every_kind_that_makes_pods() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    registered.apply(&privileged("web")).denied_by("workloads", "privileged-container");
    for (api_version, kind) in KINDS {
        let bad = workload(api_version, kind, "web", &privileged("web"));
        registered.apply(&bad).denied_by("workloads", "privileged-container");
        // The same without it passes, so that nothing else is wrong with the object.
        let good = workload(api_version, kind, "web", &pod("web", json!({})));
        registered.apply(&good).done();
        let said = registered.apply(&bad);
        assert!(!said.is_done, "{kind} was made worse: {said:?}");
    }
    let made = registered.get("pods")["items"].as_array().unwrap().clone();
    assert!(made.iter().all(|pod| pod["spec"]["containers"][0]["securityContext"].is_null()), "{made:?}");
}

#[tokio::test]
async fn a_name_that_the_api_server_makes_hides_nothing() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let mut unnamed = privileged("web");
    unnamed["metadata"] = json!({"generateName": "web-"});
    let said = registered.kubectl_with("create -f -", &unnamed);
    let _ = said.denied_by("workloads", "privileged-container");
    let logged = registered.gate.logged();
    let denial = logged.iter().find(|line| line["checks"] == "privileged-container").unwrap();
    assert!(denial["name"].as_str().unwrap().starts_with("web-"), "{denial}");
    unnamed["spec"] = pod("web", json!({}))["spec"].clone();
    registered.kubectl_with("create -f -", &unnamed).done();
}

#[tokio::test]
async fn of_a_collection_each_object_is_asked_about_under_its_own_name() {
    let Some(ground) = Ground::make().await else { return };
    let registered = ground.gate("Fail", &["--cluster"]);
    let policy = |name: &str, labels: serde_json::Value| {
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": name},
            "spec": {"podSelector": labels, "policyTypes": ["Ingress", "Egress"]},
        })
    };
    registered.apply(&policy("default-deny", json!({}))).done();
    let collection =
        format!("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies", registered.namespace);
    let said = super::kubectl::run(&["delete", "--raw", &collection], "");
    let said = said.denied_by("config", "loosened-network-policy");
    assert!(said.err.contains("default-deny"), "{}", said.err);
    assert!(!registered.get("networkpolicy default-deny").is_null());
    for name in ["a", "b"] {
        registered.apply(&pod(name, json!({}))).done();
    }
    let collection = format!("/api/v1/namespaces/{}/pods", registered.namespace);
    super::kubectl::run(&["delete", "--raw", &collection], "").done();
    until("both pods are gone", || registered.get("pods")["items"].as_array().is_none_or(Vec::is_empty));
    let deleted = r#"soc2gate_decisions_total{kind="Pod",operation="DELETE",outcome="allow"}"#;
    assert!(metric(&registered.gate, deleted) >= 2);
}

/// How many pods of this app there are that are not leaving.
fn pods_of(registered: &Registered, app: &str) -> usize {
    let pods = registered.get(&format!("pods -l app={app}"));
    let pods = pods["items"].as_array().into_iter().flatten();
    pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).count()
}

#[tokio::test]
async fn what_was_there_before_can_be_changed_scaled_and_rescheduled_and_not_made_worse() {
    let Some(ground) = Ground::make().await else { return };
    let legacy = workload("apps/v1", "Deployment", "legacy", &privileged("legacy"));
    let namespace = ground.namespace.clone();
    super::kubectl::kubectl_with(&format!("apply -f - -n {namespace}"), &legacy).done();
    let registered = ground.gate("Fail", &["--cluster"]);
    until("its first pod is there", || pods_of(&registered, "legacy") == 1);
    let _ = registered.kubectl("annotate deployment legacy team=shop").warned_by("privileged-container");
    registered.kubectl("scale deployment legacy --replicas=3").done();
    until("it is scaled", || pods_of(&registered, "legacy") == 3);
    let scaled = r#"soc2gate_decisions_total{kind="Scale",operation="UPDATE",outcome="allow"}"#;
    assert!(
        metric(&registered.gate, scaled) + metric(&registered.gate, &scaled.replace("allow", "warn")) >= 1
    );
    // A pod that goes away comes back.
    let gone =
        registered.get("pods -l app=legacy")["items"][0]["metadata"]["name"].as_str().unwrap().to_owned();
    registered.kubectl(&format!("delete pod {gone} --grace-period=0 --force")).done();
    until("it came back", || {
        registered.get(&format!("pod {gone}")).is_null() && pods_of(&registered, "legacy") == 3
    });
    // So does it under another image, through a ReplicaSet that is new.
    let image = format!("registry.example.com/shop/app:1.1@sha256:{}", "2".repeat(64));
    registered.kubectl(&format!("set image deployment legacy app={image}")).done();
    until("the new image is rolled out", || {
        let pods = registered.get("pods -l app=legacy");
        pods["items"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|pod| pod["spec"]["containers"][0]["image"] == *image)
    });
    // Worse it does not get.
    let mut worse = registered.get("deployment legacy");
    worse["spec"]["template"]["spec"]["hostPID"] = true.into();
    let said = registered.kubectl_with("replace -f -", &worse).denied_by("workloads", "host-namespace");
    assert!(!said.complaint().contains("privileged-container"), "{}", said.err);
    // And it excuses nobody else: neither one more of its kind, nor a pod that claims to be one of its own.
    let more = workload("apps/v1", "Deployment", "more", &privileged("more"));
    registered.apply(&more).denied_by("workloads", "privileged-container");
    let owner = registered.get("replicasets -l app=legacy")["items"][0].clone();
    let mut forged = privileged("forged");
    forged["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true,
    }]);
    registered.apply(&forged).denied_by("workloads", "privileged-container");
}
