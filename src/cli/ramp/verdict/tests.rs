//! Ready is only what is known to be: everything that is missing, lost or unclear makes it less.

use jiff::civil::date;

use super::*;
use crate::{checks, cluster::Watched};

const CHECK: &str = "privileged-container";

fn day(day: i8) -> Date {
    date(2026, 11, day)
}

fn seen(since: i8, last: i8, found: &[(&str, i8)]) -> Record {
    let mut record = Record::default();
    record.watched.insert(CHECK.to_owned(), Watched { since: day(since), last: day(last) });
    record.namespaces = [("shop", 1), ("bank", 20)].map(|(name, first)| (name.to_owned(), day(first))).into();
    let found = found.iter().map(|(namespace, last)| ((*namespace).to_owned(), day(*last)));
    record.found.insert(CHECK.to_owned(), found.collect());
    record
}

fn row(now: Mode, seen: Option<&Record>, outlook: &Outlook, namespaces: &[&str]) -> Row {
    let check = checks::find(CHECK).unwrap();
    let of = InForce { check, now, stated: Mode::Enforce, waits_for: None, policies: Vec::new() };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let (namespaces, existing) = (names(namespaces), names(&["shop", "bank", "new"]));
    let (today, days, to) = (day(24), 14, Mode::Enforce);
    judge(of, seen, outlook, &Measure { today, days, to, namespaces: &namespaces, existing: &existing })
}

fn verdict(seen: Option<&Record>, outlook: &Outlook, namespaces: &[&str]) -> String {
    row(Mode::Audit, seen, outlook, namespaces).verdict.to_string()
}

#[test]
fn a_verdict_follows_from_what_was_seen_and_what_would_be_denied() {
    let clean = Outlook::default();
    let three = || Outlook::default().with(CHECK, "shop", 3);
    for (seen, outlook, namespaces, expected) in [
        (Some(seen(10, 24, &[])), &clean, &[][..], "ready"),
        (Some(seen(10, 23, &[])), &clean, &[], "ready"),
        (Some(seen(1, 24, &[("shop", 10)])), &clean, &[], "ready"),
        (Some(seen(11, 24, &[])), &clean, &[], "not yet: watched only 13 of 14 days"),
        (Some(seen(1, 24, &[("shop", 11)])), &clean, &[], "not yet: found something in shop 13 days ago"),
        (
            Some(seen(20, 24, &[("shop", 24), ("bank", 23)])),
            &clean,
            &[],
            "not yet: found something in shop today, in bank yesterday; watched only 4 of 14 days",
        ),
        (Some(seen(1, 24, &[("", 22)])), &clean, &[], "not yet: found something in no namespace 2 days ago"),
        (Some(seen(1, 24, &[])), &three(), &[], "not yet: would deny 3 in shop"),
        (Some(seen(1, 24, &[])), &three(), &["bank"], "not yet: watched only 4 of 14 days"),
        (Some(seen(1, 24, &[("bank", 24)])), &clean, &["shop"], "ready"),
        (Some(seen(1, 24, &[])), &clean, &["new"], "unknown: nothing was seen of namespace new yet"),
        (
            Some(seen(1, 20, &[])),
            &clean,
            &[],
            "unknown: nobody has watched since 2026-11-20: is the gate running with --cluster?",
        ),
        (None, &clean, &[], "unknown: nothing was observed yet: is the gate running with --cluster?"),
        (None, &three(), &[], "not yet: would deny 3 in shop"),
    ] {
        assert_eq!(verdict(seen.as_ref(), outlook, namespaces), expected);
    }
}

#[test]
fn what_was_dropped_for_lack_of_room_is_unknown_and_not_clean() {
    for (truncated, expected) in
        [(11, "unknown: findings until 2026-11-11 were dropped, as there was no room for all"), (10, "ready")]
    {
        let mut seen = seen(1, 24, &[]);
        seen.truncated = Some(day(truncated));
        assert_eq!(verdict(Some(&seen), &Outlook::default(), &[]), expected);
    }
}

#[test]
fn what_cannot_be_assessed_is_unknown() {
    let outlook = Outlook::default().doubting(CHECK, "the inventory of roles is not there");
    let expected = "unknown: it cannot tell for some objects: the inventory of roles is not there";
    assert_eq!(verdict(Some(&seen(1, 24, &[])), &outlook, &[]), expected);
}

#[test]
fn what_is_applied_that_hard_already_is_in_force() {
    let row = row(Mode::Enforce, None, &Outlook::default(), &[]);
    assert_eq!(row.verdict, Verdict::InForce);
}

#[test]
fn days_and_namespaces_are_counted() {
    let row = row(Mode::Audit, Some(&seen(4, 24, &[("shop", 21), ("bank", 5)])), &Outlook::default(), &[]);
    assert_eq!((row.clean, row.watched, row.clean_namespaces), (Some(3), Some(20), 2));
}

#[test]
fn a_clock_that_is_behind_makes_nothing_ready() {
    let row = row(Mode::Audit, Some(&seen(26, 26, &[("shop", 27)])), &Outlook::default(), &[]);
    assert_eq!((row.clean, row.watched), (Some(0), Some(0)));
}

#[test]
fn only_the_worst_namespaces_are_named() {
    let mut outlook = Outlook::default();
    for (namespace, owners) in [("a", 1), ("b", 7), ("c", 2), ("d", 1), ("e", 5)] {
        outlook = outlook.with(CHECK, namespace, owners);
    }
    assert_eq!(verdict(None, &outlook, &[]), "not yet: would deny 7 in b, 5 in e, 2 in c, +2 more");
}
