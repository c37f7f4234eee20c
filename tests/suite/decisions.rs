//! Decisions: modes, what was there before, exemptions, and policies that are refused.

mod exemptions;
mod owners;
mod policies;
mod ratchet;

use serde_json::json;
use soc2gate::{
    decision::Outcome,
    policy::{Mode, Settings},
};

use crate::library::{self, Sent, found};

/// A policy of this name with these checks.
fn policy(name: &str, checks: &str) -> String {
    format!(
        "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  criterion: CC6.1\n  \
         control: Tested.\n  checks: [{checks}]\n"
    )
}

const PRIVILEGED: &str = "{id: privileged-container, mode: enforce}";

/// A Pod `web` in `shop` with this spec.
fn pod(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{{spec}}}}}")
}

/// A Pod with one privileged container of this name.
fn privileged(container: &str) -> String {
    pod(&format!("containers: [{{name: {container}, securityContext: {{privileged: true}}}}]"))
}

#[test]
fn a_mode_decides_between_denial_warning_and_record() {
    for (mode, outcome, count) in [
        ("enforce", Outcome::Deny, 1),
        ("warn", Outcome::Warn, 1),
        ("audit", Outcome::Allow, 1),
        ("off", Outcome::Allow, 0),
        ("'off'", Outcome::Allow, 0),
    ] {
        let checks = format!("{{id: privileged-container, mode: {mode}}}");
        let policies = library::policies(&[&policy("p", &checks)]);
        let decision = Sent::create(&privileged("app")).decide(&policies);
        assert_eq!((decision.outcome, decision.findings.len()), (outcome, count), "{mode}");
    }
}

#[test]
fn a_ceiling_lowers_every_mode_and_raises_none() {
    for (stated, ceiling, outcome) in [
        ("enforce", Mode::Enforce, Outcome::Deny),
        ("enforce", Mode::Warn, Outcome::Warn),
        ("enforce", Mode::Audit, Outcome::Allow),
        ("warn", Mode::Enforce, Outcome::Warn),
        ("audit", Mode::Warn, Outcome::Allow),
    ] {
        let checks = format!("{{id: privileged-container, mode: {stated}}}");
        let settings = Settings { ceiling: Some(ceiling), ..Settings::default() };
        let policies = library::try_policies(&[&policy("p", &checks)], &settings).unwrap();
        let decision = Sent::create(&privileged("app")).decide(&policies);
        assert_eq!(decision.outcome, outcome, "{stated} under {ceiling:?}");
        assert_eq!(decision.findings.len(), 1);
    }
}

#[test]
fn a_policy_that_names_its_version_is_judged_by_it() {
    let old = policy("p", "{id: root-user, mode: enforce}")
        .replace("spec:\n", "spec:\n  kubernetesVersion: '1.22'\n");
    let root = pod("securityContext: {runAsUser: 0}");
    assert_eq!(Sent::create(&root).decide(&library::policies(&[&old])).outcome, Outcome::Allow);
    let new = old.replace("1.22", "1.23");
    assert_eq!(Sent::create(&root).decide(&library::policies(&[&new])).outcome, Outcome::Deny);
}

#[test]
fn two_policies_with_one_check_report_a_violation_once_in_the_harder_mode() {
    let (soft, hard) = (policy("soft", "{id: privileged-container, mode: warn}"), policy("hard", PRIVILEGED));
    for texts in [[&*soft, &*hard], [&*hard, &*soft]] {
        let decision = Sent::create(&privileged("app")).decide(&library::policies(&texts));
        let findings: Vec<_> =
            decision.findings.iter().map(|found| (found.mode, &*found.policy.name)).collect();
        assert_eq!(findings, [(Mode::Enforce, "hard")]);
    }
    // Under different parameters they differ, and each keeps what only it has found.
    let narrow = policy("narrow", "{id: added-capability, mode: enforce, params: {allow: [CHOWN]}}");
    let usual = policy("usual", "{id: added-capability, mode: warn}");
    let added = pod("containers: [{name: a, securityContext: {capabilities: {add: [CHOWN, KILL, BPF]}}}]");
    let decision = Sent::create(&added).decide(&library::policies(&[&narrow, &usual]));
    assert_eq!(
        found(&decision),
        [
            "new added-capability containers[name=a].securityContext.capabilities.add[KILL]",
            "new added-capability containers[name=a].securityContext.capabilities.add[BPF]",
        ]
    );
}

#[test]
fn findings_come_most_severe_first() {
    let checks = "{id: unconfined-apparmor, mode: enforce}, {id: host-namespace, mode: warn}, \
                  {id: privileged-container, mode: audit}";
    let all = pod(
        "hostPID: true, containers: [{name: a, securityContext: {privileged: true, appArmorProfile: {}}}]",
    );
    let decision = Sent::create(&all).decide(&library::policies(&[&policy("p", checks)]));
    let order: Vec<_> = decision.findings.iter().map(|found| found.check.id).collect();
    assert_eq!(order, ["privileged-container", "host-namespace", "unconfined-apparmor"]);
}

#[test]
fn a_static_pod_is_recorded_and_not_denied_when_its_own_node_mirrors_it() {
    let policies = library::policies(&[&policy("p", PRIVILEGED)]);
    let mirror = "{apiVersion: v1, kind: Pod, metadata: {name: etcd-n1, namespace: kube-system, annotations: \
                  {kubernetes.io/config.mirror: x}}, spec: {nodeName: n1, containers: \
                  [{name: a, securityContext: {privileged: true}}]}}";
    let decide = |manifest: &str, user: &str, groups: &[&str]| {
        Sent::create(manifest).by(user, groups).decide(&policies)
    };
    let own = decide(mirror, "system:node:n1", &["system:nodes"]);
    assert!(own.outcome == Outcome::Warn && own.is_static && own.findings.len() == 1);
    for (user, groups) in [
        ("system:node:n2", &["system:nodes"][..]),
        ("system:node:n1", &[]),
        ("ann", &["system:nodes"]),
        ("system:serviceaccount:kube-system:replicaset-controller", &[]),
    ] {
        let decision = decide(mirror, user, groups);
        assert!(decision.outcome == Outcome::Deny && !decision.is_static, "{user}");
    }
    let no_mirror = mirror.replace("config.mirror", "config.source");
    assert_eq!(decide(&no_mirror, "system:node:n1", &["system:nodes"]).outcome, Outcome::Deny);
}

#[test]
fn selector_evaluation_error_applies_the_policy_and_says_so() {
    let text = policy("p", PRIVILEGED)
        .replace("spec:\n", "spec:\n  match: {namespaceSelector: {matchLabels: {team: shop}}}\n");
    let policies = library::policies(&[&text]);
    let unknown = Sent::create(&privileged("app")).decide(&policies);
    assert_eq!(unknown.outcome, Outcome::Deny);
    assert_eq!(
        unknown.errors,
        ["policy p was applied because the labels of the namespace are not known here"]
    );
    let known = |team: &str| {
        let namespace = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{team: {team}}}}}}}"
        );
        Sent::create(&privileged("app")).amid(library::world(&namespace)).decide(&policies)
    };
    assert_eq!(known("shop").outcome, Outcome::Deny);
    assert_eq!((known("other").outcome, known("other").findings.len()), (Outcome::Allow, 0));
    assert!(known("shop").errors.is_empty());
}

#[test]
fn an_excluded_namespace_is_left_out_by_its_full_name_only() {
    let text = policy("p", PRIVILEGED).replace("spec:\n", "spec:\n  match: {excludeNamespaces: [shop]}\n");
    let policies = library::policies(&[&text]);
    assert_eq!(Sent::create(&privileged("app")).decide(&policies).outcome, Outcome::Allow);
    for other in ["shop-2", "sho", ""] {
        let sent =
            Sent::create(&privileged("app").replace("namespace: shop", &format!("namespace: '{other}'")));
        assert_eq!(sent.decide(&policies).outcome, Outcome::Deny, "{other}");
    }
}

#[test]
fn unicode_control_characters_of_a_user_appear_escaped_in_a_finding() {
    let policies = library::policies(&[&policy("p", "{id: added-capability, mode: enforce}")]);
    let evil = "a\u{202e}b\u{2028}c\u{200b}d\u{9b}e\nf";
    let mut sent = json!({"add": [evil]});
    sent = json!({"containers": [{"name": "x", "securityContext": {"capabilities": sent}}]});
    let manifest = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": sent});
    let decision = Sent::create(&manifest.to_string()).decide(&policies);
    let line = decision.findings[0].line();
    assert!(line.contains(r"`a\u{202e}b\u{2028}c\u{200b}d\u{9b}e\u{a}f`"), "{line}");
    assert!(!line.chars().any(char::is_control), "{line}");
}

#[test]
fn a_long_value_does_not_drown_the_message() {
    let policies = library::policies(&[&policy("p", "{id: added-capability, mode: enforce}")]);
    let long = "ß".repeat(100_000);
    let manifest =
        pod(&format!("containers: [{{name: a, securityContext: {{capabilities: {{add: [{long}]}}}}}}]"));
    let decision = Sent::create(&manifest).decide(&policies);
    assert!(decision.findings[0].line().len() < 600);
}
