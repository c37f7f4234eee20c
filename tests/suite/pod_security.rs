//! Every control of the Pod Security Standards, clause by clause and around the versions where it changed; and the
//! Kubernetes project's own fixtures, where somebody has them.

mod baseline;
mod beyond;
mod fixtures;
mod restricted;

use std::ops::RangeInclusive;

use soc2gate::check::Version;

use crate::library;

const NEWEST: u16 = 37;
const ALL: RangeInclusive<u16> = 0..=NEWEST;

/// Says that a check finds exactly these sentences in the versions of the range, and nothing in the others.
fn judged(check: &str, range: RangeInclusive<u16>, manifest: &str, sentences: &[&str]) {
    for minor in ALL {
        let violations = library::violations(check, Version::minor(minor), manifest);
        let said: Vec<_> = violations
            .iter()
            .map(|violation| format!("{} {}", violation.place.path, violation.what))
            .collect();
        let expected = if range.contains(&minor) { sentences } else { &[] };
        assert_eq!(said, expected, "{check} in 1.{minor}: {manifest}");
    }
}

fn never(check: &str, manifest: &str) {
    judged(check, ALL, manifest, &[]);
}

/// A pod with this spec.
fn pod(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{{spec}}}}}")
}

/// A pod with one container that has these fields.
fn container(fields: &str) -> String {
    pod(&format!("containers: [{{name: a, {fields}}}]"))
}

/// A pod with one container that has this security context.
fn secured(context: &str) -> String {
    container(&format!("securityContext: {context}"))
}

/// A pod of one container `a`, with these annotations.
fn annotated(annotations: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{annotations: {{{annotations}}}}}, spec: {{containers: [{{name: a}}]}}}}"
    )
}
