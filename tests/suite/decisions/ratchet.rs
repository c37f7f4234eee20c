//! What was wrong before is reported and never denied; what is new is judged in full.

use serde_json::json;
use std::sync::Arc;

use soc2gate::{
    check::Violation,
    decision::{Outcome, ratchet},
    inventory::{Inventory, Source},
};

use super::{PRIVILEGED, pod, policy, privileged};
use crate::library::{self, Sent, found};

const CAPABILITIES: &str = "{id: added-capability, mode: enforce}";

fn adding(capabilities: &str) -> String {
    pod(&format!("containers: [{{name: app, securityContext: {{capabilities: {{add: {capabilities}}}}}}}]"))
}

#[test]
fn update_old_object_logic_reports_what_was_there_and_denies_what_is_new() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let same = Sent::update(&privileged("app"), &privileged("app")).decide(&policies);
    assert_eq!(same.outcome, Outcome::Warn);
    assert_eq!(
        found(&same),
        ["pre-existing privileged-container containers[name=app].securityContext.privileged"]
    );
    let new = Sent::update(&pod("containers: [{name: app}]"), &privileged("app")).decide(&policies);
    assert_eq!(new.outcome, Outcome::Deny);
    let renamed = Sent::update(&privileged("old"), &privileged("app")).decide(&policies);
    assert_eq!(renamed.outcome, Outcome::Deny, "another container is another violation");
    let created = Sent::create(&privileged("app")).set("oldObject", json!(null)).decide(&policies);
    assert_eq!(created.outcome, Outcome::Deny);
}

#[test]
fn update_old_object_logic_does_not_mind_the_order_of_containers() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let (one, two) = ("{name: a, securityContext: {privileged: true}}", "{name: b}");
    let old = pod(&format!("containers: [{one}, {two}]"));
    let new = pod(&format!("containers: [{two}, {one}]"));
    let decision = Sent::update(&old, &new).decide(&policies);
    assert_eq!(decision.outcome, Outcome::Warn);
    assert_eq!(decision.findings[0].violation.place.path, "spec.containers[1].securityContext.privileged");
}

#[test]
fn one_more_capability_is_new_for_itself_alone() {
    let policies = library::policies(&[&policy("p", CAPABILITIES)]);
    let decision = Sent::update(&adding("[BPF]"), &adding("[SYS_ADMIN, BPF]")).decide(&policies);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!(
        found(&decision),
        [
            "new added-capability containers[name=app].securityContext.capabilities.add[SYS_ADMIN]",
            "pre-existing added-capability containers[name=app].securityContext.capabilities.add[BPF]",
        ]
    );
    let fewer = Sent::update(&adding("[SYS_ADMIN, BPF]"), &adding("[BPF]")).decide(&policies);
    assert_eq!(fewer.outcome, Outcome::Warn);
}

#[test]
fn a_changed_value_at_an_old_place_is_new() {
    let policies = library::policies(&[&policy("p", "{id: host-path-volume, mode: enforce}")]);
    let volume = |path: &str| pod(&format!("volumes: [{{name: v, hostPath: {{path: {path}}}}}]"));
    assert_eq!(Sent::update(&volume("/a"), &volume("/a")).decide(&policies).outcome, Outcome::Warn);
    assert_eq!(Sent::update(&volume("/a"), &volume("/b")).decide(&policies).outcome, Outcome::Deny);
    let policies = library::policies(&[&policy("p", "{id: sensitive-host-path, mode: enforce}")]);
    let mounted = |path: &str| {
        pod(&format!(
            "volumes: [{{name: v, hostPath: {{path: {path}}}}}], \
             containers: [{{name: a, volumeMounts: [{{name: v, mountPath: /v}}]}}]"
        ))
    };
    assert_eq!(Sent::update(&mounted("/a"), &mounted("/b")).decide(&policies).outcome, Outcome::Deny);
}

#[test]
fn update_old_object_logic_skips_nothing_because_of_a_deletion_timestamp() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let going = |manifest: String| {
        manifest
            .replace("name: web,", "name: web, deletionTimestamp: '2027-01-15T00:00:00Z', finalizers: [x],")
    };
    let old = going(pod("containers: [{name: app}]"));
    assert_eq!(Sent::update(&old, &going(privileged("app"))).decide(&policies).outcome, Outcome::Deny);
    let finalized = going(privileged("app")).replace("finalizers: [x]", "finalizers: []");
    let decision = Sent::update(&going(privileged("app")), &finalized).decide(&policies);
    assert!(decision.outcome.admits(), "a legacy object can still be finalized");
    assert_eq!(decision.findings.len(), 1);
}

#[test]
fn an_old_object_that_does_not_decode_excuses_nothing() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let broken = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": "none"}});
    let decision =
        Sent::update(&privileged("app"), &privileged("app")).set("oldObject", broken).decide(&policies);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert!(decision.errors[0].starts_with("oldObject was not compared: "), "{:?}", decision.errors);
}

#[test]
fn ephemeralcontainers_subresource_an_update_that_adds_a_privileged_debug_container_is_denied() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let debug = pod(
        "containers: [{name: app}], ephemeralContainers: [{name: d, securityContext: {privileged: true}}]",
    );
    let sent = Sent::update(&pod("containers: [{name: app}]"), &debug)
        .set("subResource", json!("ephemeralcontainers"));
    let decision = sent.decide(&policies);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!(
        found(&decision),
        ["new privileged-container ephemeralContainers[name=d].securityContext.privileged"]
    );
}

#[test]
fn pods_resize_and_status_updates_are_judged_like_any_other() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    for subresource in ["resize", "status"] {
        let sent = |old: &str| Sent::update(old, &privileged("app")).set("subResource", json!(subresource));
        assert_eq!(sent(&privileged("app")).decide(&policies).outcome, Outcome::Warn, "{subresource}");
        assert_eq!(sent(&pod("containers: []")).decide(&policies).outcome, Outcome::Deny, "{subresource}");
    }
}

const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";

/// A pod as a ReplicaSet of Deployment `web` makes it.
fn of_replica_set(containers: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{generateName: web-5f7-, namespace: shop, labels: \
         {{pod-template-hash: 5f7}}, ownerReferences: [{{apiVersion: apps/v1, kind: ReplicaSet, name: web-5f7, \
         controller: true}}]}}, spec: {{containers: [{containers}]}}}}"
    )
}

/// An inventory that knows what is wrong with the template of Deployment `web`.
fn knowing(violation: &Violation) -> Inventory {
    let mark = ratchet::mark("privileged-container", &violation.identity());
    let owner = ("Deployment".to_owned(), "web".to_owned());
    let owners = [("shop".to_owned(), Arc::new([(owner, [mark].into())].into()))];
    Inventory { owners: Source::of(owners.into()), ..Inventory::default() }
}

#[test]
fn a_pod_of_a_legacy_workload_is_rescheduled_and_what_was_injected_into_it_is_denied() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let template = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: \
                    {spec: {containers: [{name: app, securityContext: {privileged: true}}]}}}}";
    let of_template = Sent::create(template).decide(&policies);
    let inventory = || knowing(&of_template.findings[0].violation);
    let legacy = of_replica_set("{name: app, securityContext: {privileged: true}}");
    let by =
        |user: &str, manifest: &str| Sent::create(manifest).by(user, &[]).amid(inventory()).decide(&policies);

    assert_eq!(by(CONTROLLER, &legacy).outcome, Outcome::Warn);
    assert_eq!(by("ann", &legacy).outcome, Outcome::Deny, "anybody can write ownerReferences");
    let injected = of_replica_set(
        "{name: app, securityContext: {privileged: true}}, {name: injected, securityContext: {privileged: true}}",
    );
    let decision = by(CONTROLLER, &injected);
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!(
        found(&decision),
        [
            "pre-existing privileged-container containers[name=app].securityContext.privileged",
            "new privileged-container containers[name=injected].securityContext.privileged",
        ]
    );
    let elsewhere = legacy.replace("namespace: shop", "namespace: other");
    assert_eq!(by(CONTROLLER, &elsewhere).outcome, Outcome::Deny);
    let unknown = Sent::create(&legacy).by(CONTROLLER, &[]).decide(&policies);
    assert_eq!(unknown.outcome, Outcome::Deny, "without an inventory nothing is known to be old");
}
