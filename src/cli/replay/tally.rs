//! Counts what a replay decides, so that a recording of any length costs no more memory than what is told of it.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::effect::{Effect, Shift, effects, shifts};
use crate::{
    cli::{
        decided::{self, Decided, Named, Outcomes},
        suppressed::Suppressed,
    },
    decision::{Decision, Finding, State, printable},
    manifest::Unusable,
    request::{Operation, Owner, Request},
};

/// How many unusable places are told one by one.
const MOST_UNUSABLE: usize = 20;

/// Everything that is told at the end.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) files: usize,
    pub(super) outcomes: Outcomes,
    /// When the first and the last of the requests were received, where that is recorded.
    pub(super) period: Option<(Timestamp, Timestamp)>,
    pub(super) checks: BTreeMap<&'static str, ByEffect>,
    /// By name; empty for objects outside namespaces.
    pub(super) namespaces: HashMap<String, Activity>,
    pub(super) requesters: HashMap<String, Activity>,
    /// Updates with something in them that may not be new: the object as it was is not recorded.
    pub(super) without_old_object: usize,
    /// The same for what controllers made: the templates of the owners are not recorded.
    pub(super) without_template: usize,
    pub(super) not_assessed: BTreeMap<(&'static str, String), usize>,
    pub(super) suppressed: Suppressed,
    pub(super) errors: BTreeMap<String, usize>,
    /// Requests that nobody can decide any more, by reason.
    pub(super) not_in_full: BTreeMap<&'static str, usize>,
    /// What is outside the population, by reason.
    pub(super) left_out: BTreeMap<&'static str, usize>,
    pub(super) recorded: Recorded,
    pub(super) against: Option<Against>,
    /// What is told one by one, if anything is.
    pub(super) details: Option<Vec<Detail>>,
    pub(super) notes: Vec<String>,
    pub(super) unusable: Vec<Unusable>,
    pub(super) unusable_count: usize,
}

/// How many requests a check would do what to; each counts once, as the hardest.
#[derive(Default, Serialize)]
pub(super) struct ByEffect {
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) recorded: usize,
    pub(super) exempted: usize,
}

/// How much a namespace or a requester asked, and how it went.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Activity {
    pub(super) requests: usize,
    pub(super) denied: usize,
    pub(super) warned: usize,
}

/// What the gate annotated at the time, compared with what is decided now.
#[derive(Default)]
pub(super) struct Recorded {
    pub(super) compared: usize,
    /// By decision then and now.
    pub(super) differing: BTreeMap<(String, &'static str), Differing>,
}

#[derive(Default)]
pub(super) struct Differing {
    pub(super) requests: usize,
    /// Of these, those that the ratchet might explain: what was there before is not recorded.
    pub(super) without_before: usize,
}

/// The same requests under other rules.
#[derive(Default)]
pub(super) struct Against {
    pub(super) outcomes: Outcomes,
    /// Requests that some check treats otherwise, or that are decided otherwise.
    pub(super) changed: usize,
    pub(super) newly_refused: usize,
    pub(super) no_longer_refused: usize,
    pub(super) shifts: BTreeMap<Group, usize>,
}

/// Requests that change in the same way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) check: &'static str,
    pub(super) shift: Shift,
    /// The object, or what it belongs to, so that replicas count together.
    pub(super) object: String,
    pub(super) requester: String,
}

/// One request, told in full.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Detail {
    #[serde(flatten)]
    pub(super) decided: Decided,
    /// What the gate decided at the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) recorded_decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against: Option<DetailAgainst>,
}

#[derive(Serialize)]
pub(super) struct DetailAgainst {
    pub(super) decision: &'static str,
    /// What each check does otherwise: `host-port: newly denied`.
    pub(super) changes: Vec<String>,
}

/// What is known of one request beside the decision.
#[derive(Clone, Copy)]
pub(super) struct Circumstances<'a> {
    pub(super) time: Option<Timestamp>,
    pub(super) recorded: Option<&'a str>,
}

impl Tally {
    /// Takes a request and its decision in; tells whether there is anything to tell about it.
    pub(super) fn take(
        &mut self,
        request: &Request<'_>,
        decision: &Decision,
        Circumstances { time, recorded }: Circumstances<'_>,
    ) -> bool {
        self.outcomes.count(decision.outcome);
        if let Some(time) = time {
            let (first, last) = self.period.unwrap_or((time, time));
            self.period = Some((first.min(time), last.max(time)));
        }
        let effects = effects(decision);
        let hardest = effects.values().copied().max().unwrap_or_default();
        for (check, effect) in &effects {
            self.checks.entry(check).or_default().count(*effect);
        }
        let namespace = printable(&request.namespace).into_owned();
        let requester = decided::requester(request);
        for (name, activity) in [(namespace, &mut self.namespaces), (requester, &mut self.requesters)] {
            let activity = activity.entry(name).or_default();
            activity.requests += 1;
            activity.denied += usize::from(!decision.outcome.admits());
            activity.warned += usize::from(decision.outcome.admits() && hardest >= Effect::Warned);
        }
        let lacking = lacking(request, decision);
        self.without_old_object += usize::from(lacking == Some(Before::Object));
        self.without_template += usize::from(lacking == Some(Before::Template));
        for unassessed in &decision.unassessed {
            let key = (unassessed.check.id, unassessed.missing.reason().to_owned());
            *self.not_assessed.entry(key).or_default() += 1;
        }
        self.suppressed.note(decision);
        for error in &decision.errors {
            // Where in its text an object does not decode makes no difference here.
            let error = error.rsplit_once(" at line ").map_or(&**error, |(error, _)| error);
            *self.errors.entry(printable(error).into_owned()).or_default() += 1;
        }
        let disagrees =
            recorded.is_some_and(|recorded| self.recorded.take(recorded, decision, lacking.is_some()));
        disagrees || !decision.findings.is_empty() || !decision.errors.is_empty()
    }

    pub(super) fn leave_out(&mut self, reason: &'static str) {
        *self.left_out.entry(reason).or_default() += 1;
    }

    pub(super) fn refuse(&mut self, unusable: Unusable) {
        self.unusable_count += 1;
        if self.unusable.len() < MOST_UNUSABLE {
            self.unusable.push(unusable);
        }
    }

    /// Whether anything is decided otherwise: under the other rules, or where there are none, than at the time.
    /// Where only the ratchet may make the difference, nothing is said.
    pub(super) fn differs(&self) -> bool {
        match &self.against {
            Some(against) => against.changed > 0,
            None => self.recorded.differing.values().any(|by| by.requests > by.without_before),
        }
    }
}

/// What the ratchet would have had to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The object as it was before an update.
    Object,
    /// The template of the owner that a controller makes an object for.
    Template,
}

/// What the ratchet lacked, where it might have made a difference: what counts as new may have been there before.
fn lacking(request: &Request<'_>, decision: &Decision) -> Option<Before> {
    let counts = |finding: &Finding| finding.state == State::New && (finding.denies() || finding.warns());
    if !decision.findings.iter().any(counts) {
        None
    } else if request.operation == Some(Operation::Update) && !request.old.is_present() {
        Some(Before::Object)
    } else {
        decision.root.as_ref().filter(|_| request.is_by_controller()).map(|_| Before::Template)
    }
}

impl ByEffect {
    const fn count(&mut self, effect: Effect) {
        let count = match effect {
            Effect::None => &mut self.exempted,
            Effect::Recorded => &mut self.recorded,
            Effect::Warned => &mut self.warned,
            Effect::Denied => &mut self.denied,
        };
        *count += 1;
    }
}

impl Recorded {
    /// Compares; true if they disagree.
    fn take(&mut self, recorded: &str, decision: &Decision, lacks_before: bool) -> bool {
        self.compared += 1;
        let now = decision.outcome.id();
        if recorded == now {
            return false;
        }
        let then = printable(&recorded.chars().take(20).collect::<String>()).into_owned();
        let differing = self.differing.entry((then, now)).or_default();
        differing.requests += 1;
        differing.without_before += usize::from(lacks_before);
        true
    }
}

impl Against {
    /// Takes in what the other rules decide; returns it for the details if anything differs.
    pub(super) fn take(
        &mut self,
        request: &Request<'_>,
        before: &Decision,
        after: &Decision,
    ) -> Option<DetailAgainst> {
        self.outcomes.count(after.outcome);
        let shifts = shifts(before, after);
        if shifts.is_empty() && before.outcome == after.outcome {
            return None;
        }
        self.changed += 1;
        match (before.outcome.admits(), after.outcome.admits()) {
            (true, false) => self.newly_refused += 1,
            (false, true) => self.no_longer_refused += 1,
            _ => {}
        }
        for (check, shift) in &shifts {
            let requester = decided::requester(request);
            let root = before.root.as_ref().or(after.root.as_ref());
            let group = Group { check, shift: *shift, object: object(request, root), requester };
            *self.shifts.entry(group).or_default() += 1;
        }
        let changes = shifts.iter().map(|(check, shift)| format!("{check}: {shift}")).collect();
        Some(DetailAgainst { decision: after.outcome.id(), changes })
    }

    /// The changes, those that matter most first.
    pub(super) fn groups(&self) -> Vec<(&Group, usize)> {
        let mut groups: Vec<_> = self.shifts.iter().map(|(group, requests)| (group, *requests)).collect();
        groups
            .sort_by_key(|(group, requests)| (group.shift.rank(), group.check, std::cmp::Reverse(*requests)));
        groups
    }
}

/// The object that a request is about; for what a controller makes, the owner it was made for.
fn object(request: &Request<'_>, root: Option<&Owner>) -> String {
    let mut named = Named::of(request);
    if let Some(owner) = root
        && request.is_by_controller()
    {
        named.name = printable(&owner.name).into_owned();
        let (kind, owner) = (&named.kind, printable(&owner.kind));
        named.kind = format!("{kind} of {owner}");
    }
    named.to_string()
}
