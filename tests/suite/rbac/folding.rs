//! What a person reads about a rule that breaks many checks at once.

use serde_json::Value;
use soc2gate::{
    admission::{Identity, encode},
    policy::PolicySet,
};

use super::{OF_ACCESS, policy, role};
use crate::library::Sent;

fn answer(sent: &Sent, policies: &PolicySet) -> Value {
    let identity = Identity { decision_id: "d", policy_digest: "p", inventory_age: None };
    serde_json::from_slice::<Value>(&encode("1", &sent.decide(policies), identity)).unwrap()["response"]
        .take()
}

#[test]
fn a_rule_of_everything_is_denied_in_one_line_with_a_cause_for_each_finding() {
    let response = answer(&Sent::create(&role("ClusterRole", &["* | * | *"]).to_string()), &OF_ACCESS);
    let message = response["status"]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "CC6.3 escalation-verb, impersonate-permission, +3 more: rules[0] grants `escalate` on `clusterroles` and 3 \
         more. Remove escalate; for bind, list in `resourceNames` the ordinary roles that may be handed out."
    );
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    let reasons: Vec<_> = causes.iter().map(|cause| cause["reason"].as_str().unwrap()).collect();
    assert_eq!(
        reasons,
        [
            "escalation-verb",
            "impersonate-permission",
            "node-proxy-permission",
            "certificate-approval-permission",
            "admission-control-permission",
        ]
    );
    assert!(causes.iter().all(|cause| cause["field"] == "rules[0]"));
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let warning = warnings[0].as_str().unwrap();
    assert!(
        warning.starts_with(
            "CC6.3 wildcard-rule, secret-read-permission, +5 more: rules[0] grants every verb on"
        )
    );
    assert!(warning.chars().count() <= 256);
}

#[test]
fn each_rule_has_a_line_of_its_own_the_worst_first() {
    let rules = [
        "get | pods | core",
        "create | pods/exec serviceaccounts/token | core",
        "get | nodes/proxy | core",
        "list | secrets | core",
        "bind escalate | roles | rbac.authorization.k8s.io",
    ];
    let response = answer(&Sent::create(&role("ClusterRole", &rules).to_string()), &OF_ACCESS);
    let message = response["status"]["message"].as_str().unwrap();
    let starts: Vec<_> = message.split("; ").map(|line| line.split(" grants").next().unwrap()).collect();
    assert_eq!(starts[0], "CC6.3 escalation-verb: rules[4]");
    assert!(
        message.contains("; CC6.3 node-proxy-permission: rules[2] grants `get` on `nodes/proxy`. "),
        "{message}"
    );
    let warnings: Vec<_> =
        response["warnings"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let starts: Vec<_> = warnings.iter().map(|line| line.split(" grants").next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "CC6.3 secret-read-permission: rules[3]",
            "CC6.3 exec-permission, token-creation-permission: rules[1]",
        ]
    );
}

#[test]
fn three_checks_are_all_named() {
    let rules = ["get create list | secrets pods/exec serviceaccounts/token | core"];
    let response = answer(&Sent::create(&role("ClusterRole", &rules).to_string()), &OF_ACCESS);
    let warning = response["warnings"][0].as_str().unwrap();
    let named =
        "CC6.3 secret-read-permission, exec-permission, token-creation-permission: rules[0] grants `list`";
    assert!(warning.starts_with(named), "{warning}");
}

#[test]
fn what_did_not_fit_is_counted_by_finding() {
    let rules = vec!["* | * | *"; 200];
    let response = answer(&Sent::create(&role("ClusterRole", &rules).to_string()), &OF_ACCESS);
    let message = response["status"]["message"].as_str().unwrap();
    let told = message.matches("rules[").count();
    assert!(told > 1 && message.chars().count() <= 1_000, "{message}");
    assert!(message.ends_with(&format!("; +{} more", (200 - told) * 5)), "{message}");
    let causes = response["status"]["details"]["causes"].as_array().unwrap();
    assert_eq!(causes.last().unwrap()["message"], "+500 more");
    let warnings = response["warnings"].as_array().unwrap();
    let (last, told) = warnings.split_last().unwrap();
    assert_eq!(last.as_str().unwrap(), format!("+{} more", (200 - told.len()) * 7));
    let length: usize = warnings.iter().map(|line| line.as_str().unwrap().chars().count()).sum();
    assert!(length <= 4_096);
}

#[test]
fn what_is_old_is_not_folded_into_what_is_new() {
    let manifest = |rule: &str| role("ClusterRole", &[rule]).to_string();
    let (old, new) =
        (manifest("create | pods/exec | core"), manifest("create | pods/exec serviceaccounts/token | core"));
    let response = answer(&Sent::update(&old, &new), &OF_ACCESS);
    let warnings: Vec<_> =
        response["warnings"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn other_findings_at_one_place_keep_their_words() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [{name: a, image: \
               'nginx:latest'}]}}";
    let response = answer(&Sent::create(pod), &super::SHIPPED);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(message.starts_with("CC6.8 mutable-image-tag: "), "{message}");
    let warnings = response["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|line| line.as_str().unwrap().starts_with("CC6.8 unpinned-image: ")),
        "{warnings:?}"
    );
}

#[test]
fn words_of_a_user_do_not_drown_or_mislead() {
    let long = "x".repeat(5_000);
    let evil = format!("delete\u{202e}\n{long}");
    let mut role = role("ClusterRole", &["delete | x | soc2gate.io"]);
    role["rules"][0]["resources"] = serde_json::json!([evil]);
    let policies = policy("admission-control-permission", "enforce", "");
    let decision = Sent::create(&role.to_string()).decide(&policies);
    let line = decision.findings[0].line();
    assert!(line.len() < 600 && line.contains(r"delete\u{202e}\u{a}x"), "{line}");
}
