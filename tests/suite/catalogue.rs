//! Every check by its own words: examples hold, ids are unique, policies and folders agree.

mod surroundings;

use serde::de::DeserializeSeed;
use soc2gate::{
    check::{Ask, Check, Params, Report, Version},
    checks, manifest,
    object::{Kind, OfKind},
    policy::{Loaded, Settings},
    request::Request,
};

/// The violations that a check finds in a manifest under its example's parameters.
fn violations(check: &Check, text: &str) -> Vec<String> {
    let documents = manifest::parse("params", check.examples.params).unwrap();
    let params = documents.first().map_or(Params::DEFAULT, |document| Params::of(&document.root));
    let examiner = check.examine.configure(&params).unwrap();
    let documents = manifest::parse(check.id, text).unwrap();
    let root = &documents.first().expect("an example is one manifest").root;
    let field = |name: &str| root.get(name).and_then(|node| node.as_str()).unwrap_or_default();
    let kind = Kind::of_manifest(field("apiVersion"), field("kind"));
    let request = Request::of_manifest(OfKind(kind).deserialize(root).unwrap());
    let inventory = surroundings::inventory();
    let ask = Ask {
        request: &request,
        object: request.object.as_ref(),
        inventory: &inventory,
        now: surroundings::now(),
        version: Version::NEWEST,
    };
    let mut report = Report::default();
    examiner.examine(&ask, &mut report);
    report
        .violations
        .into_iter()
        .map(|violation| format!("{} {}", violation.place.path, violation.what))
        .collect()
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
