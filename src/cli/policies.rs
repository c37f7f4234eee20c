//! `soc2gate policies`: what is in force, how hard, and who is exempted until when.

mod coverage;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, ValueEnum};
use comfy_table::{Table, presets::NOTHING};
use jiff::Timestamp;

use super::{UNUSABLE, rules::Rules, tell, written};
use crate::{
    checks,
    decision::printable,
    policy::{Coverage, Exemption, Mode, PolicySet},
};

/// List the checks in force with their modes, and the exemptions.
#[derive(Args)]
pub(super) struct Policies {
    /// Tell what the checks in force speak to, criterion by criterion, and what they cannot.
    #[arg(long)]
    coverage: bool,
    /// How to print the coverage.
    #[arg(short, long, value_enum, default_value = "text", requires = "coverage")]
    output: Output,
    #[command(flatten)]
    rules: Rules,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// For programs: one object
    Json,
}

impl Policies {
    pub(super) fn run(&self) -> ExitCode {
        let now = Timestamp::now();
        match self.rules.load(now) {
            Ok(policies) => {
                let out = &mut io::stdout().lock();
                let result = match (self.coverage, self.output) {
                    (false, _) => write(out, &policies, self.rules.mode_ceiling, now),
                    (true, Output::Text) => coverage::write(out, &Coverage::of(&policies)),
                    (true, Output::Json) => coverage::write_json(out, &Coverage::of(&policies)),
                };
                written(result, ExitCode::SUCCESS)
            }
            Err(unusable) => {
                unusable.iter().for_each(tell);
                ExitCode::from(UNUSABLE)
            }
        }
    }
}

fn write(
    out: &mut impl Write,
    policies: &PolicySet,
    ceiling: Option<Mode>,
    now: Timestamp,
) -> io::Result<()> {
    writeln!(out, "{}", checks_in_force(policies, ceiling))?;
    writeln!(out, "\npolicies {}", policies.digest())?;
    if policies.exemptions().iter().next().is_none() {
        return writeln!(out, "no exemptions");
    }
    writeln!(out, "\n{}", exempted(policies, now))
}

/// A table without lines.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.iter().copied());
    table
}

/// One row per check and policy, in the order of the criteria.
fn checks_in_force(policies: &PolicySet, ceiling: Option<Mode>) -> Table {
    let mut table = table(&["CRITERION", "CHECK", "SEVERITY", "MODE", "POLICY"]);
    let mut sorted: Vec<_> = policies.policies().iter().collect();
    sorted.sort_by_key(|policy| (policy.criterion, &policy.name));
    for policy in sorted {
        for entry in &policy.checks {
            let severity = checks::find(&entry.id).map_or("", |check| check.severity.id());
            let mode = match ceiling {
                Some(ceiling) if ceiling < entry.mode => {
                    format!("{} (states {})", ceiling.id(), entry.mode.id())
                }
                _ => entry.mode.id().to_owned(),
            };
            let criterion = policy.criterion.id();
            table.add_row([criterion, &entry.id, severity, &mode, &printable(&policy.name)]);
        }
    }
    table
}

fn exempted(policies: &PolicySet, now: Timestamp) -> Table {
    let mut table = table(&["EXEMPTION", "CHECK", "SUBJECT", "STATE", "DAYS LEFT", "TICKET", "APPROVED BY"]);
    for exemption in policies.exemptions().iter() {
        let row = [
            exemption.name.clone(),
            exemption.check.clone(),
            subject(exemption),
            exemption.state(now).id().to_owned(),
            days_left(exemption, now).to_string(),
            exemption.ticket.clone(),
            exemption.approved_by.clone(),
        ];
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    table
}

/// Whole days until the end; none once it has come.
fn days_left(exemption: &Exemption, now: Timestamp) -> i64 {
    (exemption.expires.duration_since(now).as_hours() / 24).max(0)
}

/// What the exemption covers, `namespace=shop kind=Pod`; a broad one says so.
fn subject(exemption: &Exemption) -> String {
    let mut words = vec![exemption.subject.to_string()];
    if exemption.is_broad() {
        words.push("(broad)".to_owned());
    }
    words.join(" ")
}
