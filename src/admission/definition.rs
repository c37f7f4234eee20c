//! Refuses policies and exemptions that could never be in force, whatever the modes and the ceiling: to store them helps
//! nobody.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    check::quoted,
    object::{Body, Kind, Object},
    policy::{ControlPolicy, Definition, ExemptionState, Flaw, PolicySet},
    request::{Operation, Request},
};

/// Whether a request makes or changes an object of the gate's own kinds.
pub(super) fn writes(request: &Request<'_>) -> bool {
    matches!(request.kind, Kind::ControlPolicy | Kind::Exemption)
        && matches!(request.operation, Some(Operation::Create | Operation::Update))
}

/// Everything that keeps the object of such a request from being in force. An update that leaves its spec as it was is
/// let through: a finalizer or a label changes nothing, and must get off an object that is bad already.
pub(super) fn flaws(request: &Request<'_>, policies: &PolicySet, now: Timestamp) -> Vec<Flaw> {
    let Some(object) = request.object.as_ref().filter(|_| writes(request)) else { return Vec::new() };
    let old = request.old.read(request.kind).ok().flatten();
    let is_update = request.operation == Some(Operation::Update);
    if is_update && old.as_ref().is_some_and(|old| spec(old) == spec(object)) {
        return Vec::new();
    }
    let name = request.display_name();
    let text = spec(object).to_string();
    match request.kind {
        Kind::Exemption => of_exemption(request, policies, &text, now),
        _ => match Definition::read(name, &text) {
            Err(flaws) => flaws,
            Ok(new) => {
                let read_old = |old: &Object<'_>| Definition::read(name, &spec(old).to_string()).ok();
                let old = old.as_ref().filter(|_| is_update).and_then(read_old);
                // What was there and could not be used left something else in force.
                let before = old.as_ref().map(Definition::policy).or_else(|| policies.policy(name));
                before.map(|before| unexplained(before, new.policy())).unwrap_or_default()
            }
        },
    }
}

/// The spec as it stands; `null` if there is none.
fn spec<'o>(object: &'o Object<'_>) -> &'o Value {
    match &object.body {
        Body::Tree(tree) => tree.get("spec").unwrap_or(&Value::Null),
        _ => &Value::Null,
    }
}

/// The entries whose mode is lower than before and that do not say why.
fn unexplained(before: &ControlPolicy, new: &ControlPolicy) -> Vec<Flaw> {
    let lowered = new.checks.iter().filter(|entry| entry.reason.is_none()).filter_map(|entry| {
        let was = before.checks.iter().find(|old| old.id == entry.id && old.mode > entry.mode)?;
        let (id, was, is) = (&entry.id, was.mode.id(), entry.mode.id());
        let message = format!(
            "`{id}` goes from {was} to {is} and does not say why: add a `reason` to this entry, or keep its mode"
        );
        Some(Flaw::new(format!("spec.checks[{}].mode", entry.position), message))
    });
    lowered.collect()
}

fn of_exemption(request: &Request<'_>, policies: &PolicySet, spec: &str, now: Timestamp) -> Vec<Flaw> {
    let exemption = match policies.read_exemption(request.display_name(), spec, now) {
        Ok(exemption) => exemption,
        Err(flaw) => return vec![flaw],
    };
    let mut flaws = Vec::new();
    let applier = request.requester.as_ref().map_or("", |requester| requester.username()).trim();
    if !applier.is_empty() && exemption.requested_by.trim().eq_ignore_ascii_case(applier) {
        let message = format!("is {}, who applies it: let somebody else apply it", quoted(applier));
        flaws.push(Flaw::new("spec.requestedBy", message));
    }
    if exemption.state(now) == ExemptionState::Expired {
        let message = "has passed, so that it would cover nothing: write a later day";
        flaws.push(Flaw::new("spec.expires", message));
    }
    flaws
}
