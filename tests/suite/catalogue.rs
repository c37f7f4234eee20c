//! Every check by its own words: examples hold, ids are unique, policies and folders agree.

use soc2gate::{
    check::{Check, Version},
    checks,
    policy::{Loaded, Settings},
};

use crate::library;

/// The violations that a check finds in a manifest under its example's parameters.
fn violations(check: &Check, text: &str) -> Vec<String> {
    let report = library::examine(check, check.examples.params, Version::NEWEST, text);
    let line =
        |violation: &soc2gate::check::Violation| format!("{} {}", violation.place.path, violation.what);
    report.violations.iter().map(line).collect()
}

#[test]
fn every_bad_example_breaks_its_check_and_every_good_one_does_not() {
    for check in checks::all() {
        assert!(!violations(check, check.examples.bad).is_empty(), "{}: the bad example passes", check.id);
        assert_eq!(
            violations(check, check.examples.good),
            Vec::<String>::new(),
            "{}: the good example",
            check.id
        );
    }
}

#[test]
fn ids_are_unique_and_well_formed() {
    let mut ids: Vec<_> = checks::all().map(|check| check.id).collect();
    for id in &ids {
        assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{id}");
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_shipped_policy_loads_and_together_they_hold_every_check() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    for check in checks::all() {
        let held =
            policies.policies().iter().any(|policy| policy.checks.iter().any(|entry| entry.id == check.id));
        assert!(held, "{} is in no policy", check.id);
    }
}
