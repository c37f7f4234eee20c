//! What the outside can reach: network policies, Services, front doors, and the changes that open them.

mod default_deny;
mod front_doors;
mod loosened;
mod properties;
mod reference;
mod rules;
mod services;
mod worlds;

use soc2gate::{
    check::{Report, Version},
    checks,
    policy::PolicySet,
};

use crate::library;

/// What a check says of a manifest under parameters: path and words.
fn said(check: &str, params: &str, manifest: &str) -> Vec<String> {
    sentences(&library::examine(checks::find(check).unwrap(), params, Version::NEWEST, manifest))
}

/// The same where only these objects exist.
fn said_amid(check: &str, params: &str, world: &str, manifest: &str) -> Vec<String> {
    sentences(&reported_amid(check, params, world, manifest))
}

fn reported_amid(check: &str, params: &str, world: &str, manifest: &str) -> Report {
    let around = (library::world(world), crate::surroundings::now());
    library::examine_amid(around, checks::find(check).unwrap(), params, Version::NEWEST, manifest)
}

fn sentences(report: &Report) -> Vec<String> {
    let line =
        |violation: &soc2gate::check::Violation| format!("{} {}", violation.place.path, violation.what);
    report.violations.iter().map(line).collect()
}

/// The refusal of parameters.
fn refused(check: &str, params: &str) -> String {
    let document = library::document(params);
    let params = soc2gate::check::Params::of(&document.root);
    match checks::find(check).unwrap().examine.configure(&params) {
        Ok(_) => panic!("{check} takes {}", document.to_json_text()),
        Err(refusal) => refusal.message,
    }
}

/// A policy that enforces one check.
fn enforced(check: &str) -> PolicySet {
    let criterion = checks::find(check).unwrap().criterion;
    library::policies(&[&format!(
        "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: only}}\nspec:\n  criterion: {criterion}\n  \
         control: One check.\n  checks: [{{id: {check}, mode: enforce}}]\n"
    )])
}

/// Selectors of which every pod fits one, which is hard to see: a pod that fitted none would put each of one more
/// pigeons than there are holes into a hole of its own.
fn entangled(holes: usize) -> Vec<String> {
    let label = |pigeon: usize, hole: usize, operator: &str| {
        format!("{{key: p{pigeon}-{hole}, operator: {operator}}}")
    };
    let mut all = Vec::new();
    for pigeon in 0..=holes {
        all.push((0..holes).map(|hole| label(pigeon, hole, "DoesNotExist")).collect::<Vec<_>>());
        for other in 0..pigeon {
            let shared = |hole| [pigeon, other].map(|pigeon| label(pigeon, hole, "Exists")).to_vec();
            all.extend((0..holes).map(shared));
        }
    }
    all.iter().map(|labels| format!("{{matchExpressions: [{}]}}", labels.join(", "))).collect()
}
