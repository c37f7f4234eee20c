//! The report for people: a line for each finding, its place first, as compilers and editors have it.

use std::{
    collections::BTreeMap,
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
    write_not_assessed(out, &report.not_assessed, "object")?;
    report.suppressed.write(out, "object")?;
    writeln!(out, "{}", conclusion(&report.summary()))
}

/// Writes which checks could not be answered and for how many things of this noun.
///
/// # Errors
/// As the writer's.
pub(in crate::cli) fn write_not_assessed(
    out: &mut impl Write,
    not_assessed: &BTreeMap<(&'static str, String), usize>,
    noun: &str,
) -> io::Result<()> {
    for ((check, reason), count) in not_assessed {
        writeln!(out, "not assessed for {}: {check}: {reason}", amount(*count, noun))?;
    }
    Ok(())
}

/// A mode, in its colour where colours are seen.
pub(in crate::cli) fn painted(mode: Mode, coloured: bool) -> String {
    let colour = match mode {
        _ if !coloured => return mode.id().to_owned(),
        Mode::Enforce => 31,
        Mode::Warn => 33,
        Mode::Audit | Mode::Off => 36,
    };
    format!("\u{1b}[{colour}m{}\u{1b}[0m", mode.id())
}

fn write_finding(
    out: &mut impl Write,
    object: &Judged,
    finding: &Reported,
    coloured: bool,
) -> io::Result<()> {
    let Place { line, column } = finding.place;
    let (file, mode, label, sentence) =
        (printable(&object.file), painted(finding.mode, coloured), finding.label(), finding.sentence());
    let template = object.template.as_ref().map_or(String::new(), |template| format!(" ({template})"));
    writeln!(out, "{file}:{line}:{column}: {mode} {label}: {object}{template}: {sentence}")
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
        (summary.repeated, "repeated on what their owners made"),
        (summary.skipped, "skipped"),
        (summary.unusable, "unusable"),
    ] {
        if count > 0 {
            words += &format!(", {count} {what}");
        }
    }
    words
}

/// `1 object`, `2 objects`.
pub(in crate::cli) fn amount(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
