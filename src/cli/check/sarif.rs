//! The report for code scanning: SARIF 2.1.0.
//!
//! The few parts of the format that we use are written out in `log`. With a crate of all of them (serde-sarif) each
//! result would take 4 kB, and all would be in memory before the first is written.

mod log;
mod rule;

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write},
};

use serde::{Serialize, Serializer};

use self::log::{
    ArtifactLocation, Described, Descriptor, Driver, Finding, Invocation, Location, Log, LogicalLocation,
    Message, Notification, PhysicalLocation, Properties, Region, Run, Suppression, Tool,
};
use super::{
    artifact::{Workspace, is_relative},
    report::{Judged, Report, Reported, State},
};
use crate::{
    decision::{Fingerprint, printable},
    manifest::{Place, Unusable},
    policy::{Mode, PolicySet},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The name of the directory that relative addresses start from; GitHub knows it by this one.
const ROOT: &str = "%SRCROOT%";

/// The findings, each made when it is written.
struct Results<'r> {
    report: &'r Report,
    rules: HashMap<&'static str, usize>,
    workspace: Workspace,
    /// Whether any is suppressed; then all must say whether they are.
    suppresses: bool,
}

/// Writes the report as one log with one run.
///
/// # Errors
/// As the writer's.
pub(in crate::cli) fn write(
    out: &mut impl Write,
    report: &Report,
    policies: &PolicySet,
    exit_code: u8,
) -> io::Result<()> {
    let rules = rule::in_force(policies);
    let results = Results {
        report,
        rules: rules.iter().enumerate().map(|(index, rule)| (rule.id, index)).collect(),
        workspace: Workspace::here(),
        suppresses: report.findings().any(|(_, finding)| finding.state() != State::New),
    };
    let root = Described { description: message("the directory that soc2gate ran in") };
    let run = Run {
        tool: Tool {
            driver: Driver {
                name: "soc2gate",
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: env!("CARGO_PKG_REPOSITORY"),
                rules,
                properties: BTreeMap::from([("policyDigest", policies.digest().to_owned())]),
            },
        },
        invocations: [results.invocation(exit_code)],
        original_uri_base_ids: BTreeMap::from([(ROOT, root)]),
        column_kind: "unicodeCodePoints",
        results,
    };
    serde_json::to_writer_pretty(&mut *out, &Log { schema: SCHEMA, version: "2.1.0", runs: [run] })?;
    writeln!(out)
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.report.findings().map(|(object, finding)| self.result(object, finding)))
    }
}

impl Results<'_> {
    fn result<'r>(&self, object: &'r Judged, finding: &'r Reported) -> Finding<'r> {
        let check = finding.check;
        let suppression = finding.justification().map(|justification| Suppression {
            kind: "external",
            status: "accepted",
            justification,
        });
        Finding {
            rule_id: check.id,
            rule_index: self.rules.get(check.id).copied().unwrap_or_default(),
            level: level(finding.mode),
            message: message(&format!("{object}: {}", finding.sentence())),
            locations: [Location {
                physical_location: self.physical(&object.file, Some(finding.place)),
                logical_locations: vec![logical(object)],
            }],
            partial_fingerprints: BTreeMap::from([(Fingerprint::SCHEME, finding.fingerprint.to_string())]),
            baseline_state: self.report.gone.map(|_| if finding.known { "unchanged" } else { "new" }),
            suppressions: self.suppresses.then(|| suppression.into_iter().collect()),
            properties: Properties {
                path: &finding.path,
                state: finding.state().id(),
                exemption: finding.exemption.as_ref().map(|permission| &*permission.name),
                template: object.template.as_deref(),
            },
        }
    }

    /// Where it stands; nowhere if it is in no file but in a cluster.
    fn physical(&self, file: &str, place: Option<Place>) -> Option<PhysicalLocation> {
        if file.is_empty() {
            return None;
        }
        let uri = self.workspace.uri(file);
        let uri_base_id = is_relative(&uri).then_some(ROOT);
        let region = place.map(|place| Region { start_line: place.line, start_column: place.column });
        Some(PhysicalLocation { artifact_location: ArtifactLocation { uri, uri_base_id }, region })
    }

    /// What went wrong, and what could not be told.
    fn invocation(&self, exit_code: u8) -> Invocation {
        let report = self.report;
        let rule = |id: &str| Descriptor { id: id.to_owned(), index: self.rules.get(id).copied() };
        let unusable = report.unusable.iter().map(|unusable| self.unusable(unusable));
        let undecided = report.undecided().map(|(object, sentence)| Notification {
            locations: vec![Location {
                physical_location: self.physical(&object.file, None),
                logical_locations: vec![logical(object)],
            }],
            ..notification("undecided", "error", &sentence)
        });
        let errors = report.errors.iter().map(|(error, objects)| {
            notification("incident", "warning", &format!("{error} (objects: {objects})"))
        });
        let not_assessed = report.not_assessed.iter().map(|((check, reason), objects)| Notification {
            associated_rule: Some(rule(check)),
            ..notification("not-assessed", "note", &format!("{check}: {reason} (objects: {objects})"))
        });
        Invocation {
            execution_successful: report.unusable.is_empty() && report.undecided().next().is_none(),
            exit_code,
            tool_execution_notifications: unusable
                .chain(undecided)
                .chain(errors)
                .chain(not_assessed)
                .collect(),
        }
    }

    fn unusable(&self, unusable: &Unusable) -> Notification {
        let place = Place { line: unusable.line, column: unusable.column };
        let place = Some(place).filter(|place| place.line > 0);
        let physical_location = self.physical(&unusable.file, place);
        let location = Location { physical_location, logical_locations: Vec::new() };
        Notification {
            locations: Some(location)
                .filter(|location| location.physical_location.is_some())
                .into_iter()
                .collect(),
            ..notification("unusable-input", "error", &unusable.message)
        }
    }
}

fn notification(id: &str, level: &'static str, text: &str) -> Notification {
    Notification {
        descriptor: Descriptor { id: id.to_owned(), index: None },
        level,
        message: message(text),
        associated_rule: None,
        locations: Vec::new(),
    }
}

/// A message as it stands. Its braces are not doubled, as the standard would have it, because GitHub shows them so;
/// what looks like a link must be no link, for a file's author may have written it.
fn message(text: &str) -> Message {
    Message { text: printable(text).replace("](", "\\](") }
}

fn logical(object: &Judged) -> LogicalLocation {
    let parts = [&object.kind, &object.namespace, &object.name];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    LogicalLocation { name: object.name.clone(), fully_qualified_name: parts.join("/"), kind: "resource" }
}

const fn level(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "error",
        Mode::Warn => "warning",
        Mode::Audit => "note",
        Mode::Off => "none",
    }
}
