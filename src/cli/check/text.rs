//! The report for people: a line for each finding, its place first, as compilers and editors have it.

use std::{
    io::{self, Write},
    ptr,
};

use super::report::{Judged, Report, Reported, Summary};
use crate::{decision::printable, manifest::Place, policy::Mode};

/// Writes what was found, what could not be told, and how it went; in colour for a terminal.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report, coloured: bool) -> io::Result<()> {
    let mut last = None;
    for (object, finding) in report.counted() {
        // A blank line between objects.
        if last.is_some_and(|last| !ptr::eq(last, object)) {
            writeln!(out)?;
        }
        last = Some(object);
        write_finding(out, object, finding, coloured)?;
    }
    if last.is_some() {
        writeln!(out)?;
    }
    for ((check, reason), objects) in &report.not_assessed {
        writeln!(out, "not assessed for {}: {check}: {reason}", amount(*objects, "object"))?;
    }
    writeln!(out, "{}", conclusion(&report.summary()))
}

fn write_finding(
    out: &mut impl Write,
    object: &Judged,
    finding: &Reported,
    coloured: bool,
) -> io::Result<()> {
    let (colour, plain) = match finding.mode {
        _ if !coloured => ("", ""),
        Mode::Enforce => ("\u{1b}[31m", "\u{1b}[0m"),
        Mode::Warn => ("\u{1b}[33m", "\u{1b}[0m"),
        Mode::Audit | Mode::Off => ("\u{1b}[36m", "\u{1b}[0m"),
    };
    let Place { line, column } = finding.place;
    let (file, mode, label, sentence) =
        (printable(&object.file), finding.mode.id(), finding.label(), finding.sentence());
    let template = object.template.as_ref().map_or(String::new(), |template| format!(" ({template})"));
    writeln!(out, "{file}:{line}:{column}: {colour}{mode}{plain} {label}: {object}{template}: {sentence}")
}

/// The whole run in one line.
pub(super) fn conclusion(summary: &Summary) -> String {
    let Summary { enforce, warn, audit, .. } = summary;
    let mut words = format!("{} in {}: ", amount(summary.objects, "object"), amount(summary.files, "file"));
    words += &match enforce + warn + audit {
        0 => "no findings".to_owned(),
        all => format!("{} ({enforce} enforce, {warn} warn, {audit} audit)", amount(all, "finding")),
    };
    for (count, what) in [
        (summary.baselined, "known"),
        (summary.exempted, "exempted"),
        (summary.skipped, "skipped"),
        (summary.unusable, "unusable"),
    ] {
        if count > 0 {
            words += &format!(", {count} {what}");
        }
    }
    words
}

pub(super) fn amount(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
