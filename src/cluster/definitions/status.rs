//! What is to be said of an object in its status: decided from what is known, without asking anybody.

use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Condition, ControlPolicyStatus, Counts, ExemptionStatus, Holding, condition::READY};
use crate::policy::{Definition, Exemption, ExemptionState};

/// What is said of what cannot be used.
const INVALID: &str = "Invalid";

/// What a policy of the cluster is worth.
pub struct PolicyFacts<'f> {
    pub holding: &'f Holding<Definition>,
    /// The checks that this object has in force, under the ceiling.
    pub counts: Counts,
    /// Whether the ceiling lowers any of them.
    pub is_lowered: bool,
    /// What is in force instead while no version of it can be used: a file, or what comes with the program.
    pub instead: Option<String>,
    /// What the last scan found; nothing before the first.
    pub findings: Option<u64>,
}

impl PolicyFacts<'_> {
    /// What is to be said, if that is anything new.
    pub fn news(&self, said: Option<&Value>, now: Timestamp) -> Option<Value> {
        let said: ControlPolicyStatus = read(said);
        let holding = self.holding;
        let (is_ready, reason, message) = if holding.flaws.is_empty() {
            let Counts { total, .. } = self.counts;
            let lowered = if self.is_lowered { ", lowered by --mode-ceiling" } else { "" };
            (true, "InForce", format!("{total} checks in force{lowered}"))
        } else {
            let stays = match (&holding.in_force, &self.instead) {
                (Some((generation, _)), _) => format!("generation {generation} stays in force"),
                (None, Some(instead)) => format!("{instead} is in force instead"),
                (None, None) => "nothing of it is in force".to_owned(),
            };
            (false, INVALID, format!("{}. Meanwhile {stays}", holding.trouble()))
        };
        let moment = (holding.generation, now);
        let told = ControlPolicyStatus {
            observed_generation: Some(holding.generation),
            checks: Some(self.counts),
            // Until the first scan of this leader, what another found still stands.
            findings: self.findings.and_then(|found| i64::try_from(found).ok()).or(said.findings),
            conditions: vec![Condition::ready(&said.conditions, is_ready, reason, &message, moment)],
        };
        let is_new = told != ControlPolicyStatus { conditions: ours(&said.conditions), ..said };
        is_new.then(|| written(&told))
    }
}

/// What is to be said of an exemption, if that is anything new.
pub fn exemption_news(holding: &Holding<Exemption>, said: Option<&Value>, now: Timestamp) -> Option<Value> {
    let said: ExemptionStatus = read(said);
    let held = holding.in_force.as_ref();
    let newest = held.filter(|_| holding.flaws.is_empty()).map(|(_, exemption)| exemption);
    let state = newest.map(|exemption| exemption.state(now));
    let (reason, message) = match (state, held) {
        (Some(ExemptionState::Pending), Some((_, exemption))) => {
            let from = exemption.starts.map_or_else(String::new, |starts| format!(" before {starts}"));
            ("Pending", format!("it does not hold{from}"))
        }
        (Some(ExemptionState::Active), Some((_, exemption))) => {
            ("InForce", format!("it holds until {}", exemption.expires))
        }
        (Some(ExemptionState::Expired), Some((_, exemption))) => {
            ("Expired", format!("it has not held since {}", exemption.expires))
        }
        (_, Some((generation, _))) => {
            (INVALID, format!("{}. Meanwhile generation {generation} stays in force", holding.trouble()))
        }
        (_, None) => (INVALID, format!("{}. Meanwhile nothing of it is in force", holding.trouble())),
    };
    let is_ready = state == Some(ExemptionState::Active);
    let name = match state {
        Some(ExemptionState::Pending) => "Pending",
        Some(ExemptionState::Active) => "Active",
        Some(ExemptionState::Expired) => "Expired",
        None => INVALID,
    };
    let moment = (holding.generation, now);
    let told = ExemptionStatus {
        observed_generation: Some(holding.generation),
        state: Some(name.to_owned()),
        subject: held.map(|(_, exemption)| exemption.subject.to_string()),
        conditions: vec![Condition::ready(&said.conditions, is_ready, reason, &message, moment)],
    };
    let is_new = told != ExemptionStatus { conditions: ours(&said.conditions), ..said };
    is_new.then(|| written(&told))
}

/// Whether it has been said of this version that it cannot be used.
pub(super) fn is_said_to_be_invalid(said: Option<&Value>, generation: i64) -> bool {
    let ControlPolicyStatus { conditions, .. } = read(said);
    ours(&conditions).iter().any(|one| one.reason == INVALID && one.observed_generation == Some(generation))
}

/// When the state of an exemption changes next by itself.
pub fn next_change(exemption: &Exemption, now: Timestamp) -> Option<Timestamp> {
    exemption.starts.into_iter().chain([exemption.expires]).filter(|moment| *moment > now).min()
}

/// A status as it stands; what cannot be read is said anew.
fn read<T: DeserializeOwned + Default>(said: Option<&Value>) -> T {
    said.and_then(|said| T::deserialize(said).ok()).unwrap_or_default()
}

fn written(told: &impl Serialize) -> Value {
    // Strings and numbers only: there is nothing that JSON could refuse.
    serde_json::to_value(told).unwrap_or_default()
}

/// The conditions that we write; others may stand beside them.
fn ours(conditions: &[Condition]) -> Vec<Condition> {
    conditions.iter().filter(|condition| condition.r#type == READY).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Flaw, Loaded, Mode, PolicySet, Settings};

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    const SPEC: &str =
        r#"{"criterion":"CC6.1","control":"T.","checks":[{"id":"host-port","mode":"enforce"}]}"#;

    fn holding<T>(generation: i64, flaws: &[&str], in_force: Option<(i64, T)>) -> Holding<T> {
        Holding {
            uid: "u".to_owned(),
            generation,
            resource_version: "1".to_owned(),
            spec: String::new(),
            status: None,
            flaws: flaws.iter().map(|flaw| Flaw::new("spec.checks[0].id", *flaw)).collect(),
            in_force,
        }
    }

    fn facts(holding: &Holding<Definition>) -> PolicyFacts<'_> {
        let counts = Counts::of([Mode::Enforce, Mode::Warn, Mode::Warn, Mode::Off]);
        PolicyFacts { holding, counts, is_lowered: false, instead: None, findings: None }
    }

    #[test]
    fn what_has_been_said_is_not_said_again() {
        let held = holding(3, &[], Some((3, Definition::read("pods", SPEC).unwrap())));
        let said = facts(&held).news(None, at("2027-01-15T12:00:00Z")).unwrap();
        assert_eq!(said["checks"], serde_json::json!({"total": 3, "enforce": 1, "warn": 2, "audit": 0}));
        assert_eq!(
            (&said["conditions"][0]["status"], &said["observedGeneration"]),
            (&"True".into(), &3.into())
        );
        assert_eq!(facts(&held).news(Some(&said), at("2027-01-16T12:00:00Z")), None);
        // Somebody else's condition beside ours is no news either.
        let mut shared = said.clone();
        let other = serde_json::json!({"type": "Other", "status": "True", "reason": "R", "message": "",
                                       "lastTransitionTime": "2027-01-15T12:00:00Z"});
        shared["conditions"].as_array_mut().unwrap().push(other);
        assert_eq!(facts(&held).news(Some(&shared), at("2027-01-16T12:00:00Z")), None);
    }

    #[test]
    fn a_condition_keeps_its_time_as_long_as_it_is_so() {
        let good = holding(1, &[], Some((1, Definition::read("pods", SPEC).unwrap())));
        let first = facts(&good).news(None, at("2027-01-15T12:00:00Z")).unwrap();
        let newer = holding(2, &[], good.in_force.clone());
        let second = facts(&newer).news(Some(&first), at("2027-01-16T12:00:00Z")).unwrap();
        assert_eq!(second["conditions"][0]["lastTransitionTime"], "2027-01-15T12:00:00Z");
        let bad = holding(3, &["unknown check `x`"], good.in_force.clone());
        let third = facts(&bad).news(Some(&second), at("2027-01-17T12:00:00Z")).unwrap();
        assert_eq!(third["conditions"][0]["lastTransitionTime"], "2027-01-17T12:00:00Z");
        assert_eq!(third["conditions"][0]["reason"], "Invalid");
        assert_eq!(
            third["conditions"][0]["message"],
            "spec.checks[0].id: unknown check `x`. Meanwhile generation 1 stays in force"
        );
    }

    #[test]
    fn findings_of_another_leader_stand_until_the_next_scan() {
        let held = holding(1, &[], Some((1, Definition::read("pods", SPEC).unwrap())));
        let now = at("2027-01-15T12:00:00Z");
        let said = PolicyFacts { findings: Some(7), ..facts(&held) }.news(None, now).unwrap();
        assert_eq!(said["findings"], 7);
        assert_eq!(facts(&held).news(Some(&said), now), None);
        let fewer = PolicyFacts { findings: Some(0), ..facts(&held) }.news(Some(&said), now).unwrap();
        assert_eq!(fewer["findings"], 0);
    }

    fn policies() -> PolicySet {
        Loaded::shipped().unwrap().bind(&Settings::default()).unwrap()
    }

    #[test]
    fn an_exemption_changes_its_state_as_time_passes() {
        let now = at("2027-01-15T12:00:00Z");
        let spec = r#"{"check":"host-port","subject":{"namespace":"shop","kind":"Pod"},"reason":"R.","ticket":"T-1",
            "requestedBy":"bob","approvedBy":"ann","starts":"2027-01-20","expires":"2027-01-31"}"#;
        let exemption = policies().read_exemption("e", spec, now).unwrap();
        assert_eq!(next_change(&exemption, now), Some(at("2027-01-20T00:00:00Z")));
        assert_eq!(next_change(&exemption, at("2027-02-01T00:00:00Z")), None);
        let held = holding(1, &[], Some((1, exemption)));
        for (time, state, status, reason) in [
            ("2027-01-15T12:00:00Z", "Pending", "False", "Pending"),
            ("2027-01-20T00:00:00Z", "Active", "True", "InForce"),
            ("2027-02-01T00:00:00Z", "Expired", "False", "Expired"),
        ] {
            let said = exemption_news(&held, None, at(time)).unwrap();
            assert_eq!(
                (&said["state"], &said["subject"]),
                (&state.into(), &"namespace=shop kind=Pod".into())
            );
            let ready = &said["conditions"][0];
            assert_eq!((&ready["status"], &ready["reason"]), (&status.into(), &reason.into()));
            assert_eq!(exemption_news(&held, Some(&said), at(time)), None);
        }
        let bad = Holding { flaws: vec![Flaw::new("spec.check", "no policy has it")], ..held };
        let said = exemption_news(&bad, None, now).unwrap();
        assert_eq!(said["state"], "Invalid");
        assert_eq!(
            said["conditions"][0]["message"],
            "spec.check: no policy has it. Meanwhile generation 1 stays in force"
        );
    }
}
