//! The one inventory in which every example is judged. Whoever writes an example may count on it.
//!
//! Image evidence, by digest (sixty-four times the digit):
//! `0` was never scanned; `1` was scanned yesterday and is clean; `2` was scanned yesterday and has a critical
//! vulnerability with a fix; `3` is clean, but was scanned a month ago; `5`, of
//! `registry.example.com/shop/old`, has had the same vulnerability for 40 days.
//!
//! What `registry.example.com/shop` answered: `1` is signed by the pipeline, with provenance and an SBOM; `3` is signed by
//! somebody else; of `4` the answer is still to come; to `6` somebody attached the signature of `7`; the others have nothing
//! attested.

use std::{path::Path, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use soc2gate::{
    criterion::Severity,
    inventory::{
        Inventory, Source,
        image_evidence::{
            Asked, Attestation, Attested, Attester, Claim, Collector, Rating, Refused, RegistryEvidence,
            ScanReport, Signer, Subject, VulnerabilityReport,
        },
    },
    object::{Digest, ImagePrefix},
};

/// When the examples are judged.
pub(crate) fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

pub(crate) fn inventory() -> Inventory {
    let openssl = VulnerabilityReport {
        id: "CVE-2026-0002".into(),
        aliases: Vec::new(),
        package: "pkg:deb/debian/openssl@3.0.15-1".into(),
        rating: Rating::Rated(Severity::Critical),
        rated_by: "nvd".into(),
        other_ratings: Vec::new(),
        fixable: true,
        fixed_in: "3.0.16-1".into(),
    };
    let mut evidence = Collector::default();
    evidence.add(Path::new("clean.json"), &scan('1', 1, &[]));
    evidence.add(Path::new("vulnerable.json"), &scan('2', 1, std::slice::from_ref(&openssl)));
    let mut old = scan('5', 40, &[openssl]);
    old.subjects[0].repository = "registry.example.com/shop/old".into();
    evidence.add(Path::new("old.json"), &old);
    evidence.add(Path::new("stale.json"), &scan('3', 30, &[]));
    evidence.set_registry(registry().into());
    Inventory { image_evidence: Source::Ready(evidence.snapshot().into()), ..Inventory::default() }
}

/// What the registry answered a minute ago.
fn registry() -> RegistryEvidence {
    let pipeline = "https://ci.example.com/shop/web";
    let built = Claim::Provenance {
        builder: "https://ci.example.com/builder@v1".into(),
        source: Some("git+https://git.example.com/shop/web".into()),
    };
    let by_pipeline = [Claim::Signature, built, Claim::Sbom { format: "SPDX" }];
    let name: Arc<str> = "registry.example.com/shop/web".into();
    let images = [
        ('0', answered(Vec::new())),
        ('1', answered(by_pipeline.map(|claim| attestation(pipeline, claim)).into())),
        ('2', answered(Vec::new())),
        ('3', answered(vec![attestation("https://ci.example.com/other/web", Claim::Signature)])),
        ('4', Asked::Pending { since: now() - SignedDuration::from_secs(3) }),
        ('6', of_another()),
    ];
    RegistryEvidence {
        covered: [ImagePrefix::parse("registry.example.com/shop").unwrap()].into(),
        images: images.map(|(digit, asked)| (digest(digit), vec![(name.clone(), asked)])).into(),
        ..RegistryEvidence::default()
    }
}

fn answered(attestations: Vec<Attestation>) -> Asked {
    let asked_at = now() - SignedDuration::from_secs(60);
    Asked::Answered(Attested { attestations, refused: Vec::new(), asked_at }.into())
}

/// Somebody copied a signature from another image.
fn of_another() -> Asked {
    let refused = Refused {
        is_signature: true,
        what: "signature".into(),
        reason: "its subject is another image".into(),
        other: Some(digest('7')),
    };
    let asked_at = now() - SignedDuration::from_secs(60);
    Asked::Answered(Attested { attestations: Vec::new(), refused: vec![refused], asked_at }.into())
}

fn attestation(subject: &str, claim: Claim) -> Attestation {
    let signer = Signer::Certificate { issuer: "https://ci.example.com".into(), subject: subject.into() };
    Attestation { claim, by: Attester { signer, named: None, signed_at: None } }
}

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

fn scan<'a>(digit: char, days_ago: i64, vulnerabilities: &[VulnerabilityReport<'a>]) -> ScanReport<'a> {
    ScanReport {
        scanner: "trivy".into(),
        scanned_at: Some(now() - SignedDuration::from_hours(24 * days_ago)),
        subjects: vec![Subject { repository: "registry.example.com/shop/web".into(), digest: digest(digit) }],
        vulnerabilities: vulnerabilities.to_vec(),
        ..ScanReport::default()
    }
}
