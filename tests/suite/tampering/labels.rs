//! Labels by which a namespace leaves a control, or lowers it.

use soc2gate::decision::Outcome;

use super::{denied, said};
use crate::library::{Sent, enforcing, in_file, new, refusal};

fn namespace(labels: &str, annotations: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}, annotations: {{{annotations}}}}}}}"
    )
}

fn labelled(labels: &str) -> String {
    namespace(labels, "")
}

const OPT_OUT: &str = "control-opt-out-label";

#[test]
fn a_namespace_cannot_take_itself_out_of_a_control() {
    for (labels, annotations, expected) in [
        ("admission.gatekeeper.sh/ignore: 'yes'", "", true),
        ("admission.gatekeeper.sh/ignore: ''", "", true),
        ("istio-injection: disabled", "", true),
        ("istio-injection: enabled", "", false),
        ("istio-injection: Disabled", "", false),
        ("istio.io/dataplane-mode: none", "", true),
        ("", "linkerd.io/inject: disabled", true),
        ("", "linkerd.io/inject: enabled", false),
        ("resource.kubernetes.io/admin-access: 'true'", "", true),
        ("team: a", "", false),
    ] {
        let text = namespace(labels, annotations);
        assert_eq!(denied(OPT_OUT, "", &Sent::create(&text)), expected, "{text}");
        assert_eq!(denied(OPT_OUT, "", &Sent::update(&labelled("team: b"), &text)), expected, "{text}");
        let (found, missing) = in_file(OPT_OUT, "", &text);
        assert_eq!((!found.is_empty(), missing.len()), (expected, 1), "{text}");
    }
}

#[test]
fn a_label_that_stood_there_before_is_reported_and_blocks_nothing() {
    let old = labelled("istio-injection: disabled");
    let decision =
        Sent::update(&old, &labelled("istio-injection: disabled, team: a")).decide(&enforcing(OPT_OUT, ""));
    assert_eq!((decision.outcome, decision.findings.len(), new(&decision).len()), (Outcome::Warn, 1, 0));
    let another = labelled("istio-injection: disabled, istio.io/dataplane-mode: none");
    let decision = Sent::update(&old, &another).decide(&enforcing(OPT_OUT, ""));
    assert_eq!(new(&decision), ["metadata.labels[istio.io/dataplane-mode]"]);
}

#[test]
fn a_label_that_put_a_namespace_under_a_control_stays() {
    let include = labelled("policy.sigstore.dev/include: 'true'");
    assert_eq!(
        said(OPT_OUT, "", &Sent::update(&include, &labelled(""))),
        [
            "metadata.labels[policy.sigstore.dev/include] is gone and was `true`, which put the namespace under a control"
        ]
    );
    assert!(!denied(OPT_OUT, "", &Sent::update(&include, &include)));
    assert!(!denied(OPT_OUT, "", &Sent::update(&labelled(""), &include)));
    assert!(!denied(OPT_OUT, "", &Sent::delete(&include)));
    // With a value, another value is as good as none.
    let (key, pair) = ("{removed: [istio-injection]}", "{removed: ['istio-injection=enabled']}");
    let change = Sent::update(&labelled("istio-injection: enabled"), &labelled("istio-injection: other"));
    assert_eq!((denied(OPT_OUT, key, &change), denied(OPT_OUT, pair, &change)), (false, true));
    let moved =
        Sent::update(&labelled("istio-injection: enabled"), &namespace("", "istio-injection: enabled"));
    assert!(denied(OPT_OUT, key, &moved), "an annotation is no label");
}

#[test]
fn a_platforms_own_namespace_is_allowed_to_its_own_people() {
    let allow = "{allow: [{principals: [{kind: Group, name: platform}], namespaces: [shop]}]}";
    let sent = || Sent::create(&labelled("istio-injection: disabled"));
    assert!(!denied(OPT_OUT, allow, &sent().by("bob", &["platform"])));
    assert!(denied(OPT_OUT, allow, &sent().by("bob", &["shop"])));
    let elsewhere = allow.replace("shop", "mesh");
    assert!(denied(OPT_OUT, &elsewhere, &sent().by("bob", &["platform"])));
    let (found, missing) = in_file(OPT_OUT, allow, &labelled("istio-injection: disabled"));
    assert_eq!((found.len(), missing.len()), (0, 2), "whether they are is not known of a file");
}

#[test]
fn marks_that_could_only_be_a_mistake_are_refused() {
    for (params, words) in [
        ("{set: ['']}", "names no label"),
        ("{set: ['=x']}", "names no label"),
        ("{removed: ['a b']}", "names no label"),
        ("{set: ['istio*']}", "names no label"),
        ("{allow: [{principals: [], namespaces: [a]}]}", "needs principals"),
        ("{allow: [{principals: [{kind: User, name: a}], namespaces: []}]}", "needs principals"),
        ("{allow: [{principals: [{kind: User, name: a}], namespaces: ['*']}]}", "needs principals"),
    ] {
        assert!(refusal(OPT_OUT, params).contains(words), "{params}: {}", refusal(OPT_OUT, params));
    }
}

const LEVEL: &str = "lowered-pod-security-level";

/// Labels of Pod Security: `enforce=baseline warn=restricted`.
fn secured(levels: &str) -> String {
    let label = |level: &str| {
        let (field, value) = level.split_once('=').unwrap();
        format!("pod-security.kubernetes.io/{field}: '{value}'")
    };
    labelled(&levels.split_whitespace().map(label).collect::<Vec<_>>().join(", "))
}

#[test]
fn a_pod_security_level_goes_up_and_never_down() {
    for (old, now, expected) in [
        ("enforce=restricted", "enforce=baseline", "enforce"),
        ("enforce=baseline", "enforce=privileged", "enforce"),
        ("enforce=baseline", "", "enforce"),
        ("enforce=baseline", "enforce=Restricted", "enforce"),
        ("enforce=baseline", "enforce=", "enforce"),
        ("enforce=privileged", "", ""),
        ("enforce=unheard-of", "enforce=privileged", ""),
        ("", "enforce=privileged", ""),
        ("enforce=baseline", "enforce=restricted", ""),
        ("warn=restricted", "warn=baseline", "warn"),
        ("audit=baseline", "", "audit"),
        ("enforce=baseline warn=restricted", "enforce=restricted", "warn"),
        // Versions: the newest is the default, and what is none is the oldest.
        ("enforce=baseline", "enforce=baseline enforce-version=v1.30", "enforce-version"),
        (
            "enforce=baseline enforce-version=latest",
            "enforce=baseline enforce-version=v1.99",
            "enforce-version",
        ),
        (
            "enforce=baseline enforce-version=v1.30",
            "enforce=baseline enforce-version=v1.9",
            "enforce-version",
        ),
        (
            "enforce=baseline enforce-version=v1.30",
            "enforce=baseline enforce-version=1.31",
            "enforce-version",
        ),
        ("enforce=baseline enforce-version=v1.9", "enforce=baseline enforce-version=v1.30", ""),
        ("enforce=baseline enforce-version=v1.30", "enforce=baseline", ""),
        ("enforce=baseline enforce-version=", "enforce=baseline enforce-version=v1.0", ""),
        ("warn=baseline", "warn=baseline warn-version=v1.24", "warn-version"),
        // Of no level, a version says nothing.
        ("enforce=privileged", "enforce=privileged enforce-version=v1.1", ""),
        ("", "enforce=baseline enforce-version=v1.1", ""),
        ("enforce=restricted", "enforce-version=v1.1", "enforce"),
    ] {
        let decision = Sent::update(&secured(old), &secured(now)).decide(&enforcing(LEVEL, ""));
        let expected: Vec<_> = (!expected.is_empty())
            .then(|| format!("metadata.labels[pod-security.kubernetes.io/{expected}]"))
            .into_iter()
            .collect();
        assert_eq!(new(&decision), expected, "{old} to {now}");
    }
    assert_eq!(
        said(LEVEL, "", &Sent::update(&secured("enforce=baseline"), &secured("enforce=odd"))),
        ["metadata.labels[pod-security.kubernetes.io/enforce] is `odd` and was `baseline`"]
    );
}

#[test]
fn a_new_namespace_needs_a_level_only_where_the_policy_says_so() {
    for (require, levels, expected) in [
        ("none", "", false),
        ("baseline", "", true),
        ("baseline", "warn=restricted", true),
        ("baseline", "enforce=privileged", true),
        ("baseline", "enforce=baseline", false),
        ("restricted", "enforce=baseline", true),
        ("restricted", "enforce=restricted", false),
    ] {
        let params = format!("{{requireOnCreate: {require}}}");
        assert_eq!(denied(LEVEL, &params, &Sent::create(&secured(levels))), expected, "{require} {levels}");
        let (found, missing) = in_file(LEVEL, &params, &secured(levels));
        assert_eq!((!found.is_empty(), missing.len()), (expected, 1), "{require} {levels}");
        assert!(!denied(LEVEL, &params, &Sent::update(&secured(levels), &secured(levels))));
    }
    assert!(refusal(LEVEL, "{requireOnCreate: Baseline}").contains("Baseline"));
}
