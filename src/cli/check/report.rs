//! What `check` tells at the end, whatever the output.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, Serializer};

use crate::{
    manifest::Unusable,
    policy::{Exemption, Mode},
};

/// Everything found, in the order of the input.
#[derive(Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Reported>,
    /// How many objects each check could not be answered for, by check and reason.
    pub(super) not_assessed: BTreeMap<(&'static str, String), usize>,
    pub(super) unusable: Vec<Unusable>,
    /// What else the person should know.
    pub(super) notes: Vec<String>,
    /// What went wrong while deciding, and for how many objects. None of it let anything pass.
    pub(super) errors: BTreeMap<String, usize>,
    /// Whether something enforced could not be decided.
    pub(super) undecided: bool,
    pub(super) summary: Summary,
}

/// One finding with its place in a file.
#[derive(Serialize)]
pub(in crate::cli) struct Reported {
    pub(in crate::cli) check: &'static str,
    pub(in crate::cli) criterion: &'static str,
    #[serde(serialize_with = "mode_id")]
    pub(in crate::cli) mode: Mode,
    pub(in crate::cli) severity: &'static str,
    pub(in crate::cli) object: Named,
    pub(in crate::cli) file: String,
    pub(in crate::cli) line: u32,
    pub(in crate::cli) column: u32,
    pub(in crate::cli) path: String,
    pub(in crate::cli) message: String,
    pub(in crate::cli) fix: String,
    /// `new` or `exempted`; in a recorded update also `pre-existing`.
    pub(in crate::cli) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) exemption: Option<String>,
    /// The official criteria that the check speaks to.
    pub(in crate::cli) tsc: Vec<&'static str>,
}

/// The object that a finding is about; the namespace is empty where the file names none.
#[derive(Clone, Serialize)]
pub(in crate::cli) struct Named {
    pub(in crate::cli) kind: String,
    pub(in crate::cli) namespace: String,
    pub(in crate::cli) name: String,
}

/// How much was judged, and how it went. Exempted findings count under `exempted` alone.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    pub(super) files: usize,
    pub(super) objects: usize,
    pub(super) enforce: usize,
    pub(super) warn: usize,
    pub(super) audit: usize,
    pub(super) exempted: usize,
    /// Files and documents met in directories that hold no object.
    pub(super) skipped: usize,
    /// Inputs that could not be used; standard error names each.
    pub(super) unusable: usize,
}

impl Report {
    pub(super) fn findings(&mut self, findings: Vec<Reported>) {
        for finding in &findings {
            let count = match finding.mode {
                _ if finding.exemption.is_some() => &mut self.summary.exempted,
                Mode::Enforce => &mut self.summary.enforce,
                Mode::Warn => &mut self.summary.warn,
                Mode::Audit | Mode::Off => &mut self.summary.audit,
            };
            *count += 1;
        }
        self.findings.extend(findings);
    }

    pub(super) fn not_assessed(&mut self, check: &'static str, reason: &str) {
        *self.not_assessed.entry((check, reason.to_owned())).or_default() += 1;
    }

    pub(super) fn refuse(&mut self, unusable: Unusable) {
        self.summary.unusable += 1;
        self.unusable.push(unusable);
    }

    pub(super) fn skip(&mut self, what: fmt::Arguments<'_>) {
        self.summary.skipped += 1;
        self.notes.push(what.to_string());
    }

    pub(super) fn error(&mut self, error: &str) {
        *self.errors.entry(error.to_owned()).or_default() += 1;
    }

    /// Notes the exemptions in force that covered nothing: they may have outlived their reason.
    pub(super) fn note_exemptions<'e>(&mut self, exemptions: impl Iterator<Item = &'e Exemption>) {
        let used =
            |name: &str| self.findings.iter().any(|finding| finding.exemption.as_deref() == Some(name));
        let unused: Vec<_> =
            exemptions.map(|exemption| &*exemption.name).filter(|name| !used(name)).collect();
        if !unused.is_empty() {
            self.notes.push(format!("exemptions that cover nothing here: {}", unused.join(", ")));
        }
    }

    /// Whether anything was found in this mode or a harder one.
    pub(super) fn fails(&self, weakest: Mode) -> bool {
        let counts = |finding: &Reported| finding.exemption.is_none() && finding.mode >= weakest;
        self.undecided || self.findings.iter().any(counts)
    }
}

fn mode_id<S: Serializer>(mode: &Mode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(mode.id())
}
