//! How hard each check is applied now, and by which policies it would have to be raised.

use std::collections::BTreeMap;

use crate::{
    check::{Check, Examiner},
    inventory::Inventory,
    object::Kind,
    policy::{Bound, Match, Mode, PolicySet},
};

/// A check as the policies have it.
pub(super) struct InForce {
    pub(super) check: &'static Check,
    /// The mode that holds wherever was asked for, under the ceiling.
    pub(super) now: Mode,
    /// The same as the policies state it.
    pub(super) stated: Mode,
    /// The parameter without which it may not be raised.
    pub(super) waits_for: Option<&'static str>,
    /// The policies that would be raised.
    pub(super) policies: Vec<String>,
}

/// Every check that is asked about objects of the API, most severe first. Where namespaces are named, what counts is
/// the mode that holds in all of them.
pub(super) fn in_force(
    policies: &PolicySet,
    namespaces: &[String],
    inventory: &Inventory,
    is_asked: impl Fn(&Check) -> bool,
) -> Vec<InForce> {
    let mut order = Vec::new();
    let mut by_check: BTreeMap<&str, Vec<&Bound>> = BTreeMap::new();
    for bound in policies.bound().iter().filter(|bound| is_asked(bound.check) && is_served(bound.check)) {
        let of_check = by_check.entry(bound.check.id).or_default();
        if of_check.is_empty() {
            order.push(bound.check.id);
        }
        of_check.push(bound);
    }
    let one = |id: &str| {
        let all = by_check.get(id)?;
        let holds = |bound: &&&Bound| holds(&bound.policy.scope, namespaces, inventory);
        let everywhere: Vec<_> = all.iter().filter(holds).copied().collect();
        // Without one that holds everywhere there are only those that hold somewhere.
        let counted = if everywhere.is_empty() { all.clone() } else { everywhere };
        Some(InForce {
            check: counted.first()?.check,
            now: counted.iter().map(|bound| bound.mode).max()?,
            stated: counted.iter().map(|bound| bound.stated_mode).max()?,
            waits_for: counted.iter().find_map(|bound| match bound.examiner {
                Examiner::Unfilled { parameter } => Some(parameter),
                _ => None,
            }),
            policies: counted.iter().map(|bound| bound.policy.name.clone()).collect(),
        })
    };
    order.into_iter().filter_map(one).collect()
}

/// Whether any API serves what the check judges: of files alone nothing could be denied.
fn is_served(check: &Check) -> bool {
    let kinds = check.examine.kinds();
    Kind::ALL.iter().any(|kind| kinds.contains(*kind) && !kind.resource().is_empty())
}

/// Whether a policy holds in all of the namespaces, or in the whole cluster where none is named.
fn holds(scope: &Match, namespaces: &[String], inventory: &Inventory) -> bool {
    if scope.kinds.is_some() || scope.object_selector.is_some() {
        return false;
    }
    if namespaces.is_empty() {
        return scope.namespace_selector.is_none();
    }
    let labels = |name: &String| inventory.namespaces.ready()?.get(name).map(|namespace| &namespace.labels);
    namespaces.iter().all(|name| {
        let is_selected = scope
            .namespace_selector
            .as_ref()
            .is_none_or(|selector| labels(name).is_some_and(|labels| selector.selects_labels(labels)));
        is_selected && !scope.exclude_namespaces.contains(name)
    })
}
