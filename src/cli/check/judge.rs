//! Asks the engine about one object of a file, and gives every finding its line.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::DeserializeSeed;

use super::report::{Named, Report, Reported};
use crate::{
    admission::{self, Unreadable},
    decision::{Decision, Outcome, State, decide, printable},
    inventory::Inventory,
    manifest::{Document, Node, Place, Unusable},
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

    /// Decides one AdmissionReview as the webhook would.
    ///
    /// # Errors
    /// When there is not even a `uid` to answer to.
    pub(super) fn review<'b>(
        &self,
        body: &'b [u8],
    ) -> Result<(Request<'b>, Cow<'b, str>, Decision), Unreadable<'b>> {
        admission::decide(body, self.policies, &self.inventory, self.now)
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
        let place = |path: &str| document.place(path);
        report.findings(reported(&decision, &named(&request), &document.file, place));
        note(&decision, report);
        Ok(())
    }
}

/// What a request is about, safe for a terminal.
pub(in crate::cli) fn named(request: &Request<'_>) -> Named {
    Named {
        kind: printable(request.kind_name()).into_owned(),
        namespace: printable(&request.namespace).into_owned(),
        name: printable(request.display_name()).into_owned(),
    }
}

/// The findings of a decision as the file is read, from top to bottom; `place` tells where a path stands in it.
pub(in crate::cli) fn reported(
    decision: &Decision,
    object: &Named,
    file: &str,
    place: impl Fn(&str) -> Place,
) -> Vec<Reported> {
    let found = decision.findings.iter();
    let mut found: Vec<_> = found
        .map(|finding| {
            let place = place(&finding.violation.place.path);
            let check = finding.check;
            Reported {
                check: check.id,
                criterion: check.criterion.id(),
                mode: finding.mode,
                severity: check.severity.id(),
                object: object.clone(),
                file: file.to_owned(),
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
        })
        .collect();
    found.sort_by_key(|finding| (finding.line, finding.column));
    found
}

/// What the decision says beside its findings.
pub(super) fn note(decision: &Decision, report: &mut Report) {
    report.summary.objects += 1;
    report.undecided |= matches!(decision.outcome, Outcome::Error { denies: true });
    for unassessed in &decision.unassessed {
        report.not_assessed(unassessed.check.id, unassessed.missing.reason());
    }
    for error in &decision.errors {
        report.error(error);
    }
}
