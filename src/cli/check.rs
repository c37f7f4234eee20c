//! `soc2gate check`: judges manifests before they reach a cluster.

mod json;
mod object;
mod report;
mod source;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use self::object::Content;
use self::report::Report;
use self::source::{Skipped, Source};
use crate::manifest::{self, Document, Unusable};

/// Judge manifests as the gate would
///
/// Exits with 0 when nothing was found that fails, 1 when something was, 2 when an input could not be used; the
/// others are judged all the same.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Manifests, directories of them, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How to print what was found
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people: the place first
    Text,
    /// For programs: one object
    Json,
}

/// Judges everything that the arguments lead to.
pub(super) fn run(args: &Args) -> ExitCode {
    let mut report = Report::default();
    let sources = source::find(&args.paths);
    for Skipped { name, reason } in &sources.skipped {
        complain(format_args!("{name}: skipped: {reason}"));
    }
    report.summary.skipped = sources.skipped.len();
    report.unusable = sources.unusable;
    for source in &sources.found {
        if let Err(unusable) = read(source, &mut report) {
            report.unusable.push(unusable);
        }
    }
    ExitCode::SUCCESS
}

fn read(source: &Source, report: &mut Report) -> Result<(), Unusable> {
    let text = source.read()?;
    for document in manifest::parse(&source.name, &text)? {
        match object::open(document) {
            Content::Objects(objects) => {}
            Content::Foreign(unusable) if source.named => report.unusable.push(unusable),
            Content::Foreign(_) => report.summary.skipped += 1,
        }
    }
    Ok(())
}

/// Standard error may be closed; there is nobody left to tell.
fn complain(message: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "soc2gate: {message}");
}
