//! Refuses that a policy of the gate gets weaker without a second person.

use serde::Deserialize;

use super::loosening;
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Part, Principal, Reference,
        Report, Violation, quoted,
    },
    criterion::{Criterion, Severity, Support},
    inventory::Standing,
    manifest::Unusable,
    object::{Body, Kind, Object, Place},
    request::{Operation, Requester},
};

pub(super) const CHECK: Check = Check {
    id: "loosened-policy",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who wants a control weaker is not who makes it so"),
        Support::direct(Criterion::CC8_1, "a control is changed with a request and an approval"),
        Support::supporting(Criterion::CC7_1, "a weaker control is noticed when it gets weaker"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject, Need::Optional(Part::Policies)],
    title: "loosened policy",
    why: "A policy is a promise to an auditor for the whole period. A mode lowered for an afternoon, a namespace left out \
          or a longer list lets through what was refused the day before, and nothing else would show it.",
    fix: "Let an approver apply it, with soc2gate.io/requested-by naming who asked.",
    references: &[Reference::Kubernetes("Admission Webhook Good Practices")],
    examples: Examples::new(
        "
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: pods}
spec:
  criterion: CC6.1
  control: A workload holds no power over the node that runs it.
  checks:
  - {id: privileged-container, mode: warn}
",
        "
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: pods}
spec:
  criterion: CC6.1
  control: A workload holds no power over the node that runs it.
  checks:
  - {id: privileged-container, mode: enforce}
  - {id: host-port, mode: warn}
",
    )
    .after(
        "
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: pods}
spec:
  criterion: CC6.1
  control: A workload holds no power over the node that runs it.
  checks:
  - {id: privileged-container, mode: enforce}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::ControlPolicy]), configure),
};

/// Who asked for the change, if not the one who applies it.
const REQUESTED_BY: &str = "soc2gate.io/requested-by";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Who may apply what others have asked for.
    approvers: Vec<Principal>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { approvers } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &approvers, report))))
}

fn examine(ask: &Ask<'_>, approvers: &[Principal], report: &mut Report) {
    let mut found = Report::default();
    let policy = match (ask.request.operation, ask.old, ask.object) {
        (Some(Operation::Delete), ..) => {
            let going = ask.request.going.as_ref();
            look_at_deletion(ask, going, &mut found);
            going
        }
        (Some(Operation::Create), _, Some(new)) => {
            let Some(policies) = ask.known(Part::Policies, &ask.inventory.policies, report) else { return };
            if let (Some(standing), Some(new)) = (policies.get(ask.request.object_name()), tree(new)) {
                loosening::compare(&standing.in_force, new, &mut found);
            }
            Some(new)
        }
        (Some(Operation::Update), Some(old), Some(new)) => {
            // The ratchet shows the old object as both: what it is in itself is no change.
            if std::ptr::eq(old, new) {
                return;
            }
            look_at_change(ask, old, new, &mut found);
            Some(new)
        }
        (Some(Operation::Create | Operation::Connect), ..) => return,
        _ => return report.not_assessable(Missing::NotKnownHere("the policy as it was is not known".into())),
    };
    if found.violations.is_empty() {
        return;
    }
    let Some(requester) = &ask.request.requester else {
        return report.not_assessable(Missing::NotKnownHere("the requester is not known".into()));
    };
    if !policy.is_some_and(|policy| is_approved(policy, requester, approvers)) {
        report.violations.append(&mut found.violations);
    }
}

/// What stands under the policy's name now, as far as that is known.
fn standing<'r>(ask: &Ask<'r>) -> Option<&'r Standing> {
    ask.inventory.policies.ready()?.get(ask.request.object_name())
}

/// Compares with the object as it was and, where another version of it is in force, with that: an object that could not
/// be used leaves the one before in force, or what lies below it.
fn look_at_change(ask: &Ask<'_>, old: &Object<'_>, new: &Object<'_>, found: &mut Report) {
    let (Some(old), Some(new)) = (tree(old), tree(new)) else { return };
    if old.get("spec") == new.get("spec") {
        return;
    }
    loosening::compare(old, new, found);
    if let Some(standing) = standing(ask) {
        let mut of_force = Report::default();
        loosening::compare(&standing.in_force, new, &mut of_force);
        let is_new = |one: &Violation| !found.violations.iter().any(|other| other.place.key == one.place.key);
        of_force.violations.retain(is_new);
        found.violations.append(&mut of_force.violations);
    }
}

/// Compares what goes with what comes into force in its place.
fn look_at_deletion(ask: &Ask<'_>, going: Option<&Object<'_>>, found: &mut Report) {
    let standing = standing(ask);
    let before = standing.filter(|standing| standing.is_of_cluster).map(|standing| &*standing.in_force);
    let before = before.or_else(|| tree(going?));
    match (before, standing.and_then(|standing| standing.without.as_deref())) {
        (Some(before), Some(after)) => loosening::compare(before, after, found),
        _ => {
            let name = ask.request.object_name();
            let what = format!("is {}, and its checks go with it", quoted(name));
            found.violation_of(Place::of("metadata.name"), name, what);
        }
    }
}

/// All of an object but its metadata.
fn tree<'o>(object: &'o Object<'_>) -> Option<&'o serde_json::Value> {
    let Body::Tree(tree) = &object.body else { return None };
    Some(tree)
}

/// Whether two people stand behind a change: one who asked, and an approver who applies it. The second is whom the API
/// server has authenticated; a name in an annotation alone approves nothing.
fn is_approved(policy: &Object<'_>, requester: &Requester<'_>, approvers: &[Principal]) -> bool {
    let asked = policy.metadata.annotations.get(REQUESTED_BY).unwrap_or_default().trim();
    let is_another = !asked.is_empty() && !asked.eq_ignore_ascii_case(requester.username().trim());
    is_another && approvers.iter().any(|one| one.includes(requester))
}
