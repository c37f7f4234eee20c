//! Writes the answer: what the person at the terminal reads, and what the API server's audit log keeps.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::{
    check::Kinds,
    decision::{Decision, Finding, Outcome, State, printable},
    policy::Flaw,
    request::Owner,
};

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
    /// How old (s) the inventory is that it was decided on, if a part of it may be out of date.
    pub inventory_age: Option<i64>,
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

/// What the requester reads of a request that is not admitted, in one line.
pub fn denial(decision: &Decision) -> String {
    status(decision).message
}

fn status(decision: &Decision) -> Status {
    let denials: Vec<_> = decision.denials().collect();
    let (message, reason, code) = match decision.outcome {
        Outcome::Error { .. } => (could_not_decide(decision), "InternalError", 500),
        _ if !decision.flaws.is_empty() => (flawed(&decision.flaws, &denials), "Invalid", 422),
        _ => (attributed(decision, joined(&denials)), "Forbidden", 403),
    };
    let of_flaws = decision.flaws.iter().map(|flaw| Cause {
        // As the API server's own validation calls it.
        reason: "FieldValueInvalid",
        message: printable(&flaw.message).into_owned(),
        field: printable(&flaw.field).into_owned(),
    });
    let of_findings = denials.iter().map(|finding| Cause {
        reason: finding.check.id,
        message: finding.line(),
        field: printable(&finding.violation.place.path).into_owned(),
    });
    let all = decision.flaws.len() + denials.len();
    let mut causes: Vec<_> = of_flaws.chain(of_findings).take(MOST_CAUSES).collect();
    if let Some(more) = all.checked_sub(MOST_CAUSES).filter(|more| *more > 0) {
        causes.push(Cause { reason: "more", message: format!("+{more} more"), field: String::new() });
    }
    Status { status: "Failure", message, reason, code, details: Details { causes } }
}

/// What keeps a policy or an exemption from being in force, and then what would deny it besides.
fn flawed(flaws: &[Flaw], denials: &[&Finding]) -> String {
    let lines: Vec<_> = flaws.iter().map(ToString::to_string).collect();
    let mut message = printable(&lines.join("; ")).into_owned();
    if !denials.is_empty() {
        message = format!("{message}; {}", joined(denials));
    }
    cut(&message, LONGEST_MESSAGE)
}

/// A denial that begins with the root of the object's controllers: whoever reads it in the events of a ReplicaSet has to
/// change the Deployment.
fn attributed(decision: &Decision, message: String) -> String {
    match &decision.root {
        Some(Owner { kind, name }) => format!("{}: {message}", printable(&format!("{kind} {name}"))),
        None => message,
    }
}

/// Findings in one line, `; ` between them, and how many did not fit.
fn joined(findings: &[&Finding]) -> String {
    let mut message = String::new();
    let lines = lines(findings.iter().copied());
    let mut left = findings.len();
    for (position, line) in lines.iter().enumerate() {
        let text = line.text();
        let room = LONGEST_MESSAGE.saturating_sub(message.chars().count() + "; +99999 more".len());
        if position > 0 && text.chars().count() > room {
            message.push_str(&format!("; +{left} more"));
            return message;
        }
        if position > 0 {
            message.push_str("; ");
        }
        message.push_str(&cut(&text, LONGEST_MESSAGE));
        // The full stop belongs to the end of the line.
        if position + 1 < lines.len() && message.ends_with('.') {
            message.pop();
        }
        left -= line.findings.len();
    }
    message
}

/// What is printed as one: a finding, or everything that is found about one rule of a role. A rule of `*` breaks a dozen
/// checks, and to say so a dozen times would help nobody.
struct Line<'d> {
    findings: Vec<&'d Finding>,
}

/// The lines in the order of their first, most severe finding.
fn lines<'d>(findings: impl Iterator<Item = &'d Finding>) -> Vec<Line<'d>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut of_rules = HashMap::new();
    for finding in findings {
        if finding.check.examine.kinds() == Kinds::Roles {
            let path = &*finding.violation.place.path;
            let rule = (path, finding.mode, finding.state == State::New, finding.check.criterion);
            let position = *of_rules.entry(rule).or_insert(lines.len());
            if let Some(line) = lines.get_mut(position) {
                line.findings.push(finding);
                continue;
            }
        }
        lines.push(Line { findings: vec![finding] });
    }
    lines
}

impl Line<'_> {
    /// `CC6.3 escalation-verb, impersonate-permission, +9 more: rules[0] grants ...`: the worst has the word.
    fn text(&self) -> String {
        let mut checks: Vec<_> = self.findings.iter().map(|finding| finding.check.id).collect();
        checks.dedup();
        let Some((finding, true)) = self.findings.first().map(|first| (first, checks.len() > 1)) else {
            return self.findings.first().map_or(String::new(), |finding| finding.line());
        };
        let named = match checks[..] {
            [one, another, _, _, ..] => format!("{one}, {another}, +{} more", checks.len() - 2),
            _ => checks.join(", "),
        };
        format!("{} {named}: {}. {}", finding.check.criterion, finding.message(), finding.fix())
    }
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
    let warned = decision
        .findings
        .iter()
        .filter(|finding| finding.warns() || (decision.is_static && finding.denies()));
    let folded = lines(warned);
    let told = folded.iter().map(|line| (line.text(), line.findings.len()));
    let mut more =
        usize::from(undecided.is_some()) + folded.iter().map(|line| line.findings.len()).sum::<usize>();
    let mut room = ALL_WARNINGS - "+9999999 more".len();
    let mut warnings = Vec::new();
    for (line, findings) in undecided.map(|line| (line, 1)).into_iter().chain(told) {
        let line = cut(&line, LONGEST_WARNING);
        let Some(left) = room.checked_sub(line.chars().count()) else { break };
        (room, more) = (left, more - findings);
        warnings.push(line);
    }
    if more > 0 {
        warnings.push(format!("+{more} more"));
    }
    warnings
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
    if !decision.suppressions.is_empty() {
        // Users' words, and as many as images have vulnerabilities.
        let said = decision.suppressions.iter().map(|one| format!("{}: {}", one.check.id, one.what));
        let all = said.collect::<Vec<_>>().join("; ");
        annotations.insert("suppressed", cut(&printable(&all), LONGEST_MESSAGE));
    }
    if !decision.resolved.is_empty() {
        let named = decision.resolved.iter().map(|one| format!("{}={}", one.reference, one.digest));
        let all = named.collect::<Vec<_>>().join(",");
        annotations.insert("images", cut(&printable(&all), LONGEST_MESSAGE));
    }
    if !decision.flaws.is_empty() {
        annotations.insert("invalid", decision.flaws.len().to_string());
    }
    if let Some(Owner { kind, name }) = &decision.root {
        annotations.insert("root", printable(&format!("{kind}/{name}")).into_owned());
    }
    if decision.is_static {
        annotations.insert("static", "true".to_owned());
    }
    if let Some(age) = identity.inventory_age {
        annotations.insert("inventory-age", format!("{age}s"));
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
