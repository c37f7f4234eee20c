//! `soc2gate check`: judges manifests before they reach a cluster.

pub(super) mod json;
pub(super) mod judge;
pub(super) mod object;
pub(super) mod report;
mod review;
pub(super) mod source;
pub(super) mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::{judge::Judge, object::Content, report::Report, source::Source};
use super::{
    UNUSABLE, is_coloured,
    rules::{Evidence, Rules},
    tell, written,
};
use crate::{
    manifest::{self, Unusable},
    policy::{Choice, Mode, PolicySet},
};

/// Judge manifests as the gate would.
///
/// Exits with 0 when nothing fails, 1 when something does, and 2 when an input cannot be used; all others are judged
/// all the same.
#[derive(Args)]
pub(super) struct Check {
    /// Manifests, directories of them, or `-` for standard input.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How to print what was found.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Judge by these only: checks, criteria (`CC6.1`) or standards (`pss:baseline`, `pss:restricted`).
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_parser = Choice::parse)]
    select: Vec<Choice>,
    /// Decide recorded AdmissionReviews instead of manifests, each as the webhook would.
    #[arg(long)]
    review: bool,
    /// The weakest mode whose findings fail the command.
    #[arg(long, value_name = "MODE", default_value = "enforce", value_parser = threshold)]
    fail_on: Mode,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people: a line for each finding, its place first
    Text,
    /// For programs: one object
    Json,
}

fn threshold(text: &str) -> Result<Mode, String> {
    match text.parse() {
        Ok(Mode::Off) | Err(_) => Err("use enforce, warn or audit".to_owned()),
        Ok(mode) => Ok(mode),
    }
}

impl Check {
    /// Judges everything that the arguments lead to.
    pub(super) fn run(&self) -> ExitCode {
        let now = Timestamp::now();
        match self
            .policies(now)
            .and_then(|policies| Ok((policies, self.evidence.read().map_err(|e| vec![e])?)))
        {
            Ok((policies, (inventory, unread))) => {
                // The digests that such a file may speak of are said to be unknown where they are asked for.
                unread.iter().for_each(tell);
                let judge = Judge::new(&policies, inventory, now);
                if self.review {
                    return review::run(self, &judge);
                }
                let report = self.judge(&judge);
                let printed = self.print(&report);
                written(printed, self.exit_code(&report))
            }
            Err(unusable) => {
                unusable.iter().for_each(tell);
                ExitCode::from(UNUSABLE)
            }
        }
    }

    fn policies(&self, now: Timestamp) -> Result<PolicySet, Vec<Unusable>> {
        let policies = self.rules.load(now)?;
        if self.select.is_empty() {
            return Ok(policies);
        }
        let policies = policies.select(&self.select, &self.rules.settings()?);
        // A choice without checks would be a pass that nobody has earned.
        let is_idle = |choice: &Choice| !policies.bound().iter().any(|bound| choice.includes(bound.check));
        let idle: Vec<_> = self.select.iter().copied().filter(is_idle).map(no_check).collect();
        if idle.is_empty() { Ok(policies) } else { Err(idle) }
    }

    fn judge(&self, judge: &Judge<'_>) -> Report {
        let sources = source::find(&self.paths);
        let mut report = Report::default();
        for unusable in sources.unusable {
            report.refuse(unusable);
        }
        for skipped in &sources.skipped {
            report.skip(format_args!("{}: skipped: {}", skipped.name, skipped.reason));
        }
        for source in &sources.found {
            if let Err(unusable) = judge_source(source, judge, &mut report) {
                report.refuse(unusable);
            }
        }
        report.note_exemptions(judge.exemptions());
        report
    }

    fn print(&self, report: &Report) -> io::Result<()> {
        report.notes.iter().for_each(tell);
        for (error, objects) in &report.errors {
            tell(format_args!("{error} (objects: {objects})"));
        }
        report.unusable.iter().for_each(tell);
        let terminal = is_coloured();
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Output::Text => text::write(&mut out, report, terminal)?,
            Output::Json => json::write(&mut out, report)?,
        }
        out.flush()
    }

    fn exit_code(&self, report: &Report) -> ExitCode {
        if !report.unusable.is_empty() {
            ExitCode::from(UNUSABLE)
        } else if report.fails(self.fail_on) {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}

pub(super) fn no_check(choice: Choice) -> Unusable {
    let message = format!("no check of `{choice}` is in force: choose one that `soc2gate policies` lists");
    Unusable { file: "--select".to_owned(), line: 0, column: 0, message }
}

/// Judges the documents of one text; those that cannot be used do not keep the others from it.
fn judge_source(source: &Source, judge: &Judge<'_>, report: &mut Report) -> Result<(), Unusable> {
    report.summary.files += 1;
    let text = source.read()?;
    for document in manifest::parse(&source.name, &text)? {
        match object::open(document) {
            Content::Objects(objects) => {
                for object in &objects {
                    if let Err(unusable) = judge.judge(object, report) {
                        report.refuse(unusable);
                    }
                }
            }
            Content::Foreign(unusable) if source.named => report.refuse(unusable),
            Content::Foreign(Unusable { file, line, .. }) => {
                report.skip(format_args!("{file}:{line}: skipped: no object of an API"));
            }
        }
    }
    Ok(())
}
