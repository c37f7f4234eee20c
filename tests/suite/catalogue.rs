//! Every check by its own words: examples hold, ids are unique, policies and folders agree.

use soc2gate::{
    check::Check,
    checks,
    policy::{Loaded, Settings},
};

use crate::library;

/// The violations that a check finds in a manifest under its example's parameters.
fn violations(check: &Check, text: &str) -> Vec<String> {
    let report = library::examine_example(check, text);
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

#[test]
fn every_check_stands_in_the_policy_of_its_own_criterion() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    for policy in policies.policies() {
        for entry in &policy.checks {
            let check = checks::find(&entry.id).unwrap();
            assert_eq!(check.criterion, policy.criterion, "{} in {}", check.id, policy.name);
        }
    }
}

#[test]
fn no_check_claims_more_than_a_gate_can_honestly_carry() {
    for check in checks::all() {
        assert!(!check.tsc.is_empty(), "{}", check.id);
        for support in check.tsc {
            let strongest = support.criterion.strongest_claim();
            assert!(support.strength <= strongest, "{}: {}", check.id, support.criterion);
            assert!(!support.reason.is_empty() && !support.reason.ends_with('.'), "{}", check.id);
        }
        let mut criteria: Vec<_> = check.tsc.iter().map(|support| support.criterion).collect();
        criteria.dedup();
        assert_eq!(criteria.len(), check.tsc.len(), "{} names a criterion twice", check.id);
    }
}

#[test]
fn the_words_of_a_check_fit_where_they_are_printed() {
    for check in checks::all() {
        let id = check.id;
        assert!(!check.title.ends_with('.') && !check.title.is_empty(), "{id}: a title is a noun phrase");
        for text in [check.why, check.fix] {
            assert!(text.ends_with('.') && text.starts_with(char::is_uppercase), "{id}: {text}");
            assert!(!text.contains("  ") && !text.contains('\n'), "{id}: {text}");
        }
        // A warning has 256 characters: place and value need about half of them.
        assert!(
            id.len() + check.fix.len() <= 150,
            "{id}: the fix is too long for a warning ({})",
            check.fix.len()
        );
    }
}

#[test]
fn every_weaker_mode_of_a_shipped_policy_carries_its_reason() {
    for (file, text) in soc2gate::policy::SHIPPED {
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(mode) =
                ["warn", "audit", "off"].into_iter().find(|m| line.ends_with(&format!("mode: {m}}}")))
            else {
                continue;
            };
            // One comment may speak for several entries of one mode below it.
            let above = lines[..at].iter().rev().find(|line| !line.ends_with(&format!("mode: {mode}}}")));
            assert!(
                above.is_some_and(|line| line.starts_with('#')),
                "{file}:{}: {line} says not why",
                at + 1
            );
        }
    }
}
