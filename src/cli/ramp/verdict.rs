//! Whether a check is ready for a harder mode: how long it was watched, how long it found nothing, what it would deny.

use std::{collections::BTreeMap, fmt};

use jiff::civil::Date;

use super::{
    in_force::InForce,
    outlook::{Denied, Outlook},
};
use crate::{check::Check, cluster::Record, policy::Mode};

/// How many namespaces a verdict names.
const NAMED: usize = 3;

/// What readiness is measured by.
pub(super) struct Measure<'m> {
    pub(super) today: Date,
    /// For so many days nothing may have been found.
    pub(super) days: i32,
    pub(super) to: Mode,
    /// Only these namespaces; everything if there are none.
    pub(super) namespaces: &'m [String],
    /// The namespaces that exist.
    pub(super) existing: &'m [String],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is applied that hard already.
    InForce,
    Ready,
    NotYet(String),
    Unknown(String),
}

impl Verdict {
    pub(super) const fn id(&self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Ready => "ready",
            Self::NotYet(_) => "not yet",
            Self::Unknown(_) => "unknown",
        }
    }

    pub(super) fn reason(&self) -> &str {
        match self {
            Self::InForce | Self::Ready => "",
            Self::NotYet(reason) | Self::Unknown(reason) => reason,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())?;
        if self.reason().is_empty() { Ok(()) } else { write!(f, ": {}", self.reason()) }
    }
}

/// One check, with everything that is known of it.
pub(super) struct Row {
    pub(super) check: &'static Check,
    pub(super) now: Mode,
    pub(super) stated: Mode,
    pub(super) policies: Vec<String>,
    /// Without a gap, in days.
    pub(super) watched: Option<i32>,
    /// Days since something was found, at most as long as it was watched.
    pub(super) clean: Option<i32>,
    /// Namespaces (empty for what is in none) by the days since something was found there.
    pub(super) found: BTreeMap<String, i32>,
    /// Namespaces that exist and in which nothing was found of late.
    pub(super) clean_namespaces: usize,
    /// None where objects cannot tell.
    pub(super) denied: Option<BTreeMap<String, Denied>>,
    pub(super) verdict: Verdict,
}

/// Judges one check.
pub(super) fn judge(of: InForce, seen: Option<&Record>, outlook: &Outlook, measure: &Measure<'_>) -> Row {
    let InForce { check, now, stated, waits_for, policies } = of;
    let is_asked = |namespace: &str| {
        measure.namespaces.is_empty() || measure.namespaces.iter().any(|asked| asked == namespace)
    };
    let ago = |day: Date| (measure.today - day).get_days().max(0);
    let found = seen.and_then(|seen| seen.found.get(check.id)).into_iter().flatten();
    let found = found.filter(|(namespace, _)| is_asked(namespace));
    let found: BTreeMap<_, _> = found.map(|(namespace, day)| (namespace.clone(), ago(*day))).collect();
    let denied = outlook.denied(check).map(|denied| {
        let asked = denied.iter().filter(|(namespace, _)| is_asked(namespace));
        asked.map(|(namespace, denied)| (namespace.clone(), denied.clone())).collect::<BTreeMap<_, _>>()
    });
    let watched = watched(check, seen, measure);
    let days = watched.as_ref().ok().map(|since| ago(*since));
    let last = found.values().min().copied();
    let is_clean = |name: &&String| is_asked(name) && found.get(*name).is_none_or(|ago| *ago >= measure.days);
    let evidence = Evidence { found: &found, denied: denied.as_ref(), days, waits_for };
    let verdict = if now >= measure.to {
        Verdict::InForce
    } else if let Some(reason) = evidence.against(measure) {
        Verdict::NotYet(reason)
    } else if let Some(reason) = doubt(check, watched.err(), seen, outlook, measure) {
        Verdict::Unknown(reason)
    } else if days.is_some_and(|days| days >= measure.days) {
        Verdict::Ready
    } else {
        Verdict::NotYet(format!("watched only {} of {} days", days.unwrap_or_default(), measure.days))
    };
    Row {
        check,
        now,
        stated,
        policies,
        watched: days,
        clean: days.map(|days| last.map_or(days, |last| last.min(days))),
        clean_namespaces: measure.existing.iter().filter(is_clean).count(),
        found,
        denied,
        verdict,
    }
}

/// Since when every decision was seen, or why that cannot be said.
fn watched(check: &Check, seen: Option<&Record>, measure: &Measure<'_>) -> Result<Date, String> {
    let seen = seen.ok_or("nothing was observed yet: is the gate running with --cluster?")?;
    let watched = seen.watched.get(check.id).ok_or("it is not watched yet")?;
    // The day's first minutes may not be written down yet.
    if (measure.today - watched.last).get_days() > 1 {
        return Err(format!(
            "nobody has watched since {}: is the gate running with --cluster?",
            watched.last
        ));
    }
    let mut since = watched.since;
    for namespace in measure.namespaces {
        let first = seen.namespaces.get(namespace);
        since = since.max(*first.ok_or_else(|| format!("nothing was seen of namespace {namespace} yet"))?);
    }
    Ok(since)
}

struct Evidence<'e> {
    found: &'e BTreeMap<String, i32>,
    denied: Option<&'e BTreeMap<String, Denied>>,
    days: Option<i32>,
    waits_for: Option<&'static str>,
}

impl Evidence<'_> {
    /// What speaks against it for certain, whatever else is unknown.
    fn against(&self, measure: &Measure<'_>) -> Option<String> {
        if let Some(parameter) = self.waits_for {
            return Some(format!("its parameter `{parameter}` must be filled first"));
        }
        let mut denied: Vec<_> = self.denied.into_iter().flatten().collect();
        denied.sort_by_key(|(name, denied)| (std::cmp::Reverse(denied.owners), *name));
        let mut found: Vec<_> = self.found.iter().filter(|(_, ago)| **ago < measure.days).collect();
        found.sort_by_key(|(name, ago)| (**ago, *name));
        let would = (!denied.is_empty()).then(|| {
            let worst =
                named(denied.iter().map(|(name, denied)| format!("{} in {}", denied.owners, place(name))));
            format!("would deny {worst}")
        });
        let last = (!found.is_empty()).then(|| {
            let worst =
                named(found.iter().map(|(name, ago)| format!("in {} {}", place(name), days_ago(**ago))));
            format!("found something {worst}")
        });
        let short = self.days.filter(|days| *days < measure.days);
        let short = short.map(|days| format!("watched only {days} of {} days", measure.days));
        let certain = would.is_some() || last.is_some();
        let all: Vec<_> = [would, last, short.filter(|_| certain)].into_iter().flatten().collect();
        certain.then(|| all.join("; "))
    }
}

/// What keeps anybody from knowing.
fn doubt(
    check: &Check,
    unwatched: Option<String>,
    seen: Option<&Record>,
    outlook: &Outlook,
    measure: &Measure<'_>,
) -> Option<String> {
    let truncated = seen.and_then(|seen| seen.truncated);
    let dropped = truncated.filter(|day| (measure.today - *day).get_days() < measure.days);
    unwatched
        .or_else(|| {
            dropped.map(|day| format!("findings until {day} were dropped, as there was no room for all"))
        })
        .or_else(|| outlook.doubt(check))
}

/// The first few, and how many more there are.
fn named(all: impl ExactSizeIterator<Item = String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let mut text = all.take(NAMED).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(", +{more} more"));
    }
    text
}

/// A namespace as people read it.
pub(super) fn place(namespace: &str) -> &str {
    if namespace.is_empty() { "no namespace" } else { namespace }
}

pub(super) fn days_ago(days: i32) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "yesterday".to_owned(),
        days => format!("{days} days ago"),
    }
}

#[cfg(test)]
mod tests;
