//! Denials and ending exemptions as people see them in a real API server.

use std::time::{Duration, Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use k8s_openapi::api::events::v1::Event;
use kube::{
    Api,
    api::{DeleteParams, DynamicObject, ListParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use soc2gate::cluster::definitions::exemption_resource;

use super::definitions::{Cluster, exemption, in_seconds, privileged};
use crate::gate::Gate;

/// A registration by address, for the objects of one namespace and one kind that is in none.
struct Registered<'c> {
    cluster: &'c Cluster,
    name: String,
}

fn kind(group: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind))
}

impl<'c> Registered<'c> {
    async fn new(cluster: &'c Cluster, gate: &Gate) -> Self {
        let name = format!("{}.notices", cluster.namespace);
        let own =
            json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": [cluster.namespace]});
        let rule = |group: &str, resources: &[&str]| json!({"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": resources});
        let is_ours = "!has(object.metadata.name) || request.namespace != '' || object.metadata.name.startsWith('notices-')";
        let configuration = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [{
                "name": "notices.soc2gate.io",
                "clientConfig": {
                    "url": format!("https://{}/validate", gate.address),
                    "caBundle": BASE64_STANDARD.encode(gate.ca()),
                },
                "rules": [rule("", &["pods"]), rule("rbac.authorization.k8s.io", &["clusterrolebindings"])],
                "namespaceSelector": {"matchExpressions": [own]},
                "matchConditions": [{"name": "ours", "expression": is_ours}],
                "failurePolicy": "Fail",
                "sideEffects": "NoneOnDryRun",
                "timeoutSeconds": 5,
                "admissionReviewVersions": ["v1"],
            }],
        });
        let registrations = kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration");
        cluster.apply(&registrations, configuration).await.unwrap();
        let this = Self { cluster, name };
        for event in this.events(&cluster.namespace).await {
            let events: Api<Event> = Api::namespaced(cluster.client.clone(), &cluster.namespace);
            let _gone =
                events.delete(event.metadata.name.as_deref().unwrap(), &DeleteParams::default()).await;
        }
        cluster
            .until("the gate is asked", async || this.create(&named("asked", true), true).await.err())
            .await;
        this
    }

    async fn create(&self, pod: &Value, is_dry_run: bool) -> kube::Result<DynamicObject> {
        let (client, namespace) = (self.cluster.client.clone(), &self.cluster.namespace);
        let pods: Api<DynamicObject> = Api::namespaced_with(client, namespace, &kind("", "Pod"));
        let params = PostParams { dry_run: is_dry_run, ..PostParams::default() };
        pods.create(&params, &serde_json::from_value(pod.clone()).unwrap()).await
    }

    async fn events(&self, namespace: &str) -> Vec<Event> {
        let events: Api<Event> = Api::namespaced(self.cluster.client.clone(), namespace);
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().filter(|event| event.reason.as_deref() == Some("Denied")).collect()
    }

    async fn end(self) {
        let registrations = kind("admissionregistration.k8s.io", "ValidatingWebhookConfiguration");
        let _gone = self.cluster.api(&registrations).delete(&self.name, &DeleteParams::default()).await;
    }
}

fn named(name: &str, has_name: bool) -> Value {
    let mut pod = privileged();
    let metadata = if has_name { json!({"name": name}) } else { json!({"generateName": name}) };
    pod["metadata"] = metadata;
    pod
}

fn regarding(event: &Event) -> (String, String) {
    let regarding = event.regarding.clone().unwrap();
    (regarding.kind.unwrap_or_default(), regarding.name.unwrap_or_default())
}

#[tokio::test]
async fn denials_appear_as_events_where_people_look() {
    let Some(cluster) = Cluster::connect("events").await else { return };
    let gate = cluster.gate("one", &["--scan-every", "0"]).await;
    let registered = Registered::new(&cluster, &gate).await;
    registered.create(&named("dry", true), true).await.unwrap_err();
    registered.create(&named("web", true), false).await.unwrap_err();
    let mut owned = named("shop-7d4b9c-", false);
    let owner = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "shop-7d4b9c", "uid": "u", "controller": true});
    owned["metadata"]["ownerReferences"] = json!([owner]);
    owned["metadata"]["labels"] = json!({"pod-template-hash": "7d4b9c"});
    registered.create(&owned, false).await.unwrap_err();
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "notices-anon"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "system:anonymous"}],
    });
    cluster.apply(&kind("rbac.authorization.k8s.io", "ClusterRoleBinding"), binding).await.unwrap_err();
    let (own, outside) = cluster
        .until("the events", async || {
            let own = registered.events(&cluster.namespace).await;
            let mut outside = registered.events("default").await;
            outside.retain(|event| regarding(event).1 == "notices-anon");
            (own.len() >= 2 && !outside.is_empty()).then_some((own, outside))
        })
        .await;
    for event in &own {
        // An API server may have made the name of the pod by then.
        let (kind, name) = regarding(event);
        assert!(kind == "Pod" && (name == "web" || name.starts_with("shop-7d4b9c-")), "{kind} {name}");
    }
    assert_eq!(regarding(&outside[0]).0, "ClusterRoleBinding");
    let of_root = own.iter().find_map(|event| event.related.clone()).unwrap();
    assert_eq!((of_root.kind.as_deref(), of_root.name.as_deref()), (Some("Deployment"), Some("shop")));
    let note = own[0].note.clone().unwrap();
    assert!(note.contains("CC6.1 privileged-container: spec.containers[0]"), "{note}");
    registered.end().await;
    cluster.leave().await;
}

#[tokio::test]
async fn a_thousand_denials_make_a_bounded_number_of_events_and_a_series() {
    let Some(cluster) = Cluster::connect("flood").await else { return };
    let gate = cluster.gate("one", &["--scan-every", "0"]).await;
    let registered = Registered::new(&cluster, &gate).await;
    registered.create(&named("same", true), false).await.unwrap_err();
    let begun = Instant::now();
    for n in 0..1_000 {
        let name = if n % 10 == 0 { "same".to_owned() } else { format!("web-{n}") };
        registered.create(&named(&name, true), false).await.unwrap_err();
    }
    let most = 25 + usize::try_from(begun.elapsed().as_secs()).unwrap() + 3;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let events = registered.events(&cluster.namespace).await;
    assert!((25..=most).contains(&events.len()), "{} of at most {most}", events.len());
    // Brought up to date a minute after it was written, once the flood is over.
    let begun = Instant::now();
    loop {
        let events = registered.events(&cluster.namespace).await;
        let same: Vec<_> = events.iter().filter(|event| regarding(event).1 == "same").collect();
        let [same] = same[..] else { panic!("{same:?}") };
        if same.series.as_ref().is_some_and(|series| series.count == 101) {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(150), "{:?}", same.series);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    registered.end().await;
    cluster.leave().await;
}

#[tokio::test]
async fn that_an_exemption_ends_is_told_once_whoever_leads_and_however_often_it_starts() {
    let Some(cluster) = Cluster::connect("expiry").await else { return };
    cluster
        .apply(&exemption_resource(), exemption("notices-ends", &[("expires", in_seconds(3 * 86_400))]))
        .await
        .unwrap();
    let events: Api<Event> = Api::namespaced(cluster.client.clone(), "default");
    let about = async || {
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().filter(|event| regarding_name(event) == Some("notices-ends")).collect::<Vec<_>>()
    };
    for event in about().await {
        let _gone = events.delete(event.metadata.name.as_deref().unwrap(), &DeleteParams::default()).await;
    }
    let gate = cluster.gate("one", &["--scan-every", "0"]).await;
    let told = cluster.until("the event", async || Some(about().await).filter(|told| !told.is_empty())).await;
    assert_eq!(told[0].reason.as_deref(), Some("ExemptionExpiring"));
    assert!(told[0].regarding.as_ref().unwrap().uid.is_some(), "kubectl describe finds it by its uid");
    gate.leave().await;
    // Even after the event is gone, as all are after an hour.
    events.delete(told[0].metadata.name.as_deref().unwrap(), &DeleteParams::default()).await.unwrap();
    let second = cluster.gate("one", &["--scan-every", "0"]).await;
    second.admin_until("/readyz?verbose", |text| text.contains("this replica leads")).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(about().await.len(), 0);
    second
        .admin_until("/metrics", |text| text.contains(r#"soc2gate_exemptions_expiring{within="7d"} 1"#))
        .await;
    cluster.leave().await;
}

fn regarding_name(event: &Event) -> Option<&str> {
    event.regarding.as_ref()?.name.as_deref()
}
