//! Whether some pod, whatever its labels, is open to everybody.

use super::{
    Isolation,
    labels::{Bearer, Sketch, Status, conditions},
    ports::Ports,
    realm::Clause,
    search::{Budget, Cover, TooMuch, uncovered},
};
use crate::object::{Direction, Labels, NetworkPolicy};

/// What stands between the pods of a namespace and everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Every pod, whatever its labels, is isolated, and none is open to everybody.
    Closed,
    /// No policy isolates a pod with these labels.
    Unisolated(Labels),
    /// The policies isolate a pod with these labels and then let everybody through.
    Opened(Labels),
    /// The selectors are too many and too entangled to tell.
    Unknown,
}

/// Policies decided for a pod in the making, the others not yet.
struct State<'p> {
    next: usize,
    sketch: Sketch<'p>,
    chosen: Vec<&'p NetworkPolicy>,
}

impl<'p> Isolation<'p> {
    /// Whether a pod of the namespace could be open to everybody in a direction. A rule for everybody on some ports
    /// makes a pod open only if it is given to all pods: then it was chosen for none of them.
    pub fn exposure(&self, direction: Direction) -> Exposure {
        let mut budget = Budget::new();
        self.unisolated(direction, &mut budget)
            .and_then(|found| Ok(found.or(self.opened(direction, &mut budget)?).unwrap_or(Exposure::Closed)))
            .unwrap_or(Exposure::Unknown)
    }

    fn unisolated(&self, direction: Direction, budget: &mut Budget) -> Result<Option<Exposure>, TooMuch> {
        let selectors = self.isolating(direction).map(|policy| &policy.pod_selector);
        if selectors.clone().any(crate::object::Selector::is_empty) {
            return Ok(None);
        }
        let isolated =
            |selector| Cover { conditions: conditions(Bearer::Pod, selector).collect(), ports: Ports::all() };
        let covers: Vec<_> = selectors.map(isolated).collect();
        let found = uncovered(&Sketch::default(), &Ports::all(), covers.iter(), budget)?;
        Ok(found.map(|(sketch, _)| Exposure::Unisolated(sketch.example(Bearer::Pod))))
    }

    fn opened(&self, direction: Direction, budget: &mut Budget) -> Result<Option<Exposure>, TooMuch> {
        let with_rules: Vec<_> =
            self.isolating(direction).filter(|policy| !policy.rules(direction).is_empty()).collect();
        let for_all = with_rules.iter().filter(|policy| policy.pod_selector.is_empty());
        if for_all.flat_map(|policy| policy.rules(direction)).any(|rule| rule.peers(direction).is_empty()) {
            return Ok(Some(Exposure::Opened(Labels::default())));
        }
        let mut pending = vec![State { next: 0, sketch: Sketch::default(), chosen: Vec::new() }];
        while let Some(state) = pending.pop() {
            if let Some(found) = self.explore(direction, state, &with_rules, &mut pending, budget)? {
                return Ok(Some(Exposure::Opened(found)));
            }
        }
        Ok(None)
    }

    /// Follows one state to its end, or to a policy that may select the pod or not.
    fn explore(
        &self,
        direction: Direction,
        State { next, sketch, mut chosen }: State<'p>,
        policies: &[&'p NetworkPolicy],
        pending: &mut Vec<State<'p>>,
        budget: &mut Budget,
    ) -> Result<Option<Labels>, TooMuch> {
        // Nearly always not even all rules together let everybody through.
        let possible = chosen.iter().chain(policies.iter().skip(next)).copied();
        if !self.lets_everybody(direction, possible, budget)? {
            return Ok(None);
        }
        for (at, policy) in policies.iter().enumerate().skip(next) {
            let selects: Vec<_> = conditions(Bearer::Pod, &policy.pod_selector).collect();
            match sketch.status(&selects) {
                Status::Fails => {}
                Status::Holds => chosen.push(policy),
                Status::Open => {
                    let next = at.saturating_add(1);
                    let (without, with) = sketch.split(&selects);
                    let others = without.into_iter();
                    pending.extend(others.map(|sketch| State { next, sketch, chosen: chosen.clone() }));
                    // The more rules, the sooner everybody is let through, and so this is tried first.
                    chosen.push(policy);
                    pending.extend(with.map(|sketch| State { next, sketch, chosen }));
                    return Ok(None);
                }
            }
        }
        let open = self.lets_everybody(direction, chosen.into_iter(), budget)?;
        Ok(open.then(|| sketch.example(Bearer::Pod)))
    }

    /// Whether policies together let everybody through on every port to the pods that all of them select.
    fn lets_everybody(
        &self,
        direction: Direction,
        policies: impl Iterator<Item = &'p NetworkPolicy>,
        budget: &mut Budget,
    ) -> Result<bool, TooMuch> {
        let clauses: Vec<_> =
            policies.map(|policy| Clause::rules(policy, direction).for_every_pod()).collect();
        // Addresses first: most policies let no address through, and that is soon seen.
        for ground in Self::grounds(direction, &clauses).iter().rev() {
            if self.uncovered(ground, &[], &[], &Ports::all(), budget)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
