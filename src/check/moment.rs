//! The times that people write into exemptions and annotations: a moment, or a whole day.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

/// Reads a time (RFC 3339) or a day (`2027-01-31`). A time means itself; a day is moved, and then means the moment at
/// which it begins (UTC).
pub fn moment(text: &str, moved: impl Fn(Date) -> Result<Date, jiff::Error>) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let day = moved(text.parse().ok()?).ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Whether more than so many days lie between two moments. The day on which it begins is not counted.
pub fn lasts_longer(begins: Timestamp, expires: Timestamp, days: u16) -> bool {
    expires.duration_since(begins) > SignedDuration::from_hours(24 * (i64::from(days) + 1))
}
