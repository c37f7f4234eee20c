//! Exemptions that nobody else approved.

use serde_json::json;

use super::{denied, said};
use crate::library::{Sent, enforcing, in_file, refusal};

const CHECK: &str = "self-approved-exemption";
const APPROVERS: &str = "{approvers: [{kind: User, name: ann}, {kind: Group, name: security}]}";

/// An exemption that ann may apply on 2027-01-15; `instead` replaces lines of its spec by their first word.
fn exemption(instead: &[(&str, &str)]) -> String {
    let mut lines = vec![
        ("check", "host-port"),
        ("subject", "{namespace: shop, name: web}"),
        ("reason", "Migration."),
        ("ticket", "SEC-1"),
        ("requestedBy", "bob"),
        ("approvedBy", "ann"),
        ("expires", "2027-02-01"),
    ];
    for (field, value) in instead {
        lines.retain(|(other, _)| other != field);
        lines.push((field, value));
    }
    let spec: String = lines.iter().map(|(field, value)| format!("  {field}: {value}\n")).collect();
    format!("apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {{name: e}}\nspec:\n{spec}")
}

#[test]
fn who_asks_for_an_exemption_neither_grants_nor_applies_it() {
    let create = |instead: &[(&str, &str)]| Sent::create(&exemption(instead));
    for (what, sent, expected) in [
        ("two people", create(&[]), ""),
        ("one person", create(&[("approvedBy", "bob")]), "spec.approvedBy is `bob`, who also requested it"),
        (
            "one person, written twice",
            create(&[("approvedBy", "' Bob '")]),
            "spec.approvedBy is `bob`, who also requested it",
        ),
        (
            "applied by who asked",
            create(&[]).by("bob", &["security"]),
            "userInfo.username is `bob`, who requested the exemption",
        ),
        (
            "applied by anybody",
            create(&[]).by("eve", &[]),
            "userInfo.username is `eve`, not one of `approvers`",
        ),
        ("applied by one of a group", create(&[]).by("eve", &["security"]), ""),
        ("applied by nobody", create(&[]).by("", &[]), "userInfo.username is empty, not one of `approvers`"),
    ] {
        let expected: Vec<_> = (!expected.is_empty()).then(|| expected.to_owned()).into_iter().collect();
        assert_eq!(said(CHECK, APPROVERS, &sent), expected, "{what}");
    }
}

#[test]
fn an_exemption_has_a_subject_and_an_end() {
    for (field, value, expected) in [
        ("expires", "2027-04-15", false),
        ("expires", "2027-04-16", true),
        ("expires", "2027-04-16T12:00:00Z", false),
        ("expires", "2027-04-16T12:00:01Z", true),
        ("expires", "2030-01-01", true),
        ("expires", "never", true),
        ("expires", "null", true),
        ("subject", "{}", true),
        ("subject", "null", true),
        ("subject", "{name: '*'}", true),
        ("subject", "{namespace: '', kind: '*'}", true),
        ("subject", "{kind: Pod}", false),
        ("subject", "{user: ann}", false),
    ] {
        let sent = Sent::create(&exemption(&[(field, value)]));
        assert_eq!(denied(CHECK, APPROVERS, &sent), expected, "{field}: {value}");
    }
    let later = exemption(&[("starts", "2027-03-01"), ("expires", "2027-05-01")]);
    assert!(!denied(CHECK, APPROVERS, &Sent::create(&later)), "counted from its own beginning");
    let short = APPROVERS.replace("}]}", "}], maxDays: 7}");
    assert!(denied(CHECK, &short, &Sent::create(&exemption(&[]))));
    assert!(refusal(CHECK, "{maxDays: -1}").contains("expected an integer"));
}

#[test]
fn who_changes_an_exemption_answers_for_all_of_it() {
    let (old, wider) = (
        exemption(&[("approvedBy", "bob")]),
        exemption(&[("approvedBy", "bob"), ("subject", "{namespace: shop}")]),
    );
    assert_eq!(
        said(CHECK, APPROVERS, &Sent::update(&old, &wider).by("eve", &[])),
        [
            "spec.approvedBy is `bob`, who also requested it",
            "userInfo.username is `eve`, not one of `approvers`"
        ]
    );
    // A finalizer, a status or an annotation is no change of it.
    let annotated = old.replace("{name: e}", "{name: e, annotations: {a: b}}") + "status: {state: active}\n";
    assert!(!denied(CHECK, APPROVERS, &Sent::update(&old, &annotated).by("eve", &[])));
    assert!(!denied(CHECK, APPROVERS, &Sent::delete(&old).by("eve", &[]).set("name", json!(""))));
}

#[test]
fn without_approvers_or_a_requester_the_rest_still_holds() {
    let decision = Sent::create(&exemption(&[])).by("eve", &[]).decide(&enforcing(CHECK, ""));
    assert_eq!(decision.unassessed[0].missing.reason(), "the parameter `approvers` is empty in the policy");
    assert!(decision.findings.is_empty() && decision.outcome.admits());
    assert!(denied(CHECK, "", &Sent::create(&exemption(&[])).by("bob", &[])));
    let (found, missing) = in_file(CHECK, APPROVERS, &exemption(&[("subject", "{}"), ("expires", "soon")]));
    assert_eq!(found, ["spec.expires", "spec.subject"]);
    assert_eq!(missing, ["the requester is not known"]);
}
