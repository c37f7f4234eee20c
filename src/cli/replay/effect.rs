//! What a check does to a request, and how that differs between two sets of rules.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    decision::{Decision, Finding, State},
    policy::Mode,
};

/// The hardest that a check does to one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Effect {
    /// It finds nothing that counts: nothing at all, or only what is exempted.
    #[default]
    None,
    Recorded,
    Warned,
    Denied,
}

impl Effect {
    fn of(finding: &Finding, is_static: bool) -> Self {
        if matches!(finding.state, State::Exempted(_)) || finding.mode == Mode::Off {
            Self::None
        } else if finding.denies() && !is_static {
            Self::Denied
        } else if finding.warns() || finding.denies() {
            Self::Warned
        } else {
            Self::Recorded
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::None => "unnoticed",
            Self::Recorded => "recorded",
            Self::Warned => "warned",
            Self::Denied => "denied",
        }
    }
}

/// What each check that found something does to the request.
pub(super) fn effects(decision: &Decision) -> BTreeMap<&'static str, Effect> {
    let mut effects = BTreeMap::new();
    for finding in &decision.findings {
        let effect: &mut Effect = effects.entry(finding.check.id).or_default();
        *effect = (*effect).max(Effect::of(finding, decision.is_static));
    }
    effects
}

/// A check that does something else to a request under the other rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shift {
    pub(super) before: Effect,
    pub(super) after: Effect,
}

/// What each check does otherwise under the other rules.
pub(super) fn shifts(before: &Decision, after: &Decision) -> BTreeMap<&'static str, Shift> {
    let (before, after) = (effects(before), effects(after));
    let of = |effects: &BTreeMap<&str, Effect>, check: &str| effects.get(check).copied().unwrap_or_default();
    let checks = before.keys().chain(after.keys());
    let shift =
        |check: &&'static str| (*check, Shift { before: of(&before, check), after: of(&after, check) });
    checks.map(shift).filter(|(_, shift)| shift.before != shift.after).collect()
}

impl Shift {
    /// Where it comes in a list: what is newly denied first, what is no longer recorded last.
    pub(super) fn rank(self) -> impl Ord {
        std::cmp::Reverse((self.before.max(self.after), self.after))
    }
}

/// `newly denied`, `no longer denied, only warned`.
impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.before, self.after) {
            (before, after) if after > before => write!(f, "newly {}", after.id()),
            (before, Effect::None) => write!(f, "no longer {}", before.id()),
            (before, after) => write!(f, "no longer {}, only {}", before.id(), after.id()),
        }
    }
}
