//! What the replicas together remember of the days gone by, as plain data and as the text of a ConfigMap.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan, civil::Date};

/// The one format that is written; any other is left alone.
const FORMAT: &str = "1";

/// The most that is stored, in bytes. A ConfigMap holds a mebibyte.
pub(super) const MOST: usize = 700 * 1024;

/// The most that the days on which namespaces were first seen may take of it.
const MOST_OF_NAMESPACES: usize = MOST / 4;

/// What is older is of no use to anybody. In days.
const KEPT: i32 = 400;

/// Stands for what is in no namespace: no namespace is named like it.
const NO_NAMESPACE: &str = "-";

/// Of every check the days on which it was watched, and the last day on which it found something that no exemption
/// covers, by namespace. Days are those of UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    pub watched: BTreeMap<String, Watched>,
    /// The first day on which anything was seen in a namespace.
    pub namespaces: BTreeMap<String, Date>,
    /// By check and namespace (empty for what is in none).
    pub found: BTreeMap<String, BTreeMap<String, Date>>,
    /// Of findings that were no later than this day only some are remembered: there was no room for all.
    pub truncated: Option<Date>,
    /// What people were told already, so that nobody is told twice.
    pub told: BTreeSet<String>,
}

/// The days of which a check has seen every decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watched {
    /// Without a gap since this one.
    pub since: Date,
    pub last: Date,
}

/// Why the text of a record is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Another version of the program wrote it.
    #[error("it has the format `{0}`, and this version knows only `{FORMAT}`")]
    Format(String),
    #[error("`{0}` is not what the program writes there")]
    Corrupt(String),
}

/// What one replica has to add.
#[derive(Clone, Debug)]
pub struct News {
    pub today: Date,
    /// The checks in force.
    pub checks: Vec<&'static str>,
    pub namespaces: BTreeMap<String, Date>,
    pub found: BTreeMap<(&'static str, String), Date>,
    /// Whether something was seen that could not be noted.
    pub is_incomplete: bool,
}

impl Record {
    /// Reads the data of a ConfigMap.
    ///
    /// # Errors
    /// [`Unreadable`]; what is corrupt is corrupt as a whole.
    pub fn read(data: &BTreeMap<String, String>) -> Result<Self, Unreadable> {
        let corrupt = |key: &str| Unreadable::Corrupt(key.to_owned());
        match data.get("format").map(|format| format.trim()) {
            Some(FORMAT) => {}
            Some(other) if !other.is_empty() => return Err(Unreadable::Format(other.to_owned())),
            _ => return Err(corrupt("format")),
        }
        let mut record = Self::default();
        for (key, text) in data {
            let read = match key.as_str() {
                "watched" => watched(text).map(|watched| record.watched = watched),
                "namespaces" => by_day(text).map(|namespaces| record.namespaces = namespaces),
                "truncated" => text.trim().parse().ok().map(|day| record.truncated = Some(day)),
                "told" => {
                    record.told = text.lines().map(str::to_owned).collect();
                    Some(())
                }
                key => match key.strip_prefix("found.") {
                    Some(check) => by_day(text).map(|days| {
                        record.found.insert(check.to_owned(), days);
                    }),
                    None => Some(()),
                },
            };
            read.ok_or_else(|| corrupt(key))?;
        }
        Ok(record)
    }

    /// The data of the ConfigMap, after as much as there is no room for was dropped: the oldest first.
    pub fn data(&mut self) -> BTreeMap<String, String> {
        while size(&by_day_text(&self.namespaces)) > MOST_OF_NAMESPACES {
            // The oldest matter least: they have been watched for longer than anybody asks.
            let mut oldest: Vec<_> = self.namespaces.iter().map(|(name, day)| (*day, name.clone())).collect();
            oldest.sort();
            oldest.truncate(oldest.len() / 10 + 1);
            for (_, name) in oldest {
                self.namespaces.remove(&name);
            }
        }
        loop {
            let data = self.text();
            if data.iter().map(|(key, text)| key.len() + size(text)).sum::<usize>() <= MOST {
                return data;
            }
            if !self.drop_oldest() {
                return data;
            }
        }
    }

    /// Takes in what a replica has seen.
    pub fn take(&mut self, news: &News) {
        let today = news.today;
        for check in &news.checks {
            let watched =
                self.watched.entry((*check).to_owned()).or_insert(Watched { since: today, last: today });
            // A day on which nobody looked: what was before tells nothing about it.
            if later(watched.last, 1) < today {
                watched.since = today;
            }
            if news.is_incomplete {
                watched.since = watched.since.max(later(today, 1));
            }
            watched.last = watched.last.max(today);
            // Written by a clock that was ahead. That of another replica may be, by a little.
            if watched.last > later(today, 1) {
                *watched = Watched { since: today, last: today };
            }
        }
        for (namespace, day) in &news.namespaces {
            self.namespaces.entry(namespace.clone()).or_insert(*day);
        }
        for ((check, namespace), day) in &news.found {
            let days = self.found.entry((*check).to_owned()).or_default();
            let last = days.entry(namespace.clone()).or_insert(*day);
            *last = (*last).max(*day);
        }
        let (oldest, newest) = (later(today, -KEPT), later(today, 1));
        for days in self.found.values_mut() {
            days.retain(|_, day| *day >= oldest);
            days.values_mut().for_each(|day| *day = (*day).min(newest));
        }
        self.found.retain(|_, days| !days.is_empty());
        self.watched.retain(|_, watched| watched.last >= oldest);
    }

    fn text(&self) -> BTreeMap<String, String> {
        let mut data = BTreeMap::from([
            ("format".to_owned(), FORMAT.to_owned()),
            ("watched".to_owned(), watched_text(&self.watched)),
            ("namespaces".to_owned(), by_day_text(&self.namespaces)),
        ]);
        data.extend(self.found.iter().map(|(check, days)| (format!("found.{check}"), by_day_text(days))));
        data.extend(self.truncated.map(|day| ("truncated".to_owned(), day.to_string())));
        if !self.told.is_empty() {
            let told = self.told.iter().map(|line| format!("{line}\n"));
            data.insert("told".to_owned(), told.collect());
        }
        data
    }

    /// Drops a tenth of the findings, the oldest. False if there are none.
    fn drop_oldest(&mut self) -> bool {
        let all = self.found.iter().flat_map(|(check, days)| {
            days.iter().map(move |(namespace, day)| (*day, check.clone(), namespace.clone()))
        });
        let mut all: Vec<_> = all.collect();
        all.sort();
        all.truncate(all.len() / 10 + 1);
        let Some((newest, ..)) = all.last() else { return false };
        self.truncated = self.truncated.max(Some(*newest));
        for (_, check, namespace) in all {
            if let Some(days) = self.found.get_mut(&check) {
                days.remove(&namespace);
            }
        }
        self.found.retain(|_, days| !days.is_empty());
        true
    }
}

/// What a text takes where it is stored as JSON.
fn size(text: &str) -> usize {
    text.len() + text.bytes().filter(|byte| *byte == b'\n').count()
}

/// So many days later; the last day there is, if there is none.
fn later(day: Date, days: i32) -> Date {
    day.saturating_add(days.days())
}

/// Checks by the days on which they were watched: first, last, and all of their names on one line.
fn watched(text: &str) -> Option<BTreeMap<String, Watched>> {
    let mut watched = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let days = Watched { since: words.next()?.parse().ok()?, last: words.next()?.parse().ok()? };
        watched.extend(words.map(|check| (check.to_owned(), days)));
    }
    Some(watched)
}

fn watched_text(watched: &BTreeMap<String, Watched>) -> String {
    let mut lines: BTreeMap<(Date, Date), String> = BTreeMap::new();
    for (check, Watched { since, last }) in watched {
        let line = lines.entry((*since, *last)).or_default();
        line.push(' ');
        line.push_str(check);
    }
    lines.iter().map(|((since, last), checks)| format!("{since} {last}{checks}\n")).collect()
}

/// Names by day, a day on each line with all of its names.
fn by_day(text: &str) -> Option<BTreeMap<String, Date>> {
    let mut days = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let day: Date = words.next()?.parse().ok()?;
        for name in words {
            let name = if name == NO_NAMESPACE { "" } else { name };
            let last = days.entry(name.to_owned()).or_insert(day);
            *last = (*last).max(day);
        }
    }
    Some(days)
}

fn by_day_text(days: &BTreeMap<String, Date>) -> String {
    let mut lines: BTreeMap<Date, String> = BTreeMap::new();
    for (name, day) in days {
        let line = lines.entry(*day).or_default();
        line.push(' ');
        line.push_str(if name.is_empty() { NO_NAMESPACE } else { name });
    }
    lines.iter().rev().map(|(day, names)| format!("{day}{names}\n")).collect()
}

#[cfg(test)]
mod tests;
