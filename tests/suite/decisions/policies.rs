//! Policies that are refused, each with its place and what to write instead.

use soc2gate::policy::Settings;

use super::{PRIVILEGED, policy};
use crate::library;

/// The first refusal of a policy.
fn refusal(text: &str) -> String {
    library::try_policies(&[text], &Settings::default()).map(|_| ()).unwrap_err().swap_remove(0)
}

/// Says that a policy with one change is refused at this place with these words.
fn refused(change: (&str, &str), place: &str, words: &str) {
    let text = policy("p", PRIVILEGED);
    assert!(text.contains(change.0), "{text}");
    let refusal = refusal(&text.replacen(change.0, change.1, 1));
    let told = refusal.strip_prefix(&format!("p0.yaml:{place}: ")).unwrap_or_else(|| panic!("{refusal}"));
    assert!(told.contains(words), "{refusal}");
}

#[test]
fn an_unknown_field_is_refused_with_its_place_and_the_nearest_known() {
    refused(("control:", "controls:"), "6:3", "unknown field `controls`: did you mean `control`?");
    refused(("mode:", "modes:"), "7:39", "unknown field `modes`: did you mean `mode`?");
    refused(("spec:\n", "spec:\n  match: {namespaces: [a]}\n"), "5:11", "unknown field `namespaces`");
}

#[test]
fn an_unknown_check_is_refused_with_its_place_and_the_nearest_known() {
    refused(
        ("privileged-container", "priviledged-container"),
        "7:13",
        "unknown check `priviledged-container`, did you mean `privileged-container`",
    );
}

#[test]
fn an_unknown_mode_criterion_kind_or_version_is_refused_with_its_place() {
    refused(("mode: enforce", "mode: enforced"), "7:45", "did you mean `enforce`");
    refused(("criterion: CC6.1", "criterion: CC61"), "5:3", "unknown criterion `CC61`");
    refused(("soc2gate.io/v1", "soc2gate.io/v2"), "1:1", "write `soc2gate.io/v1`");
    refused(("ControlPolicy", "Policy"), "2:1", "write `ControlPolicy`");
    refused(("spec:\n", "spec:\n  kubernetesVersion: newest\n"), "5:3", "is not a Kubernetes version");
}

#[test]
fn a_bad_parameter_is_refused_with_its_place() {
    let with = |params: &str| format!("mode: enforce, params: {params}");
    refused(("mode: enforce", &with("{allow: []}")), "7:63", "unknown field `allow`");
    let capability = policy("p", "{id: added-capability, mode: enforce, params: {allows: [CHOWN]}}");
    assert!(refusal(&capability).contains("p0.yaml:7:59: unknown field `allows`: did you mean `allow`?"));
    let namespaces = policy("p", "{id: system-namespace-workload, mode: enforce, params: {namespaces: []}}");
    assert!(
        refusal(&namespaces).starts_with("p0.yaml:7:67: `namespaces` is empty"),
        "{}",
        refusal(&namespaces)
    );
}

#[test]
fn a_mandatory_parameter_must_be_filled_before_a_check_warns_or_denies() {
    for mode in ["enforce", "warn"] {
        let empty = policy("p", &format!("{{id: untrusted-registry, mode: {mode}}}"));
        assert!(refusal(&empty).contains("fill it, or set the mode to audit"), "{}", refusal(&empty));
        let filled =
            format!("{{id: untrusted-registry, mode: {mode}, params: {{allow: [registry.example.com]}}}}");
        library::policies(&[&policy("p", &filled)]);
    }
    // In audit it may stay empty, and then says that it cannot tell.
    let policies = library::policies(&[&policy("p", "{id: untrusted-registry, mode: audit}")]);
    let decision = library::decide_manifest(&policies, &super::privileged("app"));
    let reasons: Vec<_> = decision.unassessed.iter().map(|told| told.missing.reason()).collect();
    assert_eq!(reasons, ["the parameter `allow` is empty in the policy"]);
}

#[test]
fn duplicate_json_keys_and_yaml_keys_are_refused_with_both_places() {
    refused(("mode: enforce", "mode: enforce, mode: audit"), "7:54", "key `mode` was already given at 7:39");
    let json = r#"{"apiVersion": "soc2gate.io/v1", "kind": "ControlPolicy", "kind": "ControlPolicy"}"#;
    assert!(refusal(json).contains("key `kind` was already given at 1:34"), "{}", refusal(json));
}

#[test]
fn a_check_listed_twice_is_refused() {
    let twice = policy("p", &format!("{PRIVILEGED}, {{id: privileged-container, mode: audit}}"));
    assert!(refusal(&twice).contains("check `privileged-container` is listed twice"));
}

#[test]
fn empty_list_in_exclusion_a_scope_that_matches_nothing_is_refused() {
    refused(("spec:\n", "spec:\n  match: {kinds: []}\n"), "5:11", "would match nothing");
    refused(("spec:\n", "spec:\n  match: {excludeNamespaces: ['team-*']}\n"), "5:11", "full name");
    let selector =
        "spec:\n  match: {objectSelector: {matchExpressions: [{key: a, operator: In, values: []}]}}\n";
    refused(("spec:\n", selector), "5:11", "do not go with its operator");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = policy(
        "p",
        "{id: a, mode: enforce}, {id: b, mode: enforce}, {id: host-port, mode: audit, params: 1}",
    );
    let errors = library::try_policies(&[&text], &Settings::default()).map(|_| ()).unwrap_err();
    assert_eq!(errors.len(), 3, "{errors:?}");
}

#[test]
fn two_policies_of_one_name_in_two_files_are_refused() {
    let text = policy("p", PRIVILEGED);
    let errors = library::try_policies(&[&text, &text], &Settings::default()).map(|_| ()).unwrap_err();
    assert!(errors[0].contains("a policy of this name is in p0.yaml"), "{errors:?}");
}

#[test]
fn the_digest_changes_with_everything_that_decisions_depend_on() {
    let digest = |text: &str, settings: &Settings| {
        library::try_policies(&[text], settings).unwrap().digest().to_owned()
    };
    let text = policy("p", PRIVILEGED);
    let usual = digest(&text, &Settings::default());
    assert_eq!(usual, digest(&format!("# A comment decides nothing.\n{text}"), &Settings::default()));
    assert_ne!(usual, digest(&text.replace("enforce", "audit"), &Settings::default()));
    let ceiling = Settings { ceiling: Some(soc2gate::policy::Mode::Audit), ..Settings::default() };
    assert_ne!(usual, digest(&text, &ceiling));
    let version = Settings { version: soc2gate::check::Version::minor(30), ..Settings::default() };
    assert_ne!(usual, digest(&text, &version));
}
