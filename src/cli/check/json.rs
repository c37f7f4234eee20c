//! The report for programs: one JSON object.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use super::report::{Report, Reported, Summary};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'r> {
    findings: &'r [Reported],
    not_assessed: Vec<NotAssessed<'r>>,
    summary: &'r Summary,
}

/// A check that could not be answered, and for how many objects.
#[derive(Serialize)]
pub(in crate::cli) struct NotAssessed<'r> {
    check: &'r str,
    reason: &'r str,
    objects: usize,
}

/// The checks that could not be answered, as the report counts them.
pub(in crate::cli) fn not_assessed<'r>(
    counts: &'r BTreeMap<(&'static str, String), usize>,
) -> Vec<NotAssessed<'r>> {
    counts.iter().map(|((check, reason), objects)| NotAssessed { check, reason, objects: *objects }).collect()
}

/// Writes the report as one object.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let output = Output {
        findings: &report.findings,
        not_assessed: not_assessed(&report.not_assessed),
        summary: &report.summary,
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}
