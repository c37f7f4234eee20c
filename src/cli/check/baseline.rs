//! The findings that a repository already had when it adopted the checks: they are told and fail nothing.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use serde::Deserialize;

use super::report::{Gone, Report, Reported, State};
use crate::{
    cli::rules::unreadable,
    decision::{Fingerprint, printable},
    manifest::{self, Document, Node, Unusable},
    policy::API_VERSION,
};

/// What a file of known findings holds.
pub(super) struct Baseline {
    entries: Vec<Entry>,
}

/// One known finding; everything but the fingerprint is for readers. Two that are alike are two entries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    object: String,
    check: String,
    path: String,
    fingerprint: Fingerprint,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    findings: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    object: String,
    check: String,
    path: String,
    fingerprint: String,
}

const KIND: &str = "Baseline";

/// Whether a document is a baseline, which may lie among the manifests.
pub(super) fn is_one(document: &Document) -> bool {
    let says = |field: &str, word: &str| document.root.get(field).and_then(Node::as_str) == Some(word);
    says("apiVersion", API_VERSION) && says("kind", KIND)
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// The first thing in it that does not fit.
    pub(super) fn read(path: &Path) -> Result<Self, Unusable> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error.to_string()))?;
        let mut documents = manifest::parse(&path.display().to_string(), &text)?.into_iter();
        let (Some(document), None) = (documents.next(), documents.next()) else {
            return Err(unreadable(path, "a baseline is one document: write it with `--write-baseline`"));
        };
        let manifest: Manifest = document.decode()?;
        if manifest.api_version != API_VERSION || manifest.kind != KIND {
            let message = format!("not a {KIND} of {API_VERSION}: write it with `--write-baseline`");
            return Err(document.unusable(document.place("kind"), message));
        }
        let lines = manifest.findings.into_iter().enumerate();
        let entries = lines.map(|(position, line)| line.into_entry(position, &document));
        Ok(Self { entries: entries.collect::<Result<_, _>>()? })
    }

    /// What would be known if everything found were: what no exemption covers, since an exemption ends.
    pub(super) fn of(report: &Report) -> Self {
        let findings = report.findings().filter(|(_, finding)| finding.state() != State::Exempted);
        Self { entries: findings.map(|(object, finding)| Entry::of(object, finding)).collect() }
    }

    /// Marks the findings that are known, each entry standing for one. What it has and the report has not is counted
    /// there; what is left of it is what is still found, or was not looked for because its check is not in force.
    pub(super) fn mark(&self, report: &mut Report, in_force: &HashSet<&str>) -> Self {
        let mut waiting: HashMap<Fingerprint, Vec<&Entry>> = HashMap::new();
        for entry in self.entries.iter().rev() {
            waiting.entry(entry.fingerprint).or_default().push(entry);
        }
        let mut kept = Vec::new();
        // Those that an exemption covers take what the others leave.
        for exempted in [false, true] {
            for object in &mut report.objects {
                let name = object.to_string();
                for finding in &mut object.findings {
                    if finding.exemption.is_some() != exempted {
                        continue;
                    }
                    finding.known = waiting.get_mut(&finding.fingerprint).and_then(Vec::pop).is_some();
                    if finding.known && !exempted {
                        kept.push(Entry::of(&name, finding));
                    }
                }
            }
        }
        let here: HashSet<_> = report.objects.iter().map(ToString::to_string).collect();
        let mut gone = Gone::default();
        for entry in waiting.into_values().flatten() {
            if !in_force.contains(&*entry.check) {
                kept.push(entry.clone());
            } else if here.contains(&entry.object) {
                gone.fixed += 1;
            } else {
                gone.absent += 1;
            }
        }
        report.gone = Some(gone);
        Self { entries: kept }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Writes the file: sorted, a line for each finding, so that a review of its changes is easy.
    ///
    /// # Errors
    /// Why it could not be written.
    pub(super) fn write(mut self, path: &Path) -> Result<(), Unusable> {
        self.entries.sort();
        let mut text = format!(
            "# Findings that `soc2gate check --baseline` takes for known; `--write-baseline` wrote them.\n\
             apiVersion: {API_VERSION}\nkind: {KIND}\nfindings:"
        );
        text += if self.entries.is_empty() { " []\n" } else { "\n" };
        for Entry { object, check, path, fingerprint } in &self.entries {
            let (object, path) = (quoted(object), quoted(path));
            let _ = writeln!(
                text,
                "- {{object: {object}, check: {check}, path: {path}, fingerprint: \"{fingerprint}\"}}"
            );
        }
        fs::write(path, text).map_err(|error| unreadable(path, &format!("cannot be written: {error}")))
    }
}

/// A string as JSON has it, which is YAML's double-quoted style.
fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}

impl Entry {
    fn of(object: &impl ToString, finding: &Reported) -> Self {
        Self {
            object: object.to_string(),
            check: finding.check.id.to_owned(),
            path: printable(&finding.key).into_owned(),
            fingerprint: finding.fingerprint,
        }
    }
}

impl Line {
    fn into_entry(self, position: usize, document: &Document) -> Result<Entry, Unusable> {
        let fingerprint = self.fingerprint.parse().map_err(|message: &str| {
            document.unusable(document.place(&format!("findings[{position}].fingerprint")), message)
        })?;
        Ok(Entry { object: self.object, check: self.check, path: self.path, fingerprint })
    }
}
