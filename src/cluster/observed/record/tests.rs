//! A record survives its text, two replicas, lack of room and damage, and never claims to have watched when it did not.

use jiff::civil::date;

use super::*;

const CHECK: &str = "privileged-container";

fn day(day: i8) -> Date {
    date(2026, 11, day)
}

fn news(today: Date, found: &[(&'static str, &str)]) -> News {
    News {
        today,
        checks: vec![CHECK, "host-port"],
        namespaces: found.iter().map(|(_, namespace)| ((*namespace).to_owned(), today)).collect(),
        found: found.iter().map(|(check, namespace)| ((*check, (*namespace).to_owned()), today)).collect(),
        is_incomplete: false,
    }
}

fn record(days: &[(Date, &[(&'static str, &str)])]) -> Record {
    let mut record = Record::default();
    days.iter().for_each(|(day, found)| record.take(&news(*day, found)));
    record
}

#[test]
fn its_text_reads_as_it_was_written() {
    let mut record = record(&[
        (day(1), &[(CHECK, "shop"), (CHECK, "")]),
        (day(2), &[(CHECK, "bank"), ("host-port", "shop")]),
    ]);
    record.told.insert("node-exporter 14d".to_owned());
    record.truncated = Some(day(1));
    let data = record.data();
    assert_eq!(data["found.privileged-container"], "2026-11-02 bank\n2026-11-01 - shop\n");
    assert_eq!(data["watched"], "2026-11-01 2026-11-02 host-port privileged-container\n");
    assert_eq!(Record::read(&data), Ok(record));
}

#[test]
fn two_replicas_make_one_record_in_whichever_order_they_write() {
    let (one, other) = (news(day(3), &[(CHECK, "shop")]), news(day(4), &[(CHECK, "shop"), (CHECK, "bank")]));
    let mut first = record(&[(day(3), &[])]);
    let mut second = first.clone();
    first.take(&one);
    first.take(&other);
    second.take(&other);
    second.take(&one);
    assert_eq!(first.found, second.found);
    assert_eq!(first.watched, second.watched);
    assert_eq!(first.found[CHECK]["shop"], day(4));
}

#[test]
fn taking_in_the_same_news_again_changes_nothing() {
    let mut record = record(&[(day(1), &[(CHECK, "shop")])]);
    let before = record.data();
    record.take(&news(day(1), &[(CHECK, "shop")]));
    assert_eq!(record.data(), before);
}

#[test]
fn a_check_counts_as_watched_from_the_day_after_a_gap() {
    for (last, then, since) in [(5, 6, 1), (5, 5, 1), (5, 7, 7), (5, 20, 20)] {
        let mut record = record(&[(day(1), &[])]);
        (2..=last).for_each(|at| record.take(&news(day(at), &[])));
        record.take(&news(day(then), &[]));
        assert_eq!(record.watched[CHECK].since, day(since), "{last} {then}");
    }
}

#[test]
fn a_check_that_was_just_added_was_not_watched_before() {
    let mut record = record(&[(day(1), &[]), (day(2), &[])]);
    let checks = vec![CHECK, "host-port", "root-user"];
    record.take(&News { checks, ..news(day(3), &[]) });
    assert_eq!(record.watched["root-user"], Watched { since: day(3), last: day(3) });
    assert_eq!(record.watched[CHECK].since, day(1));
}

#[test]
fn a_day_of_which_something_was_lost_is_no_day_of_watching() {
    let mut record = record(&[(day(1), &[])]);
    record.take(&News { is_incomplete: true, ..news(day(2), &[]) });
    record.take(&news(day(2), &[]));
    assert_eq!(record.watched[CHECK], Watched { since: day(3), last: day(2) });
}

#[test]
fn what_does_not_fit_is_dropped_from_its_oldest_day_on_and_said_to_be_missing() {
    let mut record = record(&[(day(20), &[(CHECK, "shop")])]);
    let many =
        |first: usize| (first..first + 15_000).map(|n| (format!("namespace-{n:05}-of-a-long-name"), day(1)));
    record.found.entry("host-port".to_owned()).or_default().extend(many(0));
    record.found.entry("root-user".to_owned()).or_default().extend(many(0).map(|(name, _)| (name, day(2))));
    let data = record.data();
    assert!(data.values().map(String::len).sum::<usize>() <= MOST);
    assert_eq!(record.truncated, Some(day(1)));
    assert_eq!(record.found[CHECK]["shop"], day(20), "the newest stay");
    assert_eq!(record.found["root-user"].len(), 15_000);
    assert_eq!(record.data(), data, "what was cut stays as it is");
}

#[test]
fn the_names_of_very_many_namespaces_leave_room_for_what_was_found() {
    let mut record = record(&[(day(20), &[(CHECK, "shop")])]);
    record.namespaces.extend((0..50_000).map(|n| (format!("namespace-{n:05}"), day(1))));
    let data = record.data();
    assert!(data["namespaces"].len() <= MOST_OF_NAMESPACES);
    assert!(record.namespaces.contains_key("shop"));
    assert_eq!(record.truncated, None);
}

#[test]
fn what_nobody_needs_any_more_is_forgotten() {
    let mut record = record(&[(date(2025, 1, 1), &[(CHECK, "shop")])]);
    record.take(&news(day(1), &[]));
    assert_eq!(record.found.len(), 0);
    assert_eq!(record.watched[CHECK].since, day(1));
}

#[test]
fn what_a_clock_that_was_ahead_has_written_is_set_right() {
    let mut record = record(&[(date(2036, 1, 1), &[(CHECK, "shop")])]);
    record.take(&news(day(1), &[]));
    assert_eq!(record.watched[CHECK], Watched { since: day(1), last: day(1) });
    assert_eq!(record.found[CHECK]["shop"], day(2), "found later than any day that has passed");
}

#[test]
fn damage_is_told_from_another_format() {
    let good = record(&[(day(1), &[(CHECK, "shop")])]).data();
    let with = |key: &str, text: &str| {
        let mut data = good.clone();
        data.insert(key.to_owned(), text.to_owned());
        Record::read(&data)
    };
    let corrupt = |key: &str| Err(Unreadable::Corrupt(key.to_owned()));
    assert_eq!(with("format", "2"), Err(Unreadable::Format("2".to_owned())));
    for (key, text) in [
        ("format", ""),
        ("watched", "yesterday today privileged-container"),
        ("watched", "2026-11-01"),
        ("found.host-port", "2026-13-01 shop"),
        ("truncated", "once"),
    ] {
        assert_eq!(with(key, text), corrupt(key), "{text}");
    }
    assert_eq!(Record::read(&BTreeMap::new()), corrupt("format"));
    assert!(with("added-by-somebody", "anything").is_ok());
}
