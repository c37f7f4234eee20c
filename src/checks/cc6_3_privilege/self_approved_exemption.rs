//! Refuses exemptions that nobody else approved, that cover everything, or that hardly end.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        lasts_longer, moment, quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Object, Place},
};

pub(super) const CHECK: Check = Check {
    id: "self-approved-exemption",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who asks for an exemption is not who grants it"),
        Support::direct(Criterion::CC8_1, "every deviation has an approver and an end"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "exemption without a second person",
    why: "An exemption switches a control off for somebody. If the one who wants it can also grant it, or if it covers \
          everything or never ends, the control was optional.",
    fix: "Let an approver of the policy apply it, for one subject and with an end that the policy allows.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: soc2gate.io/v1
kind: Exemption
metadata: {name: log-agent}
spec:
  check: host-path-volume
  subject: {namespace: logging, name: log-agent}
  reason: Reads the log files of the node.
  ticket: SEC-7
  requestedBy: ann
  approvedBy: ann
  expires: 2026-07-31
",
        "
apiVersion: soc2gate.io/v1
kind: Exemption
metadata: {name: log-agent}
spec:
  check: host-path-volume
  subject: {namespace: logging, name: log-agent}
  reason: Reads the log files of the node.
  ticket: SEC-7
  requestedBy: bob
  approvedBy: ann
  expires: 2026-07-31
",
    )
    .under("approvers: [{kind: User, name: ann}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::Exemption]), configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Who may apply exemptions.
    approvers: Vec<Principal>,
    /// The longest that one may last, in days.
    max_days: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { approvers: Vec::new(), max_days: 90 }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(spec) = ask.object.and_then(spec) else { return };
        // All of it is judged when it changes, also what stood there before: who changes it answers for it.
        if ask.old.is_some_and(|old| self::spec(old) == Some(spec)) {
            return;
        }
        let requested_by = text(spec, "requestedBy");
        if same_person(requested_by, text(spec, "approvedBy")) {
            let what = format!("is {}, who also requested it", quoted(requested_by));
            report.violation_of(Place::of("spec.approvedBy"), requested_by, what);
        }
        self.look_at_requester(ask, requested_by, report);
        self.look_at_end(ask, spec, report);
        look_at_subject(spec, report);
    }

    fn look_at_requester(&self, ask: &Ask<'_>, requested_by: &str, report: &mut Report) {
        let Some(requester) = &ask.request.requester else {
            return report.not_assessable(Missing::NotKnownHere("the requester is not known".into()));
        };
        let (place, username) = (Place::of("userInfo.username"), requester.username());
        if same_person(username, requested_by) {
            let what = format!("is {}, who requested the exemption", quoted(username));
            report.violation_of(place, username, what);
        } else if self.approvers.is_empty() {
            let reason = "the parameter `approvers` is empty in the policy";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        } else if !self.approvers.iter().any(|one| one.includes(requester)) {
            let what = format!("is {}, not one of `approvers`", quoted(username));
            report.violation_of(place, username, what);
        }
    }

    fn look_at_end(&self, ask: &Ask<'_>, spec: &Value, report: &mut Report) {
        let (place, written) = (Place::of("spec.expires"), text(spec, "expires"));
        let begins = moment(text(spec, "starts"), Ok).unwrap_or(ask.now);
        let what = match moment(written, Date::tomorrow) {
            None => format!("is {}, which is no date", quoted(written)),
            Some(expires) if lasts_longer(begins, expires, self.max_days) => {
                format!(
                    "is {}, later than the {} days that an exemption may last",
                    quoted(written),
                    self.max_days
                )
            }
            Some(_) => return,
        };
        report.violation_of(place, written, what);
    }
}

fn look_at_subject(spec: &Value, report: &mut Report) {
    let subject = spec.get("subject").and_then(Value::as_object);
    let narrows = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty() && text != "*");
    if !subject.is_some_and(|subject| subject.values().any(narrows)) {
        report.violation(Place::of("spec.subject"), "names nobody and nothing in particular");
    }
}

fn spec<'o>(exemption: &'o Object<'_>) -> Option<&'o Value> {
    let Body::Tree(tree) = &exemption.body else { return None };
    Some(tree.get("spec").unwrap_or(&Value::Null))
}

fn text<'s>(spec: &'s Value, field: &str) -> &'s str {
    spec.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Whether two names are one person's, as the policy reads them. Nobody is nobody.
fn same_person(one: &str, other: &str) -> bool {
    !one.trim().is_empty() && one.trim().eq_ignore_ascii_case(other.trim())
}
