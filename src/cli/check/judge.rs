//! Asks the engine about one object of a file, and gives every finding its line.

use jiff::Timestamp;
use serde::de::DeserializeSeed;

use super::report::{Named, Report, Reported};
use crate::{
    decision::{Decision, Finding, Outcome, State, decide, printable},
    inventory::Inventory,
    manifest::{Document, Node, Unusable},
    object::{Kind, OfKind},
    policy::{Exemption, ExemptionState, PolicySet},
    request::Request,
};

/// What every object is judged by.
pub(super) struct Judge<'p> {
    policies: &'p PolicySet,
    /// What is known of everything else; for files that is what the command line names.
    inventory: Inventory,
    now: Timestamp,
}

impl<'p> Judge<'p> {
    pub(super) fn new(policies: &'p PolicySet, inventory: Inventory, now: Timestamp) -> Self {
        Self { policies, inventory, now }
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
    pub(super) fn judge(&self, document: &Document, report: &mut Report) -> Result<(), Unusable> {
        let field = |name: &str| document.root.get(name).and_then(Node::as_str).unwrap_or_default();
        let kind = Kind::of_manifest(field("apiVersion"), field("kind"));
        let object = OfKind(kind)
            .deserialize(&document.root)
            .map_err(|unfit| Unusable { file: document.file.to_string(), ..unfit })?;
        let request = Request::of_manifest(object);
        let decision = decide(self.policies, &request, &self.inventory, self.now);
        let named = Named {
            kind: printable(request.kind_name()).into_owned(),
            namespace: printable(&request.namespace).into_owned(),
            name: printable(request.display_name()).into_owned(),
        };
        let mut found: Vec<_> =
            decision.findings.iter().map(|finding| reported(finding, &named, document)).collect();
        // Files are read from top to bottom.
        found.sort_by_key(|finding| (finding.line, finding.column));
        report.findings(found);
        note(&decision, report);
        Ok(())
    }
}

fn reported(finding: &Finding, object: &Named, document: &Document) -> Reported {
    let place = document.place(&finding.violation.place.path);
    let check = finding.check;
    Reported {
        check: check.id,
        criterion: check.criterion.id(),
        mode: finding.mode,
        severity: check.severity.id(),
        object: object.clone(),
        file: document.file.to_string(),
        line: place.line,
        column: place.column,
        path: finding.violation.place.path.clone(),
        message: finding.message(),
        fix: finding.fix().into_owned(),
        state: finding.state.id(),
        exemption: match &finding.state {
            State::Exempted(name) => Some(name.clone()),
            State::New | State::PreExisting => None,
        },
        tsc: check.tsc.iter().map(|support| support.criterion.id()).collect(),
    }
}

/// What the decision says beside its findings.
fn note(decision: &Decision, report: &mut Report) {
    report.summary.objects += 1;
    report.undecided |= matches!(decision.outcome, Outcome::Error { denies: true });
    for unassessed in &decision.unassessed {
        report.not_assessed(unassessed.check.id, unassessed.missing.reason());
    }
    for error in &decision.errors {
        report.error(error);
    }
}
