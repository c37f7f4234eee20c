//! What `check` tells at the end, whatever the output.

use serde::Serialize;

use crate::manifest::Unusable;

/// Everything found, in the order of the input.
#[derive(Default)]
pub(super) struct Report {
    pub(super) findings: Vec<Reported>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) summary: Summary,
}

/// One finding with its place in a file.
#[derive(Serialize)]
pub(super) struct Reported {
    pub(super) check: &'static str,
    pub(super) criterion: String,
    pub(super) mode: String,
    pub(super) severity: String,
    pub(super) object: Named,
    pub(super) file: String,
    pub(super) line: u32,
    #[serde(skip)]
    pub(super) column: u32,
    pub(super) path: String,
    pub(super) message: String,
    pub(super) fix: String,
}

/// The object that a finding is about; the namespace is empty where the file names none.
#[derive(Clone, Serialize)]
pub(super) struct Named {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// How much was judged, and how it went.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Summary {
    /// Texts that were read.
    pub(super) files: usize,
    /// Objects that were judged.
    pub(super) objects: usize,
    /// Findings by the mode they count as.
    pub(super) enforce: usize,
    pub(super) warn: usize,
    pub(super) audit: usize,
    /// Findings that an exemption permits; they are not listed.
    pub(super) exempted: usize,
    /// Checks that a file cannot answer, such as those that need the cluster.
    pub(super) not_assessable: usize,
    /// Files and documents in directories that are no objects.
    pub(super) skipped: usize,
    /// Inputs that could not be used; standard error names each.
    pub(super) unusable: usize,
}
