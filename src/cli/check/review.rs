//! `soc2gate check --review`: decides recorded AdmissionReviews, one by one, as the webhook would.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde::Serialize;

use super::{
    Check, Output,
    json::{NotAssessed, not_assessed},
    judge::{Judge, note},
    object::{Content, open},
    report::Report,
    source::{self, Source},
    text,
};
use crate::{
    admission::Unreadable,
    cli::{
        UNUSABLE,
        decided::{Decided, Outcomes},
        is_coloured, tell, written,
    },
    decision::{Decision, State},
    manifest::{self, Document, Node, Unusable, Value},
    policy::Mode,
    request::Operation,
};

/// Everything decided, in the order of the input.
#[derive(Default)]
struct Reviews {
    decided: Vec<Decided>,
    outcomes: Outcomes,
    /// Whether a request would be refused, or be found fault with in the mode that fails the command.
    fails: bool,
    /// What is told beside the decisions.
    report: Report,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Json<'r> {
    reviews: &'r [Decided],
    not_assessed: Vec<NotAssessed<'r>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    reviews: usize,
    #[serde(flatten)]
    outcomes: Outcomes,
    skipped: usize,
    unusable: usize,
}

/// Decides all reviews that the arguments lead to.
pub(super) fn run(check: &Check, judge: &Judge<'_>) -> ExitCode {
    let sources = source::find(&check.paths);
    let mut reviews = Reviews::default();
    for unusable in sources.unusable {
        reviews.report.refuse(unusable);
    }
    for skipped in &sources.skipped {
        reviews.report.skip(format_args!("{}: skipped: {}", skipped.name, skipped.reason));
    }
    for source in &sources.found {
        if let Err(unusable) = reviews.source(source, judge, check.fail_on) {
            reviews.report.refuse(unusable);
        }
    }
    reviews.report.notes.iter().for_each(tell);
    reviews.report.unusable.iter().for_each(tell);
    let code = if !reviews.report.unusable.is_empty() {
        ExitCode::from(UNUSABLE)
    } else if reviews.fails {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    };
    written(reviews.print(check.output), code)
}

impl Reviews {
    /// Decides the reviews of one text; those that cannot be used do not keep the others from it.
    fn source(&mut self, source: &Source, judge: &Judge<'_>, fail_on: Mode) -> Result<(), Unusable> {
        self.report.summary.files += 1;
        let text = source.read()?;
        let mut pending: Vec<_> = manifest::parse(&source.name, &text)?.into_iter().rev().collect();
        while let Some(mut document) = pending.pop() {
            if let Value::Seq(items) = &mut document.root.value {
                let items = std::mem::take(items).into_iter().rev();
                pending.extend(items.map(|root| Document { file: document.file.clone(), root }));
                continue;
            }
            let objects = match open(document) {
                Content::Objects(objects) => objects,
                Content::Foreign(foreign) => {
                    self.leave_out(source, foreign);
                    continue;
                }
            };
            for object in objects {
                let is_review = object.root.get("kind").and_then(Node::as_str) == Some("AdmissionReview");
                match self.review(&object, judge, fail_on) {
                    Ok(()) => {}
                    Err(unusable) if is_review => self.report.refuse(unusable),
                    Err(foreign) => self.leave_out(source, foreign),
                }
            }
        }
        Ok(())
    }

    /// What is no review is a mistake in a file that somebody named, and nothing of note in a directory.
    fn leave_out(&mut self, source: &Source, foreign: Unusable) {
        if source.named {
            return self.report.refuse(foreign);
        }
        let Unusable { file, line, .. } = foreign;
        self.report.skip(format_args!("{file}:{line}: skipped: no AdmissionReview"));
    }

    fn review(&mut self, document: &Document, judge: &Judge<'_>, fail_on: Mode) -> Result<(), Unusable> {
        let body = document.to_json_text();
        let (request, _, decision) = judge.review(body.as_bytes()).map_err(|error| {
            let (Unreadable::NotAReview(reason) | Unreadable::Object { reason, .. }) = error;
            let message = format!("{reason}: record AdmissionReviews of admission.k8s.io/v1");
            document.unusable(document.root.place, message)
        })?;
        let object = if request.operation == Some(Operation::Delete) { "oldObject" } else { "object" };
        let within = |path: &str| document.place(&format!("request.{object}.{path}"));
        let at = (&*document.file, document.root.place);
        self.decided.push(Decided::new(&request, &decision, at, within));
        self.outcomes.count(decision.outcome);
        self.fails |= fails(&decision, fail_on);
        note(&decision, &mut self.report);
        Ok(())
    }

    fn print(&self, output: Output) -> io::Result<()> {
        let terminal = is_coloured();
        let mut out = io::BufWriter::new(io::stdout().lock());
        match output {
            Output::Text => self.write(&mut out, terminal)?,
            Output::Json => {
                let json = Json {
                    reviews: &self.decided,
                    not_assessed: not_assessed(&self.report.not_assessed),
                    summary: self.summary(),
                };
                serde_json::to_writer_pretty(&mut out, &json)?;
                writeln!(out)?;
            }
        }
        out.flush()
    }

    fn write(&self, out: &mut impl Write, coloured: bool) -> io::Result<()> {
        for decided in &self.decided {
            decided.write(out, coloured)?;
        }
        if !self.decided.is_empty() {
            writeln!(out)?;
        }
        text::write_not_assessed(out, &self.report.not_assessed, "review")?;
        let Summary { files, reviews, outcomes, skipped, unusable } = self.summary();
        let (reviews, files) = (text::amount(reviews, "review"), text::amount(files, "file"));
        write!(out, "{reviews} in {files}: {outcomes}")?;
        for (count, what) in [(skipped, "skipped"), (unusable, "unusable")] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        writeln!(out)
    }

    fn summary(&self) -> Summary {
        let summary = &self.report.summary;
        Summary {
            files: summary.files,
            reviews: self.decided.len(),
            outcomes: self.outcomes,
            skipped: summary.skipped,
            unusable: summary.unusable,
        }
    }
}

/// Whether a decision fails the command: a refusal always, and what is new in the named mode or a harder one.
fn fails(decision: &Decision, weakest: Mode) -> bool {
    let counts = |finding: &crate::decision::Finding| finding.state == State::New && finding.mode >= weakest;
    !decision.outcome.admits() || (weakest < Mode::Enforce && decision.findings.iter().any(counts))
}
