//! A token bucket: so many at once, then one for every interval. It counts in one number (GCRA).

use std::time::Duration;

/// Times are since a beginning of the caller's choice.
#[derive(Debug)]
pub(super) struct Bucket {
    interval: Duration,
    /// How far ahead of the time the next token may lie.
    slack: Duration,
    next: Duration,
}

impl Bucket {
    /// At least one at once.
    pub(super) fn new(burst: u32, interval: Duration) -> Self {
        Self { interval, slack: interval * burst.saturating_sub(1), next: Duration::ZERO }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Duration) -> bool {
        let next = self.next.max(now);
        let has = next - now <= self.slack;
        if has {
            self.next = next + self.interval;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of 1,000 that come at once are let through.
    fn passed(bucket: &mut Bucket, seconds: u64) -> usize {
        (0..1_000).filter(|_| bucket.take(Duration::from_secs(seconds))).count()
    }

    #[test]
    fn lets_a_burst_through_and_then_one_for_every_interval() {
        let mut bucket = Bucket::new(25, Duration::from_secs(1));
        for (seconds, expected) in [(0, 25), (0, 0), (1, 1), (1, 0), (4, 3), (1_000, 25), (1_000, 0)] {
            assert_eq!(passed(&mut bucket, seconds), expected, "at {seconds} s");
        }
    }
}
