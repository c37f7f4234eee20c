//! The ratchet: a violation that was there before is reported, not denied, so that a new policy blocks no finalizer,
//! no scaling and no rescheduling of what already runs.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use aws_lc_rs::digest;
use jiff::Timestamp;

use super::Decision;
use crate::{
    check::{Ask, References, Report, Violation},
    inventory::{Inventory, Marks},
    object::{Object, misfit},
    policy::{Bound, PolicySet},
    request::{Operation, Request},
    secrets::{FingerprintKey, SharedScan},
};

/// The identities of the violations that were there before, by check.
#[derive(Default)]
pub(super) struct Known<'i> {
    of_old_object: HashMap<&'static str, HashSet<String>>,
    of_owner: Option<&'i Marks>,
}

impl<'i> Known<'i> {
    /// Examines the old object with the checks that found something in the new one, and looks up what the owner's
    /// template had when a controller of kube-controller-manager makes the object.
    pub(super) fn of(
        found: &[(&Bound, Vec<Violation>)],
        request: &Request<'_>,
        old: Option<&Object<'_>>,
        inventory: &'i Inventory,
        now: Timestamp,
        fingerprint_key: Option<&Arc<FingerprintKey>>,
        decision: &mut Decision,
    ) -> Self {
        let mut known = Self { of_owner: of_owner(request, inventory), ..Self::default() };
        let read;
        let old = match old {
            Some(old) => old,
            None => {
                read = old_object(request, decision);
                let Some(old) = &read else { return known };
                old
            }
        };
        let (secrets, references) = (SharedScan::new(fingerprint_key), References::default());
        for (bound, _) in found {
            let object = Some(old);
            let ask = Ask {
                request,
                object,
                old: object,
                inventory,
                now,
                version: bound.version,
                secrets: &secrets,
                references: &references,
            };
            let mut report = Report::default();
            bound.examiner.examine(&ask, &mut report);
            let identities = report.violations.iter().map(Violation::identity);
            known.of_old_object.entry(bound.check.id).or_default().extend(identities);
        }
        known
    }

    pub(super) fn contains(&self, bound: &Bound, violation: &Violation) -> bool {
        if self.of_old_object.is_empty() && self.of_owner.is_none() {
            return false;
        }
        let identity = violation.identity();
        self.of_old_object.get(bound.check.id).is_some_and(|known| known.contains(&identity))
            || self
                .of_owner
                .is_some_and(|known| known.binary_search(&mark(bound.check.id, &identity)).is_ok())
    }
}

/// The object as it was, if this is an UPDATE; what does not decode is an error of the decision.
pub(super) fn old_object<'a>(request: &Request<'a>, decision: &mut Decision) -> Option<Object<'a>> {
    if request.operation != Some(Operation::Update) {
        return None;
    }
    request.old.read(request.kind).unwrap_or_else(|error| {
        decision.errors.push(format!("oldObject was not compared: {}", misfit(&error)));
        None
    })
}

/// What stands for the violations that a controller object has, for [`Inventory::owners`]: what it makes may have
/// them too.
pub fn of_template(policies: &PolicySet, object: Object<'_>, inventory: &Inventory, now: Timestamp) -> Marks {
    let decision = super::decide(policies, &Request::of_manifest(object), inventory, now);
    let findings = decision.findings.iter();
    let mut marks: Vec<_> =
        findings.map(|finding| mark(finding.check.id, &finding.violation.identity())).collect();
    marks.sort_unstable();
    marks.dedup();
    marks.into()
}

/// What stands for the identity of a check's violation: half of a SHA-256, so that nobody finds two that share one.
pub fn mark(check: &str, identity: &str) -> u128 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(check.as_bytes());
    context.update(b":");
    context.update(identity.as_bytes());
    context.finish().as_ref().iter().take(16).fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}

fn of_owner<'i>(request: &Request<'_>, inventory: &'i Inventory) -> Option<&'i Marks> {
    let owners = inventory.owners.ready()?.get(&*request.namespace)?;
    let owner = inventory.trusted_owner(request)?;
    owners.get(&(owner.kind, owner.name))
}
