//! The verdicts for people, and what to apply.

use std::io::{self, Write};

use super::{
    Told,
    plan::Step,
    verdict::{Row, Verdict, days_ago, place},
};
use crate::{cli::policies::table, decision::printable};

/// Writes everything.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, told: &Told<'_>) -> io::Result<()> {
    let mut overview =
        table(&["CHECK", "MODE", "NAMESPACES CLEAN/FOUND", "DAYS CLEAN/WATCHED", "WOULD DENY", "VERDICT"]);
    let shown =
        |row: &&Row| row.verdict != Verdict::InForce || told.asked.details || !told.asked.checks.is_empty();
    let mut rows: Vec<_> = told.rows.iter().filter(shown).collect();
    rows.sort_by_key(|row| rank(&row.verdict));
    for row in &rows {
        overview.add_row(cells(row, told.asked.days).map(|cell| printable(&cell).into_owned()));
    }
    if !rows.is_empty() {
        writeln!(out, "{overview}\n")?;
    }
    if told.asked.details {
        rows.iter().try_for_each(|row| write_details(out, row))?;
    }
    writeln!(
        out,
        "{} ready, {} not yet, {} unknown; {} already at {} or above",
        told.count("ready"),
        told.count("not yet"),
        told.count("unknown"),
        told.count("in force"),
        told.asked.to.id()
    )?;
    write_steps(out, told)
}

const fn rank(verdict: &Verdict) -> u8 {
    match verdict {
        Verdict::Ready => 0,
        Verdict::NotYet(_) => 1,
        Verdict::Unknown(_) => 2,
        Verdict::InForce => 3,
    }
}

fn cells(row: &Row, days: i32) -> [String; 6] {
    let mode = if row.now < row.stated {
        format!("{} (states {})", row.now.id(), row.stated.id())
    } else {
        row.now.id().to_owned()
    };
    let found = row.found.values().filter(|ago| **ago < days).count();
    let number = |days: Option<i32>| days.map_or_else(|| "?".to_owned(), |days| days.to_string());
    let denied = row.denied.as_ref().map(|denied| denied.values().map(|of| of.owners).sum::<usize>());
    [
        row.check.id.to_owned(),
        mode,
        format!("{}/{found}", row.clean_namespaces),
        format!("{}/{}", number(row.clean), number(row.watched)),
        denied.map_or_else(|| "-".to_owned(), |denied| denied.to_string()),
        row.verdict.to_string(),
    ]
}

fn write_details(out: &mut impl Write, row: &Row) -> io::Result<()> {
    let denied = row.denied.iter().flatten().filter(|(_, denied)| denied.owners > 0);
    if row.found.is_empty() && denied.clone().next().is_none() {
        return Ok(());
    }
    writeln!(out, "{}", row.check.id)?;
    let mut found: Vec<_> = row.found.iter().collect();
    found.sort_by_key(|(_, ago)| **ago);
    for (namespace, ago) in found {
        writeln!(out, "  found something in {} {}", printable(place(namespace)), days_ago(*ago))?;
    }
    for (namespace, denied) in denied {
        let more = denied.owners.saturating_sub(denied.examples.len());
        let more = if more > 0 { format!(", +{more} more") } else { String::new() };
        let examples = denied.examples.join(", ");
        writeln!(out, "  would deny in {}: {}{more}", printable(place(namespace)), printable(&examples))?;
    }
    writeln!(out)
}

fn write_steps(out: &mut impl Write, told: &Told<'_>) -> io::Result<()> {
    let to = told.asked.to.id();
    if told.steps.is_empty() {
        if let Some(ceiling) = told.ceiling.as_ref().filter(|ceiling| ceiling.mode < told.asked.to) {
            writeln!(
                out,
                "\nThe gate runs under --mode-ceiling {}: nothing is applied harder. Nothing is ready, so leave it in place.",
                ceiling.mode.id()
            )?;
        }
        return Ok(());
    }
    writeln!(out, "\nThis raises what is ready to {to}, and nothing else:")?;
    if let Some(ceiling) = &told.ceiling {
        writeln!(
            out,
            "# The gate runs under --mode-ceiling {}, which must go before anything is applied harder. First apply the\n\
             # policies below: they keep everything that is not ready where it is now. Then take the ceiling away.",
            ceiling.mode.id()
        )?;
    }
    if !told.is_defined {
        writeln!(
            out,
            "# The cluster does not know these kinds yet: apply manifests/base/05-definitions.yaml first, or put the policies\n\
             # into the directory of --policies."
        )?;
    }
    told.steps.iter().try_for_each(|step| write_step(out, step))?;
    match told.ceiling.as_ref().map(|ceiling| &ceiling.patch) {
        None => Ok(()),
        Some(None) => writeln!(out, "\n# Then remove --mode-ceiling from the arguments of `soc2gate serve`."),
        Some(Some((deployment, operations))) => writeln!(
            out,
            "\n# Then:\nkubectl patch deployment {deployment} -n {} --type=json -p '{operations}'",
            told.asked.gate_namespace
        ),
    }
}

fn write_step(out: &mut impl Write, step: &Step) -> io::Result<()> {
    match step {
        Step::Patch { policy, operations } => {
            writeln!(out, "\nkubectl patch controlpolicy {policy} --type=json -p '{operations}'")
        }
        Step::Manifest { yaml, .. } => writeln!(out, "\nkubectl apply -f - <<'END'\n{yaml}END"),
        Step::Edit { file, fields, .. } => {
            writeln!(out, "\n# In {}:", printable(file))?;
            fields.iter().try_for_each(|(path, text)| writeln!(out, "#   {path}: {text}"))
        }
    }
}
