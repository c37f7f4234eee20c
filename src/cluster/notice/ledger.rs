//! What was told lately: decides whether a notice becomes an Event of its own, counts as another of a series, or is
//! dropped.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;

use super::{Dropped, bucket::Bucket};

/// Events at once, and the interval in which one more may follow.
const BURST: u32 = 25;
const INTERVAL: Duration = Duration::from_secs(1);

/// How long the same counts as the same. It bounds the ledger too: entries cost a token.
pub(super) const SERIES: Duration = Duration::from_secs(600);

/// How often a series is brought up to date at most.
pub(super) const BRING_UP: Duration = Duration::from_secs(60);

/// Where an Event was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) namespace: String,
    pub(super) name: String,
}

/// An Event that was seen again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    pub(super) event: Written,
    /// How often in all.
    pub(super) count: i32,
    pub(super) last: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Act {
    Write,
    Count,
    Drop(Dropped),
}

/// Times are since a beginning of the caller's choice, but for those that people read.
pub(super) struct Ledger {
    bucket: Bucket,
    series: HashMap<String, Series>,
    /// Repeats of series that have ended.
    ended: Vec<Repeat>,
}

struct Series {
    /// None where nothing can be written, and so nothing is tried.
    event: Option<Written>,
    began: Duration,
    brought_up: Duration,
    count: i32,
    told: i32,
    last: Timestamp,
}

impl Series {
    fn repeat(&self) -> Option<Repeat> {
        let event = self.event.clone().filter(|_| self.count > self.told)?;
        Some(Repeat { event, count: self.count, last: self.last })
    }

    fn has_ended(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= SERIES
    }
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self { bucket: Bucket::new(BURST, INTERVAL), series: HashMap::new(), ended: Vec::new() }
    }

    /// What to do about one that was seen at `at`. `event` is where it would be written.
    pub(super) fn take(
        &mut self,
        key: &str,
        event: impl FnOnce() -> Written,
        now: Duration,
        at: Timestamp,
    ) -> Act {
        if let Some(series) = self.series.get_mut(key).filter(|series| !series.has_ended(now)) {
            if series.event.is_none() {
                return Act::Drop(Dropped::Namespace);
            }
            series.count = series.count.saturating_add(1);
            series.last = at;
            return Act::Count;
        }
        if !self.bucket.take(now) {
            return Act::Drop(Dropped::Rate);
        }
        let begun = Series { event: Some(event()), began: now, brought_up: now, count: 1, told: 1, last: at };
        let before = self.series.insert(key.to_owned(), begun);
        self.ended.extend(before.and_then(|before| before.repeat()));
        Act::Write
    }

    /// Nothing was written: the next of its kind is tried again.
    pub(super) fn forget(&mut self, key: &str) {
        self.series.remove(key);
    }

    /// Nothing can be written there: nothing is tried for as long as a series lasts.
    pub(super) fn mute(&mut self, key: &str) {
        if let Some(series) = self.series.get_mut(key) {
            series.event = None;
        }
    }

    /// The Event is gone: the next of its kind makes a new one.
    pub(super) fn gone(&mut self, event: &Written) {
        self.series.retain(|_, series| series.event.as_ref() != Some(event));
    }

    /// The series to bring up to date now, and how many there was no room for.
    pub(super) fn due(&mut self, now: Duration) -> (Vec<Repeat>, u64) {
        let Self { bucket, series, ended } = self;
        let (mut due, mut dropped) = (Vec::new(), 0);
        for repeat in std::mem::take(ended) {
            if bucket.take(now) { due.push(repeat) } else { dropped += 1 }
        }
        series.retain(|_, series| {
            let ends = series.has_ended(now);
            if let Some(repeat) = series.repeat()
                && (ends || now.saturating_sub(series.brought_up) >= BRING_UP)
            {
                if bucket.take(now) {
                    (series.told, series.brought_up) = (series.count, now);
                    due.push(repeat);
                } else if ends {
                    dropped += 1;
                }
            }
            !ends
        });
        (due, dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn written(key: &str) -> Written {
        Written { namespace: "shop".to_owned(), name: key.to_owned() }
    }

    fn take(ledger: &mut Ledger, key: &str, at: u64) -> Act {
        let time = Timestamp::from_second(i64::try_from(at).unwrap()).unwrap();
        ledger.take(key, || written(key), seconds(at), time)
    }

    /// Event and count of each series that is due.
    fn due(ledger: &mut Ledger, at: u64) -> Vec<(String, i32)> {
        ledger.due(seconds(at)).0.into_iter().map(|repeat| (repeat.event.name, repeat.count)).collect()
    }

    #[test]
    fn the_same_within_ten_minutes_counts_into_one_event() {
        let mut ledger = Ledger::new();
        assert_eq!(take(&mut ledger, "web", 0), Act::Write);
        for at in [1, 2, 30, 59] {
            assert_eq!(take(&mut ledger, "web", at), Act::Count);
        }
        assert_eq!(due(&mut ledger, 59), [], "at most once a minute");
        assert_eq!(due(&mut ledger, 60), [("web".to_owned(), 5)]);
        assert_eq!(due(&mut ledger, 200), [], "nothing new");
        assert_eq!(take(&mut ledger, "web", 599), Act::Count);
        assert_eq!(take(&mut ledger, "web", 600), Act::Write, "a new series");
        assert_eq!(due(&mut ledger, 601), [("web".to_owned(), 6)], "the old one is told to its end");
        assert_eq!(take(&mut ledger, "web", 602), Act::Count);
        assert_eq!(due(&mut ledger, 1_200), [("web".to_owned(), 2)]);
        assert!(ledger.series.is_empty());
    }

    #[test]
    fn a_flood_of_different_ones_is_bounded_and_so_is_the_ledger() {
        let mut ledger = Ledger::new();
        let mut wrote = 0;
        for n in 0..100_000_u64 {
            wrote += u64::from(take(&mut ledger, &n.to_string(), n / 100) == Act::Write);
            take(&mut ledger, &n.to_string(), n / 100);
            if n % 500 == 0 {
                ledger.due(seconds(n / 100));
            }
            assert!(ledger.series.len() <= 625 + 10, "{}", ledger.series.len());
        }
        assert!(wrote <= 25 + 1_000, "{wrote}");
    }

    #[test]
    fn what_was_not_written_is_tried_again_unless_it_cannot_be() {
        let mut ledger = Ledger::new();
        take(&mut ledger, "web", 0);
        ledger.forget("web");
        assert_eq!(take(&mut ledger, "web", 1), Act::Write);
        ledger.mute("web");
        assert_eq!(take(&mut ledger, "web", 2), Act::Drop(Dropped::Namespace));
        assert_eq!(due(&mut ledger, 90), []);
        assert_eq!(take(&mut ledger, "web", 601), Act::Write);
        ledger.gone(&written("web"));
        assert_eq!(take(&mut ledger, "web", 602), Act::Write);
    }

    #[test]
    fn what_finds_no_token_is_dropped_and_leaves_no_trace() {
        let mut ledger = Ledger::new();
        let acts: Vec<_> = (0..30).map(|n| take(&mut ledger, &n.to_string(), 0)).collect();
        assert_eq!(acts[24..26], [Act::Write, Act::Drop(Dropped::Rate)]);
        assert_eq!(take(&mut ledger, "29", 1), Act::Write);
    }
}
