//! The report for programs: one JSON object.

use std::io::{self, Write};

use serde::Serialize;

use super::report::{Report, Reported, Summary};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'r> {
    findings: &'r [Reported],
    not_assessed: Vec<NotAssessed<'r>>,
    summary: &'r Summary,
}

/// A check that files could not answer, and for how many objects.
#[derive(Serialize)]
struct NotAssessed<'r> {
    check: &'r str,
    reason: &'r str,
    objects: usize,
}

/// Writes the report as one object.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let not_assessed = report.not_assessed.iter().map(|((check, reason), objects)| NotAssessed {
        check,
        reason,
        objects: *objects,
    });
    let output =
        Output { findings: &report.findings, not_assessed: not_assessed.collect(), summary: &report.summary };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}
