//! Policies that get weaker.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::json;
use soc2gate::{
    decision::Outcome,
    inventory::{Inventory, Source, Standing},
};

use super::{denied, said};
use crate::library::{Sent, document, enforcing, in_file, messages, new};

const CHECK: &str = "loosened-policy";

/// A policy with this in its spec.
fn policy(spec: &str) -> String {
    format!(
        "{{apiVersion: soc2gate.io/v1, kind: ControlPolicy, metadata: {{name: pods}}, spec: {{criterion: CC6.1, \
         control: Tested., {spec}}}}}"
    )
}

/// What is looser after an update of the spec: the keys.
fn loosened(old: &str, now: &str) -> Vec<String> {
    new(&Sent::update(&policy(old), &policy(now)).decide(&enforcing(CHECK, "")))
}

/// The same for the one entry of `checks`.
fn loosened_entry(old: &str, now: &str) -> Vec<String> {
    loosened(&format!("checks: [{{{old}}}]"), &format!("checks: [{{{now}}}]"))
}

#[test]
fn a_mode_goes_up_and_never_down() {
    let modes = ["'off'", "audit", "warn", "enforce"];
    for (was, old) in modes.iter().enumerate() {
        for (is, now) in modes.iter().enumerate() {
            let found = loosened_entry(
                &format!("id: host-port, mode: {old}"),
                &format!("id: host-port, mode: {now}"),
            );
            let expected: Vec<_> =
                (is < was).then_some("spec.checks[id=host-port].mode").into_iter().collect();
            assert_eq!(found, expected, "{old} to {now}");
        }
    }
    let found = |now: &str| loosened_entry("id: host-port, mode: audit", now);
    // To YAML this is the boolean; what is no mode does nothing.
    for now in [
        "id: host-port, mode: off",
        "id: host-port, mode: Enforce",
        "id: host-port",
        "id: host-port, mode: null",
    ] {
        assert_eq!(found(now), ["spec.checks[id=host-port].mode"], "{now}");
    }
    assert_eq!(
        loosened_entry("id: host-port, mode: off", "id: host-port, mode: audit"),
        Vec::<String>::new()
    );
}

#[test]
fn a_check_stays_wherever_it_stands() {
    let (a, b) = ("{id: host-port, mode: warn}", "{id: root-user, mode: warn}");
    let spec = |checks: &[&str]| format!("checks: [{}]", checks.join(", "));
    assert_eq!(loosened(&spec(&[a, b]), &spec(&[b])), ["spec.checks[id=host-port]"]);
    assert_eq!(
        loosened(&spec(&[a, b]), &spec(&[])),
        ["spec.checks[id=host-port]", "spec.checks[id=root-user]"]
    );
    assert_eq!(loosened(&spec(&[a, b]), "checks: null").len(), 2);
    assert_eq!(loosened(&spec(&[a, b]), &spec(&[b, a])), Vec::<String>::new());
    assert_eq!(loosened(&spec(&[a]), &spec(&[a, b])), Vec::<String>::new());
    assert_eq!(loosened(&spec(&["{id: host-port, mode: off}"]), &spec(&[])), Vec::<String>::new());
    // Of two entries the weaker one counts.
    let twice = spec(&[a, "{id: host-port, mode: off}"]);
    assert_eq!(loosened(&spec(&[a]), &twice), ["spec.checks[id=host-port].mode"]);
}

#[test]
fn a_parameter_lets_no_more_pass_than_before() {
    for (check, old, now, expected) in [
        // Lists of what passes, and of what is refused.
        ("host-namespace", "allow: [hostPID]", "allow: [hostPID, hostIPC]", &["allow"][..]),
        ("host-namespace", "allow: [hostPID, hostIPC]", "allow: [hostIPC]", &[]),
        ("host-namespace", "allow: [hostPID, hostIPC]", "allow: [hostIPC, hostPID]", &[]),
        ("sensitive-host-path", "paths: [/etc, /proc]", "paths: [/proc]", &["paths"]),
        ("sensitive-host-path", "paths: [/etc]", "paths: [/proc, /etc]", &[]),
        ("sensitive-host-path", "paths: [/etc, /proc]", "paths: []", &["paths", "paths"]),
        (
            "loosened-policy",
            "approvers: [{kind: User, name: a}]",
            "approvers: [{kind: User, name: b}]",
            &["approvers"],
        ),
        // Numbers.
        ("stale-scan", "maxAgeDays: 7", "maxAgeDays: 8", &["maxAgeDays"]),
        ("stale-scan", "maxAgeDays: 7", "maxAgeDays: 3", &[]),
        ("single-replica", "minimum: 2", "minimum: 1", &["minimum"]),
        ("single-replica", "minimum: 2", "minimum: 3", &[]),
        ("suspected-secret", "minimumLength: 8", "minimumLength: 20", &["minimumLength"]),
        (
            "overdue-vulnerability",
            "days: {critical: 15, high: 30}",
            "days: {critical: 15, high: 60}",
            &["days.high"],
        ),
        ("overdue-vulnerability", "days: {critical: 15, high: 30}", "days: {critical: 7, high: 30}", &[]),
        // Switches.
        ("host-port", "foldHostNetwork: false", "foldHostNetwork: true", &["foldHostNetwork"]),
        ("host-port", "foldHostNetwork: true", "foldHostNetwork: false", &[]),
        ("unencrypted-storage-class", "customerKey: true", "customerKey: false", &["customerKey"]),
        // Words.
        ("vulnerable-image", "severity: high", "severity: critical", &["severity"]),
        ("vulnerable-image", "severity: critical", "severity: high", &[]),
        (
            "lowered-pod-security-level",
            "requireOnCreate: restricted",
            "requireOnCreate: none",
            &["requireOnCreate"],
        ),
        ("lowered-pod-security-level", "requireOnCreate: none", "requireOnCreate: baseline", &[]),
        ("stale-scan", "databaseAgeUnknown: violation", "databaseAgeUnknown: pass", &["databaseAgeUnknown"]),
        ("stale-scan", "databaseAgeUnknown: pass", "databaseAgeUnknown: violation", &[]),
        // What cannot be told counts.
        ("missing-change-reference", "pattern: '[A-Z]+'", "pattern: '[A-Z]+-1'", &["pattern"]),
        ("unclassified-namespace", "classes: [a, b]", "classes: [b, a]", &["classes"]),
        ("host-namespace", "allow: [hostPID]", "allow: hostPID", &["allow"]),
        // Nor is it known what holds by default, except where nothing could be stricter.
        ("added-capability", "", "allow: [CHOWN]", &["allow"]),
        ("added-capability", "", "allow: []", &[]),
        ("added-capability", "allow: [CHOWN]", "", &["allow"]),
        ("stale-scan", "", "maxAgeDays: 3", &["maxAgeDays"]),
        ("host-port", "foldHostNetwork: true", "", &[]),
        ("host-port", "foldHostNetwork: false", "", &["foldHostNetwork"]),
        ("host-port", "", "foldHostNetwork: false", &[]),
        ("sensitive-host-path", "writable: deny", "", &["writable"]),
        ("sensitive-host-path", "", "writable: deny", &[]),
        ("sensitive-host-path", "paths: []", "", &[]),
        ("sensitive-host-path", "paths: [/etc]", "", &["paths"]),
        ("unencrypted-storage-class", "", "customerKey: true", &[]),
        ("host-port", "foldHostNetwork: null", "", &[]),
    ] {
        let entry = |params: &str| format!("id: {check}, mode: warn, params: {{{params}}}");
        let expected: Vec<_> =
            expected.iter().map(|name| format!("spec.checks[id={check}].params.{name}")).collect();
        assert_eq!(loosened_entry(&entry(old), &entry(now)), expected, "{check}: {old} to {now}");
    }
    let off = |params: &str| format!("id: host-namespace, mode: off, params: {{{params}}}");
    let on = "id: host-namespace, mode: warn, params: {allow: [hostPID]}";
    assert_eq!(loosened_entry(&off("allow: []"), on), Vec::<String>::new(), "it did nothing before");
    assert_eq!(
        loosened_entry("id: host-port, mode: warn", "id: host-port, mode: warn, params: null"),
        Vec::<String>::new()
    );
}

#[test]
fn filling_a_mandatory_parameter_is_no_loosening_and_emptying_it_is() {
    let entry =
        |mode: &str, params: &str| format!("id: untrusted-registry, mode: {mode}, params: {{{params}}}");
    let filled = entry("enforce", "allow: [registry.example.com]");
    assert_eq!(loosened_entry("id: untrusted-registry, mode: audit", &filled), Vec::<String>::new());
    assert_eq!(loosened_entry(&entry("audit", "allow: []"), &filled), Vec::<String>::new());
    let key = ["spec.checks[id=untrusted-registry].params.allow"];
    assert_eq!(loosened_entry(&filled, &entry("enforce", "allow: []")), key);
    assert_eq!(loosened_entry(&filled, &entry("enforce", "")), key);
}

#[test]
fn a_scope_gets_no_narrower() {
    let checks = "checks: []";
    for (old, now, expected) in [
        ("", "kinds: [Pod]", "kinds"),
        ("kinds: [Pod, Job]", "kinds: [Pod]", "kinds"),
        ("kinds: [Pod]", "kinds: [Job, Pod]", ""),
        ("kinds: [Pod]", "", ""),
        ("kinds: [Pod]", "kinds: null", ""),
        ("", "excludeNamespaces: [shop]", "excludeNamespaces"),
        ("excludeNamespaces: [a, b]", "excludeNamespaces: [b, c]", "excludeNamespaces"),
        ("excludeNamespaces: [a, b]", "excludeNamespaces: [b]", ""),
        ("", "namespaceSelector: {matchLabels: {a: b}}", "namespaceSelector"),
        (
            "namespaceSelector: {matchLabels: {a: b}}",
            "namespaceSelector: {matchLabels: {a: c}}",
            "namespaceSelector",
        ),
        ("namespaceSelector: {matchLabels: {a: b}}", "", ""),
        ("", "namespaceSelector: {}", ""),
        ("", "objectSelector: {matchLabels: {}, matchExpressions: []}", ""),
        ("", "objectSelector: {matchExpressions: [{key: a, operator: Exists}]}", "objectSelector"),
    ] {
        let spec = |scope: &str| format!("match: {{{scope}}}, {checks}");
        let expected: Vec<_> =
            (!expected.is_empty()).then(|| format!("spec.match.{expected}")).into_iter().collect();
        assert_eq!(loosened(&spec(old), &spec(now)), expected, "{old} to {now}");
    }
    assert_eq!(loosened(checks, &format!("match: null, {checks}")), Vec::<String>::new());
}

#[test]
fn versions_and_the_longest_exemption_go_no_weaker_way() {
    for (old, now, expected) in [
        ("kubernetesVersion: '1.30'", "kubernetesVersion: '1.29'", "kubernetesVersion"),
        ("kubernetesVersion: '1.9'", "kubernetesVersion: '1.29'", ""),
        ("kubernetesVersion: '1.29'", "kubernetesVersion: v1.29.4", ""),
        ("kubernetesVersion: '1.29'", "kubernetesVersion: latest", ""),
        ("kubernetesVersion: '1.29'", "kubernetesVersion: odd", "kubernetesVersion"),
        // The cluster's own version is not known here.
        ("", "kubernetesVersion: '1.30'", "kubernetesVersion"),
        ("kubernetesVersion: '1.30'", "", "kubernetesVersion"),
        ("", "kubernetesVersion: latest", ""),
        ("exemptions: {maxDays: 30}", "exemptions: {maxDays: 31}", "exemptions.maxDays"),
        ("exemptions: {maxDays: 30}", "exemptions: {maxDays: 7}", ""),
        ("exemptions: {maxDays: 30}", "", "exemptions.maxDays"),
        ("", "exemptions: {maxDays: 91}", "exemptions.maxDays"),
        ("", "exemptions: {maxDays: 90}", ""),
        ("", "exemptions: {}", ""),
        ("", "exemptions: {maxDays: '7'}", "exemptions.maxDays"),
        ("control: Something., criterion: CC6.6", "control: Else., criterion: CC6.6", ""),
    ] {
        let spec = |part: &str| {
            format!("{}checks: []", if part.is_empty() { String::new() } else { format!("{part}, ") })
        };
        let expected: Vec<_> =
            (!expected.is_empty()).then(|| format!("spec.{expected}")).into_iter().collect();
        let unique = |part: &str| {
            policy(&spec(part)).replacen("criterion: CC6.1, control: Tested., control", "control", 1)
        };
        let found = new(&Sent::update(&unique(old), &unique(now)).decide(&enforcing(CHECK, "")));
        assert_eq!(found, expected, "{old} to {now}");
    }
}

#[test]
fn a_policy_is_loosened_by_an_approver_for_somebody_else() {
    let approvers = "{approvers: [{kind: User, name: ann}]}";
    let entry = |mode: &str, asked: &str| {
        policy(&format!("checks: [{{id: host-port, mode: {mode}}}]")).replace(
            "{name: pods}",
            &format!("{{name: pods, annotations: {{soc2gate.io/requested-by: '{asked}'}}}}"),
        )
    };
    for (user, asked, params, expected) in [
        ("ann", "bob", approvers, false),
        ("ann", "bob", "", true),
        ("ann", "", approvers, true),
        ("ann", "  ", approvers, true),
        ("ann", "ann", approvers, true),
        ("ann", " Ann ", approvers, true),
        ("eve", "ann", approvers, true),
        ("", "ann", approvers, true),
    ] {
        let update = Sent::update(&entry("enforce", ""), &entry("warn", asked)).by(user, &[]);
        assert_eq!(denied(CHECK, params, &update), expected, "{user} for {asked}");
        // Of what goes, the last annotation counts.
        let delete = Sent::delete(&entry("enforce", asked)).by(user, &[]).set("name", json!(""));
        assert_eq!(denied(CHECK, params, &delete), expected, "{user} for {asked}");
    }
}

#[test]
fn what_gets_stricter_or_is_new_needs_nobody() {
    let entry = |mode: &str| policy(&format!("checks: [{{id: host-port, mode: {mode}}}]"));
    assert!(!denied(CHECK, "", &Sent::create(&entry("warn"))));
    assert!(!denied(CHECK, "", &Sent::update(&entry("warn"), &entry("enforce"))));
    assert_eq!(
        said(CHECK, "", &Sent::update(&entry("enforce"), &entry("warn"))),
        ["spec.checks[0].mode goes from enforce to warn"]
    );
    assert_eq!(
        said(CHECK, "", &Sent::delete(&entry("warn"))),
        ["metadata.name is `pods`, and its checks go with it"]
    );
    let (found, missing) = in_file(CHECK, "", &entry("warn"));
    assert_eq!((found.len(), missing), (0, vec!["the policy as it was is not known".to_owned()]));
}

#[test]
fn each_loosening_is_a_finding_of_its_own() {
    let old = policy("checks: [{id: host-namespace, mode: enforce, params: {allow: []}}]");
    let now = policy(
        "checks: [{id: host-namespace, mode: audit, params: {allow: [hostPID, hostIPC]}}], match: {kinds: [Pod]}",
    );
    let decision = Sent::update(&old, &now).decide(&enforcing(CHECK, ""));
    assert_eq!(decision.outcome, Outcome::Deny);
    assert_eq!(
        messages(&decision),
        [
            "spec.checks[0].mode goes from enforce to audit",
            "spec.checks[0].params.allow now also holds `\"hostPID\"`",
            "spec.checks[0].params.allow now also holds `\"hostIPC\"`",
            "spec.match.kinds narrows the policy to `[\"Pod\"]`",
        ]
    );
}

/// A policy of one check in this mode.
fn in_mode(mode: &str) -> String {
    policy(&format!("checks: [{{id: host-port, mode: {mode}}}]"))
}

/// The inventory in which these modes stand under the policy's name: what is in force, whether the cluster's own object
/// is, and what would be without that object.
fn standing(in_force: &str, is_of_cluster: bool, without: Option<&str>) -> Inventory {
    let tree = |mode: &str| {
        let json = document(&in_mode(mode)).to_json_text();
        Arc::new(serde_json::from_str::<serde_json::Value>(&json).unwrap())
    };
    let standing = Standing { in_force: tree(in_force), without: without.map(tree), is_of_cluster };
    let policies = BTreeMap::from([("pods".to_owned(), standing)]);
    Inventory { policies: Source::of(policies), ..Inventory::default() }
}

#[test]
fn a_policy_made_under_the_name_of_one_in_force_is_compared_with_that() {
    for (in_force, made, expected) in [
        ("enforce", "warn", true),
        ("enforce", "enforce", false),
        ("warn", "enforce", false),
        ("warn", "'off'", true),
    ] {
        let sent = Sent::create(&in_mode(made)).amid(standing(in_force, false, Some(in_force)));
        assert_eq!(denied(CHECK, "", &sent), expected, "{in_force} then {made}");
    }
    let other = in_mode("audit").replace("name: pods", "name: other");
    assert!(!denied(CHECK, "", &Sent::create(&other).amid(standing("enforce", false, Some("enforce")))));
    let unknown = Sent::create(&in_mode("warn")).decide(&enforcing(CHECK, ""));
    assert_eq!(unknown.unassessed[0].missing.reason(), "the inventory of policies is not there");
    let approved =
        in_mode("warn").replace("{name: pods}", "{name: pods, annotations: {soc2gate.io/requested-by: bob}}");
    let sent = Sent::create(&approved).amid(standing("enforce", false, Some("enforce")));
    assert!(!denied(CHECK, "{approvers: [{kind: User, name: ann}]}", &sent));
}

#[test]
fn deleting_a_policy_loosens_only_if_what_comes_into_force_is_weaker() {
    for (in_force, is_of_cluster, without, going, expected) in [
        // It stood in place of a weaker, a like and a stricter one.
        ("enforce", true, Some("warn"), "enforce", true),
        ("enforce", true, Some("enforce"), "enforce", false),
        ("warn", true, Some("enforce"), "warn", false),
        ("warn", true, None, "warn", true),
        // It could not be used, and an earlier version of it was in force.
        ("enforce", true, Some("warn"), "audit", true),
        // It never was in force, or is not known to be yet.
        ("warn", false, Some("warn"), "audit", false),
        ("warn", false, Some("warn"), "enforce", true),
    ] {
        let sent = Sent::delete(&in_mode(going)).amid(standing(in_force, is_of_cluster, without));
        let what = format!("{in_force} of the cluster: {is_of_cluster}, then {without:?}");
        assert_eq!(denied(CHECK, "", &sent), expected, "{what}");
        assert_eq!(denied(CHECK, "", &sent.set("name", json!(""))), expected, "{what}, among many");
    }
}

#[test]
fn an_object_that_could_not_be_used_is_no_step_towards_a_weaker_policy() {
    let amid = || standing("enforce", false, Some("enforce"));
    let unusable = in_mode("warn").replace("host-port", "hostport");
    let sent = Sent::update(&unusable, &in_mode("warn")).amid(amid());
    assert_eq!(said(CHECK, "", &sent), ["spec.checks[0].mode goes from enforce to warn"]);
    let labelled = unusable.replace("name: pods", "name: pods, labels: {a: b}");
    assert!(!denied(CHECK, "", &Sent::update(&unusable, &labelled).amid(amid())));
    assert!(!denied(CHECK, "", &Sent::update(&unusable, &in_mode("enforce")).amid(amid())));
}
