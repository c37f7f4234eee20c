//! How long a caller waits: the `?timeout=` that the API server adds to every call.

use std::time::Duration;

use super::Limits;

/// Time for a review, from the query of its request, less a margin for the way back.
///
/// A timeout that cannot be read, or is not positive, counts as absent: it is no reason to lose a review.
pub(super) fn allowed(query: Option<&str>, limits: &Limits) -> Duration {
    let asked = query.and_then(named).and_then(go_duration).filter(|asked| !asked.is_zero());
    let asked = asked.unwrap_or(limits.review).min(limits.longest_review);
    asked.saturating_sub(margin(asked))
}

fn named(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("timeout="))
}

fn margin(asked: Duration) -> Duration {
    (asked / 10).clamp(Duration::from_millis(5), Duration::from_millis(500)).min(asked / 2)
}

/// Reads a duration as Go writes them (`time.ParseDuration`): `5s`, `1m30s`, `1.5h`, `500ms`. None if negative.
fn go_duration(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(unit)?;
        seconds += number.parse::<f64>().ok()? * seconds_in(unit)?;
        rest = tail;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

fn seconds_in(unit: &str) -> Option<f64> {
    Some(match unit {
        "h" => 3600.0,
        "m" => 60.0,
        "s" => 1.0,
        "ms" => 1e-3,
        "us" | "µs" | "μs" | "%C2%B5s" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u128> {
        go_duration(text).map(|duration| duration.as_millis())
    }

    #[test]
    fn reads_durations_as_go_writes_them() {
        let written = [
            ("5s", 5_000),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            (".5s", 500),
            ("1h0m1s", 3_601_000),
            ("1500us", 1),
            ("1500µs", 1),
            ("+2s", 2_000),
            ("0", 0),
        ];
        for (text, expected) in written {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn reads_nothing_else_as_a_duration() {
        for text in
            ["", "5", "s", "-5s", "5 s", "5d", "1..5s", ".s", "5sec", "1e3s", "NaNs", "infs", "ß", "5ß"]
        {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn an_absurd_number_is_no_duration_and_no_panic() {
        assert_eq!(millis(&format!("{}h", "9".repeat(400))), None);
        assert_eq!(millis("99999999999999999999h"), None);
    }

    #[test]
    fn stays_a_margin_under_what_the_caller_waits() {
        let limits = Limits::default();
        for (query, expected) in [
            (Some("timeout=10s"), 9_500),
            (Some("a=b&timeout=1s"), 900),
            (Some("timeout=100ms"), 90),
            (Some("timeout=2ms"), 1),
            (Some("timeout=5m"), 29_500),
            (Some("timeout=soon"), 2_700),
            (Some("timeout=0s"), 2_700),
            (Some("timeout=-1s"), 2_700),
            (Some("timeouts=9s"), 2_700),
            (None, 2_700),
        ] {
            assert_eq!(allowed(query, &limits).as_millis(), expected, "{query:?}");
        }
    }
}
