//! `soc2gate policies --coverage`: criterion, control, checks, official mapping, and what stays open.

use std::io::{self, Write};

use super::table;
use crate::{
    decision::printable,
    policy::{Coverage, Row},
};

/// Writes the coverage for people.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    let mut overview =
        table(&["CRITERION", "FILED", "DIRECT", "SUPPORTING", "STRENGTH", "WHAT IT CANNOT SHOW"]);
    for row in &coverage.criteria {
        overview.add_row([
            row.criterion,
            &row.filed.len().to_string(),
            &row.direct.len().to_string(),
            &row.supporting.len().to_string(),
            row.strength(),
            row.cannot_show,
        ]);
    }
    for open in &coverage.not_addressed {
        overview.add_row([open.criteria, "0", "0", "0", "not addressed", open.why]);
    }
    writeln!(out, "{overview}")?;
    for row in &coverage.criteria {
        write_row(out, row)?;
    }
    writeln!(out, "\nNot assessable here, and who could show it")?;
    for open in &coverage.not_assessable {
        writeln!(out, "  {}: {}", open.what, open.shown_by)?;
    }
    writeln!(
        out,
        "\n{} checks in force. Filed: as users look for them. Direct, supporting: the official mapping, which reports \
         go by. Whether a criterion is met is an auditor's opinion.",
        coverage.checks
    )
}

fn write_row(out: &mut impl Write, row: &Row) -> io::Result<()> {
    writeln!(out, "\n{}: {}", row.criterion, row.topic)?;
    for control in &row.controls {
        writeln!(out, "  control     {}", printable(control))?;
    }
    if row.is_silent() && row.filed.is_empty() {
        return writeln!(out, "  nothing here speaks to it");
    }
    let filed = row.filed.iter().map(|filed| match filed.waits_for {
        Some(parameter) => format!("{} ({}, waits for its parameter `{parameter}`)", filed.check, filed.mode),
        None => format!("{} ({})", filed.check, filed.mode),
    });
    let filed: Vec<_> = filed.collect();
    let lists = [
        ("filed here", filed.join(", ")),
        ("direct", row.direct.join(", ")),
        ("supporting", row.supporting.join(", ")),
        ("context", row.context.join(", ")),
    ];
    for (name, checks) in lists {
        if !checks.is_empty() {
            writeln!(out, "  {name:<11} {checks}")?;
        }
    }
    Ok(())
}

/// Writes the coverage for programs.
///
/// # Errors
/// As the writer's.
pub(super) fn write_json(out: &mut impl Write, coverage: &Coverage) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, coverage)?;
    writeln!(out)
}
