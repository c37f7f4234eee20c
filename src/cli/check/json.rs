//! The report for programs: one JSON object.

use std::io::{self, Write};

use serde::Serialize;

use super::report::{Report, Reported, Summary};

#[derive(Serialize)]
struct Output<'a> {
    findings: &'a [Reported],
    summary: &'a Summary,
}

/// Writes the report as one object with `findings` and `summary`.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let output = Output { findings: &report.findings, summary: &report.summary };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}
