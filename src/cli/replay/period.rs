//! The period that a replay looks at: `--since` and `--until`.

use jiff::{SignedDuration, Timestamp};

/// A time as the command line gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    /// Before the present.
    Ago(SignedDuration),
}

impl Moment {
    /// Reads an RFC 3339 time, or an age: `30m`, `12h`, `7d`, `2w`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        let refuse =
            || format!("`{text}` is no time: write `2026-11-23T19:00:00Z`, or an age such as `7d` or `12h`");
        let unit = text.chars().next_back().ok_or_else(refuse)?;
        let minutes = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            'w' => 7 * 24 * 60,
            _ => return Err(refuse()),
        };
        let number: u32 = text.strip_suffix(unit).unwrap_or_default().parse().map_err(|_| refuse())?;
        Ok(Self::Ago(SignedDuration::from_mins(i64::from(number) * minutes)))
    }

    fn at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time),
            Self::Ago(age) => now.checked_sub(age).ok(),
        }
    }
}

/// From one moment up to another; without an end where none is given.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Period {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Period {
    /// # Errors
    /// When it ends before it begins, so that nothing could lie in it.
    pub(super) fn new(since: Option<Moment>, until: Option<Moment>, now: Timestamp) -> Result<Self, String> {
        let at = |moment: Option<Moment>| moment.and_then(|moment| moment.at(now));
        let (since, until) = (at(since), at(until));
        match (since, until) {
            (Some(since), Some(until)) if since >= until => {
                Err(format!("--until {until} is not after --since {since}: nothing lies between them"))
            }
            _ => Ok(Self { since, until }),
        }
    }

    /// Why a request received then is outside, if it is.
    pub(super) fn excludes(self, time: Option<Timestamp>) -> Option<&'static str> {
        match time {
            None if self.since.is_some() || self.until.is_some() => {
                Some("without a time, so that it cannot be told whether --since and --until mean them")
            }
            Some(time)
                if self.since.is_some_and(|since| time < since)
                    || self.until.is_some_and(|until| time >= until) =>
            {
                Some("outside --since and --until")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Period};

    #[test]
    fn a_moment_is_a_time_or_an_age() {
        for text in ["2026-11-23T19:00:00Z", "2026-11-23T20:00:00+01:00", "7d", "0m", "52w"] {
            assert!(Moment::parse(text).is_ok(), "{text}");
        }
        assert_eq!(Moment::parse("1d"), Moment::parse("24h"));
        for text in ["", "d", "7", "7y", "-7d", "1.5h", "2026-11-23", "yesterday", "7ä"] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_period_includes_its_beginning_and_not_its_end() {
        let time = |text: &str| text.parse().unwrap();
        let now = time("2026-11-30T00:00:00Z");
        let period = Period::new(Moment::parse("7d").ok(), Moment::parse("1d").ok(), now).unwrap();
        assert!(period.excludes(Some(time("2026-11-23T00:00:00Z"))).is_none());
        assert!(period.excludes(Some(time("2026-11-28T23:59:59Z"))).is_none());
        assert!(period.excludes(Some(time("2026-11-29T00:00:00Z"))).is_some());
        assert!(period.excludes(Some(time("2026-11-22T23:59:59Z"))).is_some());
        assert!(period.excludes(None).is_some());
        assert!(Period::default().excludes(None).is_none());
        assert!(Period::new(Moment::parse("1d").ok(), Moment::parse("7d").ok(), now).is_err());
    }
}
