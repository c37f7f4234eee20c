//! What a check hands back: violations, or why it could not tell.

use std::borrow::Cow;

use crate::object::{Digest, Labels, Place};

/// A user's value inside a sentence: in backticks, and cut where no message should be drowned by it.
pub fn quoted(value: &str) -> String {
    match value.char_indices().nth(200) {
        Some((end, _)) => format!("`{}...`", value.get(..end).unwrap_or_default()),
        None if value.is_empty() => "empty".to_owned(),
        None => format!("`{value}`"),
    }
}

/// A pod of which only the labels matter.
pub fn labelled_pod(labels: &Labels) -> String {
    match labels.is_empty() {
        true => "a pod without labels".to_owned(),
        false => format!("a pod labelled {}", quoted(&labels.to_string())),
    }
}

/// One field that breaks a check. One per offending value, so that the ratchet can tell old from new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub place: Place,
    /// What is wrong there, as the rest of a sentence that begins with the path: `is true`. Never a secret.
    pub what: String,
    /// The offending value, for the ratchet; for a secret its fingerprint.
    pub value: String,
    /// What stands for the value in comparisons that outlive this process and this version, where the value does not:
    /// without an install key a secret's fingerprint ends with the process, and words may be bettered.
    pub lasting: Option<&'static str>,
    /// A fix for this very place, where the check's general one can be bettered.
    pub fix: Option<String>,
    /// Found without something that might excuse it: warned of, never denied.
    pub is_doubtful: bool,
}

impl Violation {
    /// A violation by a value at a place, without more to say.
    pub const fn new(place: Place, value: String, what: String) -> Self {
        Self { place, what, value, lasting: None, fix: None, is_doubtful: false }
    }

    /// What the ratchet compares: the place by merge keys, and the value.
    pub fn identity(&self) -> String {
        format!("{}={}", self.place.key, self.value)
    }

    /// The same for comparisons that outlive the process: a baseline in a repository.
    pub fn lasting_identity(&self) -> String {
        format!("{}={}", self.place.key, self.lasting.unwrap_or(&self.value))
    }
}

/// Why a check could not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// This door does not know it (a file has no requester), or nobody configured the source.
    NotKnownHere(Cow<'static, str>),
    /// It should be known but the source cannot be relied on now; an enforced check then errs instead of passing.
    Unavailable(Cow<'static, str>),
    /// It is not known yet, and another check has words and a mode for that; where that check finds nothing, this is as
    /// bad as `Unavailable`.
    LeftTo { check: &'static str, reason: Cow<'static, str> },
}

impl Missing {
    /// A file may leave it to whoever applies it where the object will be.
    pub const NAMESPACE: Self =
        Self::NotKnownHere(Cow::Borrowed("the manifest names no namespace, so that kubectl will choose it"));

    pub fn reason(&self) -> &str {
        match self {
            Self::NotKnownHere(reason) | Self::Unavailable(reason) | Self::LeftTo { reason, .. } => reason,
        }
    }
}

/// Collects what one check finds in one request.
#[derive(Debug, Default)]
pub struct Report {
    pub violations: Vec<Violation>,
    pub missing: Vec<Missing>,
    /// What would be a violation but for somebody's word, each with that word.
    pub suppressed: Vec<String>,
    /// The tags that were judged by what they named, which may be something else when a node pulls.
    pub resolved: Vec<Resolved>,
}

/// An image reference without a digest, and the digest that it was judged by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// As written in the object.
    pub reference: String,
    pub digest: Digest,
}

impl Report {
    /// Says that a reference was judged by the digest that its tag named; the same once.
    pub fn resolved(&mut self, reference: &str, digest: &Digest) {
        let is_known = |known: &Resolved| known.reference == reference && known.digest == *digest;
        if !self.resolved.iter().any(is_known) {
            self.resolved.push(Resolved { reference: reference.to_owned(), digest: digest.clone() });
        }
    }

    /// Reports a field whose name alone says what offends.
    pub fn violation(&mut self, place: Place, what: impl Into<String>) {
        let what = what.into();
        self.violations.push(Violation { lasting: Some(""), ..Violation::new(place, what.clone(), what) });
    }

    /// Reports a field and the value in it that offends.
    pub fn violation_of(&mut self, place: Place, value: &str, what: impl Into<String>) {
        self.violations.push(Violation::new(place, value.to_owned(), what.into()));
    }

    /// Reports the same where something that might excuse it is not known here.
    pub fn doubtful_violation_of(&mut self, place: Place, value: &str, what: impl Into<String>) {
        let violation = Violation::new(place, value.to_owned(), what.into());
        self.violations.push(Violation { is_doubtful: true, ..violation });
    }

    /// Says that the check could not tell; the same reason once.
    pub fn not_assessable(&mut self, missing: Missing) {
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }

    /// Says what is no violation because somebody who is believed says so; the same once.
    pub fn suppressed(&mut self, what: String) {
        if !self.suppressed.contains(&what) {
            self.suppressed.push(what);
        }
    }
}
