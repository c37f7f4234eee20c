//! The report for people: a line for each finding, its place first, as compilers and editors have it.

use std::io::{self, Write};

use super::report::{Report, Reported, Summary};
use crate::{decision::printable, policy::Mode};

/// Writes what was found, what could not be told, and how it went; in colour for a terminal.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report, coloured: bool) -> io::Result<()> {
    let counted = report.findings.iter().filter(|finding| finding.exemption.is_none());
    let mut last = None;
    for finding in counted {
        // A blank line between objects.
        let object = (&finding.file, &finding.object.kind, &finding.object.namespace, &finding.object.name);
        if last.is_some_and(|last| last != object) {
            writeln!(out)?;
        }
        last = Some(object);
        write_finding(out, finding, coloured)?;
    }
    if last.is_some() {
        writeln!(out)?;
    }
    for ((check, reason), objects) in &report.not_assessed {
        writeln!(out, "not assessed for {}: {check}: {reason}", amount(*objects, "object"))?;
    }
    writeln!(out, "{}", conclusion(&report.summary))
}

fn write_finding(out: &mut impl Write, finding: &Reported, coloured: bool) -> io::Result<()> {
    let Reported { check, criterion, mode, severity, object, file, line, column, message, fix, .. } = finding;
    let (colour, plain) = match mode {
        _ if !coloured => ("", ""),
        Mode::Enforce => ("\u{1b}[31m", "\u{1b}[0m"),
        Mode::Warn => ("\u{1b}[33m", "\u{1b}[0m"),
        Mode::Audit | Mode::Off => ("\u{1b}[36m", "\u{1b}[0m"),
    };
    let (mode, file) = (mode.id(), printable(file));
    let slash = if object.namespace.is_empty() { "" } else { "/" };
    let name = format!("{} {}{slash}{}", object.kind, object.namespace, object.name);
    writeln!(
        out,
        "{file}:{line}:{column}: {colour}{mode}{plain} {severity} {criterion} {check}: {name}: {message}. {fix}"
    )
}

fn conclusion(summary: &Summary) -> String {
    let Summary { files, objects, enforce, warn, audit, exempted, skipped, unusable } = summary;
    let mut words = format!("{} in {}: ", amount(*objects, "object"), amount(*files, "file"));
    words += &match enforce + warn + audit {
        0 => "no findings".to_owned(),
        all => format!("{} ({enforce} enforce, {warn} warn, {audit} audit)", amount(all, "finding")),
    };
    for (count, what) in [(exempted, "exempted"), (skipped, "skipped"), (unusable, "unusable")] {
        if *count > 0 {
            words += &format!(", {count} {what}");
        }
    }
    words
}

fn amount(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
