//! What a role granted before is reported and never denied, however its rules are written; what it gains is denied.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use soc2gate::{decision::Outcome, policy::PolicySet};

use super::{policy, role};
use crate::library::{Sent, found};

fn update(policies: &PolicySet, old: &[&str], new: &[&str]) -> Vec<String> {
    let role = |rules: &[&str]| role("ClusterRole", rules).to_string();
    let decision = Sent::update(&role(old), &role(new)).decide(policies);
    let denies = decision.findings.iter().any(soc2gate::decision::Finding::denies);
    assert_eq!(decision.outcome == Outcome::Deny, denies);
    found(&decision)
}

#[test]
fn an_edit_that_grants_nothing_dangerous_is_not_denied() {
    for (id, old, new) in [
        // One more harmless verb, resource or group in the same rule.
        (
            "exec-permission",
            &["create | pods/exec | core"][..],
            &["create list | pods/exec pods/log | core apps"][..],
        ),
        (
            "secret-read-permission",
            &["get list | secrets | core"],
            &["get list create | secrets configmaps | core"],
        ),
        // Another order, one rule for two, two for one.
        (
            "exec-permission",
            &["get | pods | core", "create | pods/exec | core"],
            &["create | pods/exec | core", "get | pods | core"],
        ),
        (
            "exec-permission",
            &["create get | pods/exec | core"],
            &["create | pods/exec | core", "get | pods/exec | core"],
        ),
        (
            "exec-permission",
            &["create | pods/exec | core", "get | pods/exec | core"],
            &["create get | pods/exec | core"],
        ),
        // The same said in other words.
        ("node-proxy-permission", &["get | nodes/proxy | core"], &["get | */proxy | core"]),
        ("secret-read-permission", &["read | secrets | core"], &["list watch get | secrets | core"]),
        // Less than before.
        ("secret-read-permission", &["* | * | *"], &["list | secrets | core"]),
        (
            "escalation-verb",
            &["bind | clusterroles | rbac.authorization.k8s.io"],
            &["bind | clusterroles | rbac.authorization.k8s.io | admin"],
        ),
        ("escalation-verb", &["* | * | *"], &["bind | roles | rbac.authorization.k8s.io"]),
        (
            "impersonate-permission",
            &["* | * | *"],
            &["impersonate:user-info | users | authentication.k8s.io"],
        ),
        ("wildcard-rule", &["* | * | *"], &["get list | * | apps"]),
        ("wildcard-rule", &["* | pods | core", "* | jobs | batch"], &["* | jobs | batch", "* | pods | core"]),
        ("wildcard-rule", &["get list | * | apps"], &["get | * | apps | one two"]),
        ("wildcard-rule", &["get | * | paths"], &["get | /* | paths"]),
    ] {
        let found = update(&policy(id, "enforce", ""), old, new);
        assert!(!found.is_empty(), "{id}: {new:?}");
        for finding in &found {
            assert_eq!(finding, &format!("pre-existing {id} rules"), "{old:?} -> {new:?}");
        }
    }
}

#[test]
fn what_a_role_gains_is_denied() {
    for (id, old, new) in [
        ("exec-permission", &["get | pods | core"][..], &["get | pods pods/exec | core"][..]),
        ("secret-read-permission", &["get | secrets | core"], &["get list | secrets | core"]),
        ("secret-read-permission", &["list | secrets | core | a"], &["list | secrets | core"]),
        (
            "escalation-verb",
            &["bind | roles | rbac.authorization.k8s.io"],
            &["bind escalate | roles | rbac.authorization.k8s.io"],
        ),
        (
            "escalation-verb",
            &["bind | roles | rbac.authorization.k8s.io | admin"],
            &["bind | roles | rbac.authorization.k8s.io | admin edit"],
        ),
        (
            "escalation-verb",
            &["bind | roles | rbac.authorization.k8s.io | admin"],
            &["bind | roles | rbac.authorization.k8s.io"],
        ),
        (
            "namespace-label-permission",
            &["patch | namespaces | core | a"],
            &["patch | namespaces | core | a b"],
        ),
        (
            "admission-control-permission",
            &["update | exemptions | soc2gate.io"],
            &["update | exemptions controlpolicies | soc2gate.io"],
        ),
        ("wildcard-rule", &["get | * | apps"], &["get delete | * | apps"]),
        ("wildcard-rule", &["get | * | apps | one"], &["get | * | apps"]),
        ("wildcard-rule", &["* | pods | core"], &["* | pods secrets | core"]),
        ("wildcard-rule", &["get | /metrics | paths"], &["get | /metrics * | paths"]),
    ] {
        let found = update(&policy(id, "enforce", ""), old, new);
        assert!(found.contains(&format!("new {id} rules")), "{old:?} -> {new:?}: {found:?}");
    }
}

#[test]
fn a_finding_names_what_is_new_apart_from_what_was_there() {
    let manifest = |rules: &[&str]| role("ClusterRole", rules).to_string();
    let old = manifest(&["get | pods | core", "create | pods/exec | core"]);
    let new = manifest(&["create | pods/exec pods/attach | core", "get | pods | core"]);
    let decision = Sent::update(&old, &new).decide(&policy("exec-permission", "enforce", ""));
    let lines: Vec<_> =
        decision.findings.iter().map(|one| format!("{} {}", one.state.id(), one.message())).collect();
    assert_eq!(
        lines,
        [
            "new rules[0] grants `create` on `pods/attach`",
            "pre-existing rules[0] grants `create` on `pods/exec`"
        ]
    );
    assert_eq!(decision.outcome, Outcome::Deny);
}

#[test]
fn an_old_role_that_does_not_decode_excuses_nothing() {
    let new = role("ClusterRole", &["create | pods/exec | core"]).to_string();
    let broken = json!({"kind": "ClusterRole", "metadata": {"name": "role"}, "rules": "none"});
    let decision =
        Sent::update(&new, &new).set("oldObject", broken).decide(&policy("exec-permission", "enforce", ""));
    assert_eq!(decision.outcome, Outcome::Deny);
}

#[test]
fn two_policies_tell_two_rules_apart_that_grant_the_same() {
    let one = |name: &str| {
        format!(
            "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  criterion: CC6.3\n  \
             control: Tested.\n  checks: [{{id: exec-permission, mode: warn}}]\n"
        )
    };
    let policies = crate::library::policies(&[&one("a"), &one("b")]);
    let twice =
        role("ClusterRole", &["create | pods/exec | core", "create | pods/exec | apps core"]).to_string();
    let decision = Sent::create(&twice).decide(&policies);
    let paths: Vec<_> = decision.findings.iter().map(|found| &*found.violation.place.path).collect();
    assert_eq!(paths, ["rules[0]", "rules[1]"]);
}

#[test]
fn a_huge_role_is_compared_no_longer_than_a_large_one() {
    let rules = |count: usize, verb: &str| -> Value {
        let rule = |number: usize| json!({"verbs": [verb, format!("v{number}")], "apiGroups": ["*"], "resources": ["*"]});
        (0..count).map(rule).collect()
    };
    let mut new = role("ClusterRole", &[]);
    let mut old = new.clone();
    let policies = policy("wildcard-rule", "enforce", "");
    // Large: compared in full.
    (old["rules"], new["rules"]) = (rules(100, "get"), rules(100, "get"));
    let same = Sent::update(&old.to_string(), &new.to_string()).decide(&policies);
    assert!(same.outcome.admits() && same.findings.len() == 100);
    // Huge: judged all the same, and in time.
    (old["rules"], new["rules"]) = (rules(8_000, "list"), rules(8_000, "get"));
    let sent = Sent::update(&old.to_string(), &new.to_string());
    let start = Instant::now();
    assert_eq!(sent.decide(&policies).outcome, Outcome::Deny);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let lists: Vec<_> = (0..2_000).map(|number| format!("r{number}")).collect();
    let mut wide = role("ClusterRole", &[]);
    wide["rules"] = json!([{"verbs": ["*"], "apiGroups": lists, "resources": lists, "resourceNames": lists}]);
    let start = Instant::now();
    assert_eq!(Sent::update(&old.to_string(), &wide.to_string()).decide(&policies).outcome, Outcome::Deny);
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
