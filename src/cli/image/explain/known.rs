//! What is known of an image, as it is printed: plain values, safe for a terminal.

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    check::Missing,
    decision::{Decision, Finding, Outcome, printable},
    inventory::{
        ImageEvidence,
        image_evidence::{Answer, Attested, Attester, Claim, Scan, VexStatement},
    },
    object::{Digest, ImageReference},
    policy::{Mode, PolicySet},
};

/// Everything that is known of one image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Known {
    /// The reference, normalised.
    pub(super) image: String,
    /// What the image is judged by; absent when nobody knows what its tag names.
    pub(super) digest: Option<String>,
    /// How the digest was found: `reference`, `registry`, `scan`.
    pub(super) digest_from: Option<&'static str>,
    /// The platform manifests of an index, as far as they are known.
    pub(super) platforms: Vec<String>,
    /// What the registry answered: `not asked`, `answered`, or why it did not.
    pub(super) registry: String,
    pub(super) scans: Vec<ScanRow>,
    pub(super) attestations: Vec<AttestationRow>,
    /// What claims to speak of the image and is not believed.
    pub(super) refused: Vec<RefusedRow>,
    pub(super) vex: Vec<VexRow>,
    /// `allow`, `warn`, `deny` or `error`, for a pod with this image.
    pub(super) decision: &'static str,
    #[serde(skip)]
    admits: bool,
    pub(super) checks: Vec<Verdict>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScanRow {
    pub(super) digest: String,
    pub(super) scanner: String,
    pub(super) scanned_at: Option<Timestamp>,
    pub(super) database_at: Option<Timestamp>,
    pub(super) vulnerabilities: usize,
    pub(super) fixable: usize,
    pub(super) source: String,
    pub(super) signer: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttestationRow {
    pub(super) digest: String,
    pub(super) claim: String,
    pub(super) signer: String,
    /// The repository that the signer named, if any.
    pub(super) named: Option<String>,
    pub(super) signed_at: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RefusedRow {
    pub(super) digest: String,
    pub(super) what: String,
    pub(super) reason: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VexRow {
    pub(super) vulnerability: String,
    pub(super) status: &'static str,
    pub(super) why: String,
    pub(super) author: String,
    pub(super) at: Timestamp,
    pub(super) signer: Option<String>,
}

/// What one check says of the image.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verdict {
    pub(super) check: &'static str,
    pub(super) mode: &'static str,
    /// `passed`, `violated`, `unknown`, or `not assessable`.
    pub(super) verdict: &'static str,
    /// What is wrong, or why it could not tell.
    pub(super) words: String,
}

impl Known {
    pub(super) fn new(
        image: &ImageReference,
        digest: Option<(Digest, &'static str)>,
        evidence: &ImageEvidence,
        policies: &PolicySet,
        decision: &Decision,
    ) -> Self {
        let mut known = Self {
            image: image.to_string(),
            digest: digest.as_ref().map(|(digest, _)| digest.to_string()),
            digest_from: digest.as_ref().map(|(_, from)| *from),
            platforms: Vec::new(),
            registry: "not asked".to_owned(),
            scans: Vec::new(),
            attestations: Vec::new(),
            refused: Vec::new(),
            vex: Vec::new(),
            decision: decision.outcome.id(),
            admits: !matches!(decision.outcome, Outcome::Deny | Outcome::Error { .. }),
            checks: verdicts(policies, decision),
        };
        if let Some((digest, _)) = &digest {
            known.platforms = evidence.children(digest).iter().map(ToString::to_string).collect();
            known.registry = answer(evidence, image, digest);
            for one in std::iter::once(digest).chain(evidence.children(digest)) {
                known.tell(image, one, evidence);
            }
        }
        known
    }

    /// Whether an enforced check would deny the image, or could not tell.
    pub(super) const fn is_denied(&self) -> bool {
        !self.admits
    }

    /// Adds what is known of one manifest.
    fn tell(&mut self, image: &ImageReference, digest: &Digest, evidence: &ImageEvidence) {
        for scan in evidence.scans_of(digest) {
            self.scans.push(scan_row(digest, scan, evidence));
            for vulnerability in evidence.vulnerabilities(scan) {
                for statement in evidence.vex(vulnerability.id) {
                    let row = vex_row(vulnerability.id, statement);
                    if !self.vex.iter().any(|known| known.is_same(&row)) {
                        self.vex.push(row);
                    }
                }
            }
        }
        if let Some(Answer::Known(attested)) = evidence.registry().map(|all| all.about(image, digest)) {
            self.tell_attested(digest, attested);
        }
    }

    fn tell_attested(&mut self, digest: &Digest, attested: &Attested) {
        self.attestations.extend(attested.attestations.iter().map(|one| {
            let Attester { signer, named, signed_at } = &one.by;
            AttestationRow {
                digest: digest.to_string(),
                claim: safe(&claim(&one.claim)),
                signer: safe(&signer.to_string()),
                named: named.as_deref().map(safe),
                signed_at: *signed_at,
            }
        }));
        self.refused.extend(attested.refused.iter().map(|one| RefusedRow {
            digest: digest.to_string(),
            what: safe(&one.what),
            reason: safe(&one.reason),
        }));
    }
}

impl VexRow {
    fn is_same(&self, other: &Self) -> bool {
        (&self.vulnerability, self.status, &self.author, self.at)
            == (&other.vulnerability, other.status, &other.author, other.at)
    }
}

fn safe(text: &str) -> String {
    printable(text).into_owned()
}

fn answer(evidence: &ImageEvidence, image: &ImageReference, digest: &Digest) -> String {
    match evidence.registry().map(|registry| registry.about(image, digest)) {
        None => "not asked".to_owned(),
        Some(Answer::NotCovered) => {
            "not asked: no `untrusted-registry` in force allows images from there".to_owned()
        }
        Some(Answer::Pending { .. }) => "being asked".to_owned(),
        Some(Answer::Failed { reason, .. }) => safe(reason),
        Some(Answer::Known(attested)) => format!("answered at {}", attested.asked_at.strftime("%FT%TZ")),
    }
}

fn scan_row(digest: &Digest, scan: &Scan, evidence: &ImageEvidence) -> ScanRow {
    let listed = || evidence.vulnerabilities(scan);
    ScanRow {
        digest: digest.to_string(),
        scanner: safe(format!("{} {}", scan.scanner, scan.scanner_version).trim_end()),
        scanned_at: scan.scanned_at,
        database_at: scan.database_at,
        vulnerabilities: listed().count(),
        fixable: listed().filter(|one| one.fixable).count(),
        source: safe(&scan.file),
        signer: scan.attester.as_ref().map(|by| safe(&by.signer.to_string())),
    }
}

fn vex_row(vulnerability: &str, statement: &VexStatement) -> VexRow {
    VexRow {
        vulnerability: safe(vulnerability),
        status: statement.status.id(),
        why: safe(&statement.why),
        author: safe(&statement.author),
        at: statement.at,
        signer: statement.by.as_ref().map(|by| safe(&by.signer.to_string())),
    }
}

fn claim(claim: &Claim) -> String {
    match claim {
        Claim::Signature => "signature".to_owned(),
        Claim::Provenance { builder, source: Some(source) } => {
            format!("provenance: built by {builder} from {source}")
        }
        Claim::Provenance { builder, source: None } => format!("provenance: built by {builder}"),
        Claim::Sbom { format } => format!("SBOM ({format})"),
        Claim::Scan => "scan".to_owned(),
        Claim::Vex => "VEX".to_owned(),
        Claim::Other { predicate_type } => predicate_type.to_string(),
    }
}

/// What every check in force makes of the image; a check that neither found anything nor was at a loss has passed.
fn verdicts(policies: &PolicySet, decision: &Decision) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for bound in policies.bound() {
        let check = bound.check.id;
        let mut push = |mode: Mode, verdict, words: &str| {
            verdicts.push(Verdict { check, mode: mode.id(), verdict, words: safe(words) });
        };
        let found: Vec<&Finding> = decision.findings.iter().filter(|one| one.check.id == check).collect();
        let missing: Vec<_> = decision.unassessed.iter().filter(|one| one.check.id == check).collect();
        found.iter().for_each(|finding| push(finding.mode, "violated", &finding.violation.what));
        for one in &missing {
            let verdict =
                if matches!(one.missing, Missing::NotKnownHere(_)) { "not assessable" } else { "unknown" };
            push(one.mode, verdict, one.missing.reason());
        }
        if found.is_empty() && missing.is_empty() {
            push(bound.mode, "passed", "");
        }
    }
    verdicts
}
