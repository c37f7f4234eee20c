//! Asks the engine about one object of a file, and gives every finding its line.

use std::{borrow::Cow, collections::HashMap};

use jiff::Timestamp;

use super::{
    helm::Templates,
    report::{Judged, Permission, Report, Reported},
};
use crate::{
    decision::{Decision, Finding, Fingerprint, Outcome, State, decide, printable},
    inventory::Inventory,
    manifest::{Document, Unusable},
    policy::{Exemption, ExemptionState, PolicySet},
    request::{Owner, Request, object_of},
};

/// What every object is judged by.
pub(super) struct Judge<'p> {
    policies: &'p PolicySet,
    exemptions: HashMap<&'p str, &'p Exemption>,
    /// What is known of everything else; for files that is what the command line names.
    inventory: Inventory,
    now: Timestamp,
}

impl<'p> Judge<'p> {
    pub(super) fn new(policies: &'p PolicySet, inventory: Inventory, now: Timestamp) -> Self {
        let exemptions = policies.exemptions().iter();
        let exemptions = exemptions.map(|exemption| (&*exemption.name, exemption)).collect();
        Self { policies, exemptions, inventory, now }
    }

    /// The exemptions that hold now.
    pub(super) fn exemptions(&self) -> impl Iterator<Item = &'p Exemption> {
        let now = self.now;
        self.policies
            .exemptions()
            .iter()
            .filter(move |exemption| exemption.state(now) == ExemptionState::Active)
    }

    /// Judges one object.
    ///
    /// # Errors
    /// [`Unusable`] at the field whose type no API server would accept.
    pub(super) fn judge(
        &self,
        document: &Document,
        templates: &Templates,
        report: &mut Report,
    ) -> Result<(), Unusable> {
        let request = Request::of_manifest(object_of(document)?);
        let decision = decide(self.policies, &request, &self.inventory, self.now);
        for unassessed in &decision.unassessed {
            report.not_assessed(unassessed.check.id, unassessed.missing.reason());
        }
        report.suppressed.note(&decision);
        decision.errors.iter().for_each(|error| report.error(error));
        let undecided = undecided(&decision);
        // Collected, they would lie in the room of the decision's findings, twice as much as they need.
        let mut findings = Vec::with_capacity(decision.findings.len());
        let root = decision.root.map(|root| Owner {
            kind: printable(&root.kind).into_owned(),
            name: printable(&root.name).into_owned(),
        });
        // Counted under its root, so that a new hash in the name of a ReplicaSet makes no new finding.
        let name = root.as_ref().map_or_else(
            || (request.kind_name(), request.display_name()),
            |root| (root.kind.as_str(), root.name.as_str()),
        );
        let reported = |one| self.reported(one, [name.0, &request.namespace, name.1], document);
        findings.extend(decision.findings.into_iter().map(reported));
        // Files are read from top to bottom.
        findings.sort_by_key(|finding: &Reported| finding.place);
        let line = document.root.place.line;
        report.objects.push(Judged {
            kind: printable(request.kind_name()).into_owned(),
            namespace: printable(&request.namespace).into_owned(),
            name: printable(request.display_name()).into_owned(),
            file: document.file.clone(),
            line,
            root,
            template: templates.at(line).map(|name| printable(name).into_owned()),
            undecided,
            findings,
        });
        Ok(())
    }

    /// A finding on an object of this kind, namespace and name.
    fn reported(&self, finding: Finding, object: [&str; 3], document: &Document) -> Reported {
        let (check, violation) = (finding.check, finding.violation);
        let identity = violation.lasting_identity();
        let [kind, namespace, name] = object;
        let exemption = match &finding.state {
            State::Exempted(name) => self.exemptions.get(&**name).map(|exemption| permission(exemption)),
            State::New | State::PreExisting => None,
        };
        Reported {
            check,
            mode: finding.mode,
            place: document.place(&violation.place.path),
            path: violation.place.path.into(),
            key: violation.place.key.into(),
            what: violation.what.into(),
            fix: match violation.fix {
                Some(own) => Cow::Owned(printable(&own).into_owned()),
                None => Cow::Borrowed(check.fix),
            },
            fingerprint: Fingerprint::of([check.id, kind, namespace, name, &identity]),
            known: false,
            exemption,
        }
    }
}

fn permission(exemption: &Exemption) -> Box<Permission> {
    let justification = format!("{} ({})", exemption.reason, exemption.ticket);
    let justification = printable(&justification).into_owned();
    Box::new(Permission { name: exemption.name.clone(), justification })
}

/// Why something enforced could not be decided, if so.
fn undecided(decision: &Decision) -> Vec<String> {
    if !matches!(decision.outcome, Outcome::Error { denies: true }) {
        return Vec::new();
    }
    decision
        .blind()
        .map(|unassessed| format!("{}: {}", unassessed.check.id, unassessed.missing.reason()))
        .collect()
}
