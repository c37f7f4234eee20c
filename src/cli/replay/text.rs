//! The outcome of a replay for people: what would have been denied, by check, namespace and requester.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    io::{self, Write},
};

use super::tally::{Activity, Against, Detail, Tally};
use crate::cli::{
    check::text::{amount, write_not_assessed},
    policies::table,
};

/// How many namespaces and requesters are listed.
const MOST_ACTIVE: usize = 10;
/// How many changes are listed. The JSON output has all of them.
const MOST_CHANGES: usize = 50;

/// Writes everything that the tally holds.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, tally: &Tally, coloured: bool) -> io::Result<()> {
    for detail in tally.details.iter().flatten() {
        write_detail(out, detail, coloured)?;
    }
    if tally.details.as_ref().is_some_and(|details| !details.is_empty()) {
        writeln!(out)?;
    }
    write_checks(out, tally)?;
    write_most_active(out, ["NAMESPACE", "(cluster)"], &tally.namespaces)?;
    write_most_active(out, ["REQUESTER", "(nobody)"], &tally.requesters)?;
    if let Some(against) = &tally.against {
        write_changes(out, against)?;
    }
    write_recorded(out, tally)?;
    write_not_assessed(out, &tally.not_assessed, "request")?;
    tally.suppressed.write(out, "request")?;
    for (error, requests) in &tally.errors {
        writeln!(out, "error in {}: {error}", amount(*requests, "request"))?;
    }
    write_counts(out, "not recorded in full", &tally.not_in_full)?;
    write_counts(out, "left out", &tally.left_out)?;
    for (count, what, lacks) in [
        (tally.without_old_object, "update", "the object as it was"),
        (tally.without_template, "controller's object", "the template of its owner"),
    ] {
        if count > 0 {
            writeln!(
                out,
                "the ratchet could not be applied to {}: {lacks} is not recorded, so that what was there before \
                 counts as new",
                amount(count, what)
            )?;
        }
    }
    writeln!(out, "{}", conclusion(tally))
}

fn write_detail(out: &mut impl Write, detail: &Detail, coloured: bool) -> io::Result<()> {
    detail.decided.write(out, coloured)?;
    if let Some(recorded) =
        detail.recorded_decision.as_deref().filter(|then| *then != detail.decided.decision)
    {
        writeln!(out, "  recorded then: {}", crate::decision::printable(recorded))?;
    }
    if let Some(against) = &detail.against {
        writeln!(out, "  under the other policies: {}", against.decision)?;
        for change in &against.changes {
            writeln!(out, "  {change}")?;
        }
    }
    Ok(())
}

fn write_checks(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    if tally.checks.is_empty() {
        return Ok(());
    }
    let mut table = table(&["CHECK", "DENIED", "WARNED", "RECORDED", "EXEMPTED"]);
    let mut checks: Vec<_> = tally.checks.iter().collect();
    checks.sort_by_key(|(_, by)| Reverse((by.denied, by.warned, by.recorded)));
    for (check, by) in checks {
        let counts = [by.denied, by.warned, by.recorded, by.exempted].map(|count| count.to_string());
        table.add_row([[(*check).to_owned()].as_slice(), &counts].concat());
    }
    writeln!(out, "{table}\n")
}

/// Those with the most denials, then warnings; none that drew neither.
fn write_most_active(
    out: &mut impl Write,
    [what, nameless]: [&str; 2],
    active: &HashMap<String, Activity>,
) -> io::Result<()> {
    let mut noted: Vec<_> =
        active.iter().filter(|(_, activity)| activity.denied + activity.warned > 0).collect();
    if noted.is_empty() {
        return Ok(());
    }
    noted.sort_by_key(|(name, activity)| (Reverse((activity.denied, activity.warned)), *name));
    let mut table = table(&[what, "DENIED", "WARNED", "REQUESTS"]);
    for (name, activity) in noted.iter().take(MOST_ACTIVE) {
        let name = if name.is_empty() { nameless } else { name.as_str() };
        let counts = [activity.denied, activity.warned, activity.requests].map(|count| count.to_string());
        table.add_row([[name.to_owned()].as_slice(), &counts].concat());
    }
    writeln!(out, "{table}")?;
    if let Some(more) = noted.len().checked_sub(MOST_ACTIVE).filter(|more| *more > 0) {
        writeln!(out, " +{more} more")?;
    }
    writeln!(out)
}

fn write_changes(out: &mut impl Write, against: &Against) -> io::Result<()> {
    let groups = against.groups();
    if groups.is_empty() {
        return Ok(());
    }
    let mut table = table(&["CHANGE", "CHECK", "OBJECT", "REQUESTER", "REQUESTS"]);
    for (group, requests) in groups.iter().take(MOST_CHANGES) {
        table.add_row([
            group.shift.to_string(),
            group.check.to_owned(),
            group.object.clone(),
            group.requester.clone(),
            requests.to_string(),
        ]);
    }
    writeln!(out, "{table}")?;
    if let Some(more) = groups.len().checked_sub(MOST_CHANGES).filter(|more| *more > 0) {
        writeln!(out, " +{more} more: `-o json` has all of them")?;
    }
    writeln!(out)
}

/// Where the gate itself decided otherwise at the time.
fn write_recorded(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let recorded = &tally.recorded;
    if recorded.compared == 0 {
        return Ok(());
    }
    for ((then, now), differing) in &recorded.differing {
        write!(out, "recorded then as {then}, now {now}: {}", amount(differing.requests, "request"))?;
        if differing.without_before > 0 {
            write!(out, " (to {} of them the ratchet could not be applied)", differing.without_before)?;
        }
        writeln!(out)?;
    }
    let differing: usize = recorded.differing.values().map(|differing| differing.requests).sum();
    writeln!(
        out,
        "{} of {} that the gate decided then are decided otherwise now",
        differing,
        amount(recorded.compared, "request")
    )
}

fn write_counts(out: &mut impl Write, what: &str, counts: &BTreeMap<&'static str, usize>) -> io::Result<()> {
    for (reason, count) in counts {
        writeln!(out, "{what}: {count}: {reason}")?;
    }
    Ok(())
}

/// What would have been denied, in the last lines.
fn conclusion(tally: &Tally) -> String {
    let (requests, files) = (amount(tally.outcomes.total(), "request"), amount(tally.files, "file"));
    let mut words = format!("{requests} in {files}");
    if let Some((first, last)) = tally.period {
        words += &format!(", from {first} to {last}");
    }
    words += &format!(": {}", tally.outcomes);
    if let Some(against) = &tally.against {
        let Against { outcomes, changed, newly_refused, no_longer_refused, .. } = against;
        words += &format!(
            "\nunder the other policies: {outcomes}: {} decided otherwise, {newly_refused} newly refused, \
             {no_longer_refused} no longer",
            amount(*changed, "request")
        );
    }
    let not_in_full: usize = tally.not_in_full.values().sum();
    if not_in_full > 0 {
        words += &format!("\n{} could not be decided: not recorded in full", amount(not_in_full, "request"));
    }
    words
}
