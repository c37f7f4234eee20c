//! A survey that follows changes tells the same as one that begins with what is left.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{manifest, request::object_of};

const NAMESPACES: [&str; 2] = ["shop", "bank"];
const NAMES: [&str; 3] = ["a", "b", "c"];

/// Manifests of one kind in two versions each, by placeholders for namespace and name.
const OBJECTS: [(Kind, [&str; 2]); 10] = [
    (
        Kind::Namespace,
        [
            "{apiVersion: v1, kind: Namespace, metadata: {name: NAME}}",
            "{apiVersion: v1, kind: Namespace, metadata: {name: NAME, labels: {team: x}, deletionTimestamp: '2026-01-01T00:00:00Z'}}",
        ],
    ),
    (
        Kind::Pod,
        [
            "{apiVersion: v1, kind: Pod, metadata: META, spec: {containers: []}}",
            "{apiVersion: v1, kind: Pod, metadata: META, spec: {serviceAccountName: robot, containers: []}}",
        ],
    ),
    (
        Kind::Deployment,
        [
            "{apiVersion: apps/v1, kind: Deployment, metadata: META, spec: {template: {spec: {containers: []}}}}",
            "{apiVersion: apps/v1, kind: Deployment, metadata: META, spec: {}}",
        ],
    ),
    (
        Kind::ReplicaSet,
        [
            "{apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: SPACE, name: NAME, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: d, controller: true}]}, spec: {template: {spec: {containers: []}}}}",
            "{apiVersion: apps/v1, kind: ReplicaSet, metadata: META, spec: {template: {spec: {containers: []}}}}",
        ],
    ),
    (
        Kind::NetworkPolicy,
        [
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: META, spec: {podSelector: {}}}",
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {namespace: SPACE, name: NAME, deletionTimestamp: '2026-01-01T00:00:00Z'}, spec: {podSelector: {}}}",
        ],
    ),
    (
        Kind::ClusterRole,
        [
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NAME}, rules: []}",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: NAME}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}",
        ],
    ),
    (
        Kind::RoleBinding,
        [
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: META, roleRef: {kind: Role, name: r, apiGroup: rbac.authorization.k8s.io}}",
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: META, roleRef: {kind: ClusterRole, name: view, apiGroup: rbac.authorization.k8s.io}}",
        ],
    ),
    (
        Kind::HorizontalPodAutoscaler,
        [
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: META, spec: {minReplicas: 2, scaleTargetRef: {kind: Deployment, name: a}}}",
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: META, spec: {minReplicas: 5, scaleTargetRef: {kind: Deployment, name: b}}}",
        ],
    ),
    (
        Kind::Ingress,
        [
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: META, spec: {rules: [{host: a.example.com}]}}",
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: META, spec: {rules: [{host: a.example.com}, {host: b.example.com}]}}",
        ],
    ),
    (
        Kind::HTTPRoute,
        [
            "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: META, spec: {hostnames: [a.example.com]}}",
            "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: META, spec: {}}",
        ],
    ),
];

fn see(survey: &mut Survey, text: &str) {
    for document in manifest::parse("t", text).unwrap() {
        survey.see(&object_of(&document).unwrap());
    }
}

fn filled((template, namespace, name): (&str, &str, &str)) -> String {
    template
        .replace("META", "{namespace: SPACE, name: NAME}")
        .replace("SPACE", namespace)
        .replace("NAME", name)
}

fn told(survey: &Survey) -> String {
    format!("{:#?}", survey.inventory(Inventory::default()))
}

proptest! {
    #[test]
    fn what_is_forgotten_was_never_seen(
        steps in prop::collection::vec((0..OBJECTS.len(), 0..NAMESPACES.len(), 0..NAMES.len(), 0..3usize, any::<bool>()), 1..60)
    ) {
        let (mut following, mut left) = (Survey::default(), BTreeMap::new());
        let mut snapshots = Vec::new();
        for (object, namespace, name, act, snapshot) in steps {
            let (kind, versions) = OBJECTS[object];
            let is_global = matches!(kind, Kind::Namespace | Kind::ClusterRole);
            let (namespace, name) = (if is_global { "" } else { NAMESPACES[namespace] }, NAMES[name]);
            if snapshot {
                // Whoever holds a snapshot does not see what comes after it.
                let held = following.inventory(Inventory::default());
                snapshots.push((format!("{held:#?}"), held));
            }
            match versions.get(act) {
                Some(version) => {
                    let text = filled((version, namespace, name));
                    see(&mut following, &text);
                    left.insert((kind, namespace, name), text);
                }
                None => {
                    following.forget(kind, namespace, name);
                    left.remove(&(kind, namespace, name));
                }
            }
        }
        let (mut fresh, mut parts) = (Survey::default(), Survey::default());
        for text in left.values() {
            see(&mut fresh, text);
            let mut part = Survey::default();
            see(&mut part, text);
            parts.absorb(part);
        }
        prop_assert_eq!(told(&following), told(&fresh));
        prop_assert_eq!(told(&parts), told(&fresh));
        for (before, held) in snapshots {
            prop_assert_eq!(before, format!("{held:#?}"));
        }
    }
}

#[test]
fn what_cannot_be_seen_is_unavailable_and_not_absent() {
    let mut survey = Survey::default();
    survey.cannot_see(Kind::TLSRoute, "forbidden".to_owned());
    let inventory = survey.inventory(Inventory::default());
    assert!(matches!(&inventory.routes, Source::Unavailable(reason) if reason == "forbidden"));
    assert!(matches!(&inventory.hosts, Source::Unavailable(_)));
    assert!(inventory.pods.ready().is_some());
    survey.can_see(Kind::TLSRoute);
    assert!(survey.inventory(Inventory::default()).routes.ready().is_some());
}
