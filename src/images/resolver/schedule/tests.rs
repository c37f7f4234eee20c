//! The order of asking, told the time by the test.

use super::*;
use crate::inventory::image_evidence::Answer as Known;

fn image(text: &str) -> ImageReference {
    ImageReference::parse(text).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

fn by_digest(name: &str, digit: char) -> ImageReference {
    ImageReference { digest: Some(digest(digit)), ..image(name) }
}

fn attested(asked: Timestamp) -> Answer {
    Answer::Image(Arc::new(Attested { attestations: Vec::new(), refused: Vec::new(), asked_at: asked }))
}

fn covered() -> Arc<[ImagePrefix]> {
    vec![ImagePrefix::parse("r.example.com").unwrap()].into()
}

fn schedule() -> Schedule {
    Schedule::new(Ages::default())
}

/// The jobs due at a moment, by key.
fn due(schedule: &mut Schedule, now: Timestamp) -> Vec<Job> {
    schedule.take_due(now, 100)
}

#[test]
fn an_image_is_asked_about_once_however_often_it_is_wanted() {
    let mut schedule = schedule();
    let app = by_digest("r.example.com/app", '1');
    for _ in 0..1_000 {
        schedule.want(&app, at(0));
    }
    assert_eq!(due(&mut schedule, at(0)).len(), 1);
    schedule.want(&app, at(1));
    assert!(due(&mut schedule, at(1)).is_empty(), "it runs already");
}

#[test]
fn a_registry_in_trouble_is_left_alone_for_longer_each_time() {
    let mut schedule = schedule();
    schedule.want(&by_digest("r.example.com/app", '1'), at(0));
    let (mut now, mut pauses) = (at(0), Vec::new());
    for _ in 0..8 {
        let jobs = due(&mut schedule, now);
        schedule.done(&jobs[0], Err(("down".to_owned(), None)), now);
        let next = schedule.next_due().unwrap();
        pauses.push(next.duration_since(now).as_secs());
        now = next;
    }
    assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
    assert!((4..=5).contains(&pauses[0]) && (270..=300).contains(pauses.last().unwrap()), "{pauses:?}");
}

#[test]
fn a_registry_that_says_when_is_asked_no_earlier() {
    let mut schedule = schedule();
    schedule.want(&by_digest("r.example.com/app", '1'), at(0));
    let jobs = due(&mut schedule, at(0));
    schedule.done(&jobs[0], Err(("too many".to_owned(), Some(Duration::from_secs(120)))), at(0));
    assert!(schedule.next_due().unwrap() >= at(108));
}

#[test]
fn an_answer_counts_while_its_registry_is_down_and_no_longer_than_its_age_allows() {
    let mut schedule = schedule();
    let app = by_digest("r.example.com/app", '1');
    schedule.want(&app, at(0));
    let state = |schedule: &Schedule, now| match schedule.evidence(&covered(), now).about(&app, &digest('1'))
    {
        Known::Pending { .. } => "pending",
        Known::Failed { .. } => "failed",
        Known::Known(_) => "known",
        Known::NotCovered => "not covered",
    };
    assert_eq!(state(&schedule, at(0)), "pending");
    let jobs = due(&mut schedule, at(0));
    schedule.done(&jobs[0], Ok(attested(at(0))), at(0));
    let jobs = due(&mut schedule, at(3_600));
    schedule.done(&jobs[0], Err(("down".to_owned(), None)), at(3_600));
    assert_eq!(state(&schedule, at(3_600)), "known");
    assert_eq!(state(&schedule, at(24 * 3_600 + 1)), "failed");
}

#[test]
fn an_image_without_attestations_is_asked_about_again_soon_for_it_may_be_signed_in_a_moment() {
    let mut schedule = schedule();
    schedule.want(&by_digest("r.example.com/app", '1'), at(0));
    let jobs = due(&mut schedule, at(0));
    schedule.done(&jobs[0], Ok(attested(at(0))), at(0));
    assert!(schedule.next_due().unwrap() <= at(5));
}

#[test]
fn one_slow_registry_holds_up_no_other() {
    let mut schedule = schedule();
    for number in 0..50 {
        schedule.want(&image(&format!("r.example.com/slow:{number}")), at(0));
    }
    schedule.want(&image("other.example.com/app:1"), at(0));
    let jobs = schedule.take_due(at(0), 32);
    assert_eq!(jobs.len(), PER_REGISTRY + 1);
}

#[test]
fn a_full_store_lets_go_of_what_has_no_answer_before_what_has_one() {
    let mut schedule = schedule();
    let good = by_digest("r.example.com/good", '1');
    schedule.want(&good, at(0));
    let jobs = due(&mut schedule, at(0));
    schedule.done(&jobs[0], Ok(attested(at(0))), at(0));
    for number in 0..MOST + 10 {
        schedule.want(&image(&format!("r.example.com/flood:{number}")), at(1));
    }
    assert_eq!(schedule.entries.len(), MOST);
    assert!(schedule.entries.contains_key(&key(&good)));
}

#[test]
fn what_nobody_wants_or_no_policy_allows_is_let_go() {
    let mut schedule = schedule();
    schedule.want(&image("r.example.com/app:1"), at(0));
    schedule.want(&image("elsewhere.example.com/app:1"), at(0));
    let gone = schedule.forget(at(10), &covered());
    assert_eq!(gone, [Arc::from("elsewhere.example.com/app:1")]);
    assert_eq!(schedule.forget(at(8 * 24 * 3_600), &covered()).len(), 1);
    assert!(schedule.next_due().is_none());
}

#[test]
fn a_tag_that_cannot_be_asked_about_for_long_names_nothing() {
    let mut schedule = schedule();
    let app = image("r.example.com/app:1");
    schedule.want(&app, at(0));
    let jobs = due(&mut schedule, at(0));
    schedule.done(&jobs[0], Ok(Answer::Tag(digest('1'))), at(0));
    let jobs = due(&mut schedule, at(300));
    schedule.done(&jobs[0], Err(("down".to_owned(), None)), at(300));
    let tagged = |now| match schedule.evidence(&covered(), now).tagged(&app).unwrap() {
        Tagged::Resolved { digest, .. } => digest.to_string(),
        Tagged::Failed { reason, .. } => reason.to_string(),
        Tagged::Pending { .. } => "pending".to_owned(),
    };
    assert_eq!(tagged(at(300)), digest('1').to_string());
    assert_eq!(tagged(at(1_801)), "down");
}
