//! The report for programs: one JSON object.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use super::report::{Judged, Report, Reported, Summary};
use crate::cli::suppressed::Suppressed;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'r> {
    findings: Findings<'r>,
    not_assessed: Vec<NotAssessed<'r>>,
    suppressed: &'r Suppressed,
    summary: Summary,
}

/// The findings, each written as it is met.
struct Findings<'r>(&'r Report);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.findings().map(Finding::of))
    }
}

#[derive(Serialize)]
struct Finding<'r> {
    check: &'static str,
    criterion: &'static str,
    mode: &'static str,
    severity: &'static str,
    object: Object<'r>,
    file: &'r str,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'r str>,
    path: &'r str,
    message: String,
    fix: &'r str,
    /// The same in every run, wherever the object moves; as in SARIF and in a baseline.
    fingerprint: String,
    /// `new`, `baselined` or `exempted`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exemption: Option<&'r str>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'r str>,
    /// The official criteria that the check speaks to.
    tsc: Vec<&'static str>,
}

/// The object that a finding is about; the namespace is empty where the file names none.
#[derive(Serialize)]
struct Object<'r> {
    kind: &'r str,
    namespace: &'r str,
    name: &'r str,
    /// The topmost controller, under which the finding is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<Root<'r>>,
}

#[derive(Serialize)]
struct Root<'r> {
    kind: &'r str,
    name: &'r str,
}

impl<'r> Finding<'r> {
    fn of((object, finding): (&'r Judged, &'r Reported)) -> Self {
        let check = finding.check;
        Self {
            check: check.id,
            criterion: check.criterion.id(),
            mode: finding.mode.id(),
            severity: check.severity.id(),
            object: Object {
                kind: &object.kind,
                namespace: &object.namespace,
                name: &object.name,
                root: object.root.as_ref().map(|root| Root { kind: &root.kind, name: &root.name }),
            },
            file: &object.file,
            line: finding.place.line,
            column: finding.place.column,
            template: object.template.as_deref(),
            path: &finding.path,
            message: finding.message(),
            fix: &finding.fix,
            fingerprint: finding.fingerprint.to_string(),
            state: finding.state().id(),
            exemption: finding.exemption.as_ref().map(|permission| &*permission.name),
            justification: finding.justification(),
            tsc: check.tsc.iter().map(|support| support.criterion.id()).collect(),
        }
    }
}

/// A check that could not be answered, and for how many objects.
#[derive(Serialize)]
pub(in crate::cli) struct NotAssessed<'r> {
    check: &'r str,
    reason: &'r str,
    objects: usize,
}

/// The checks that could not be answered.
pub(in crate::cli) fn not_assessed<'r>(
    counts: &'r BTreeMap<(&'static str, String), usize>,
) -> Vec<NotAssessed<'r>> {
    let one = |((check, reason), objects): (&'r (&'static str, String), &usize)| NotAssessed {
        check,
        reason,
        objects: *objects,
    };
    counts.iter().map(one).collect()
}

/// Writes the report as one object.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let output = Output {
        findings: Findings(report),
        not_assessed: not_assessed(&report.not_assessed),
        suppressed: &report.suppressed,
        summary: report.summary(),
    };
    serde_json::to_writer_pretty(&mut *out, &output)?;
    writeln!(out)
}
