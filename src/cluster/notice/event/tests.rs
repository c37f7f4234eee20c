//! An Event is about the right object, within the limits of the API, whatever the object is called.

use super::*;
use crate::object::{List, Metadata, Object, OwnerReference};

fn request<'a>(kind: Kind, resource: &'a str, subresource: &'a str, name: &'a str) -> Request<'a> {
    Request {
        kind,
        kind_name: if kind == Kind::Other { "Node".into() } else { kind.name().into() },
        version: "v1".into(),
        resource: resource.into(),
        subresource: subresource.into(),
        namespace: if resource == "nodes" { "".into() } else { "shop".into() },
        name: name.into(),
        operation: Some(Operation::Create),
        ..Request::default()
    }
}

fn words(reference: &ObjectReference) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_else(|| "-".to_owned());
    let ObjectReference { api_version, kind, namespace, name, .. } = reference;
    [api_version, kind, namespace, name].map(text).join(" ")
}

#[test]
fn an_event_is_about_the_object_and_not_about_how_it_was_reached() {
    for (request, expected, namespace) in [
        (request(Kind::Pod, "pods", "", "web"), "v1 Pod shop web", "shop"),
        (request(Kind::PodExecOptions, "pods", "exec", "web"), "v1 Pod shop web", "shop"),
        (request(Kind::TokenRequest, "serviceaccounts", "token", "ci"), "v1 ServiceAccount shop ci", "shop"),
        (request(Kind::NodeProxyOptions, "nodes", "proxy", "n1"), "v1 NodeProxyOptions - n1", "default"),
        (request(Kind::Namespace, "namespaces", "", "shop"), "v1 Namespace - shop", "default"),
        (request(Kind::Other, "nodes", "", "n1"), "v1 Node - n1", "default"),
    ] {
        let notice = Notice::of_denial(&request, &Decision::default(), "line");
        assert_eq!((&*words(&notice.regarding), notice.namespace()), (expected, namespace));
    }
}

/// A Pod of a ReplicaSet that has no name yet.
fn pod_of_a_controller() -> Request<'static> {
    let owner = OwnerReference {
        api_version: "apps/v1".into(),
        kind: "ReplicaSet".into(),
        name: "web-7d4b9c".into(),
        controller: Some(true),
    };
    let metadata = Metadata {
        generate_name: "web-7d4b9c-".into(),
        owner_references: List(vec![owner]),
        ..Metadata::default()
    };
    let object = Object { kind: Kind::Pod, metadata, ..Object::default() };
    Request { object: Some(object), ..request(Kind::Pod, "pods", "", "") }
}

#[test]
fn the_pods_of_one_root_count_as_one_and_name_it() {
    let request = pod_of_a_controller();
    for (kind, name, expected) in [
        ("Deployment", "web", "apps/v1 Deployment shop web"),
        ("ReplicaSet", "web-7d4b9c", "apps/v1 ReplicaSet shop web-7d4b9c"),
        ("Rollout", "web", "- Rollout shop web"),
    ] {
        let root = Some(Owner { kind: kind.to_owned(), name: name.to_owned() });
        let notice = Notice::of_denial(&request, &Decision { root, ..Decision::default() }, "line");
        assert_eq!(words(&notice.regarding), "v1 Pod shop web-7d4b9c-");
        assert_eq!(words(notice.related.as_ref().unwrap()), expected);
        assert_eq!(notice.key, format!("Denied|shop|{kind}|{name}|"));
    }
}

#[test]
fn a_note_fits_and_misleads_nobody() {
    let request = request(Kind::Pod, "pods", "", "web");
    for (line, expected) in [
        ("short".to_owned(), "short".to_owned()),
        ("a\nb\u{202e}".to_owned(), "a\\u{a}b\\u{202e}".to_owned()),
        ("x".repeat(1_024), "x".repeat(1_024)),
        ("x".repeat(1_025), format!("{}…", "x".repeat(1_021))),
        ("ö".repeat(600), format!("{}…", "ö".repeat(510))),
    ] {
        let note = Notice::of_denial(&request, &Decision::default(), &line).note;
        assert!(note == expected && note.len() <= LONGEST_NOTE, "{} bytes: {note}", note.len());
    }
}

#[test]
fn the_name_of_an_event_is_a_name_whatever_the_object_is_called() {
    let (long, cut) = ("a".repeat(300), format!("{}.1f", "a".repeat(250)));
    for (of, expected) in [
        ("web", "web.1f"),
        ("web-7d4b9c-", "web-7d4b9c.1f"),
        ("system:node-proxier", "system-node-proxier.1f"),
        ("Größe", "gr--e.1f"),
        ("", "soc2gate.1f"),
        ("::", "soc2gate.1f"),
        (&long, &cut),
    ] {
        assert_eq!(event_name(of, "1f"), expected);
    }
}

#[test]
fn what_cannot_be_decided_is_no_denial() {
    let request = request(Kind::Pod, "pods", "", "web");
    let undecided = Decision { outcome: Outcome::Error { denies: true }, ..Decision::default() };
    assert_eq!(Notice::of_denial(&request, &undecided, "line").reason, "Undecided");
}
