//! `soc2gate ramp`: which checks are ready for a harder mode, on what evidence, and what to apply.

mod ceiling;
mod gather;
mod in_force;
mod json;
mod outlook;
mod plan;
mod text;
mod verdict;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use self::{
    ceiling::Ceiling,
    plan::Step,
    verdict::{Row, Verdict},
};
use super::{Format, UNUSABLE, complain, evidence::Evidence, rules::Rules, scan::Error, waiting, written};
use crate::{
    checks,
    criterion::Criterion,
    policy::{Choice, Mode},
};

/// Tell which checks are ready to be raised, and print what raises them.
///
/// A check is ready when the gate has watched it for --days without a finding that no exemption covers, and nothing that
/// exists would be denied. Reads only: what it prints is for people to apply.
#[derive(Args)]
pub(super) struct Ramp {
    /// The mode to raise to.
    #[arg(long, value_name = "MODE", default_value = "enforce", value_parser = target)]
    to: Mode,
    /// For so many days nothing may have been found.
    #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(i32).range(1..=365))]
    days: i32,
    /// Only these checks.
    #[arg(long = "check", value_name = "ID", value_delimiter = ',', value_parser = check)]
    checks: Vec<&'static str>,
    /// Only the checks filed under these criteria (`CC6.1`).
    #[arg(long = "criterion", value_name = "CRITERION", value_delimiter = ',', value_parser = criterion)]
    criteria: Vec<Criterion>,
    /// Only in this namespace; may be repeated. What is ready there is raised there alone.
    #[arg(short, long = "namespace", value_name = "NAME")]
    namespaces: Vec<String>,
    /// The context of the kubeconfig to use.
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Tell of every namespace, and which objects would be denied.
    #[arg(long)]
    details: bool,
    /// Exit with 1 unless every check that was asked for is ready or raised already.
    #[arg(long)]
    fail_if_not_ready: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
}

/// Everything that is printed.
struct Told<'r> {
    asked: &'r Ramp,
    rows: Vec<Row>,
    steps: Vec<Step>,
    ceiling: Option<Ceiling>,
    /// Whether the cluster knows the kinds that the steps are of.
    is_defined: bool,
    today: jiff::civil::Date,
}

fn target(text: &str) -> Result<Mode, String> {
    match text.parse() {
        Ok(mode @ (Mode::Warn | Mode::Enforce)) => Ok(mode),
        _ => Err("use warn or enforce".to_owned()),
    }
}

fn check(text: &str) -> Result<&'static str, String> {
    checks::find(text)
        .map(|check| check.id)
        .ok_or_else(|| format!("unknown check `{text}`{}", checks::meant(text)))
}

fn criterion(text: &str) -> Result<Criterion, String> {
    match Choice::parse(text)? {
        Choice::Criterion(criterion) => Ok(criterion),
        _ => Err(format!("`{text}` is no criterion, as `CC6.1` is one")),
    }
}

impl Ramp {
    pub(super) fn run(&self) -> ExitCode {
        match waiting::on_every_core(self.gather()).map_err(Error::from).flatten() {
            Ok(told) => {
                let code = u8::from(self.fail_if_not_ready && !told.is_all_ready());
                written(self.print(&told), ExitCode::from(code))
            }
            Err(error) => {
                complain(&error.to_string());
                ExitCode::from(UNUSABLE)
            }
        }
    }

    fn print(&self, told: &Told<'_>) -> io::Result<()> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.output {
            Format::Text => text::write(&mut out, told)?,
            Format::Json => json::write(&mut out, told)?,
        }
        out.flush()
    }

    fn is_asked(&self, check: &crate::check::Check) -> bool {
        (self.checks.is_empty() && self.criteria.is_empty())
            || self.checks.contains(&check.id)
            || self.criteria.contains(&check.criterion)
    }
}

impl Told<'_> {
    fn is_all_ready(&self) -> bool {
        self.rows.iter().all(|row| matches!(row.verdict, Verdict::Ready | Verdict::InForce))
    }

    fn count(&self, verdict: &str) -> usize {
        self.rows.iter().filter(|row| row.verdict.id() == verdict).count()
    }
}
