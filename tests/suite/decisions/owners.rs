//! Whose an object is: findings are attributed to the root of its controllers, which never excuses anything.

use serde_json::Value;
use soc2gate::{
    admission::{Identity, encode},
    decision::Outcome,
};

use super::{PRIVILEGED, policy};
use crate::library::{self, Sent};

const REPLICA_SETS: &str = "system:serviceaccount:kube-system:replicaset-controller";

/// A privileged Pod whose metadata goes on like this.
fn owned_pod(metadata: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: shop, {metadata}}}, \
         spec: {{containers: [{{name: a, securityContext: {{privileged: true}}}}]}}}}"
    )
}

fn controller(kind: &str, name: &str) -> String {
    format!("ownerReferences: [{{apiVersion: v1, kind: {kind}, name: {name}, controller: true}}]")
}

/// A controller object that another one controls.
fn middle(kind: &str, name: &str, of: &str) -> String {
    let version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    format!(
        "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: shop, {of}}}\nspec: {{template: {{spec: {{}}}}}}\n---\n"
    )
}

/// The root that a decision on a Pod names, in this world.
fn root(pod: &str, world: &str) -> Option<(String, String)> {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let decision = Sent::create(pod).by(REPLICA_SETS, &[]).amid(library::world(world)).decide(&policies);
    decision.root.map(|root| (root.kind, root.name))
}

fn is(kind: &str, name: &str) -> Option<(String, String)> {
    Some((kind.to_owned(), name.to_owned()))
}

#[test]
fn without_an_inventory_the_names_that_kubernetes_gives_tell_the_root() {
    let hash = "labels: {pod-template-hash: 5d9c}";
    for (metadata, expected) in [
        (format!("{hash}, {}", controller("ReplicaSet", "web-5d9c")), is("Deployment", "web")),
        (controller("ReplicaSet", "web-5d9c"), is("ReplicaSet", "web-5d9c")),
        (format!("{hash}, {}", controller("ReplicaSet", "bare")), is("ReplicaSet", "bare")),
        (controller("Job", "nightly-29384720"), is("CronJob", "nightly")),
        (controller("Job", "import"), is("Job", "import")),
        (controller("StatefulSet", "db"), is("StatefulSet", "db")),
        ("ownerReferences: [{apiVersion: v1, kind: Node, name: node-1}]".to_owned(), None),
        ("labels: {}".to_owned(), None),
    ] {
        assert_eq!(root(&owned_pod(&metadata), ""), expected, "{metadata}");
    }
}

#[test]
fn the_inventory_is_climbed_to_the_top_and_a_circle_ends() {
    let pod = owned_pod(&controller("ReplicaSet", "odd"));
    let chain = middle("ReplicaSet", "odd", &controller("Rollout", "web"));
    assert_eq!(root(&pod, &chain), is("Rollout", "web"));
    let longer = chain + &middle("Deployment", "top", "labels: {}");
    assert_eq!(root(&pod, &longer), is("Rollout", "web"));
    let circle = middle("ReplicaSet", "odd", &controller("Deployment", "d"))
        + &middle("Deployment", "d", &controller("ReplicaSet", "odd"));
    assert_eq!(root(&pod, &circle), is("Deployment", "d"));
    let elsewhere =
        middle("ReplicaSet", "odd", &controller("Rollout", "web")).replace("namespace: shop", "namespace: x");
    assert_eq!(root(&pod, &elsewhere), is("ReplicaSet", "odd"), "another namespace says nothing");
}

#[test]
fn an_owner_reference_that_anybody_wrote_excuses_nothing() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let metadata = controller("StatefulSet", "db");
    let decision = Sent::create(&owned_pod(&metadata)).by("ann", &[]).decide(&policies);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!(decision.root.unwrap().name, "db");
}

#[test]
fn a_denial_begins_with_the_root_and_the_audit_log_keeps_it() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let pod =
        owned_pod(&format!("labels: {{pod-template-hash: 5d9c}}, {}", controller("ReplicaSet", "web-5d9c")));
    let decision = Sent::create(&pod).by(REPLICA_SETS, &[]).decide(&policies);
    let identity = Identity { decision_id: "1", policy_digest: "2", inventory_age: None };
    let answer: Value = serde_json::from_slice(&encode("1", &decision, identity)).unwrap();
    let message = answer["response"]["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("Deployment web: CC6.1 privileged-container: spec."), "{message}");
    assert_eq!(answer["response"]["auditAnnotations"]["root"], "Deployment/web");
}
