//! Scans that somebody attested, and tags that a registry resolved.

use soc2gate::inventory::image_evidence::{Asked, Attester, ScanReport, Subject, Tagged};

use super::{
    signatures::{WEB, answered, by, failed, of_digit, pending, registry, with_registry},
    *,
};

const ATTESTORS: &str = "attestors: [{images: registry.example.com/shop, issuer: 'https://ci.io', subject: 'https://ci\\.io/shop/.+'}]";
const YESTERDAY: &str = "2026-06-14T12:00:00Z";
const SCAN_CHECKS: [&str; 3] = ["unscanned-image", "stale-scan", "vulnerable-image"];

/// Evidence of one clean scan that somebody attested, beside what the registry answered.
fn attested(by: Attester, images: &[(char, Asked)]) -> Source<ImageEvidence> {
    let mut reports = Reports::default();
    let scan = ScanReport {
        scanner: "trivy".into(),
        scanned_at: Some(library::at(YESTERDAY)),
        subjects: vec![Subject { repository: "".into(), digest: of_digit('1') }],
        attester: Some(by),
        ..ScanReport::default()
    };
    reports.attest(Path::new("registry.example.com/shop/web@1"), &[scan], Vec::new());
    reports.set_registry(registry(images, &[]));
    reports.snapshot()
}

#[test]
fn an_attested_scan_counts_only_by_an_attestor_and_the_message_says_who_it_was() {
    let image = pinned('1');
    let known = [('1', answered(Vec::new()))];
    for check in SCAN_CHECKS {
        assert_eq!(
            told(&judge(attested(by(WEB), &known), NOW, check, ATTESTORS, &image)),
            [""; 0],
            "{check}"
        );
    }
    let of = |by: Attester, params: &str| {
        told(&judge(attested(by, &known), NOW, "unscanned-image", params, &image))
    };
    let unscanned =
        |reason: &str| [format!("`{image}`: no scan that counts is about sha256:111111111111{reason}")];
    assert_eq!(
        of(by("eve"), ATTESTORS),
        unscanned(
            "; the attested one by eve (vouched for by https://ci.io), who is not named for it (`attestors`)"
        )
    );
    assert_eq!(
        of(Attester { named: Some("evil.io/web".into()), ..by(WEB) }, ATTESTORS),
        unscanned(&format!(
            "; the attested one by {WEB} (vouched for by https://ci.io) is for evil.io/web (`attestors`)"
        ))
    );
    assert!(
        of(by(WEB), "")[0].contains("who is not named for it"),
        "nobody attests unless the policy says who"
    );
}

#[test]
fn scans_of_files_count_whoever_may_attest() {
    let files = [("a.json", trivy('1', YESTERDAY, &[]))];
    for check in SCAN_CHECKS {
        let evidence = with_registry(&files, &[('1', pending(3))], &[]);
        assert_eq!(told(&judge(evidence, NOW, check, ATTESTORS, &pinned('1'))), [""; 0], "{check}");
    }
}

#[test]
fn without_a_scan_an_answer_that_may_bring_one_is_waited_for() {
    for (asked, reason) in [(pending(3), "is being fetched"), (failed(), "could not be fetched")] {
        for check in SCAN_CHECKS {
            let evidence = || with_registry(&[], &[('1', asked.clone())], &[]);
            let told_of = |params: &str| told(&judge(evidence(), NOW, check, params, &pinned('1')));
            let left = told_of(ATTESTORS);
            assert!(
                left[0].starts_with("left to unknown-image-evidence: its evidence "),
                "{check}: {left:?}"
            );
            assert!(left[0].contains(reason), "{check}: {left:?}");
            // Where nobody may attest, nothing that is fetched could count.
            assert!(!told_of("")[0].starts_with("left"), "{check}");
        }
    }
}

#[test]
fn a_resolved_tag_is_what_the_registry_says_and_the_message_warns_of_the_node() {
    let resolve = "tagOnly: resolve";
    let image = "registry.example.com/shop/web:1";
    let resolved = |digit, seconds| Tagged::Resolved {
        digest: of_digit(digit),
        asked_at: now() - jiff::SignedDuration::from_secs(seconds),
    };
    // A report saw the tag on another digest, but the registry is asked.
    let files =
        [("a.json", trivy('1', YESTERDAY, &[])), ("b.json", trivy('2', YESTERDAY, &["CVE-2 CRITICAL 2"]))];
    let of = |tags: &[(&str, Tagged)], check: &str| {
        told(&judge(with_registry(&files, &[], tags), NOW, check, resolve, image))
    };
    let vulnerable = of(&[("1", resolved('2', 3))], "vulnerable-image");
    assert!(
        vulnerable[0].ends_with(
            ", judged by sha256:222222222222, which the tag named 3 s ago in the registry; the node may pull another: \
             pin the digest"
        ),
        "{vulnerable:?}"
    );
    assert_eq!(of(&[("1", resolved('1', 3))], "unscanned-image"), [""; 0]);
    let pending = [("1", Tagged::Pending { since: now() - jiff::SignedDuration::from_secs(2) })];
    let reason =
        "its digest is being fetched from registry.example.com since 2 s; try again in half a minute";
    assert_eq!(of(&pending, "unscanned-image"), [format!("left to unknown-image-evidence: {reason}")]);
    let word = told(&judge(with_registry(&files, &[], &pending), NOW, "unknown-image-evidence", "", image));
    assert_eq!(word, [format!("`{image}`: {reason}")]);
    let never = of(&[], "unscanned-image");
    assert!(never[0].contains("its digest is about to be fetched"), "{never:?}");
}

#[test]
fn an_unpinned_image_comes_with_the_digest_to_write_when_it_is_known() {
    let image = "registry.example.com/shop/web:1";
    let asked_at = now() - jiff::SignedDuration::from_mins(2);
    let tags = [("1", Tagged::Resolved { digest: of_digit('1'), asked_at })];
    let report = judge(with_registry(&[], &[], &tags), NOW, "unpinned-image", "", image);
    assert_eq!(
        told(&report),
        [format!("`{image}` has no digest; its tag named sha256:111111111111 2 min ago")]
    );
    let fix = report.violations[0].fix.clone().unwrap();
    assert_eq!(fix, format!("Write `{image}@{}`, if that is the content that was approved.", digest('1')));
    let unknown = judge(with_registry(&[], &[], &[]), NOW, "unpinned-image", "", image);
    assert_eq!(told(&unknown), [format!("`{image}` has no digest")]);
}
