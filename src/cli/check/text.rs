//! The report for people: a line for each finding, its place first, as compilers and editors have it.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Write},
};

use super::report::{Named, Report, Reported, Summary};
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
    write_not_assessed(out, &report.not_assessed, "object")?;
    writeln!(out, "{}", conclusion(&report.summary))
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

/// Writes one finding as one line; what the object had before is marked, since it is never denied.
///
/// # Errors
/// As the writer's.
pub(in crate::cli) fn write_finding(
    out: &mut impl Write,
    finding: &Reported,
    coloured: bool,
) -> io::Result<()> {
    let Reported {
        check, criterion, mode, severity, object, file, line, column, message, fix, state, ..
    } = finding;
    let (colour, plain) = match mode {
        _ if !coloured => ("", ""),
        Mode::Enforce => ("\u{1b}[31m", "\u{1b}[0m"),
        Mode::Warn => ("\u{1b}[33m", "\u{1b}[0m"),
        Mode::Audit | Mode::Off => ("\u{1b}[36m", "\u{1b}[0m"),
    };
    let (mode, file) = (mode.id(), printable(file));
    let before = if *state == "new" { String::new() } else { format!(" ({state})") };
    writeln!(
        out,
        "{file}:{line}:{column}: {colour}{mode}{plain}{before} {severity} {criterion} {check}: {object}: {message}. {fix}"
    )
}

/// `Pod shop/web`.
impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        write!(f, "{} {}{slash}{}", self.kind, self.namespace, self.name)
    }
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

/// `1 object`, `2 objects`.
pub(in crate::cli) fn amount(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}
