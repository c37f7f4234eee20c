//! The one inventory in which every example is judged. Whoever writes an example may count on it.
//!
//! Image evidence, by digest (sixty-four times the digit):
//! `0` was never scanned; `1` was scanned yesterday and is clean; `2` was scanned yesterday and has a critical
//! vulnerability with a fix; `3` is clean, but was scanned a month ago.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use soc2gate::{
    criterion::Severity,
    inventory::{
        Inventory, Source,
        image_evidence::{Collector, Rating, ScanReport, Subject, VulnerabilityReport},
    },
    object::Digest,
};

/// When the examples are judged.
pub(crate) fn now() -> Timestamp {
    "2026-06-15T12:00:00Z".parse().unwrap()
}

pub(crate) fn inventory() -> Inventory {
    let openssl = VulnerabilityReport {
        id: "CVE-2026-0002".into(),
        package: "pkg:deb/debian/openssl@3.0.15-1".into(),
        rating: Rating::Rated(Severity::Critical),
        rated_by: "nvd".into(),
        other_ratings: Vec::new(),
        fixable: true,
        fixed_in: "3.0.16-1".into(),
    };
    let mut evidence = Collector::default();
    evidence.add(Path::new("clean.json"), &scan('1', 1, &[]));
    evidence.add(Path::new("vulnerable.json"), &scan('2', 1, &[openssl]));
    evidence.add(Path::new("stale.json"), &scan('3', 30, &[]));
    Inventory { image_evidence: Source::Ready(evidence.snapshot().into()), ..Inventory::default() }
}

fn scan<'a>(digit: char, days_ago: i64, vulnerabilities: &[VulnerabilityReport<'a>]) -> ScanReport<'a> {
    let digest = Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap();
    ScanReport {
        scanner: "trivy".into(),
        scanned_at: Some(now() - SignedDuration::from_hours(24 * days_ago)),
        subjects: vec![Subject { repository: "registry.example.com/shop/web".into(), digest }],
        vulnerabilities: vulnerabilities.to_vec(),
        ..ScanReport::default()
    }
}
