//! Decides one request: a pure function from policies, request and surroundings to a decision.

mod finding;
mod fingerprint;
mod outcome;
pub mod ratchet;

use jiff::Timestamp;

use crate::{
    check::{Ask, References, Report},
    inventory::Inventory,
    policy::{Applies, Bound, Mode, PolicySet},
    request::Request,
    secrets::SharedScan,
};

pub use finding::{Finding, State, printable};
pub use fingerprint::Fingerprint;
pub use outcome::{Decision, Outcome, Suppression, Unassessed};

/// Decides. No I/O, no clock, no lock: the same arguments give the same decision.
pub fn decide(
    policies: &PolicySet,
    request: &Request<'_>,
    inventory: &Inventory,
    now: Timestamp,
) -> Decision {
    let mut found = Vec::new();
    let mut decision = Decision { is_static: request.is_mirror_pod(), ..Decision::default() };
    let (secrets, references) = (SharedScan::new(policies.fingerprint_key()), References::default());
    let old =
        if policies.compares(request.kind) { ratchet::old_object(request, &mut decision) } else { None };
    let old = old.as_ref();
    for bound in policies.concerning(request.kind) {
        match bound.policy.scope.applies(request, inventory) {
            Applies::No => continue,
            Applies::Yes => {}
            Applies::Unknown(reason) => decision.note_match_failure(&bound.policy.name, reason),
        }
        let object = request.object.as_ref();
        let ask = Ask {
            request,
            object,
            old,
            inventory,
            now,
            version: bound.version,
            secrets: &secrets,
            references: &references,
        };
        let mut report = Report::default();
        bound.examiner.examine(&ask, &mut report);
        decision.unassessed.extend(report.missing.into_iter().map(|missing| Unassessed {
            check: bound.check,
            mode: bound.mode,
            missing,
        }));
        let suppressed = report.suppressed.into_iter();
        decision.suppressions.extend(suppressed.map(|what| Suppression { check: bound.check, what }));
        for resolved in report.resolved {
            if !decision.resolved.contains(&resolved) {
                decision.resolved.push(resolved);
            }
        }
        if !report.violations.is_empty() {
            found.push((bound, report.violations));
        }
    }
    if !found.is_empty() {
        let known = ratchet::Known::of(
            &found,
            request,
            old,
            inventory,
            now,
            policies.fingerprint_key(),
            &mut decision,
        );
        let owner = inventory.trusted_owner(request);
        decision.root =
            request.subject().and_then(|object| inventory.root_of(&request.namespace, &object.metadata));
        for (bound, violations) in found {
            decision.findings.extend(violations.into_iter().map(|violation| {
                let exemption = policies.exemptions().covering(
                    bound.check.id,
                    &violation.place,
                    request,
                    owner.as_ref(),
                    now,
                );
                let state = match exemption {
                    Some(exemption) => State::Exempted(exemption.name.clone()),
                    None if known.contains(bound, &violation) => State::PreExisting,
                    None => State::New,
                };
                finding_of(bound, violation, state)
            }));
        }
        if policies.has_overlaps() {
            drop_weaker_twins(&mut decision.findings);
        }
    }
    decision.settle();
    decision
}

fn finding_of(bound: &Bound, violation: crate::check::Violation, state: State) -> Finding {
    // What may have an excuse that is not known here is no ground for a denial.
    let mode = if violation.is_doubtful { bound.mode.min(Mode::Warn) } else { bound.mode };
    Finding { check: bound.check, mode, policy: bound.policy.clone(), violation, state }
}

/// Of one violation seen under two policies, keeps the finding of the harder mode.
fn drop_weaker_twins(findings: &mut Vec<Finding>) {
    findings.sort_by_key(|finding| std::cmp::Reverse((finding.check.severity, finding.mode)));
    let mut seen: std::collections::HashSet<(&str, String, String)> = std::collections::HashSet::new();
    findings.retain(|finding| {
        // Two rules of a role may grant the same: the path tells them apart.
        let path = finding.violation.place.path.clone();
        seen.insert((finding.check.id, path, finding.violation.identity()))
    });
}

/// What a request that could not even be read is worth: never a pass where something of its kind is enforced.
pub fn undecidable(policies: &PolicySet, request: &Request<'_>, reason: String) -> Decision {
    let denies = policies.concerning(request.kind).any(|bound| bound.mode == Mode::Enforce);
    Decision { outcome: Outcome::Error { denies }, errors: vec![reason], ..Decision::default() }
}
