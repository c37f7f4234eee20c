//! Whether a change of one policy lets anything through that nothing let through before.

use std::collections::HashSet;

use super::{
    Isolation,
    labels::{Bearer, Sketch, Status, conditions},
    ports::Ports,
    realm::{Clause, Ground, Witness},
    search::{Budget, TooMuch},
};
use crate::object::{Direction, NetworkPolicy, NetworkPolicyRule, Selector};

/// A policy that changes or goes, amid the others of its namespace.
#[derive(Clone, Debug)]
pub struct Change<'p> {
    /// The other policies.
    pub standing: Isolation<'p>,
    pub before: &'p NetworkPolicy,
    /// None if the policy goes.
    pub after: Option<&'p NetworkPolicy>,
}

/// Something that goes through afterwards and did not before.
#[derive(Clone, Debug)]
pub struct Loosening {
    pub direction: Direction,
    pub cause: Cause,
    /// Who can now do what; none if the change was too much to compare and counts as loosening for that.
    pub witness: Option<Witness>,
}

/// What lets it through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Some pods are isolated no more.
    Isolation,
    /// The rule at this position of the policy as it is afterwards.
    Rule(usize),
}

impl<'p> Change<'p> {
    /// Everything that the change loosens: sound for every pod, namespace and address that there could be, whatever
    /// the inventory knows of them. What is too much to compare ends the list.
    pub fn loosened(&self) -> Vec<Loosening> {
        let mut found = Vec::new();
        let mut budget = Budget::new();
        for direction in Direction::ALL {
            if let Err(cause) = self.compare(direction, &mut found, &mut budget) {
                found.push(Loosening { direction, cause, witness: None });
                break;
            }
        }
        found
    }

    /// Compares one direction; what could not be compared is the error.
    fn compare(
        &self,
        direction: Direction,
        found: &mut Vec<Loosening>,
        budget: &mut Budget,
    ) -> Result<(), Cause> {
        let mut note = |cause, witness: Option<Witness>| {
            if let Some(witness) = witness {
                found.push(Loosening { direction, cause, witness: self.confirmed(direction, witness) });
            }
        };
        note(Cause::Isolation, self.freed(direction, budget).map_err(|TooMuch| Cause::Isolation)?);
        let Some(after) = self.after else { return Ok(()) };
        // What the policy said before of the same pods it may go on saying.
        let is_narrower = covers_all_of(&self.before.pod_selector, &after.pod_selector);
        let stood: HashSet<_> = self.before.rules(direction).iter().filter(|_| is_narrower).collect();
        let rules = after.rules(direction).iter().enumerate();
        let new: Vec<_> = rules.filter(|(_, rule)| !stood.contains(rule)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let clauses = self.isolated_by(direction).map(|policy| Clause::rules(policy, direction));
        let grounds = Isolation::grounds(direction, &clauses.collect::<Vec<_>>());
        for (position, rule) in new {
            let cause = Cause::Rule(position);
            note(cause, self.opened(&grounds, direction, after, rule, budget).map_err(|TooMuch| cause)?);
        }
        Ok(())
    }

    /// The witness, unless it does not hold by the letter of the API. Then the search is wrong, and what remains is
    /// that it could not show the change to be harmless.
    fn confirmed(&self, direction: Direction, witness: Witness) -> Option<Witness> {
        let allows = |policy: Option<&'p NetworkPolicy>| {
            let mut isolation = self.standing.clone();
            isolation.policies.extend(policy);
            isolation.allows(direction, &witness.pod, witness.other.as_peer(), &witness.port)
        };
        let holds = allows(self.after) && !allows(Some(self.before));
        holds.then_some(witness)
    }

    /// The policies that isolated anything before.
    fn isolated_by(&self, direction: Direction) -> impl Iterator<Item = &'p NetworkPolicy> {
        let before = Some(self.before).filter(|before| before.isolates(direction));
        before.into_iter().chain(self.standing.isolating(direction))
    }

    /// A pod that only the policy isolated and that nothing isolates afterwards, and what no rule let through.
    fn freed(&self, direction: Direction, budget: &mut Budget) -> Result<Option<Witness>, TooMuch> {
        if !self.before.isolates(direction) {
            return Ok(None);
        }
        let after = self.after.filter(|after| after.isolates(direction));
        let still = self.standing.isolating(direction).chain(after).map(|policy| &policy.pod_selector);
        if still.clone().any(|selector| covers_all_of(selector, &self.before.pod_selector)) {
            return Ok(None);
        }
        let mut clauses: Vec<_> = still.map(Clause::everything).collect();
        clauses.push(Clause::rules(self.before, direction));
        let pod: Vec<_> = conditions(Bearer::Pod, &self.before.pod_selector).collect();
        for ground in Isolation::grounds(direction, &clauses) {
            let found = self.standing.uncovered(&ground, &pod, &[], &Ports::all(), budget)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// A pod that was isolated, somebody whom the rule means, and a port that no rule opened between them.
    fn opened(
        &self,
        grounds: &[Ground<'p>],
        direction: Direction,
        after: &'p NetworkPolicy,
        rule: &'p NetworkPolicyRule,
        budget: &mut Budget,
    ) -> Result<Option<Witness>, TooMuch> {
        let wanted = Ports::of(rule);
        for isolator in self.isolators(direction, &after.pod_selector) {
            let pod = [isolator, &after.pod_selector].map(|selector| conditions(Bearer::Pod, selector));
            let pod: Vec<_> = pod.into_iter().flatten().collect();
            for ground in grounds {
                let found = self.standing.uncovered(ground, &pod, rule.peers(direction), &wanted, budget)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// Selectors of the policies that isolated before: whoever was isolated is selected by one of them. One that
    /// selects all pods in question stands for all.
    fn isolators(&self, direction: Direction, among: &Selector) -> Vec<&'p Selector> {
        let mut all: Vec<_> = self.isolated_by(direction).map(|policy| &policy.pod_selector).collect();
        match all.iter().position(|selector| covers_all_of(selector, among)) {
            Some(one) => vec![all.swap_remove(one)],
            None => all,
        }
    }
}

/// Whether one selector selects whatever the other does.
fn covers_all_of(wide: &Selector, narrow: &Selector) -> bool {
    let mut sketch = Sketch::default();
    let wide: Vec<_> = conditions(Bearer::Pod, wide).collect();
    !sketch.demand_all(conditions(Bearer::Pod, narrow)) || sketch.status(&wide) == Status::Holds
}
