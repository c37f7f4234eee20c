//! The search for somebody whom no rule covers, among all pods that there could be.

use std::collections::HashSet;

use super::{
    labels::{Condition, Sketch, Status},
    ports::{Port, Ports},
};

/// What lets something through: these ports, where all conditions hold.
#[derive(Clone, Debug)]
pub(super) struct Cover<'p> {
    pub(super) conditions: Vec<Condition<'p>>,
    pub(super) ports: Ports<'p>,
}

/// How much a search may still look at. Policies of people take hundreds of steps; who writes thousands that
/// interlock gets no answer, in bounded time.
#[derive(Debug)]
pub(super) struct Budget(usize);

/// The budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Budget {
    pub(super) const fn new() -> Self {
        Self(100_000)
    }

    pub(super) fn spend_on(&mut self, steps: usize) -> Result<(), TooMuch> {
        // Looking at nothing takes its time too.
        self.0 = self.0.checked_sub(steps.saturating_add(1)).ok_or(TooMuch)?;
        Ok(())
    }
}

/// Somebody who fits the sketch and a wanted port that no cover opens to them; none if every wanted port is open to
/// all who fit.
pub(super) fn uncovered<'c, 'p: 'c>(
    sketch: &Sketch<'p>,
    wanted: &Ports<'p>,
    covers: impl Iterator<Item = &'c Cover<'p>>,
    budget: &mut Budget,
) -> Result<Option<(Sketch<'p>, Port)>, TooMuch> {
    // What cannot apply covers nobody, and one cover for all of it leaves nothing to search.
    let mut near = Vec::new();
    for cover in covers {
        budget.spend_on(cover.conditions.len())?;
        match sketch.status(&cover.conditions) {
            Status::Fails => {}
            Status::Holds if cover.ports.cover(wanted) => return Ok(None),
            Status::Holds | Status::Open => near.push(cover),
        }
    }
    let mut seen = HashSet::new();
    for port in wanted.told_apart(near.iter().map(|cover| &cover.ports)) {
        budget.spend_on(near.len())?;
        let opening: Vec<_> = (0..).zip(&near).filter(|(_, cover)| cover.ports.contains(&port)).collect();
        // Two ports that the same covers open are one.
        if !seen.insert(opening.iter().map(|(at, _)| *at).collect::<Vec<u32>>()) {
            continue;
        }
        let opening: Vec<_> = opening.into_iter().map(|(_, cover)| &*cover.conditions).collect();
        if let Some(found) = avoiding(sketch, &opening, budget)? {
            return Ok(Some((found, port)));
        }
    }
    Ok(None)
}

/// Somebody who fits the sketch and of each of some lists of conditions fails one.
fn avoiding<'p>(
    sketch: &Sketch<'p>,
    lists: &[&[Condition<'p>]],
    budget: &mut Budget,
) -> Result<Option<Sketch<'p>>, TooMuch> {
    let mut pending = vec![(0, sketch.clone())];
    'states: while let Some((next, sketch)) = pending.pop() {
        let mut open = None;
        for (at, conditions) in lists.iter().enumerate().skip(next) {
            budget.spend_on(conditions.len())?;
            match sketch.status(conditions) {
                Status::Fails => {}
                Status::Holds => continue 'states,
                Status::Open => open = open.or(Some((at, conditions))),
            }
        }
        let Some((at, conditions)) = open else { return Ok(Some(sketch)) };
        let (ways, _) = sketch.split(conditions);
        pending.extend(ways.into_iter().map(|way| (at.saturating_add(1), way)));
    }
    Ok(None)
}
