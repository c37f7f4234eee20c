//! The kinds behind resource names, for events that carry no object which could say its kind.

use crate::object::Kind;

/// API group, plural resource name, kind: those that only their metadata is read of.
const OTHERS: &[(&str, &str, &str)] = &[
    ("", "nodes", "Node"),
    ("", "persistentvolumeclaims", "PersistentVolumeClaim"),
    ("", "persistentvolumes", "PersistentVolume"),
    ("", "resourcequotas", "ResourceQuota"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "apiservices", "APIService"),
];

/// The kind of a resource and its name, if it is a known one.
pub(super) fn kind(group: &str, resource: &str) -> (Kind, Option<&'static str>) {
    match Kind::of_resource(group, resource) {
        Kind::Other => {
            let other = OTHERS.iter().find(|(of, plural, _)| *of == group && *plural == resource);
            (Kind::Other, other.map(|(.., name)| *name))
        }
        kind => (kind, Some(kind.name())),
    }
}
