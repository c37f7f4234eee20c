//! The cluster's own policies and exemptions as they are told, put in force one by one, and what is known of each.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::InForce;
use crate::{
    cluster::{
        self,
        definitions::{Counts, Facts, Known, News, PolicyFacts, Told},
    },
    policy::{Definition, Mode},
    server::{Condition, State},
};

/// Which of the two kinds is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::serve) enum Own {
    Policies,
    Exemptions,
}

/// How well the API server is heard about a kind.
#[derive(Debug, Default)]
pub(super) enum Hearing {
    /// Nobody listens: there is no cluster.
    #[default]
    None,
    /// Nothing has been told yet; with the reason, where one is known.
    Awaited(Option<String>),
    Heard,
    /// The kind is not defined there.
    Undefined,
    /// What was told stands; since when nothing is heard, and why.
    Lost(Timestamp, String),
}

/// How long nothing may be heard before somebody should look: an API server restarts now and then.
const LOST: SignedDuration = SignedDuration::from_secs(60);

impl InForce {
    /// Takes in what the API server tells of a kind. True once everything that it holds of it is known, or that it
    /// holds nothing.
    pub(in crate::cli::serve) fn take_objects(&self, own: Own, told: Told<'_>) -> bool {
        let mut sources = self.lock();
        let mut news = News::Nothing;
        let before = std::mem::take(sources.hearing(own));
        let was_known = before.is_known();
        let after = match told {
            Told::News(cluster::News::Whole) => Hearing::Heard,
            Told::News(cluster::News::Lost(reason) | cluster::News::Forbidden(reason)) => {
                before.lost(reason.to_owned())
            }
            Told::News(change) => {
                let policies = self.gate.policies();
                let now = Timestamp::now();
                let objects = &mut sources.known.objects;
                news = match own {
                    Own::Policies => objects.policies.take(&change, &Definition::read),
                    Own::Exemptions => objects.exemptions.take(&change, &|name, spec| {
                        policies.read_exemption(name, spec, now).map_err(|flaw| vec![flaw])
                    }),
                };
                // A list that has only begun may break off as the one before did.
                before
            }
            Told::NotDefined => Hearing::Undefined,
        };
        let is_known = after.is_known();
        *sources.hearing(own) = after;
        // Before everything is known, half of it would be in force for a moment.
        let is_first = !was_known && !sources.known.objects.is_empty();
        if is_known && (news == News::Content || is_first) {
            let set = sources.known.policy_set(&self.rules);
            self.put(&mut sources, set);
        }
        drop(sources);
        if news > News::Nothing {
            self.news.notify_one();
        }
        is_known
    }
}

impl Hearing {
    pub(super) const AWAITED: Self = Self::Awaited(None);

    fn is_known(&self) -> bool {
        matches!(self, Self::Heard | Self::Undefined | Self::Lost(..))
    }

    fn lost(self, reason: String) -> Self {
        match self {
            Self::None | Self::Awaited(_) => Self::Awaited(Some(reason)),
            Self::Heard | Self::Undefined => Self::Lost(Timestamp::now(), reason),
            Self::Lost(since, _) => Self::Lost(since, reason),
        }
    }

    /// What is to be said of it, unless everything is well.
    pub(super) fn trouble(&self, kind: &str, now: Timestamp) -> Option<(State, String)> {
        match self {
            Self::None | Self::Heard => None,
            Self::Awaited(None) => Some((State::Unmet, format!("the cluster's {kind} are not read yet"))),
            Self::Awaited(Some(reason)) => {
                Some((State::Unmet, format!("the cluster's {kind} are not read yet: {reason}")))
            }
            Self::Undefined => {
                let detail = format!(
                    "the cluster does not know {kind}.soc2gate.io, so that only files count: kubectl apply -f manifests/base/05-definitions.yaml"
                );
                Some((State::Degraded, detail))
            }
            Self::Lost(since, reason) if now.duration_since(*since) > LOST => {
                let detail = format!("nothing was heard of the cluster's {kind} since {since}: {reason}");
                Some((State::Degraded, detail))
            }
            Self::Lost(..) => None,
        }
    }
}

/// The worst of what there is to say, or what is well.
pub(super) fn condition(well: String, troubles: Vec<(State, String)>) -> Condition {
    let is_unmet = troubles.iter().any(|(state, _)| *state == State::Unmet);
    let state = match (troubles.is_empty(), is_unmet) {
        (true, _) => return Condition::new("policies", State::Met, well),
        (false, true) => State::Unmet,
        (false, false) => State::Degraded,
    };
    let details: Vec<_> = troubles.into_iter().map(|(_, detail)| detail).collect();
    Condition::new("policies", state, details.join("; "))
}

impl Known for InForce {
    fn each(&self, findings: Option<&BTreeMap<String, u64>>, tell: &mut dyn FnMut(&str, Facts<'_>)) {
        let sources = self.lock();
        // Half a list makes half a set, of which nothing should be said.
        if !sources.policies.is_known() {
            return;
        }
        let policies = self.gate.policies();
        for (name, holding) in sources.known.objects.policies.iter() {
            let own = || {
                let bound = policies.bound().iter().filter(|bound| bound.policy.name == name);
                bound.filter(|_| holding.in_force.is_some())
            };
            let is_lowered = own().any(|bound| bound.mode < bound.stated_mode) || {
                // What the ceiling switches off is not even bound.
                let stated = holding.in_force.iter().flat_map(|(_, policy)| &policy.policy().checks);
                stated.filter(|entry| entry.mode > Mode::Off).count() > own().count()
            };
            let facts = PolicyFacts {
                holding,
                counts: Counts::of(own().map(|bound| bound.mode)),
                is_lowered,
                instead: sources.known.below(name),
                findings: findings.map(|findings| findings.get(name).copied().unwrap_or_default()),
            };
            tell(name, Facts::Policy(facts));
        }
        if sources.exemptions.is_known() {
            for (name, holding) in sources.known.objects.exemptions.iter() {
                tell(name, Facts::Exemption(holding));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_awaited_holds_reviews_up_and_what_is_lost_does_not() {
        let now = Timestamp::UNIX_EPOCH;
        let state =
            |hearing: &Hearing, at: Timestamp| hearing.trouble("exemptions", at).map(|(state, _)| state);
        assert_eq!(state(&Hearing::None, now), None);
        assert_eq!(state(&Hearing::AWAITED, now), Some(State::Unmet));
        assert_eq!(state(&Hearing::AWAITED.lost("forbidden".into()), now), Some(State::Unmet));
        assert_eq!(state(&Hearing::Heard, now), None);
        assert_eq!(state(&Hearing::Undefined, now), Some(State::Degraded));
        let lost = Hearing::Lost(now, "Connection refused".into());
        assert_eq!(state(&lost, now + SignedDuration::from_secs(59)), None);
        assert_eq!(state(&lost, now + SignedDuration::from_secs(61)), Some(State::Degraded));
        assert!(matches!(lost.lost("again".into()), Hearing::Lost(since, _) if since == now));
    }
}
