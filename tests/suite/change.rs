//! CC8.1: who changes production, and by which change.

use serde_json::json;
use soc2gate::decision::Outcome;

use crate::library::{self, Sent, enforcing, in_file, messages, new, refusal};

const DIRECT: &str = "direct-production-change";
const DEPLOYERS: &str = "{deployers: [{kind: ServiceAccount, namespace: argocd, name: 'argocd-*'}]}";

/// An object of `shop` with more metadata and more beside it.
fn object(api: &str, kind: &str, metadata: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: {api}, kind: {kind}, metadata: {{name: web, namespace: shop, {metadata}}}, {rest}}}"
    )
}

fn deployment(metadata: &str, rest: &str) -> String {
    object("apps/v1", "Deployment", metadata, rest)
}

const OWNED: &str = "ownerReferences: [{apiVersion: x/v1, kind: Shop, name: web, controller: true}]";
const ONE: &str = "spec: {replicas: 1, template: {}}";

fn denied(sent: &Sent) -> bool {
    sent.decide(&enforcing(DIRECT, DEPLOYERS)).outcome == Outcome::Deny
}

#[test]
fn production_is_changed_by_deployers_and_by_the_cluster_itself_alone() {
    for (user, groups, expected) in [
        ("ann", vec![], true),
        ("ann", vec!["system:masters"], true),
        ("system:serviceaccount:shop:argocd-server", vec![], true),
        ("system:serviceaccount:kube-system:my-controller", vec![], true),
        ("system:node:n1", vec![], true),
        ("", vec![], true),
        ("system:serviceaccount:argocd:argocd-application-controller", vec![], false),
        ("system:serviceaccount:kube-system:deployment-controller", vec![], false),
        ("system:kube-controller-manager", vec![], false),
        ("system:node:n1", vec!["system:nodes"], false),
        ("system:apiserver", vec![], false),
        ("system:kube-scheduler", vec![], false),
    ] {
        assert_eq!(denied(&Sent::create(&deployment("", ONE)).by(user, &groups)), expected, "{user}");
    }
    let decision = Sent::delete(&deployment("", ONE)).decide(&enforcing(DIRECT, DEPLOYERS));
    assert_eq!(messages(&decision), ["userInfo.username is `ann`, who may not delete Deployment `web`"]);
}

#[test]
fn an_update_changes_something_only_beside_status_and_managed_fields() {
    let config = |rest: &str| object("v1", "ConfigMap", "", rest);
    let secret = |rest: &str| object("v1", "Secret", "", rest);
    for (what, old, new, expected) in [
        ("a new generation", deployment("generation: 1", ONE), deployment("generation: 2", ONE), true),
        (
            "a status",
            deployment("generation: 1", ONE),
            deployment("generation: 1", "status: {replicas: 1}"),
            true,
        ),
        (
            "status alone",
            deployment("generation: 1", ONE),
            deployment("generation: 1", &format!("{ONE}, status: {{replicas: 1}}")),
            false,
        ),
        (
            "managedFields alone",
            deployment("generation: 1", ONE),
            deployment("generation: 1, managedFields: [{manager: kubectl}]", ONE),
            false,
        ),
        ("a label", deployment("generation: 1", ONE), deployment("generation: 1, labels: {a: b}", ONE), true),
        ("data", config("data: {a: '1'}"), config("data: {a: '2'}"), true),
        ("no data", config("data: {a: '1'}"), config("data: {a: '1'}"), false),
        ("a secret, of which nothing is read", secret("data: {a: MQ==}"), secret("data: {a: Mg==}"), true),
        (
            "a pod that counts generations",
            object("v1", "Pod", "generation: 1", "spec: {}"),
            object("v1", "Pod", "generation: 1", "spec: {}, status: {phase: Running}"),
            false,
        ),
        (
            "a pod that does not",
            object("v1", "Pod", "", "spec: {}"),
            object("v1", "Pod", "", "spec: {tolerations: [{}]}"),
            true,
        ),
    ] {
        assert_eq!(denied(&Sent::update(&old, &new)), expected, "{what}");
    }
}

#[test]
fn what_somebody_changes_by_hand_is_never_taken_for_what_was_there_before() {
    for kind in ["Secret", "Service", "Pod"] {
        let same = object("v1", kind, "", "spec: {}");
        let decision = Sent::update(&same, &same).decide(&enforcing(DIRECT, DEPLOYERS));
        assert_eq!(new(&decision), ["userInfo.username"], "{kind}");
    }
}

#[test]
fn scaling_and_status_are_no_changes() {
    for subresource in ["status", "scale", "finalize"] {
        let sent = Sent::update(&deployment("generation: 1", ONE), &deployment("generation: 2", ONE));
        assert!(!denied(&sent.set("subResource", json!(subresource))), "{subresource}");
    }
}

#[test]
fn a_part_of_an_approved_object_is_no_change_but_an_owner_that_somebody_wrote_is_no_excuse() {
    let (bare, owned) =
        (deployment("generation: 1", ONE), deployment(&format!("generation: 2, {OWNED}"), ONE));
    let later = deployment(&format!("generation: 3, {OWNED}"), ONE);
    let operator = "system:serviceaccount:shops:operator";
    for (what, sent, expected) in [
        ("made by an operator", Sent::create(&owned).by(operator, &[]), false),
        ("made by hand", Sent::create(&owned), true),
        ("bare, made by an operator", Sent::create(&bare).by(operator, &[]), true),
        ("changed", Sent::update(&owned, &later), false),
        ("given an owner", Sent::update(&bare, &owned), true),
        ("deleted", Sent::delete(&owned), false),
        ("deleted without owner", Sent::delete(&bare), true),
    ] {
        assert_eq!(denied(&sent), expected, "{what}");
    }
}

#[test]
fn deletion_of_many_names_each_object() {
    let sent = Sent::delete(&deployment("", ONE)).set("name", json!(""));
    let decision = sent.decide(&enforcing(DIRECT, DEPLOYERS));
    assert_eq!(messages(&decision), ["userInfo.username is `ann`, who may not delete Deployment `web`"]);
    let unnamed = "{apiVersion: batch/v1, kind: Job, metadata: {generateName: run-, namespace: shop}}";
    let decision = Sent::create(unnamed).decide(&enforcing(DIRECT, DEPLOYERS));
    assert_eq!(messages(&decision), ["userInfo.username is `ann`, who may not create Job `run-`"]);
}

#[test]
fn without_deployers_and_without_a_requester_nothing_can_be_told() {
    let decision = Sent::create(&deployment("", ONE)).decide(&library::auditing(DIRECT, ""));
    assert_eq!(decision.unassessed[0].missing.reason(), "the parameter `deployers` is empty in the policy");
    assert!(decision.findings.is_empty());
    assert!(refusal(DIRECT, "").contains("needs its parameter `deployers`"));
    assert!(refusal(DIRECT, "{deployers: [{kind: User, name: '*'}]}").contains("would mean everybody"));
    let params = "{deployers: [{kind: User, name: ci}]}";
    let (found, missing) = in_file(DIRECT, params, &deployment("", ONE));
    assert_eq!((found, missing), (vec![], vec!["the requester is not known".to_owned()]));
}

const REFERENCE: &str = "missing-change-reference";
const KEY: &str = "metadata.annotations[soc2gate.io/change-id]";

#[test]
fn a_change_is_named_by_the_whole_of_an_annotation() {
    for (value, fits) in [
        ("SHOP-1", true),
        ("A1-22", true),
        ("shop-1", false),
        ("see SHOP-1", false),
        ("SHOP-1\\nmore", false),
        ("", false),
    ] {
        let manifest = deployment(&format!("annotations: {{soc2gate.io/change-id: \"{value}\"}}"), ONE);
        let (found, _) = in_file(REFERENCE, "", &manifest);
        assert_eq!(found.is_empty(), fits, "{value}");
    }
}

#[test]
fn the_reference_is_asked_of_roots_and_not_of_their_parts() {
    for (api, kind, metadata, expected) in [
        ("apps/v1", "Deployment", "annotations: null", true),
        ("apps/v1", "Deployment", OWNED, false),
        (
            "apps/v1",
            "ReplicaSet",
            "ownerReferences: [{kind: Deployment, name: web, controller: false}]",
            true,
        ),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "labels: {}", true),
        ("networking.k8s.io/v1", "NetworkPolicy", "labels: {}", true),
        ("v1", "ConfigMap", "labels: {}", false),
    ] {
        let (found, _) = in_file(REFERENCE, "", &object(api, kind, metadata, "spec: {}"));
        assert_eq!(found, if expected { vec![KEY] } else { vec![] }, "{kind} {metadata}");
    }
}

#[test]
fn a_namespace_speaks_for_what_is_in_it_if_the_policy_says_so() {
    let world = |annotation: &str| {
        let annotations = format!("annotations: {{soc2gate.io/change-id: {annotation}}}");
        library::world(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, {annotations}}}}}"
        ))
    };
    let sent = |annotation: &str| Sent::create(&deployment("", ONE)).amid(world(annotation));
    let found = |sent: Sent, params: &str| messages(&sent.decide(&enforcing(REFERENCE, params)));
    assert_eq!(found(sent("SHOP-7"), ""), Vec::<String>::new());
    assert_eq!(found(sent("none"), ""), [format!("{KEY} is absent, and its namespace has none that counts")]);
    assert_eq!(found(sent("SHOP-7"), "{inherit: false}"), [format!("{KEY} is absent")]);
    let alone = Sent::create(&deployment("", ONE));
    assert_eq!(found(alone, ""), [format!("{KEY} is absent, and what its namespace says is not known here")]);
}

#[test]
fn a_pattern_that_could_only_be_a_mistake_is_refused() {
    for (params, words) in [
        ("{pattern: '['}", "is no regular expression"),
        ("{pattern: 'a)|(b'}", "is no regular expression"),
        ("{pattern: '.*'}", "matches an empty value"),
        ("{key: ''}", "`key` is empty"),
        ("{keys: a}", "unknown"),
    ] {
        assert!(refusal(REFERENCE, params).contains(words), "{params}: {}", refusal(REFERENCE, params));
    }
}
