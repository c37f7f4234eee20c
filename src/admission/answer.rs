//! Writes the answer: what the person at the terminal reads, and what the API server's audit log keeps.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::decision::{Decision, Finding, Outcome, printable};

/// The longest denial, in characters. kubectl prints one line.
const LONGEST_MESSAGE: usize = 1_000;
/// The longest warning, in characters, that the API server does not cut.
const LONGEST_WARNING: usize = 256;
/// All warnings together, in characters; past this the API server cuts each of them.
const ALL_WARNINGS: usize = 4_096;
/// The most causes of one denial, and findings of one annotation. More would help nobody.
const MOST_CAUSES: usize = 500;

/// What ties an answer to its evidence.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub decision_id: &'a str,
    pub policy_digest: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    audit_annotations: BTreeMap<&'static str, String>,
}

/// `meta/v1 Status`.
#[derive(Serialize)]
struct Status {
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
    details: Details,
}

#[derive(Serialize)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Serialize)]
struct Cause {
    reason: &'static str,
    message: String,
    field: String,
}

/// The AdmissionReview that answers `uid`, as JSON.
pub fn encode(uid: &str, decision: &Decision, identity: Identity<'_>) -> Vec<u8> {
    let allowed = decision.outcome.admits();
    let review = Review {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Response {
            uid,
            allowed,
            status: (!allowed).then(|| status(decision)),
            warnings: warnings(decision),
            audit_annotations: annotations(decision, identity),
        },
    };
    // Strings and numbers only: there is nothing that JSON could refuse.
    serde_json::to_vec(&review).unwrap_or_default()
}

fn status(decision: &Decision) -> Status {
    let denials: Vec<_> = decision.denials().collect();
    let (message, reason, code) = match decision.outcome {
        Outcome::Error { .. } => (could_not_decide(decision), "InternalError", 500),
        _ => (joined(&denials), "Forbidden", 403),
    };
    let mut causes: Vec<_> = denials
        .iter()
        .take(MOST_CAUSES)
        .map(|finding| Cause {
            reason: finding.check.id,
            message: finding.line(),
            field: printable(&finding.violation.place.path).into_owned(),
        })
        .collect();
    if let Some(more) = denials.len().checked_sub(MOST_CAUSES).filter(|more| *more > 0) {
        causes.push(Cause { reason: "more", message: format!("+{more} more"), field: String::new() });
    }
    Status { status: "Failure", message, reason, code, details: Details { causes } }
}

/// Findings in one line, `; ` between them, and how many did not fit.
fn joined(findings: &[&Finding]) -> String {
    let mut message = String::new();
    for (position, finding) in findings.iter().enumerate() {
        let line = finding.line();
        let more = findings.len() - position;
        let room = LONGEST_MESSAGE.saturating_sub(message.chars().count() + "; +99999 more".len());
        if position > 0 && line.chars().count() > room {
            message.push_str(&format!("; +{more} more"));
            return message;
        }
        if position > 0 {
            message.push_str("; ");
        }
        message.push_str(&cut(&line, LONGEST_MESSAGE));
        // The full stop belongs to the end of the line.
        if more > 1 && message.ends_with('.') {
            message.pop();
        }
    }
    message
}

fn could_not_decide(decision: &Decision) -> String {
    let unassessed = decision.unassessed.iter().map(|u| format!("{}: {}", u.check.id, u.missing.reason()));
    let reasons: Vec<_> = decision.errors.iter().cloned().chain(unassessed).collect();
    let line = format!("soc2gate could not decide this request: {}", reasons.join("; "));
    cut(&printable(&line), LONGEST_MESSAGE)
}

/// One line per warning within the API's limits, the most severe first.
fn warnings(decision: &Decision) -> Vec<String> {
    let undecided =
        matches!(decision.outcome, Outcome::Error { denies: false }).then(|| could_not_decide(decision));
    let warned = || {
        decision.findings.iter().filter(|finding| finding.warns() || (decision.is_static && finding.denies()))
    };
    let total = usize::from(undecided.is_some()) + warned().count();
    let mut room = ALL_WARNINGS - "+9999999 more".len();
    let mut lines = Vec::new();
    for line in undecided.into_iter().chain(warned().map(Finding::line)) {
        let line = cut(&line, LONGEST_WARNING);
        let Some(left) = room.checked_sub(line.chars().count()) else { break };
        room = left;
        lines.push(line);
    }
    let more = total - lines.len();
    if more > 0 {
        lines.push(format!("+{more} more"));
    }
    lines
}

/// Short keys that the API server stores under the webhook's name.
fn annotations(decision: &Decision, identity: Identity<'_>) -> BTreeMap<&'static str, String> {
    let mut annotations = BTreeMap::from([
        ("decision", decision.outcome.id().to_owned()),
        ("decision-id", identity.decision_id.to_owned()),
        ("policy-digest", identity.policy_digest.to_owned()),
    ]);
    if !decision.findings.is_empty() {
        // `check:mode:state=count`, so that a reader of the audit log needs nothing else.
        let mut counts: Vec<(String, usize)> = Vec::new();
        for finding in &decision.findings {
            let key = format!("{}:{}:{}", finding.check.id, finding.mode.id(), finding.state.id());
            match counts.iter_mut().find(|(known, _)| *known == key) {
                Some((_, count)) => *count += 1,
                None => counts.push((key, 1)),
            }
        }
        let counts: Vec<_> = counts.into_iter().map(|(key, count)| format!("{key}={count}")).collect();
        annotations.insert("findings", counts.join(","));
    }
    if decision.is_static {
        annotations.insert("static", "true".to_owned());
    }
    annotations
}

/// At most so many characters, with an ellipsis where something is missing.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
