//! The checks for secrets through the library's door: where they look, what they say, and what they never say.

use std::sync::Arc;

use soc2gate::{
    check::Version,
    decision::Decision,
    policy::{Loaded, PolicySet, Settings},
    secrets::{Engine, FingerprintKey, sample::Sampler},
};

use crate::library;

fn shipped(settings: &Settings) -> PolicySet {
    Loaded::shipped().unwrap().bind(settings).unwrap()
}

/// The secret checks that fire, each with its path.
fn found(text: &str) -> Vec<(String, String)> {
    let decision = library::decide_manifest(&shipped(&Settings::default()), text);
    let secret = |finding: &&soc2gate::decision::Finding| finding.check.criterion.id() == "CC6.7";
    decision
        .findings
        .iter()
        .filter(secret)
        .map(|finding| (finding.check.id.to_owned(), finding.violation.place.path.clone()))
        .collect()
}

fn token() -> String {
    Sampler::new(42).expand("ghp_[[crc:30]]")
}

fn assert_found(text: &str, expected: &[(&str, &str)]) {
    let found = found(text);
    let found: Vec<_> = found.iter().map(|(check, path)| (check.as_str(), path.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

fn pod(container: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{containers: [{{name: c, image: i, {container}}}]}}}}"
    )
}

#[test]
fn looks_at_every_place_of_a_container() {
    let token = token();
    for (container, path) in [
        (format!("env: [{{name: A, value: {token}}}]"), "env[0].value"),
        (format!("command: [sh, -c, 'curl -H \"X: {token}\" https://x']"), "command[2]"),
        (format!("args: [--token={token}]"), "args[0]"),
        (format!("args: [--token, {token}]"), "args[1]"),
        (
            format!("lifecycle: {{preStop: {{exec: {{command: [x, {token}]}}}}}}"),
            "lifecycle.preStop.exec.command[1]",
        ),
        (format!("livenessProbe: {{exec: {{command: [{token}]}}}}"), "livenessProbe.exec.command[0]"),
        (format!("startupProbe: {{httpGet: {{path: '/?t={token}'}}}}"), "startupProbe.httpGet.path"),
        (
            format!(
                "readinessProbe: {{httpGet: {{httpHeaders: [{{name: Authorization, value: Bearer {token}}}]}}}}"
            ),
            "readinessProbe.httpGet.httpHeaders[0].value",
        ),
    ] {
        assert_found(&pod(&container), &[("hardcoded-secret", &format!("spec.containers[0].{path}"))]);
    }
}

#[test]
fn every_sort_of_secret_has_one_check() {
    let token = token();
    let annotated =
        format!("{{apiVersion: v1, kind: Service, metadata: {{name: s, annotations: {{a/b: {token}}}}}}}");
    assert_found(&annotated, &[("secret-in-metadata", "metadata.annotations[a/b]")]);
    let map = format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m}}, data: {{app.env: \"A=1\\nT={token}\"}}}}"
    );
    assert_found(&map, &[("secret-in-config-map", "data[app.env]")]);
    let encoded = Sampler::new(42).expand(&format!("[[=T={token}]]"));
    let binary =
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{name: m}}, binaryData: {{x: {encoded}}}}}");
    assert_found(&binary, &[("secret-in-config-map", "binaryData[x]")]);
    let url = pod("env: [{name: URL, value: 'postgres://a:hunter2@db/x'}]");
    assert_found(&url, &[("credential-in-url", "spec.containers[0].env[0].value")]);
    let suspected = Sampler::new(42).expand(&pod("env: [{name: DB_PASSWORD, value: [[alnum:24]]}]"));
    assert_found(&suspected, &[("suspected-secret", "spec.containers[0].env[0].value")]);
}

#[test]
fn an_aws_key_id_is_hard_coded_once_its_secret_is_in_the_same_object() {
    let id = "{name: ID, value: 'AKIA[[base32:16]]'}";
    let secret = "{name: AWS_SECRET_ACCESS_KEY, value: '[[b64:40]]'}";
    let alone = Sampler::new(9).expand(&pod(&format!("env: [{id}]")));
    assert_found(&alone, &[("suspected-secret", "spec.containers[0].env[0].value")]);
    let both = Sampler::new(9).expand(&pod(&format!("env: [{id}, {secret}]")));
    assert_eq!(found(&both).iter().filter(|(check, _)| check == "hardcoded-secret").count(), 2);
}

#[test]
fn the_last_applied_configuration_repeats_no_finding() {
    let token = token();
    let manifest = |live: &str| {
        let applied = pod(&format!("env: [{{name: A, value: {token}}}]"));
        let applied = library::document(&applied).to_json_text();
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p, annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{applied}'}}}}, \
             spec: {{containers: [{{name: c, image: i, env: [{{name: A, value: {live}}}]}}]}}}}"
        )
    };
    assert_found(&manifest(&token), &[("hardcoded-secret", "spec.containers[0].env[0].value")]);
    let annotation = "metadata.annotations[kubectl.kubernetes.io/last-applied-configuration]";
    assert_found(&manifest("harmless"), &[("secret-in-metadata", annotation)]);
}

#[test]
fn a_denial_says_what_to_write_instead_and_prints_a_fingerprint_with_an_install_key_only() {
    let text = pod(&format!("env: [{{name: GITHUB_TOKEN, value: {}}}]", token()));
    let key = Some(Arc::new(FingerprintKey::new(b"install")));
    for (settings, printed) in
        [(Settings::default(), false), (Settings { fingerprint_key: key, ..Settings::default() }, true)]
    {
        let decision = library::decide_manifest(&shipped(&settings), &text);
        let finding =
            decision.findings.iter().find(|finding| finding.check.id == "hardcoded-secret").unwrap();
        assert_eq!(finding.message().contains("fingerprint"), printed, "{}", finding.message());
        assert!(
            finding.message().contains("GitHub token, checksum valid (40 characters"),
            "{}",
            finding.message()
        );
        assert!(finding.fix().contains(
            "{name: GITHUB_TOKEN, valueFrom: {secretKeyRef: {name: c-secrets, key: GITHUB_TOKEN}}}"
        ));
    }
}

#[test]
fn parameters_permit_rules_names_and_fingerprints() {
    let text = pod(&format!("env: [{{name: A, value: {}}}]", token()));
    let permitted = |params: &str, id: &str, text: &str| {
        let check = soc2gate::checks::find(id).unwrap();
        library::examine(check, params, Version::NEWEST, text).violations.is_empty()
    };
    assert!(!permitted("allowRules: [npm-token]", "hardcoded-secret", &text));
    assert!(permitted("allowRules: [github-token]", "hardcoded-secret", &text));
    let suspected = Sampler::new(1).expand(&pod("env: [{name: DB_PASSWORD, value: [[alnum:24]]}]"));
    assert!(!permitted("minimumLength: 24", "suspected-secret", &suspected));
    assert!(permitted("minimumLength: 25", "suspected-secret", &suspected));
    assert!(permitted("allowNames: [DB_PASSWORD]", "suspected-secret", &suspected));
}

#[test]
fn what_is_too_much_to_read_is_not_passed_in_silence() {
    let text = pod(&format!("env: [{{name: A, value: '{}'}}]", "lorem ipsum ".repeat(10_000)));
    let decision = library::decide_manifest(&shipped(&Settings::default()), &text);
    let reasons: Vec<_> = decision.unassessed.iter().map(|one| one.missing.reason()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("54464 bytes")), "{reasons:?}");
}

/// Everything a decision can print.
fn printed(decision: &Decision) -> String {
    let lines = decision.findings.iter().map(|finding| format!("{} {}", finding.message(), finding.fix()));
    format!("{decision:?} {}", lines.collect::<Vec<_>>().join(" "))
}

#[test]
fn no_decision_prints_a_secret_or_its_base64() {
    let policies = shipped(&Settings::default());
    let mut count = 0;
    for seed in 0..10 {
        for rule in Engine::rules() {
            let mut sampler = Sampler::new(seed);
            let secret = sampler.expand(rule.example);
            let quoted = serde_json::to_string(&secret).unwrap();
            let text = pod(&format!("env: [{{name: API_TOKEN, value: {quoted}}}], args: [{quoted}]"));
            let printed = printed(&library::decide_manifest(&policies, &text));
            for piece in secret.as_bytes().windows(20).filter(|w| w.iter().all(u8::is_ascii_alphanumeric)) {
                let piece = std::str::from_utf8(piece).unwrap();
                let in_base64 = Sampler::new(0).expand(&format!("[[={piece}]]"));
                assert!(!printed.contains(piece), "{} is printed", rule.id);
                assert!(
                    !printed.contains(in_base64.trim_end_matches('=')),
                    "{} is printed in base64",
                    rule.id
                );
            }
            count += 1;
        }
    }
    assert!(count >= 1000, "{count}");
}
