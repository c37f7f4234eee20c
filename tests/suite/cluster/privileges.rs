//! More rights than a role needs, and the labels that take a namespace out of a control.

use super::{
    kubectl::{get, kubectl},
    registered::{Registered, fresh},
};

/// A person whom the API server lets do anything, so that only the gate can say no.
const PERSON: &str = "--as=jane --as-group=system:masters --as-group=system:authenticated";

#[tokio::test]
async fn a_person_who_hands_out_more_than_a_role_needs_is_denied() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let name = fresh("gate-test");
    for (words, check, left) in [
        (
            "clusterrolebinding NAME --clusterrole=cluster-admin --user=joe",
            "cluster-admin-binding",
            "clusterrolebinding",
        ),
        ("clusterrole NAME --verb=* --resource=*.*", "escalation-verb", "clusterrole"),
        ("clusterrole NAME --verb=bind,escalate --resource=clusterroles", "escalation-verb", "clusterrole"),
        ("clusterrole NAME --verb=impersonate --resource=users", "impersonate-permission", "clusterrole"),
        (
            "rolebinding NAME --clusterrole=view --group=system:unauthenticated -n default",
            "anonymous-subject",
            "rolebinding -n default",
        ),
        (
            "rolebinding NAME --clusterrole=view --serviceaccount=default:default -n default",
            "default-service-account-binding",
            "rolebinding -n default",
        ),
    ] {
        let said = kubectl(&format!("create {} {PERSON}", words.replace("NAME", &name)));
        let said = said.denied_by("config", check);
        assert_eq!(said.complaint().lines().count(), 1, "{said:?}");
        assert!(get(&format!("{left} {name}")).is_null(), "{words}");
    }
    // What names what it needs passes, with nothing but its own warnings.
    registered.kubectl(&format!("create role {name} --verb=get --resource=pods {PERSON}")).done();
}

#[tokio::test]
async fn a_role_of_all_is_warned_of_in_the_default_policies() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let role = "create role wide --verb=* --resource=widgets.example.com --dry-run=server";
    let said = kubectl(&format!("{role} -n {} {PERSON}", registered.namespace));
    // kubectl asks the API server which resources there are; that one is not.
    assert!(!said.is_done && said.err.contains("widgets"), "{said:?}");
    let role = serde_json::json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "wide"},
        "rules": [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["*"]}],
    });
    let _ = registered.kubectl_with(&format!("apply -f - {PERSON}"), &role).warned_by("wildcard-rule");
}

#[tokio::test]
async fn a_namespace_gains_no_label_that_takes_it_out_of_a_control() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let namespace = &registered.namespace;
    kubectl(&format!("label namespace {namespace} team=shop")).done();
    // The registration leaves out the gate's own namespace by its name, which nobody can take on.
    for (label, check) in [
        ("istio-injection=disabled", "control-opt-out-label"),
        ("admission.gatekeeper.sh/ignore=yes", "control-opt-out-label"),
    ] {
        kubectl(&format!("label namespace {namespace} {label} {PERSON}")).denied_by("guard", check);
    }
    kubectl(&format!("label namespace {namespace} pod-security.kubernetes.io/enforce=restricted")).done();
    kubectl(&format!(
        "label namespace {namespace} pod-security.kubernetes.io/enforce=baseline --overwrite {PERSON}"
    ))
    .denied_by("guard", "lowered-pod-security-level");
    let born = fresh("gate-test");
    let object = serde_json::json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": born, "labels": {"istio-injection": "disabled"}},
    });
    super::kubectl::kubectl_with("create -f -", &object).denied_by("guard", "control-opt-out-label");
    let labels = get(&format!("namespace {namespace}"))["metadata"]["labels"].clone();
    assert_eq!(labels["pod-security.kubernetes.io/enforce"], "restricted");
    assert!(labels["istio-injection"].is_null() && get(&format!("namespace {born}")).is_null());
}
