//! Warns of disruption budgets that let nobody drain a node.

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Body, IntOrString, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "undrainable-workload",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_2, "nodes can be replaced and patched while services run")],
    severity: Severity::Medium,
    needs: &[],
    title: "disruption budget without slack",
    why: "A budget that allows no disruption at all keeps its nodes from being drained, until somebody in a hurry \
          forces it: then all of it goes at once, and patches come late.",
    fix: "Allow at least one pod to go: `maxUnavailable: 1`.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 0, selector: {matchLabels: {app: web}}}
",
        "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::PodDisruptionBudget]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(Body::DisruptionBudget(budget)) = ask.object.map(|object| &object.body) else { return };
    // What selects nothing holds nobody up.
    if budget.selector.is_none() {
        return;
    }
    let mut stuck = |field: &str, amount: &IntOrString| {
        let amount = amount.to_string();
        report.violation_of(Place::of(field), &amount, format!("is {}", quoted(&amount)));
    };
    match (&budget.max_unavailable, &budget.min_available) {
        (Some(most), _) if share(most) == Some(0) || *most == IntOrString::Int(0) => {
            stuck("spec.maxUnavailable", most);
        }
        (None, Some(least)) if share(least).is_some_and(|share| share >= 100) => {
            stuck("spec.minAvailable", least);
        }
        (None, Some(IntOrString::Int(least))) if *least > 0 => {
            let reason = "how many replicas the budget guards is not known here";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
        _ => {}
    }
}

/// A percentage.
fn share(amount: &IntOrString) -> Option<u64> {
    match amount {
        IntOrString::Text(text) => text.strip_suffix('%')?.parse().ok(),
        IntOrString::Int(_) => None,
    }
}
