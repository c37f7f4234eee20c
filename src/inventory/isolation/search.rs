//! The search for somebody whom no rule covers, among all pods that there could be.

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

/// Some covers decided, the others not yet.
struct State<'p> {
    next: usize,
    sketch: Sketch<'p>,
    covered: Ports<'p>,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self(50_000)
    }

    pub(super) fn spend_on(&mut self, steps: usize) -> Result<(), TooMuch> {
        self.0 = self.0.checked_sub(steps).ok_or(TooMuch)?;
        Ok(())
    }
}

/// Somebody who fits the sketch and a wanted port that no cover opens to them; none if every wanted port is open to
/// all who fit.
///
/// A cover applies or it does not, and then one of its conditions fails: every case is tried, except where what is
/// laid down already decides it.
pub(super) fn uncovered<'c, 'p: 'c>(
    sketch: Sketch<'p>,
    wanted: &Ports<'p>,
    covers: impl Iterator<Item = &'c Cover<'p>> + Clone,
    budget: &mut Budget,
) -> Result<Option<(Sketch<'p>, Port)>, TooMuch> {
    let mut pending = vec![State { next: 0, sketch, covered: Ports::default() }];
    while let Some(state) = pending.pop() {
        if let Some(found) = explore(state, wanted, covers.clone(), &mut pending, budget)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Follows one state to its end, or to a cover that may apply or not.
fn explore<'c, 'p: 'c>(
    State { next, sketch, mut covered }: State<'p>,
    wanted: &Ports<'p>,
    covers: impl Iterator<Item = &'c Cover<'p>>,
    pending: &mut Vec<State<'p>>,
    budget: &mut Budget,
) -> Result<Option<(Sketch<'p>, Port)>, TooMuch> {
    let mut lacking = covered.lacks(wanted);
    let mut open = None;
    for (at, cover) in covers.enumerate().skip(next) {
        if lacking.is_none() {
            return Ok(None);
        }
        budget.spend_on(1)?;
        match sketch.status(&cover.conditions) {
            Status::Fails => {}
            Status::Open => open = open.or(Some((at, cover))),
            Status::Holds => {
                covered.add_all(&cover.ports);
                lacking = covered.lacks(wanted);
            }
        }
    }
    let Some(port) = lacking else { return Ok(None) };
    let Some((at, cover)) = open else { return Ok(Some((sketch, port))) };
    let next = at.saturating_add(1);
    let (without, with) = sketch.split(&cover.conditions);
    if let Some(sketch) = with {
        let mut covered = covered.clone();
        covered.add_all(&cover.ports);
        pending.push(State { next, sketch, covered });
    }
    // Where the cover does not apply somebody is found sooner, and so these are tried first.
    pending.extend(without.into_iter().map(|sketch| State { next, sketch, covered: covered.clone() }));
    Ok(None)
}
