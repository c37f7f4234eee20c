//! Refuses images whose last scan is too old to know this week's vulnerabilities.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    identity::Written,
    subject::{Sources, TagOnly, is_older, scanned},
};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::Scan,
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "stale-scan",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC7_1, "newly published vulnerabilities are looked for in what already runs"),
        Support::supporting(Criterion::CC6_8, "what a scan found still holds"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "stale scan",
    why: "An image does not change, but what is known about it does: vulnerabilities are published every day, and a scan \
          knows only those of its own day and of its database.",
    fix: "Scan the image again with a current database; do so every day for everything that runs.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:3333333333333333333333333333333333333333333333333333333333333333
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:1111111111111111111111111111111111111111111111111111111111111111
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    max_age_days: u16,
    /// At the time of the scan.
    max_database_age_days: u16,
    database_age_unknown: Unknown,
    tag_only: TagOnly,
    /// Whose attested scans count; scans in files and in the cluster always do.
    attestors: Vec<Written>,
}

/// When a scan is stale.
#[derive(Clone, Copy)]
struct Limits {
    max_age_days: u16,
    max_database_age_days: u16,
    database_age_unknown: Unknown,
}

/// What to make of a report that does not say how old its database was. Trivy's never do.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unknown {
    Pass,
    Violation,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            max_age_days: 7,
            max_database_age_days: 3,
            database_age_unknown: Unknown::Pass,
            tag_only: TagOnly::Violation,
            attestors: Vec::new(),
        }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { max_age_days, max_database_age_days, database_age_unknown, tag_only, attestors } =
        params.read()?;
    if max_age_days == 0 || max_database_age_days == 0 {
        return Err(params.refuse("`maxAgeDays` and `maxDatabaseAgeDays` are at least 1"));
    }
    let limits = Limits { max_age_days, max_database_age_days, database_age_unknown };
    let sources = Sources::read(params, tag_only, attestors)?;
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| {
        examine(image, limits, &sources, ask, report);
    })))
}

fn examine(at: &ImageAt<'_>, limits: Limits, sources: &Sources, ask: &Ask<'_>, report: &mut Report) {
    let Some(scanned) = scanned(at, sources, ask, report) else { return };
    // An index is as stale as the stalest of its platforms.
    let stale = scanned.judged.iter().find_map(|judged| staleness(judged.newest, limits, ask.now));
    if let Some(reason) = stale {
        let what = format!("{}: {reason}{}", quoted(at.reference), scanned.found);
        report.violation_of(at.place(), at.reference, what);
    }
}

/// What is stale about a scan, as the rest of a sentence.
fn staleness(scan: &Scan, limits: Limits, now: Timestamp) -> Option<String> {
    let Limits { max_age_days, max_database_age_days, database_age_unknown } = limits;
    let scanner = &scan.scanner;
    let Some(scanned_at) = scan.scanned_at else {
        return Some(format!("the report of {scanner} does not say when it was made"));
    };
    if scanned_at > now {
        return Some(format!("its scan by {scanner} is dated {scanned_at}, which is in the future"));
    }
    if is_older(scanned_at, now, max_age_days) {
        let day = scanned_at.strftime("%F");
        return Some(format!("it was last scanned on {day} by {scanner}, more than {max_age_days} days ago"));
    }
    match scan.database_at {
        None if database_age_unknown == Unknown::Violation => {
            Some(format!("the report of {scanner} does not say how old its vulnerability database was"))
        }
        None => None,
        Some(built) if built > scanned_at => Some(format!(
            "the vulnerability database of its scan by {scanner} is dated {built}, after the scan"
        )),
        Some(built) if is_older(built, scanned_at, max_database_age_days) => Some(format!(
            "it was scanned with a vulnerability database of {}, more than {max_database_age_days} days old then",
            built.strftime("%F")
        )),
        Some(_) => None,
    }
}
