//! What was decided, and everything that led to it.

use super::Finding;
use crate::{
    check::{Check, Missing, Resolved},
    policy::{Flaw, Mode},
    request::Owner,
};

/// Allow, warn, deny, or *error*: could not decide, which is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    #[default]
    Allow,
    Warn,
    Deny,
    Error {
        /// Whether something enforced was at stake, so that the request must not pass unseen.
        denies: bool,
    },
}

impl Outcome {
    pub const fn id(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Deny => "deny",
            Self::Error { .. } => "error",
        }
    }

    /// Whether the request may proceed.
    pub const fn admits(self) -> bool {
        !matches!(self, Self::Deny | Self::Error { denies: true })
    }
}

/// A decision with its findings.
#[derive(Clone, Debug, Default)]
pub struct Decision {
    pub outcome: Outcome,
    /// Most severe first.
    pub findings: Vec<Finding>,
    /// Checks that could not tell.
    pub unassessed: Vec<Unassessed>,
    /// What is no finding because somebody who is believed says so (VEX).
    pub suppressions: Vec<Suppression>,
    /// The tags that were judged by the digest that they named, each once.
    pub resolved: Vec<Resolved>,
    /// What went wrong while deciding. None of it let anything pass.
    pub errors: Vec<String>,
    /// What keeps an object of the gate's own kinds from ever being in force: it is refused in every mode.
    pub flaws: Vec<Flaw>,
    /// The mirror of a static pod: recorded, never denied.
    pub is_static: bool,
    /// The topmost controller of the object, where there are findings: they are counted once for all that it makes.
    pub root: Option<Owner>,
}

/// A check that could not tell, and why.
#[derive(Clone, Debug)]
pub struct Unassessed {
    pub check: &'static Check,
    pub mode: Mode,
    pub missing: Missing,
}

/// What a check passed over on somebody's word.
#[derive(Clone, Debug)]
pub struct Suppression {
    pub check: &'static Check,
    /// `CVE-2026-1 in openssl: not_affected (vulnerable_code_not_in_execute_path) by security@example.com, 2026-11-01`.
    pub what: String,
}

impl Decision {
    pub(super) fn note_match_failure(&mut self, policy: &str, reason: &str) {
        let error = format!("policy {policy} was applied because {reason}");
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    /// Draws the outcome from the findings.
    pub(super) fn settle(&mut self) {
        let blind = self.blind().next().is_some();
        let denies = self.findings.iter().any(Finding::denies);
        self.outcome = if self.is_static {
            if denies || blind || self.findings.iter().any(Finding::warns) {
                Outcome::Warn
            } else {
                Outcome::Allow
            }
        } else if denies {
            Outcome::Deny
        } else if blind {
            Outcome::Error { denies: true }
        } else if self.findings.iter().any(Finding::warns) {
            Outcome::Warn
        } else {
            Outcome::Allow
        };
    }

    /// The enforced checks that could not tell although they should, where nothing else speaks for them.
    pub fn blind(&self) -> impl Iterator<Item = &Unassessed> {
        let is_said = |check: &str| self.findings.iter().any(|finding| finding.check.id == check);
        self.unassessed.iter().filter(move |unassessed| {
            unassessed.mode == Mode::Enforce
                && match &unassessed.missing {
                    Missing::NotKnownHere(_) => false,
                    Missing::Unavailable(_) => true,
                    Missing::LeftTo { check, .. } => !is_said(check),
                }
        })
    }

    /// Refuses an object of the gate's own kinds that has flaws.
    pub fn refuse(&mut self, flaws: Vec<Flaw>) {
        if !flaws.is_empty() {
            self.outcome = Outcome::Deny;
            self.flaws = flaws;
        }
    }

    /// The findings that deny, unless the pod is static.
    pub fn denials(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.denies())
    }
}
