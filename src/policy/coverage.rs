//! What the policies in force speak to, criterion by criterion, and what they cannot: the honest answer to "are we
//! covered?".

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{Mode, PolicySet};
use crate::{
    check::{Check, Examiner},
    checks,
    criterion::{Criterion, NOT_ADDRESSED, NOT_ASSESSABLE, Strength},
};

/// The coverage of a set of policies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Checks in force, each counted once.
    pub checks: usize,
    pub criteria: Vec<Row>,
    pub not_addressed: Vec<NotAddressed>,
    pub not_assessable: Vec<NotAssessable>,
}

/// One criterion.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub criterion: &'static str,
    /// In our own words.
    pub topic: &'static str,
    /// What the policies filed here promise.
    pub controls: Vec<String>,
    /// The checks filed here, as our users group them.
    pub filed: Vec<Filed>,
    /// The checks whose official mapping names the criterion, by strength. Reports go by these.
    pub direct: Vec<&'static str>,
    pub supporting: Vec<&'static str>,
    pub context: Vec<&'static str>,
    pub cannot_show: &'static str,
}

/// A check in force, and how hard.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Filed {
    pub check: &'static str,
    /// The hardest mode that any policy gives it.
    pub mode: &'static str,
    /// The mandatory parameter that is still empty: until it is filled the check assesses nothing and counts for
    /// nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<&'static str>,
}

/// A check under the policy that takes it most seriously.
#[derive(Clone, Copy)]
struct InForce {
    check: &'static Check,
    mode: Mode,
    waits_for: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub struct NotAddressed {
    pub criteria: &'static str,
    pub why: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NotAssessable {
    pub what: &'static str,
    pub shown_by: &'static str,
}

impl Coverage {
    /// The coverage of what is in force: a check that is off covers nothing.
    pub fn of(policies: &PolicySet) -> Self {
        let mut hardest: BTreeMap<&str, InForce> = BTreeMap::new();
        for bound in policies.bound() {
            let waits_for = match bound.examiner {
                Examiner::Unfilled { parameter } => Some(parameter),
                _ => None,
            };
            let this = InForce { check: bound.check, mode: bound.mode, waits_for };
            let known = hardest.entry(bound.check.id).or_insert(this);
            if (waits_for.is_none(), bound.mode) > (known.waits_for.is_none(), known.mode) {
                *known = this;
            }
        }
        let in_force: Vec<_> = checks::all().filter_map(|check| hardest.remove(check.id)).collect();
        let not_assessable = |open: &crate::criterion::NotAssessable| NotAssessable {
            what: open.what,
            shown_by: open.shown_by,
        };
        Self {
            checks: in_force.len(),
            criteria: Criterion::ALL
                .into_iter()
                .map(|criterion| Row::of(criterion, &in_force, policies))
                .filter(|row| !row.is_empty_family())
                .collect(),
            not_addressed: NOT_ADDRESSED
                .iter()
                .map(|(criteria, why)| NotAddressed { criteria, why })
                .collect(),
            not_assessable: NOT_ASSESSABLE.iter().map(not_assessable).collect(),
        }
    }
}

impl Row {
    fn of(criterion: Criterion, in_force: &[InForce], policies: &PolicySet) -> Self {
        let speaking = |strength: Strength| {
            let speaks = |check: &&'static Check| {
                check.tsc.iter().any(|s| s.criterion == criterion && s.strength == strength)
            };
            let assessing = in_force.iter().filter(|one| one.waits_for.is_none());
            assessing.map(|one| one.check).filter(speaks).map(|check| check.id).collect()
        };
        let filed = in_force.iter().filter(|one| one.check.criterion == criterion).map(|one| Filed {
            check: one.check.id,
            mode: one.mode.id(),
            waits_for: one.waits_for,
        });
        let controls = policies.policies().iter().filter(|policy| policy.criterion == criterion);
        Self {
            criterion: criterion.id(),
            topic: criterion.topic(),
            controls: controls.map(|policy| policy.control.clone()).collect(),
            filed: filed.collect(),
            direct: speaking(Strength::Direct),
            supporting: speaking(Strength::Supporting),
            context: speaking(Strength::Context),
            cannot_show: criterion.cannot_show(),
        }
    }

    /// Whether this is a family (`A1`) under which nothing is filed: its members speak for it.
    fn is_empty_family(&self) -> bool {
        !self.criterion.contains('.') && self.filed.is_empty() && self.is_silent()
    }

    /// Whether no check in force speaks to the criterion at all.
    pub fn is_silent(&self) -> bool {
        self.direct.is_empty() && self.supporting.is_empty()
    }

    /// The strongest that can be claimed here.
    pub fn strength(&self) -> &'static str {
        if !self.direct.is_empty() {
            "direct"
        } else if !self.supporting.is_empty() {
            "supporting"
        } else if self.controls.is_empty() || self.filed.is_empty() {
            "nothing"
        } else {
            "by its members"
        }
    }
}

impl fmt::Display for Coverage {
    /// As Markdown, for the page of policies.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Criterion | Filed here | Direct | Supporting | Strength | What it cannot show |")?;
        writeln!(f, "| --- | ---: | ---: | ---: | --- | --- |")?;
        for row in &self.criteria {
            let (filed, direct, supporting) = (row.filed.len(), row.direct.len(), row.supporting.len());
            let Row { criterion, cannot_show, .. } = row;
            let strength = row.strength();
            writeln!(f, "| {criterion} | {filed} | {direct} | {supporting} | {strength} | {cannot_show} |")?;
        }
        for NotAddressed { criteria, why } in &self.not_addressed {
            writeln!(f, "| {criteria} | 0 | 0 | 0 | not addressed | {why} |")?;
        }
        writeln!(f, "\nNot assessable here, whatever is in force, and who could show it:\n")?;
        for NotAssessable { what, shown_by } in &self.not_assessable {
            writeln!(f, "- {what}: {shown_by}.")?;
        }
        Ok(())
    }
}
