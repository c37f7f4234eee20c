//! The account for programs: one object, complete enough to make a report of.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{
    Drawn,
    text::{Totals, criterion, suppressed},
};
use crate::{
    checks,
    cli::suppressed::Suppressed,
    policy::PolicySet,
    scanner::{Found, Scan, Subject},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'d> {
    scan: About<'d>,
    summary: Summary,
    criteria: Vec<OfCriterion>,
    namespaces: Vec<OfNamespace<'d>>,
    checks: Vec<OfCheck>,
    policies: Vec<OfPolicy<'d>>,
    exemptions: Vec<OfExemption<'d>>,
    findings: Findings<'d>,
    not_assessed: Vec<NotAssessed<'d>>,
    /// What checks passed over on somebody's word.
    suppressed: Suppressed,
    /// Checks that judge who changes what; stored objects do not tell.
    needs_request: Vec<Objects<'d>>,
    not_scanned: Vec<NotScanned<'d>>,
    errors: Vec<Error<'d>>,
}

/// What was looked at, when, and by what.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'d> {
    begun: Timestamp,
    ended: Timestamp,
    version: &'static str,
    cluster_version: &'d str,
    policy_digest: &'d str,
    /// Those that were asked for; all of them if there are none.
    namespaces: Vec<&'d str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    objects: usize,
    #[serde(flatten)]
    totals: Count,
    /// Found on something whose root has it already; counted once, there.
    repeated: usize,
    /// ReplicaSets and Jobs for which their owner was judged.
    represented: usize,
    undecided: usize,
    unreadable: usize,
    /// Counted, but not among the findings.
    not_listed: usize,
    is_approximate: bool,
}

#[derive(Serialize)]
struct Count {
    enforce: usize,
    warn: usize,
    audit: usize,
    exempted: usize,
}

impl From<Totals> for Count {
    fn from(Totals { enforce, warn, audit, exempted }: Totals) -> Self {
        Self { enforce, warn, audit, exempted }
    }
}

#[derive(Serialize)]
struct OfCriterion {
    criterion: &'static str,
    topic: &'static str,
    #[serde(flatten)]
    totals: Count,
}

#[derive(Serialize)]
struct OfNamespace<'d> {
    namespace: &'d str,
    #[serde(flatten)]
    totals: Count,
}

/// Every check in force, also those that found nothing.
#[derive(Serialize)]
struct OfCheck {
    check: &'static str,
    criterion: &'static str,
    severity: &'static str,
    title: &'static str,
    tsc: Vec<&'static str>,
    #[serde(flatten)]
    totals: Count,
}

#[derive(Serialize)]
struct OfPolicy<'d> {
    policy: &'d str,
    criterion: &'static str,
    control: &'d str,
    open: usize,
    exempted: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OfExemption<'d> {
    exemption: &'d str,
    check: &'d str,
    reason: &'d str,
    ticket: &'d str,
    requested_by: &'d str,
    approved_by: &'d str,
    expires: Timestamp,
    state: &'static str,
    /// How many findings it covers.
    findings: usize,
}

struct Findings<'d>(&'d Scan);

impl Serialize for Findings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.0.namespaces.iter();
        let all =
            all.flat_map(|(namespace, of)| of.kept.iter().map(move |found| Finding::of(namespace, found)));
        serializer.collect_seq(all)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'d> {
    check: &'static str,
    criterion: &'static str,
    policy: &'d str,
    mode: &'static str,
    severity: &'static str,
    /// Under whom it is counted.
    object: Object<'d>,
    /// Where it was seen, unless that is the object itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    seen_on: Option<Object<'d>>,
    path: &'d str,
    message: &'d str,
    fix: &'d str,
    fingerprint: String,
    /// `open` or `exempted`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exemption: Option<&'d str>,
    tsc: Vec<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'d> {
    #[serde(skip_serializing_if = "str::is_empty")]
    api_version: &'d str,
    kind: &'d str,
    namespace: &'d str,
    name: &'d str,
}

impl<'d> Object<'d> {
    fn of(namespace: &'d str, subject: &'d Subject) -> Self {
        let Subject { api_version, kind, name } = subject;
        Self { api_version, kind, namespace, name }
    }
}

impl<'d> Finding<'d> {
    fn of(namespace: &'d str, found: &'d Found) -> Self {
        let check = found.check;
        Self {
            check: check.id,
            criterion: check.criterion.id(),
            policy: &found.policy.name,
            mode: found.mode.id(),
            severity: check.severity.id(),
            object: Object::of(namespace, &found.subject),
            seen_on: found.seen_on.as_ref().map(|object| Object::of(namespace, object)),
            path: &found.path,
            message: &found.message,
            fix: &found.fix,
            fingerprint: found.fingerprint.to_string(),
            state: found.standing().id(),
            exemption: found.exemption.as_deref(),
            tsc: check.tsc.iter().map(|support| support.criterion.id()).collect(),
        }
    }
}

#[derive(Serialize)]
struct NotAssessed<'d> {
    check: &'d str,
    reason: &'d str,
    objects: usize,
}

#[derive(Serialize)]
struct Objects<'d> {
    check: &'d str,
    objects: usize,
}

#[derive(Serialize)]
struct NotScanned<'d> {
    resource: &'d str,
    /// `absent`, `left-out`, `forbidden` or `failed`.
    why: &'static str,
    reason: String,
}

#[derive(Serialize)]
struct Error<'d> {
    error: &'d str,
    objects: usize,
}

/// Writes the account as one object.
///
/// # Errors
/// As the writer's.
pub(super) fn write(out: &mut impl Write, drawn: &Drawn) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &output(drawn))?;
    writeln!(out)
}

fn output(drawn: &Drawn) -> Output<'_> {
    let (scan, counts) = (&drawn.account, drawn.account.counts());
    let by_criterion = Totals::by(&counts, criterion).into_iter();
    let namespaces = scan.namespaces.iter();
    let not_assessed = scan.not_assessed.iter();
    Output {
        scan: About {
            begun: scan.begun,
            ended: scan.ended,
            version: env!("CARGO_PKG_VERSION"),
            cluster_version: &drawn.cluster_version,
            policy_digest: &scan.policy_digest,
            namespaces: drawn.namespaces.iter().map(String::as_str).collect(),
        },
        summary: Summary {
            objects: scan.objects,
            totals: Totals::of(&counts).into(),
            repeated: scan.repeated,
            represented: scan.represented,
            undecided: scan.undecided,
            unreadable: scan.unreadable,
            not_listed: scan.namespaces.values().map(crate::scanner::OfNamespace::cut).sum(),
            is_approximate: scan.is_approximate,
        },
        criteria: by_criterion
            .map(|(criterion, totals)| OfCriterion {
                criterion: criterion.id(),
                topic: criterion.topic(),
                totals: totals.into(),
            })
            .collect(),
        namespaces: namespaces
            .map(|(namespace, of)| OfNamespace { namespace, totals: Totals::of(&of.counts).into() })
            .collect(),
        checks: of_checks(&drawn.policies, scan),
        policies: of_policies(&drawn.policies, scan),
        exemptions: of_exemptions(&drawn.policies, scan),
        findings: Findings(scan),
        not_assessed: not_assessed
            .map(|(about, objects)| NotAssessed {
                check: about.check,
                reason: &about.reason,
                objects: *objects,
            })
            .collect(),
        suppressed: suppressed(scan),
        needs_request: scan
            .needs_request
            .iter()
            .map(|(check, objects)| Objects { check, objects: *objects })
            .collect(),
        not_scanned: scan
            .not_scanned
            .iter()
            .map(|not| NotScanned { resource: &not.resource, why: not.why.id(), reason: not.why.to_string() })
            .collect(),
        errors: scan.errors.iter().map(|(error, objects)| Error { error, objects: *objects }).collect(),
    }
}

fn of_checks(policies: &PolicySet, scan: &Scan) -> Vec<OfCheck> {
    let mut totals = Totals::by(&scan.counts(), Some);
    let in_force: std::collections::BTreeSet<_> =
        policies.bound().iter().map(|bound| bound.check.id).collect();
    let checks = checks::all().filter(|check| in_force.contains(check.id));
    let of = |check: &'static crate::check::Check| OfCheck {
        check: check.id,
        criterion: check.criterion.id(),
        severity: check.severity.id(),
        title: check.title,
        tsc: check.tsc.iter().map(|support| support.criterion.id()).collect(),
        totals: totals.remove(check.id).unwrap_or_default().into(),
    };
    checks.map(of).collect()
}

fn of_policies<'d>(policies: &'d PolicySet, scan: &'d Scan) -> Vec<OfPolicy<'d>> {
    let of = |policy: &'d std::sync::Arc<crate::policy::ControlPolicy>| {
        let tally = scan.policies.get(&policy.name).copied().unwrap_or_default();
        OfPolicy {
            policy: &policy.name,
            criterion: policy.criterion.id(),
            control: &policy.control,
            open: tally.open,
            exempted: tally.exempted,
        }
    };
    policies.policies().iter().map(of).collect()
}

fn of_exemptions<'d>(policies: &'d PolicySet, scan: &'d Scan) -> Vec<OfExemption<'d>> {
    let of = |exemption: &'d crate::policy::Exemption| OfExemption {
        exemption: &exemption.name,
        check: &exemption.check,
        reason: &exemption.reason,
        ticket: &exemption.ticket,
        requested_by: &exemption.requested_by,
        approved_by: &exemption.approved_by,
        expires: exemption.expires,
        state: exemption.state(scan.begun).id(),
        findings: scan.exemptions.get(&exemption.name).copied().unwrap_or_default(),
    };
    policies.exemptions().iter().map(of).collect()
}
