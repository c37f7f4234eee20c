//! The checks of transport: what goes in the clear is seen, and what goes encrypted is left alone.

mod certificates;
mod gateway;
mod ingress;
mod mesh;

use crate::library::{self, told};

/// Asserts what a check says of each manifest, under its default parameters.
fn assert_told(id: &str, cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(told(id, "", text), *expected, "{text}");
    }
}

#[test]
fn parameters_that_could_only_be_a_mistake_are_refused() {
    for (id, params) in [
        ("plaintext-ingress", "{defaultCertificate: maybe}"),
        ("plaintext-ingress", "{tlsUpstream: ['*']}"),
        ("plaintext-ingress", "{skipLabels: ['']}"),
        ("plaintext-ingress", "{skipAnnotations: [a]}"),
        ("plaintext-gateway", "{allowPassthrough: ['edge/*']}"),
        ("plaintext-gateway", "{allowPassthrough: ['']}"),
        ("plaintext-gateway", "{allowProtocols: [HTTP]}"),
        ("permissive-mtls", "{rootNamespace: ''}"),
        ("weak-tls-certificate", "{expiresWithinDays: -1}"),
        ("mesh-opt-out", "{allow: [a]}"),
    ] {
        assert!(!library::refusal(id, params).is_empty());
    }
}

#[test]
fn a_secret_in_the_environment_is_recorded_by_reference_and_never_by_value() {
    let pod = "
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  initContainers:
  - {name: i, envFrom: [{configMapRef: {name: c}}, {secretRef: {name: s}, prefix: A_}]}
  containers:
  - name: c
    env:
    - {name: A, value: plain}
    - {name: B, valueFrom: {secretKeyRef: {name: s, key: k, optional: true}}}
    - {name: C, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: D, valueFrom: {configMapKeyRef: {name: c, key: k}}}
    - {name: E, valueFrom: null}
    envFrom: null
";
    assert_told(
        "secret-in-environment",
        &[(
            pod,
            &[
                "spec.containers[0].env[1].valueFrom.secretKeyRef refers to Secret `s`",
                "spec.initContainers[0].envFrom[1].secretRef takes all of Secret `s`",
            ],
        )],
    );
}
