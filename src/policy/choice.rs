//! A choice of checks on the command line: `--select`.

use std::fmt;

use crate::{
    check::{Check, Level},
    checks,
    criterion::Criterion,
};

/// What to judge by instead of everything in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One check; if no policy has it or it is off there, it is enforced with its defaults.
    Check(&'static str),
    /// All checks filed under a criterion, in their policies' modes.
    Criterion(Criterion),
    /// A Pod Security level to the letter: enforced, whatever a policy says.
    Standard(Level),
}

impl Choice {
    /// Reads `privileged-container`, `CC6.1`, `pss:baseline` and `pss:restricted`.
    ///
    /// # Errors
    /// What the word is not, and the nearest that it could be.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "pss:baseline" => return Ok(Self::Standard(Level::Baseline)),
            "pss:restricted" => return Ok(Self::Standard(Level::Restricted)),
            _ => {}
        }
        if let Ok(criterion) = text.parse() {
            return Ok(Self::Criterion(criterion));
        }
        checks::find(text).map(|check| Self::Check(check.id)).ok_or_else(|| {
            let near = checks::meant(text);
            format!("`{text}` is no check, criterion or standard{near}")
        })
    }

    /// Whether a check is among the chosen.
    pub fn includes(self, check: &Check) -> bool {
        match self {
            Self::Check(id) => check.id == id,
            Self::Criterion(criterion) => check.criterion == criterion,
            Self::Standard(level) => check.level().is_some_and(|of| of <= level),
        }
    }
}

/// As [`Choice::parse`] reads it.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(id) => f.write_str(id),
            Self::Criterion(criterion) => criterion.fmt(f),
            Self::Standard(level) => write!(f, "pss:{}", level.id()),
        }
    }
}
