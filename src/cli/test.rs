//! `soc2gate test`: runs tests of policies, so that a policy means tomorrow what it means today.

mod case;
mod compare;
mod inventory;
mod report;
mod suite;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::Args;
use jiff::Timestamp;

use self::{
    case::decided,
    compare::differences,
    report::{Ran, Report, Summary},
    suite::Suite,
};
use super::{
    Format, UNUSABLE,
    check::source::{self, Source},
    is_coloured,
    rules::{Rules, no_check},
    tell, written,
};
use crate::{
    manifest::{self, Document, Node, Unusable},
    policy::{API_VERSION, PolicySet},
};

/// Test policies by what they must decide.
///
/// Exits with 0 when every case passes, 1 when one fails, and 2 when a file, a case or a policy cannot be used; all
/// others are run all the same.
#[derive(Args)]
pub(super) struct Test {
    /// Files of kind PolicyTest, directories of them, or `-` for standard input. Policies may stand beside them.
    #[arg(required = true, value_name = "FILE|DIR|-")]
    paths: Vec<PathBuf>,
    /// How to print what came out.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    #[command(flatten)]
    rules: Rules,
}

impl Test {
    pub(super) fn run(&self) -> ExitCode {
        let now = Timestamp::now();
        let policies = match self.rules.load(now) {
            Ok(policies) => policies,
            Err(unusable) => {
                unusable.iter().for_each(tell);
                return ExitCode::from(UNUSABLE);
            }
        };
        let mut report = Report::default();
        let sources = source::find(&self.paths);
        for unusable in sources.unusable {
            report.refuse(&unusable);
        }
        for source in &sources.found {
            for suite in suites(source) {
                let run = suite.and_then(|suite| self.run_suite(&suite, &policies, now, &mut report));
                if let Err(unusable) = run {
                    report.refuse(&unusable);
                }
            }
        }
        if report.cases.is_empty() && report.summary.unusable == 0 {
            let file =
                self.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
            report.refuse(&no_suite(file));
        }
        let code = match report.summary {
            Summary { unusable: 1.., .. } => ExitCode::from(UNUSABLE),
            Summary { failed: 1.., .. } => ExitCode::FAILURE,
            Summary { .. } => ExitCode::SUCCESS,
        };
        written(self.print(&report), code)
    }

    fn run_suite(
        &self,
        suite: &Suite,
        policies: &PolicySet,
        now: Timestamp,
        report: &mut Report,
    ) -> Result<(), Unusable> {
        let narrowed = self.narrowed(suite, policies, now)?;
        let policies = narrowed.as_ref().unwrap_or(policies);
        for (position, case) in suite.cases.iter().enumerate() {
            let decision = match decided(suite, position, case, policies, suite.now.unwrap_or(now)) {
                Ok(decision) => decision,
                Err(unusable) => {
                    report.refuse(&unusable);
                    continue;
                }
            };
            let differences = differences(suite, position, &decision);
            let place = suite.place(position, "name");
            report.ran(Ran {
                file: suite.document.file.to_string(),
                line: place.line,
                column: place.column,
                suite: suite.name.clone(),
                name: case.name.clone(),
                passed: differences.is_empty(),
                differences,
            });
        }
        Ok(())
    }

    /// The policies with nothing in them but what the suite selects, if it selects.
    fn narrowed(
        &self,
        suite: &Suite,
        policies: &PolicySet,
        now: Timestamp,
    ) -> Result<Option<PolicySet>, Unusable> {
        for (position, choice) in suite.select.iter().enumerate() {
            // A choice without checks would be a pass that nobody has earned.
            if !policies.bound().iter().any(|bound| choice.includes(bound.check)) {
                let place = suite.document.place(&format!("spec.select[{position}]"));
                return Err(suite.document.unusable(place, no_check(*choice).message));
            }
        }
        if suite.select.is_empty() {
            return Ok(None);
        }
        let changed =
            || suite.document.unusable(suite.document.place("kind"), "the policies changed meanwhile");
        let policies = self.rules.load(now).map_err(|mut wrong| wrong.pop().unwrap_or_else(changed))?;
        Ok(Some(policies.narrow(&suite.select)))
    }

    fn print(&self, report: &Report) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Format::Text => report.write_text(&mut out, is_coloured())?,
            Format::Json => report.write_json(&mut out)?,
        }
        out.flush()
    }
}

/// The suites of a text. Policies, exemptions and objects beside them are read over.
fn suites(source: &Source) -> Vec<Result<Suite, Unusable>> {
    let documents = match source.read().and_then(|text| manifest::parse(&source.name, &text)) {
        Ok(documents) => documents,
        Err(unusable) => return vec![Err(unusable)],
    };
    let suites: Vec<_> = documents.into_iter().filter(is_suite).map(Suite::read).collect();
    if suites.is_empty() && source.named {
        return vec![Err(no_suite(source.name.clone()))];
    }
    suites
}

/// Whether a document is a suite, or should be one: a slip in its kind must not leave it out unseen.
fn is_suite(document: &Document) -> bool {
    let field = |name: &str| document.root.get(name).and_then(Node::as_str).unwrap_or_default();
    let is_ours = field("apiVersion").starts_with("soc2gate.io/");
    field("kind") == "PolicyTest" || (is_ours && !matches!(field("kind"), "ControlPolicy" | "Exemption"))
}

fn no_suite(file: String) -> Unusable {
    let message = format!("no PolicyTest of {API_VERSION} is in there: write one");
    Unusable { file, line: 0, column: 0, message }
}
