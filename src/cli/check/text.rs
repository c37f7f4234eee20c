//! The report for people: one paragraph per finding, its place first, as compilers and editors have it.

use std::io::{self, Write};

use super::report::{Report, Reported, Summary};

/// Writes all findings and how it went.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for finding in &report.findings {
        write_finding(out, finding)?;
    }
    let separator = if report.findings.is_empty() { "" } else { "\n" };
    writeln!(out, "{separator}{}", conclusion(&report.summary))
}

fn write_finding(out: &mut impl Write, finding: &Reported) -> io::Result<()> {
    let Reported { check, criterion, mode, severity, object, file, line, column, message, fix, .. } = finding;
    let namespace = if object.namespace.is_empty() { "" } else { "/" };
    let name = format!("{} {}{namespace}{}", object.kind, object.namespace, object.name);
    writeln!(out, "{file}:{line}:{column}: {mode}: {criterion} {check} ({severity}) in {name}")?;
    writeln!(out, "    {message}")?;
    writeln!(out, "    fix: {fix}")
}

fn conclusion(summary: &Summary) -> String {
    let Summary { files, objects, enforce, warn, audit, .. } = summary;
    let mut words = format!("{} in {}: ", counted(*objects, "object"), counted(*files, "file"));
    words += &match enforce + warn + audit {
        0 => "no findings".to_owned(),
        all => format!("{} ({enforce} enforced, {warn} warned, {audit} audited)", counted(all, "finding")),
    };
    let asides = [
        (summary.exempted, "exempted"),
        (summary.not_assessable, "not assessable from files"),
        (summary.skipped, "skipped"),
        (summary.unusable, "unusable"),
    ];
    for (count, what) in asides.into_iter().filter(|(count, _)| *count > 0) {
        words += &format!(", {count} {what}");
    }
    words
}

fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
