//! `soc2gate check`: judges manifests before they reach a cluster.

mod artifact;
mod baseline;
mod crew;
mod github;
mod helm;
pub(super) mod json;
mod judge;
mod junit;
pub(super) mod progress;
pub(super) mod report;
mod review;
pub(super) mod sarif;
pub(super) mod source;
pub(super) mod text;

use std::{
    collections::HashSet,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::{
    baseline::Baseline,
    helm::Templates,
    judge::Judge,
    progress::Progress,
    report::Report,
    source::{Source, Sources},
    text::amount,
};
use super::{
    UNUSABLE,
    evidence::Evidence,
    is_coloured,
    rules::{Rules, Verdict, unreadable},
    tell, written,
};
use crate::{
    inventory::{Inventory, Survey},
    manifest::{self, Content, Document, Unusable},
    policy::PolicySet,
    request::object_of,
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
    #[command(flatten)]
    verdict: Verdict,
    /// The files hold recorded AdmissionReviews: decide them as the webhook would.
    #[arg(long, conflicts_with_all = ["baseline", "write_baseline"])]
    review: bool,
    /// File of known findings, which are counted apart and fail nothing.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write the findings to this file and take them for known. With `--baseline` only those that are known already
    /// are written: what is fixed is dropped, what is new is not added and still fails.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
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
    /// For code scanning: SARIF 2.1.0
    Sarif,
    /// For test reports of CI servers: JUnit XML
    Junit,
    /// For GitHub Actions: annotations of the files
    Github,
}

impl Check {
    /// Judges everything that the arguments lead to.
    pub(super) fn run(&self) -> ExitCode {
        if self.review {
            return review::run(self);
        }
        match self.judged() {
            Ok((policies, report)) => {
                let code = self.exit_code(&report);
                written(self.print(&report, &policies, code), ExitCode::from(code))
            }
            Err(unusable) => {
                unusable.iter().for_each(tell);
                ExitCode::from(UNUSABLE)
            }
        }
    }

    fn judged(&self) -> Result<(PolicySet, Report), Vec<Unusable>> {
        let one = |unusable| vec![unusable];
        let now = Timestamp::now();
        let policies = self.policies(now)?;
        let baseline = self.baseline.as_deref().map(Baseline::read).transpose().map_err(one)?;
        let sources = source::find(&self.paths);
        let inventory = self.world(&sources)?;
        let mut report = judge(sources, &Judge::new(&policies, inventory, now));
        self.compare(baseline, &policies, &mut report).map_err(one)?;
        Ok((policies, report))
    }

    /// What is known beside the files.
    fn known(&self) -> Result<Inventory, Vec<Unusable>> {
        let (inventory, unread) = self.evidence.read()?;
        // The digests that such a file may speak of are said to be unknown where they are asked for.
        unread.iter().for_each(tell);
        Ok(inventory)
    }

    /// The files are the world, beside what the directory of the inventory holds.
    fn world(&self, sources: &Sources) -> Result<Inventory, Vec<Unusable>> {
        let mut survey = self.evidence.survey()?;
        crew::in_order(&sources.found, surveyed, |part| survey.absorb(part));
        let (image_evidence, unread) = self.evidence.images()?;
        // The digests that such a file may speak of are said to be unknown where they are asked for.
        unread.iter().for_each(tell);
        Ok(survey.inventory(Inventory { image_evidence, ..Inventory::default() }))
    }

    fn policies(&self, now: Timestamp) -> Result<PolicySet, Vec<Unusable>> {
        self.rules.chosen(self.rules.load(now)?, &self.verdict.select)
    }

    /// Tells known findings from new ones, and writes the known ones if that is asked for.
    fn compare(
        &self,
        baseline: Option<Baseline>,
        policies: &PolicySet,
        report: &mut Report,
    ) -> Result<(), Unusable> {
        let in_force: HashSet<_> = policies.bound().iter().map(|bound| bound.check.id).collect();
        let known = match (baseline, &self.write_baseline) {
            (None, None) => return Ok(()),
            (None, Some(_)) => Baseline::of(report),
            (Some(baseline), _) => baseline,
        };
        let kept = known.mark(report, &in_force);
        let Some(path) = &self.write_baseline else {
            report.notes.extend(self.baseline.as_deref().and_then(|path| report.gone?.farewell(path)));
            return Ok(());
        };
        if !report.unusable.is_empty() {
            // What such an input holds would be missing, and new the next time.
            let reason = "not written, because an input cannot be used: mend it first";
            report.unusable.push(unreadable(path, reason));
            return Ok(());
        }
        report.notes.push(format!("{}: {} written", path.display(), amount(kept.len(), "known finding")));
        kept.write(path)
    }

    fn print(&self, report: &Report, policies: &PolicySet, code: u8) -> io::Result<()> {
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
            Output::Sarif => sarif::write(&mut out, report, policies, code)?,
            Output::Junit => junit::write(&mut out, report, self.verdict.fail_on)?,
            Output::Github => github::write(&mut out, report)?,
        }
        out.flush()
    }

    fn exit_code(&self, report: &Report) -> u8 {
        if report.unusable.is_empty() { u8::from(report.fails(self.verdict.fail_on)) } else { UNUSABLE }
    }
}

/// Judges everything that was found.
fn judge(sources: Sources, judge: &Judge<'_>) -> Report {
    let mut report = Report { unusable: sources.unusable, ..Report::default() };
    for skipped in &sources.skipped {
        report.skip(format_args!("{}: skipped: {}", skipped.name, skipped.reason));
    }
    let mut progress = Progress::new(sources.found.len(), "files");
    let judged =
        |source: &Source| each_object(source, |object, templates, part| judge.judge(object, templates, part));
    crew::in_order(&sources.found, judged, |part| {
        report.absorb(part);
        progress.step();
    });
    report.note_exemptions(judge.exemptions());
    report.count_once_per_root();
    report
}

/// What one text tells of the world. Whatever cannot be used is told when it is judged.
fn surveyed(source: &Source) -> Survey {
    let mut survey = Survey::default();
    each_object(source, |object, _, _| {
        survey.see(&object_of(object)?);
        Ok(())
    });
    survey
}

/// Visits the objects of one text; what cannot be used does not keep the others from it.
fn each_object(
    source: &Source,
    mut visit: impl FnMut(&Document, &Templates, &mut Report) -> Result<(), Unusable>,
) -> Report {
    let mut report = Report { files: 1, ..Report::default() };
    let text = match source.read() {
        Ok(text) => text,
        Err(unusable) => {
            report.unusable.push(unusable);
            return report;
        }
    };
    let documents = manifest::parse(&source.name, &text).unwrap_or_else(|unusable| {
        report.unusable.push(helm::explain(&text, unusable));
        Vec::new()
    });
    let templates = Templates::of(&text);
    for document in documents {
        if let Some(unusable) = helm::refuse(&document) {
            report.unusable.push(unusable);
            continue;
        }
        if baseline::is_one(&document) {
            report.skip(format_args!("{}: skipped: a baseline of findings", source.name));
            continue;
        }
        match manifest::open(document) {
            Content::Objects(objects) => {
                for object in &objects {
                    if let Err(unusable) = visit(object, &templates, &mut report) {
                        report.unusable.push(unusable);
                    }
                }
            }
            Content::Foreign(unusable) if source.named => report.unusable.push(unusable),
            Content::Foreign(Unusable { file, line, .. }) => {
                report.skip(format_args!("{file}:{line}: skipped: no object of an API"));
            }
        }
    }
    report
}
