//! Who is given rights, which credentials exist, and every way in: clause by clause, through reviews and manifests.

mod certificates;
mod credentials;
mod subjects;
mod ways_in;

use soc2gate::{
    check::{Missing, Version},
    checks,
    decision::Decision,
    policy::{PolicySet, Settings},
};

use crate::library::{self, Sent};

const NONE: [&str; 0] = [];

/// The sentences of a check about a manifest in a file.
fn said(check: &str, params: &str, manifest: &str) -> Vec<String> {
    let report = library::examine(checks::find(check).unwrap(), params, Version::NEWEST, manifest);
    report.violations.iter().map(|found| format!("{} {}", found.place.path, found.what)).collect()
}

/// Whether a check says of a manifest in a file that it cannot tell, and finds nothing.
fn cannot_tell(check: &str, params: &str, manifest: &str) -> bool {
    let report = library::examine(checks::find(check).unwrap(), params, Version::NEWEST, manifest);
    report.violations.is_empty() && matches!(report.missing[..], [Missing::NotKnownHere(_)])
}

fn policy(check: &str, params: &str) -> String {
    let params = if params.is_empty() { "{}" } else { params };
    format!(
        "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: p}}\nspec:\n  criterion: CC6.2\n  \
         control: Tested.\n  checks: [{{id: {check}, params: {params}, mode: enforce}}]\n"
    )
}

/// One check alone, enforced.
fn gate(check: &str, params: &str) -> PolicySet {
    library::policies(&[&policy(check, params)])
}

/// What is wrong with the parameters of a check.
fn refusal(check: &str, params: &str) -> String {
    match library::try_policies(&[&policy(check, params)], &Settings::default()) {
        Ok(_) => panic!("{check} takes {params}"),
        Err(errors) => errors.join("\n"),
    }
}

/// `state sentence` of every finding.
fn told(decision: &Decision) -> Vec<String> {
    let line = |found: &soc2gate::decision::Finding| format!("{} {}", found.state.id(), found.message());
    decision.findings.iter().map(line).collect()
}

/// The sentences about a request.
fn about(sent: &Sent, check: &str, params: &str) -> Vec<String> {
    told(&sent.decide(&gate(check, params)))
}

/// An entry of `allow` for user `ann` with these fields beside.
fn ann(fields: &str) -> String {
    format!("allow: [{{principals: [{{kind: User, name: ann}}]{fields}}}]")
}
