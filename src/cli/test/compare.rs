//! Compares what was decided with what a case expects.

use std::collections::BTreeSet;

use serde::Serialize;

use super::suite::{ExpectedFinding, Suite};
use crate::decision::{Decision, Finding};

/// One difference, at the place of the expectation that it breaks.
#[derive(Serialize)]
pub(super) struct Difference {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) kind: Side,
    pub(super) what: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Side {
    /// Expected, and not so.
    Expected,
    /// So, and not expected.
    Found,
}

impl Side {
    /// As in a diff.
    pub(super) const fn sign(self) -> char {
        match self {
            Self::Expected => '-',
            Self::Found => '+',
        }
    }
}

/// The differences of one case; none if it passes.
pub(super) fn differences(suite: &Suite, position: usize, decision: &Decision) -> Vec<Difference> {
    let Some(case) = suite.cases.get(position) else { return Vec::new() };
    let expected = &case.expect;
    let mut differences = Vec::new();
    let mut differ = |path: &str, kind: Side, what: String| {
        let place = suite.place(position, path);
        differences.push(Difference { line: place.line, column: place.column, kind, what });
    };
    if !expected.decision.is(decision.outcome) {
        differ("expect.decision", Side::Expected, format!("decision {}", expected.decision.id()));
        let errors = decision.errors.iter().map(|error| format!(": {error}")).collect::<String>();
        differ("expect.decision", Side::Found, format!("decision {}{errors}", decision.outcome.id()));
    }
    let (missing, unexpected) = matched(&expected.findings, &decision.findings);
    for (position, count) in missing {
        let Some(finding) = expected.findings.get(position) else { continue };
        let times = if count > 1 { format!(", {count} times") } else { String::new() };
        differ(&format!("expect.findings[{position}]"), Side::Expected, format!("{finding}{times}"));
    }
    for finding in unexpected.into_iter().filter(|_| expected.only) {
        let Finding { mode, state, .. } = finding;
        let what = format!("{}: {} ({}, {})", finding.check.id, finding.message(), mode.id(), state.id());
        differ("expect.findings", Side::Found, what);
    }
    if let Some(checks) = &expected.not_assessed {
        let expected_checks: BTreeSet<_> = checks.iter().map(String::as_str).collect();
        let found: BTreeSet<_> = decision.unassessed.iter().map(|unassessed| unassessed.check.id).collect();
        for check in expected_checks.difference(&found) {
            differ("expect.notAssessed", Side::Expected, format!("{check} is not assessed"));
        }
        for unassessed in decision.unassessed.iter().filter(|_| expected.only) {
            let (check, reason) = (unassessed.check.id, unassessed.missing.reason());
            if !expected_checks.contains(check) {
                differ("expect.notAssessed", Side::Found, format!("{check} is not assessed: {reason}"));
            }
        }
    }
    differences
}

/// Gives as many expectations as can be a finding of their own. Returns how often which expectation is not met, and
/// the findings that none is left for.
fn matched<'f>(
    expected: &[ExpectedFinding],
    found: &'f [Finding],
) -> (Vec<(usize, usize)>, Vec<&'f Finding>) {
    // Whose each finding is, by position in `expected`.
    let mut owners: Vec<Option<usize>> = vec![None; found.len()];
    let mut missing = Vec::new();
    for (position, one) in expected.iter().enumerate() {
        let unmet = (0..one.count)
            .filter(|_| !claim(position, expected, found, &mut owners, &mut vec![false; found.len()]))
            .count();
        if unmet > 0 {
            missing.push((position, unmet));
        }
    }
    let left = found.iter().zip(&owners).filter(|(_, owner)| owner.is_none()).map(|(finding, _)| finding);
    (missing, left.collect())
}

/// Finds an expectation a finding, if need be by giving its present owner another one (augmenting paths).
fn claim(
    position: usize,
    expected: &[ExpectedFinding],
    found: &[Finding],
    owners: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    let Some(wanted) = expected.get(position) else { return false };
    for (at, finding) in found.iter().enumerate() {
        match tried.get_mut(at) {
            Some(tried) if !*tried && wanted.is_met_by(finding) => *tried = true,
            _ => continue,
        }
        let owner = owners.get(at).copied().flatten();
        if owner.is_none_or(|owner| claim(owner, expected, found, owners, tried)) {
            if let Some(owner) = owners.get_mut(at) {
                *owner = Some(position);
            }
            return true;
        }
    }
    false
}

impl ExpectedFinding {
    fn is_met_by(&self, finding: &Finding) -> bool {
        let place = &finding.violation.place;
        self.check == finding.check.id
            && self.path.as_ref().is_none_or(|path| *path == place.path || *path == place.key)
            && self.mode.is_none_or(|mode| mode == finding.mode)
            && self.state.is_none_or(|state| state.id() == finding.state.id())
    }
}

/// `host-port: spec.containers[0].ports[0].hostPort (enforce, new)`, without what is not compared.
impl std::fmt::Display for ExpectedFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.check)?;
        if let Some(path) = &self.path {
            write!(f, ": {path}")?;
        }
        let words = self.mode.map(|mode| mode.id()).into_iter().chain(self.state.map(|state| state.id()));
        match words.collect::<Vec<_>>().as_slice() {
            [] => Ok(()),
            words => write!(f, " ({})", words.join(", ")),
        }
    }
}
