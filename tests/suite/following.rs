//! What the gate knows of its cluster: in full before it is ready, as it changes, and no less when a watch is lost.

use std::time::{Duration, Instant};

use kube::{
    Api,
    api::{DeleteParams, DynamicObject},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    fake_api::{Asked, Door, FakeApi, Fault, Resource},
    gate::{Answer, Gate, SOON, review},
};

struct World {
    api: FakeApi,
    door: Door,
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let api = FakeApi::start();
        let door = api.door();
        api.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        Self { api, door, directory: tempfile::tempdir().unwrap() }
    }

    fn gate(&self) -> Gate {
        Gate::in_cluster(&self.door.kubeconfig(self.directory.path()), &[])
    }

    async fn ready_gate(&self) -> Gate {
        let gate = self.gate();
        gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
        gate
    }

    /// Somebody else deletes it, through a door of their own.
    async fn delete_default_deny(&self) {
        let resource = GroupVersionKind::gvk("networking.k8s.io", "v1", "NetworkPolicy");
        let resource = ApiResource::from_gvk(&resource);
        let api: Api<DynamicObject> = Api::namespaced_with(self.api.door().client(), "shop", &resource);
        api.delete("default-deny", &DeleteParams::default()).await.unwrap();
    }
}

/// Asks again until the answer's findings fit.
async fn until(gate: &Gate, body: &Value, fits: impl Fn(&str) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = gate.post(body.to_string()).await;
        if fits(findings(&answer)) {
            return answer;
        }
        assert!(begun.elapsed() < SOON, "never came: {}", findings(&answer));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn findings(answer: &Answer) -> &str {
    answer.response()["auditAnnotations"]["findings"].as_str().unwrap_or_default()
}

fn pod(metadata: Value, container: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}})
}

fn plain_pod() -> Value {
    let container = json!({"name": "web", "image": "registry.example.com/shop/web:1"});
    review("CREATE", &pod(json!({"name": "web", "namespace": "shop"}), container), &Value::Null)
}

fn default_deny() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "default-deny", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    })
}

#[tokio::test]
async fn is_not_ready_before_everything_is_known_once() {
    let world = World::new();
    world.door.fails_if(|asked| (asked.resource == "rolebindings").then_some(Fault::Refuse(500)));
    let gate = world.gate();
    gate.admin_until("/readyz", |text| text.contains("surroundings: not known yet: rolebindings")).await;
    world.door.heals();
    gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
    // Nor does a failure take back what was known.
    world.door.fails(Fault::Refuse(503));
    world.api.drop_watches();
    gate.admin_until("/metrics", |text| text.contains(r#"watch_up{resource="pods"} 0"#)).await;
    assert!(gate.admin("/readyz").await.text().starts_with("ready"));
}

#[tokio::test]
async fn decides_by_what_exists_now() {
    let world = World::new();
    let gate = world.ready_gate().await;
    until(&gate, &plain_pod(), |found| found.contains("missing-default-deny")).await;
    world.api.put(&default_deny());
    until(&gate, &plain_pod(), |found| !found.contains("missing-default-deny")).await;
    world.delete_default_deny().await;
    until(&gate, &plain_pod(), |found| found.contains("missing-default-deny")).await;
}

#[tokio::test]
async fn learns_what_happened_while_a_watch_was_lost() {
    let world = World::new();
    world.api.put(&default_deny());
    let gate = world.ready_gate().await;
    until(&gate, &plain_pod(), |found| !found.contains("missing-default-deny")).await;
    world.door.fails(Fault::Refuse(503));
    world.api.drop_watches();
    gate.admin_until("/metrics", |text| text.contains(r#"watch_up{resource="networkpolicies"} 0"#)).await;
    // What was known still counts.
    assert!(!findings(&gate.post(plain_pod().to_string()).await).contains("missing-default-deny"));
    world.delete_default_deny().await;
    world.api.forget_history();
    world.door.heals();
    until(&gate, &plain_pod(), |found| found.contains("missing-default-deny")).await;
}

#[tokio::test]
async fn a_server_that_knows_no_streaming_lists_is_asked_for_pages() {
    // Of an older version, and one above an older etcd.
    for code in [422, 500] {
        let world = World::new();
        world.api.put(&default_deny());
        let refuses =
            move |asked: &Asked| asked.query.contains("sendInitialEvents").then_some(Fault::Refuse(code));
        world.door.fails_if(refuses);
        let gate = world.ready_gate().await;
        until(&gate, &plain_pod(), |found| !found.contains("missing-default-deny")).await;
        let mut lists =
            world.api.asked().into_iter().filter(|asked| asked.verb == "list" && asked.resource == "pods");
        assert!(lists.next_back().is_some_and(|asked| asked.query.contains("limit=500")));
    }
}

#[tokio::test]
async fn whoever_may_not_look_says_that_it_cannot_tell() {
    let world = World::new();
    world.door.fails_if(|asked| (asked.resource == "networkpolicies").then_some(Fault::Refuse(403)));
    let gate = world.ready_gate().await;
    let conditions = gate.admin_until("/readyz?verbose", |text| text.contains("networkpolicies since")).await;
    assert!(conditions.contains(r#""state":"degraded""#), "{conditions}");
}

#[tokio::test]
async fn what_a_legacy_workload_had_does_not_stop_it_from_being_rescheduled() {
    let world = World::new();
    let privileged =
        |name: &str| json!({"name": name, "image": "web", "securityContext": {"privileged": true}});
    let template = json!({"spec": {"containers": [privileged("web")]}});
    let owned_by = |kind: &str, name: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "u", "controller": true}]);
    world.api.put(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": template},
    }));
    world.api.put(&json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "spec": {"template": template},
        "metadata": {"name": "web-5f7", "namespace": "shop", "ownerReferences": owned_by("Deployment", "web")},
    }));
    let gate = world.ready_gate().await;
    let sent = |container: &str, user: &str| {
        let metadata = json!({
            "generateName": "web-5f7-", "namespace": "shop",
            "ownerReferences": owned_by("ReplicaSet", "web-5f7"),
        });
        let mut review = review("CREATE", &pod(metadata, privileged(container)), &Value::Null);
        review["request"]["name"] = "".into();
        review["request"]["userInfo"]["username"] = user.into();
        review.to_string()
    };
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    let answer = gate.post(sent("web", controller)).await;
    assert!(answer.allowed(), "{answer:?}");
    assert!(findings(&answer).contains("privileged-container:enforce:pre-existing=1"), "{answer:?}");
    assert!(!gate.post(sent("injected", controller)).await.allowed());
    assert!(!gate.post(sent("web", "jane")).await.allowed());
}

#[tokio::test]
async fn scans_of_the_trivy_operator_count_from_the_moment_they_are_told() {
    let world = World::new();
    let digest = format!("sha256:{}", "ab".repeat(32));
    world.api.serve(Resource::new(
        "aquasecurity.github.io/v1alpha1",
        "VulnerabilityReport",
        "vulnerabilityreports",
    ));
    let gate = world.ready_gate().await;
    let container = json!({"name": "web", "image": format!("registry.example.com/shop/web@{digest}")});
    let body = review("CREATE", &pod(json!({"name": "web", "namespace": "shop"}), container), &Value::Null);
    until(&gate, &body, |found| found.contains("unscanned-image")).await;
    world.api.put(&json!({
        "apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "metadata": {"name": "replicaset-web", "namespace": "shop"},
        "report": {
            "updateTimestamp": jiff::Timestamp::now().to_string(),
            "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.70.0"},
            "registry": {"server": "registry.example.com"},
            "artifact": {"repository": "shop/web", "digest": digest},
            "summary": {}, "vulnerabilities": [],
        },
    }));
    until(&gate, &body, |found| !found.contains("unscanned-image")).await;
}
