//! The outcome of a replay for programs: one JSON object.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
};

use jiff::Timestamp;
use serde::Serialize;

use super::tally::{Activity, Against, ByEffect, Detail, Recorded, Tally};
use crate::cli::{
    check::json::NotAssessed, check::json::not_assessed, decided::Outcomes, suppressed::Suppressed,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    requests: Option<&'t [Detail]>,
    checks: &'t BTreeMap<&'static str, ByEffect>,
    namespaces: BTreeMap<&'t str, Activity>,
    requesters: BTreeMap<&'t str, Activity>,
    not_assessed: Vec<NotAssessed<'t>>,
    suppressed: &'t Suppressed,
    errors: &'t BTreeMap<String, usize>,
    not_recorded_in_full: &'t BTreeMap<&'static str, usize>,
    left_out: &'t BTreeMap<&'static str, usize>,
    recorded: Compared<'t>,
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Changes<'t>>,
    summary: Summary,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    files: usize,
    requests: usize,
    #[serde(flatten)]
    outcomes: Outcomes,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    updates_without_old_object: usize,
    objects_without_template: usize,
    unusable: usize,
}

#[derive(Serialize)]
struct Compared<'t> {
    compared: usize,
    differing: Vec<Differing<'t>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Differing<'t> {
    then: &'t str,
    now: &'static str,
    requests: usize,
    without_ratchet: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changes<'t> {
    changes: Vec<Change<'t>>,
    #[serde(flatten)]
    outcomes: Outcomes,
    changed: usize,
    newly_refused: usize,
    no_longer_refused: usize,
}

#[derive(Serialize)]
struct Change<'t> {
    check: &'static str,
    change: String,
    object: &'t str,
    requester: &'t str,
    requests: usize,
}

/// Writes the tally as one object.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let output = Output {
        requests: tally.details.as_deref(),
        checks: &tally.checks,
        namespaces: sorted(&tally.namespaces),
        requesters: sorted(&tally.requesters),
        not_assessed: not_assessed(&tally.not_assessed),
        suppressed: &tally.suppressed,
        errors: &tally.errors,
        not_recorded_in_full: &tally.not_in_full,
        left_out: &tally.left_out,
        recorded: compared(&tally.recorded),
        against: tally.against.as_ref().map(changes),
        summary: Summary {
            files: tally.files,
            requests: tally.outcomes.total(),
            outcomes: tally.outcomes,
            first: tally.period.map(|(first, _)| first),
            last: tally.period.map(|(_, last)| last),
            updates_without_old_object: tally.without_old_object,
            objects_without_template: tally.without_template,
            unusable: tally.unusable_count,
        },
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}

fn sorted(active: &HashMap<String, Activity>) -> BTreeMap<&str, Activity> {
    active.iter().map(|(name, activity)| (name.as_str(), *activity)).collect()
}

fn compared(recorded: &Recorded) -> Compared<'_> {
    let differing = recorded.differing.iter().map(|((then, now), differing)| Differing {
        then,
        now,
        requests: differing.requests,
        without_ratchet: differing.without_before,
    });
    Compared { compared: recorded.compared, differing: differing.collect() }
}

fn changes(against: &Against) -> Changes<'_> {
    Changes {
        changes: against
            .groups()
            .into_iter()
            .map(|(group, requests)| Change {
                check: group.check,
                change: group.shift.to_string(),
                object: &group.object,
                requester: &group.requester,
                requests,
            })
            .collect(),
        outcomes: against.outcomes,
        changed: against.changed,
        newly_refused: against.newly_refused,
        no_longer_refused: against.no_longer_refused,
    }
}
