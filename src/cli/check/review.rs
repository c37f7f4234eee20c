//! `soc2gate check --review`: decides recorded AdmissionReviews, one by one, as the webhook would.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Check, Output,
    json::{NotAssessed, not_assessed},
    report::Report,
    source::{self, Source},
    text,
};
use crate::{
    admission::{self, Unreadable},
    cli::{
        UNUSABLE,
        decided::{Decided, Outcomes},
        is_coloured,
        suppressed::Suppressed,
        tell, written,
    },
    decision::{Decision, State},
    manifest::{self, Content, Document, Node, Unusable, Value, open},
    policy::Mode,
    request::{Operation, Request},
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
    suppressed: &'r Suppressed,
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
pub(super) fn run(check: &Check) -> ExitCode {
    if !matches!(check.output, Output::Text | Output::Json) {
        tell("--output: decisions on reviews are printed as text or json: use one of them");
        return ExitCode::from(UNUSABLE);
    }
    let now = Timestamp::now();
    let rules = check.policies(now).and_then(|policies| Ok((policies, check.known()?)));
    match rules {
        Ok((policies, inventory)) => {
            let judge = |body: &[u8], act: &mut dyn FnMut(&Request<'_>, &Decision)| {
                let (request, _, decision) =
                    admission::decide(body, &policies, &inventory, now).map_err(|error| {
                        let (Unreadable::NotAReview(reason) | Unreadable::Object { reason, .. }) = error;
                        reason
                    })?;
                act(&request, &decision);
                Ok(())
            };
            Reviews::default().of(check, &judge)
        }
        Err(unusable) => {
            unusable.iter().for_each(tell);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// Decides the body of a review and hands over what came of it.
type Judge<'j> = dyn Fn(&[u8], &mut dyn FnMut(&Request<'_>, &Decision)) -> Result<(), String> + 'j;

impl Reviews {
    fn of(mut self, check: &Check, judge: &Judge<'_>) -> ExitCode {
        let sources = source::find(&check.paths);
        self.report.unusable = sources.unusable;
        for skipped in &sources.skipped {
            self.report.skip(format_args!("{}: skipped: {}", skipped.name, skipped.reason));
        }
        for source in &sources.found {
            if let Err(unusable) = self.source(source, judge, check.verdict.fail_on) {
                self.report.unusable.push(unusable);
            }
        }
        self.report.notes.iter().for_each(tell);
        self.report.unusable.iter().for_each(tell);
        let code = if !self.report.unusable.is_empty() {
            ExitCode::from(UNUSABLE)
        } else if self.fails {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        };
        written(self.print(check.output), code)
    }

    /// Decides the reviews of one text; those that cannot be used do not keep the others from it.
    fn source(&mut self, source: &Source, judge: &Judge<'_>, fail_on: Mode) -> Result<(), Unusable> {
        self.report.files += 1;
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
                    Err(unusable) if is_review => self.report.unusable.push(unusable),
                    Err(foreign) => self.leave_out(source, foreign),
                }
            }
        }
        Ok(())
    }

    /// What is no review is a mistake in a file that somebody named, and nothing of note in a directory.
    fn leave_out(&mut self, source: &Source, foreign: Unusable) {
        if source.named {
            self.report.unusable.push(foreign);
            return;
        }
        let Unusable { file, line, .. } = foreign;
        self.report.skip(format_args!("{file}:{line}: skipped: no AdmissionReview"));
    }

    fn review(&mut self, document: &Document, judge: &Judge<'_>, fail_on: Mode) -> Result<(), Unusable> {
        let body = document.to_json_text();
        let mut take = |request: &Request<'_>, decision: &Decision| {
            let object = if request.operation == Some(Operation::Delete) { "oldObject" } else { "object" };
            let within = |path: &str| document.place(&format!("request.{object}.{path}"));
            let at = (&*document.file, document.root.place);
            self.decided.push(Decided::new(request, decision, at, within));
            self.outcomes.count(decision.outcome);
            self.fails |= fails(decision, fail_on);
            for unassessed in &decision.unassessed {
                self.report.not_assessed(unassessed.check.id, unassessed.missing.reason());
            }
            self.report.suppressed.note(decision);
            decision.errors.iter().for_each(|error| self.report.error(error));
        };
        judge(body.as_bytes(), &mut take).map_err(|reason| {
            let message = format!("{reason}: record AdmissionReviews of admission.k8s.io/v1");
            document.unusable(document.root.place, message)
        })
    }

    fn print(&self, output: Output) -> io::Result<()> {
        let terminal = is_coloured();
        let mut out = io::BufWriter::new(io::stdout().lock());
        match output {
            Output::Text => self.write(&mut out, terminal)?,
            Output::Json | Output::Sarif | Output::Junit | Output::Github => {
                let json = Json {
                    reviews: &self.decided,
                    not_assessed: not_assessed(&self.report.not_assessed),
                    suppressed: &self.report.suppressed,
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
        self.report.suppressed.write(out, "review")?;
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
        Summary {
            files: self.report.files,
            reviews: self.decided.len(),
            outcomes: self.outcomes,
            skipped: self.report.skipped,
            unusable: self.report.unusable.len(),
        }
    }
}

/// Whether a decision fails the command: a refusal always, and what is new in the named mode or a harder one.
fn fails(decision: &Decision, weakest: Mode) -> bool {
    let counts = |finding: &crate::decision::Finding| finding.state == State::New && finding.mode >= weakest;
    !decision.outcome.admits() || (weakest < Mode::Enforce && decision.findings.iter().any(counts))
}
