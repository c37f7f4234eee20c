//! Which entries are ours, what is patched in them, and what is left alone.

use serde_json::json;

use super::*;
use crate::certificates::{Authority, Lives};

const OLD: &str = "the test's own CA";

fn service() -> Service {
    Service { namespace: "soc2gate".to_owned(), name: "soc2gate".to_owned() }
}

fn webhook(name: &str, mut client: Value, bundle: &str) -> Value {
    if !bundle.is_empty() {
        client["caBundle"] = BASE64_STANDARD.encode(bundle).into();
    }
    json!({
        "name": name, "clientConfig": client, "sideEffects": "None", "admissionReviewVersions": ["v1"],
    })
}

fn calls(namespace: &str, name: &str) -> Value {
    json!({"service": {"namespace": namespace, "name": name}})
}

/// An entry that calls our Service and trusts this bundle.
pub(crate) fn ours(name: &str, bundle: &str) -> Value {
    webhook(name, calls("soc2gate", "soc2gate"), bundle)
}

pub(crate) fn registration(webhooks: &[Value]) -> Registration {
    annotated(webhooks, json!({}))
}

fn annotated(webhooks: &[Value], annotations: Value) -> Registration {
    let metadata = json!({"name": "soc2gate", "resourceVersion": "7", "annotations": annotations});
    let configuration = json!({"metadata": metadata, "webhooks": webhooks});
    Registration::read(&serde_json::from_value(configuration).unwrap(), &service())
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn ca() -> Authority {
    Authority::make(OLD, Lives::IN_SECRET, now()).unwrap()
}

fn trusting(ca: &Authority) -> Bundle {
    Bundle::from(ca.certificate().clone())
}

#[test]
fn only_entries_that_call_this_gate_are_ours() {
    let url = |url: &str| json!({"url": url});
    let found = registration(&[
        ours("workloads.soc2gate.io", ""),
        ours("workloads.example.com", ""),
        ours("evilsoc2gate.io", ""),
        webhook("other.soc2gate.io", calls("soc2gate", "soc2gate-canary"), ""),
        webhook("elsewhere.soc2gate.io", calls("soc2gate2", "soc2gate"), ""),
        webhook("url.soc2gate.io", url("https://gate.example.com:8443/validate"), ""),
        webhook("v6.soc2gate.io", url("https://[::1]:8443/validate"), ""),
        webhook("none.soc2gate.io", url("not a URL"), ""),
    ]);
    let found: Vec<_> = found.entries.iter().map(|entry| (entry.index, entry.host.as_str())).collect();
    assert_eq!(found, [(0, "soc2gate.soc2gate.svc"), (5, "gate.example.com"), (6, "::1")]);
}

#[test]
fn a_patch_puts_right_what_is_wrong_and_names_the_version_that_was_read() {
    let (old, new) = (ca(), ca());
    let wanted = Bundle::from(new.certificate().clone()).joined_by([old.certificate().clone()]);
    let other_order = trusting(&old).joined_by([new.certificate().clone()]);
    let found = registration(&[
        ours("foreign.example.com", ""),
        ours("a.soc2gate.io", &wanted.pem()),
        ours("b.soc2gate.io", &other_order.pem()),
        ours("c.soc2gate.io", &trusting(&old).pem()),
        ours("d.soc2gate.io", ""),
    ]);
    let text = BASE64_STANDARD.encode(wanted.pem());
    let put = |index: usize| json!({"op": "add", "path": format!("/webhooks/{index}/clientConfig/caBundle"), "value": text});
    let expected = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
        put(3),
        put(4),
    ]);
    assert_eq!(found.patch(&wanted), Some(expected));
}

#[test]
fn nothing_is_patched_when_all_is_right() {
    let ca = ca();
    assert_eq!(registration(&[ours("a.soc2gate.io", &trusting(&ca).pem())]).patch(&trusting(&ca)), None);
    assert_eq!(registration(&[]).patch(&trusting(&ca)), None);
}

#[test]
fn what_cert_manager_keeps_is_never_patched() {
    for annotation in INJECTED {
        let found = annotated(&[ours("a.soc2gate.io", "")], json!({annotation: "soc2gate/soc2gate"}));
        assert_eq!((found.injected, found.patch(&trusting(&ca()))), (Some(annotation), None));
    }
}

#[test]
fn an_entry_says_why_it_refuses_a_certificate() {
    let (trusted, other) = (ca(), ca());
    let names = ["soc2gate.soc2gate.svc".to_owned()];
    let chain = trusted.issue(&names, Lives::IN_SECRET, now()).unwrap().certificate;
    let pem = trusting(&trusted).pem();
    let url = json!({"url": "https://gate.example.com/validate"});
    let cases = [
        (ours("a.soc2gate.io", &pem), None),
        (ours("a.soc2gate.io", &trusting(&other).pem()), Some(("signed by none", true))),
        (ours("a.soc2gate.io", "no PEM"), Some(("signed by none", true))),
        (ours("a.soc2gate.io", ""), Some(("has no caBundle", true))),
        (webhook("a.soc2gate.io", url.clone(), &pem), Some(("not good for the name gate.example.com", true))),
        (webhook("a.soc2gate.io", url, ""), Some(("has no caBundle", false))),
    ];
    for (entry, expected) in cases {
        let refusals = registration(std::slice::from_ref(&entry)).refusals(&chain, now());
        let refusal = refusals.first().map(|refusal| (refusal.words.as_str(), refusal.is_certain));
        match (refusal, expected) {
            (None, None) => {}
            (Some((words, certain)), Some((part, expected))) => {
                assert!(words.contains(part) && certain == expected, "{words}");
            }
            _ => panic!("{entry}: {refusal:?}"),
        }
    }
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    let ca = ca();
    let names = ["soc2gate.soc2gate.svc".to_owned()];
    let chain = ca.issue(&names, Lives::IN_SECRET, now()).unwrap().certificate;
    let found = registration(&[ours("a.soc2gate.io", &trusting(&ca).pem())]);
    let later = now() + jiff::SignedDuration::from_hours(24 * 91);
    assert!(found.accepts(&chain, now()) && !found.accepts(&chain, later));
    assert!(found.refusals(&chain, later)[0].words.contains("expired"));
}
