//! `soc2gate explain`: everything there is to know about one check.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use super::written;
use crate::{check::Check, checks, manifest::closest};

/// Explain a check: what it refuses, why, and what to do instead.
#[derive(Args)]
pub(super) struct Explain {
    /// The check, as a finding names it.
    #[arg(value_parser = find)]
    check: &'static Check,
}

fn find(id: &str) -> Result<&'static Check, String> {
    checks::find(id).ok_or_else(|| match closest(id, checks::all().map(|check| check.id)) {
        Some(near) => format!("no such check, did you mean `{near}`?"),
        None => "no such check: `soc2gate policies` lists them all".to_owned(),
    })
}

impl Explain {
    pub(super) fn run(&self) -> ExitCode {
        written(write(&mut io::stdout().lock(), self.check), ExitCode::SUCCESS)
    }
}

fn write(out: &mut impl Write, check: &Check) -> io::Result<()> {
    writeln!(out, "{}: {}, {}", check.id, check.title, check.severity.id())?;
    section(out, "Criterion", &[format!("{}: {}", check.criterion, check.criterion.topic())])?;
    let official = check.tsc.iter();
    let official: Vec<_> = official
        .map(|support| format!("{}, {}: {}", support.criterion, support.strength.id(), support.reason))
        .collect();
    section(out, "Official criteria", &official)?;
    section(out, "Why", &[check.why.to_owned()])?;
    section(out, "Fix", &[check.fix.to_owned()])?;
    section(out, "Needs to know", &check.needs.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let references: Vec<_> = check.references.iter().map(ToString::to_string).collect();
    section(out, "References", &references)?;
    example(out, "Parameters of the examples", check.examples.params)?;
    example(out, "What else exists in the examples", check.examples.amid)?;
    example(out, "The object as it was", check.examples.before)?;
    let (refused, accepted) = if check.examples.are_deleted {
        ("Refused to be deleted", "Accepted to be deleted")
    } else {
        ("Refused", "Accepted")
    };
    example(out, refused, check.examples.bad)?;
    example(out, accepted, check.examples.good)
}

/// A heading with its paragraphs, if there are any.
fn section(out: &mut impl Write, heading: &str, paragraphs: &[String]) -> io::Result<()> {
    if paragraphs.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    for line in paragraphs.iter().flat_map(|paragraph| wrapped(paragraph)) {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn example(out: &mut impl Write, heading: &str, manifest: &str) -> io::Result<()> {
    let manifest = manifest.trim_matches('\n');
    if manifest.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    for line in manifest.lines() {
        writeln!(out, "{}", format!("  {line}").trim_end())?;
    }
    Ok(())
}

/// Lines that are read with ease.
const WIDTH: usize = 96;

fn wrapped(paragraph: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in paragraph.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
