//! Reports as scanners write them, files that are none, and files that change.

use std::fs;

use soc2gate::{
    criterion::Severity,
    inventory::image_evidence::{Evidence, Rating, Scan},
    object::{Digest, ImageReference},
};

use super::*;

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scan-reports").join(name);
    fs::read(path).unwrap()
}

fn is_covered(evidence: &ImageEvidence, digit: char) -> bool {
    let digest = Digest::parse(&digest(digit)).unwrap();
    matches!(evidence.of(&digest, now(), &|_| true), Evidence::Scanned(_))
}

/// The newest scan of a digest in a fixture, and what it lists as `id rating fixable fixed-in package`.
fn read(file: &str, digit: char, look: impl FnOnce(&Scan)) -> Vec<String> {
    let evidence = ready(evidence(&[(file, fixture(file))]));
    let digest = Digest::parse(&digest(digit)).unwrap();
    let Evidence::Scanned(judged) = evidence.of(&digest, now(), &|_| true) else {
        panic!("{file} covers no {digit}")
    };
    let scan = judged[0].newest;
    look(scan);
    let listed = evidence.vulnerabilities(scan).map(|found| {
        let rating = match found.rating(None) {
            Rating::Rated(severity) => severity.id(),
            Rating::Negligible => "negligible",
            Rating::Unknown => "unknown",
        };
        format!("{} {rating} {} [{}] {}", found.id, found.fixable, found.fixed_in, found.package_name())
    });
    listed.collect()
}

#[test]
fn reads_a_report_of_trivy_by_its_repo_digests_never_by_its_image_id() {
    let listed = read("trivy.json", 'a', |scan| {
        assert_eq!((&*scan.scanner, &*scan.scanner_version), ("trivy", "0.69.1"));
        assert_eq!(scan.scanned_at.unwrap().to_string(), "2026-06-14T03:14:51.482913744Z");
        assert_eq!(scan.database_at, None);
        assert_eq!(&*scan.platform, "linux/amd64");
        assert!(scan.end_of_life);
        assert_eq!(&*scan.subjects[0].repository, "registry.example.com/shop/web");
        assert_eq!(&*scan.file, "trivy.json");
    });
    assert_eq!(
        listed,
        [
            "CVE-2026-1001 critical true [3.0.16-1~deb12u1] libssl3",
            "CVE-2026-1002 critical false [] perl-base",
            "CVE-2026-1003 unknown true [1.2.14] zlib1g",
            "CVE-2026-1004 high true [0.33.0, 0.32.1] net",
        ]
    );
    assert!(!is_covered(&ready(evidence(&[("trivy.json", fixture("trivy.json"))])), '9'));
}

#[test]
fn reads_a_report_of_grype_with_either_layout_of_its_database() {
    let listed = read("grype.json", 'b', |scan| {
        assert_eq!((&*scan.scanner, &*scan.scanner_version), ("grype", "0.111.0"));
        assert_eq!(scan.scanned_at.unwrap().to_string(), "2026-06-14T12:00:00.123456789Z");
        assert_eq!(scan.database_at.unwrap().to_string(), "2026-06-14T06:48:35Z");
        assert_eq!(&*scan.platform, "linux/amd64");
    });
    assert_eq!(
        listed,
        [
            "CVE-2026-2001 critical true [8.14.1-2, 8.15.0-1] curl",
            "CVE-2026-2002 critical false [] tar",
            "CVE-2026-2003 negligible true [2] sed",
        ]
    );
    // The manifest that it looked at, inside the index that the registry answered with.
    read("grype.json", 'c', |_| {});
    let listed = read("grype-schema-5.json", 'd', |scan| {
        assert_eq!(scan.database_at.unwrap().to_string(), "2026-06-09T01:28:02Z");
    });
    assert_eq!(listed, [""; 0]);
}

#[test]
fn reads_reports_of_the_trivy_operator_one_and_many() {
    let listed = read("operator.yaml", 'e', |scan| {
        assert_eq!(&*scan.scanner, "trivy");
        assert_eq!(&*scan.subjects[0].repository, "docker.io/library/nginx");
        assert_eq!(scan.scanned_at.unwrap().to_string(), "2026-06-15T01:02:03Z");
    });
    assert_eq!(listed, ["CVE-2026-3001 critical true [2.9.15] libxml2"]);
    let mut reports = reports(&[("list.json", fixture("operator-list.json"))]);
    assert!(is_covered(&ready(reports.snapshot()), '4'));
    let problems: Vec<_> = reports.problems().map(|problem| problem.reason.to_string()).collect();
    assert!(problems[0].starts_with("items[1]: it names no image digest"), "{problems:?}");
}

#[test]
fn another_source_of_severity_is_asked_where_it_has_an_opinion() {
    let judge = |file: &str, digit, source: &str| {
        let params = format!("{{severity: high, severitySource: {source}}}");
        told(&judge(evidence(&[(file, fixture(file))]), NOW, "vulnerable-image", &params, &pinned(digit)))
    };
    assert!(judge("trivy.json", 'a', "nvd")[0].contains("has 3 vulnerabilities"));
    // Red Hat calls one of them medium; of the others it has no opinion.
    assert!(judge("trivy.json", 'a', "redhat")[0].contains("has 2 vulnerabilities"));
    assert!(judge("grype.json", 'b', "debian")[0].contains("CVE-2026-2001 in curl"));
    assert_eq!(judge("grype.json", 'b', "nvd"), [""; 0]);
}

#[test]
fn the_last_seen_digest_of_a_tag_comes_from_the_same_repository() {
    let evidence =
        ready(evidence(&[("a.yaml", fixture("operator.yaml")), ("b.json", fixture("trivy.json"))]));
    let seen = |text: &str| {
        let image = ImageReference::parse(text).unwrap();
        evidence.last_seen(&image, now()).map(|(digest, _)| digest.to_string())
    };
    assert_eq!(seen("nginx:1.27"), Some(digest('e')));
    assert_eq!(seen("registry.example.com/shop/web:1.4.2"), Some(digest('a')));
    assert_eq!(seen("registry.example.com/other/web:1.4.2"), None);
    assert_eq!(seen("nginx"), None);
}

#[test]
fn what_is_no_scan_of_a_digest_is_a_problem_with_its_reason() {
    for (name, content, reason) in [
        ("empty.json", "", "it does not parse: EOF"),
        ("half.json", "{\"SchemaVersion\": 2, \"Results\": [", "it does not parse: EOF"),
        ("other.json", "{\"hello\": 1}", "it is no scan report"),
        ("list.json", "[1]", "it is a list"),
        ("schema.json", "{\"SchemaVersion\": 3}", "Trivy's schema 3 is not known"),
        (
            "files.json",
            "{\"SchemaVersion\": 2, \"ArtifactType\": \"filesystem\"}",
            "it names no image digest",
        ),
        (
            "id.json",
            "{\"SchemaVersion\": 2, \"Metadata\": {\"ImageID\": \"sha256:00\"}}",
            "it names no image digest",
        ),
        (
            "twice.json",
            "{\"SchemaVersion\": 2, \"Results\": [], \"Results\": []}",
            "it does not parse: duplicate",
        ),
        ("grype.json", "{\"descriptor\": {\"name\": \"grype\"}, \"source\": {}}", "it has no `matches`"),
        (
            "directory.json",
            "{\"descriptor\": {\"name\": \"grype\"}, \"source\": {\"type\": \"directory\", \"target\": \"/src\"}, \"matches\": []}",
            "it names no image digest",
        ),
        (
            "vex.json",
            "{\"@context\": \"https://openvex.dev/ns/v0.2.0\", \"statements\": []}",
            "it has no `author`",
        ),
        (
            "spdx.json",
            "{\"@context\": \"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\", \"@graph\": []}",
            "it is linked data (SPDX)",
        ),
        ("attested.json", "{\"invocation\": {}, \"scanner\": {}}", "it has no `scanner.result`"),
        (
            "statement.json",
            "{\"_type\": \"https://in-toto.io/Statement/v1\", \"predicateType\": \"https://spdx.dev/Document\"}",
            "an in-toto statement, but not on vulnerabilities",
        ),
        ("empty.yaml", "", "it is empty"),
        ("half.yaml", "kind: [", "it does not parse"),
        ("report.yaml", "kind: VulnerabilityReport", "it has no `report`"),
        ("index.json", "{\"manifests\": [{\"digest\": \"x\"}]}", "an image index, but"),
    ] {
        let reports = reports(&[(name, content)]);
        let problems: Vec<_> = reports.problems().collect();
        assert_eq!(problems.len(), 1, "{name}");
        assert_eq!(problems[0].file, Path::new(name));
        assert!(problems[0].reason.starts_with(reason), "{name}: {}", problems[0].reason);
    }
    let not_text = reports(&[("a.yaml", b"\xff\xfe")]);
    assert_eq!(not_text.problems().count(), 1);
    let time = trivy('1', "yesterday", &[]);
    assert_eq!(&*reports(&[("a.json", time)]).problems().next().unwrap().reason, "`yesterday` is not a time");
}

#[test]
fn a_report_of_secrets_alone_is_no_scan_for_vulnerabilities() {
    let report = trivy('1', NOW, &[]).replace("os-pkgs", "secret");
    let problems: Vec<_> = reports(&[("a.json", report)]).problems().collect();
    assert!(problems[0].reason.starts_with("Trivy did not look for vulnerabilities"), "{problems:?}");
}

#[test]
fn evidence_is_unavailable_only_when_nothing_at_all_can_be_read() {
    let empty: [(&str, &str); 0] = [];
    assert!(matches!(evidence(&empty), Source::Ready(_)));
    assert!(matches!(evidence(&[("a.json", "x")]), Source::Unavailable(reason) if reason.contains("a.json")));
    let mut reports = reports(&[("scans/a.json", trivy('1', NOW, &[]))]);
    reports.unreadable(Path::new("scans"), "Permission denied");
    let evidence = ready(reports.snapshot());
    assert!(is_covered(&evidence, '1'));
    assert!(matches!(
        evidence.of(&Digest::parse(&digest('2')).unwrap(), now(), &|_| true),
        Evidence::Unknown(_)
    ));
    reports.remove(Path::new("scans"));
    let evidence = ready(reports.snapshot());
    assert!(matches!(
        evidence.of(&Digest::parse(&digest('2')).unwrap(), now(), &|_| true),
        Evidence::Unscanned
    ));
}

#[test]
fn a_changed_file_replaces_what_it_said_and_a_removed_one_takes_it_away() {
    let mut reports = reports(&[("a.json", trivy('1', NOW, &[])), ("b.json", trivy('2', NOW, &[]))]);
    let before = ready(reports.snapshot());
    reports.apply(Path::new("a.json"), trivy('3', NOW, &[]).as_bytes());
    reports.remove(Path::new("b.json"));
    let after = ready(reports.snapshot());
    assert_eq!(['1', '2', '3'].map(|digit| is_covered(&before, digit)), [true, true, false]);
    assert_eq!(['1', '2', '3'].map(|digit| is_covered(&after, digit)), [false, false, true]);
    // Broken now: what it said before is not what it says.
    reports.apply(Path::new("a.json"), b"{");
    assert!(matches!(reports.snapshot(), Source::Unavailable(_)));
    reports.apply(Path::new("a.json"), trivy('3', NOW, &[]).as_bytes());
    assert_eq!(reports.problems().count(), 0);
    assert!(is_covered(&ready(reports.snapshot()), '3'));
}

#[test]
fn a_file_that_cannot_be_read_for_a_while_still_says_what_it_said() {
    let mut reports = reports(&[("a.json", trivy('1', NOW, &[]))]);
    reports.unreadable(Path::new("a.json"), "Input/output error");
    let evidence = ready(reports.snapshot());
    assert!(is_covered(&evidence, '1'));
    assert!(matches!(
        evidence.of(&Digest::parse(&digest('2')).unwrap(), now(), &|_| true),
        Evidence::Unknown(_)
    ));
    reports.apply(Path::new("a.json"), trivy('2', NOW, &[]).as_bytes());
    let evidence = ready(reports.snapshot());
    assert_eq!((is_covered(&evidence, '1'), is_covered(&evidence, '2')), (false, true));
    assert_eq!(reports.problems().count(), 0);
}

#[test]
fn an_index_listed_twice_stays_until_both_files_are_gone() {
    let index = fixture("index.json");
    let mut reports = reports(&[("a.json", index.clone()), ("b.json", index)]);
    let digest =
        Digest::parse("sha256:1c455b4f2c14de7c84b596d4e0fcaa8f96ccb9b19915b416c81908d2d087676e").unwrap();
    assert_eq!(ready(reports.snapshot()).children(&digest).len(), 2, "an attestation is no platform");
    reports.remove(Path::new("a.json"));
    assert_eq!(ready(reports.snapshot()).children(&digest).len(), 2);
    reports.remove(Path::new("b.json"));
    assert_eq!(ready(reports.snapshot()).children(&digest).len(), 0);
}

#[test]
fn evidence_survives_thousands_of_reports_that_come_and_go() {
    let mut reports = reports(&[("stays.json", trivy('1', NOW, &["CVE-1 CRITICAL 2"]))]);
    let early = ready(reports.snapshot());
    for round in 0..3_000 {
        let id = format!("CVE-9-{round} HIGH {round}");
        reports.apply(Path::new("changes.json"), trivy('2', NOW, &[&id]).as_bytes());
        if round % 500 == 0 {
            reports.snapshot();
        }
    }
    for evidence in [early, ready(reports.snapshot())] {
        let digest = Digest::parse(&digest('1')).unwrap();
        let Evidence::Scanned(judged) = evidence.of(&digest, now(), &|_| true) else { panic!() };
        let listed: Vec<_> = evidence.vulnerabilities(judged[0].newest).collect();
        assert_eq!((listed[0].id, listed[0].fixed_in, listed.len()), ("CVE-1", "2", 1));
        assert_eq!(listed[0].rating(None), Rating::Rated(Severity::Critical));
    }
}

#[test]
fn reads_scans_in_the_form_of_attestations_from_files_unsigned() {
    let report: serde_json::Value =
        serde_json::from_str(&trivy('a', "2026-06-14T10:00:00Z", &["CVE-2026-1 HIGH 2"])).unwrap();
    let predicate = serde_json::json!({
        "invocation": {"parameters": null, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {"uri": "pkg:github/aquasecurity/trivy", "version": "0.69.1", "db": {}, "result": report},
        "metadata": {"scanStartedOn": "2026-06-14T09:00:00Z", "scanFinishedOn": "2026-06-14T09:01:00Z"},
    });
    let statement = crate::sigstore::statement(
        "registry.example.com/shop/web",
        &digest('b'),
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        predicate.clone(),
    );
    let evidence = ready(evidence(&[("a.json", predicate.to_string()), ("b.json", statement.to_string())]));
    assert_eq!(evidence.unread(), []);
    for digit in ['a', 'b'] {
        let digest = Digest::parse(&digest(digit)).unwrap();
        let Evidence::Scanned(judged) = evidence.of(&digest, now(), &|_| true) else { panic!("{digit}") };
        let scan = judged[0].newest;
        assert_eq!((&*scan.scanner, &*scan.scanner_version, &scan.attester), ("trivy", "0.69.1", &None));
        assert_eq!(scan.scanned_at.unwrap().to_string(), "2026-06-14T10:00:00Z");
        assert_eq!(evidence.vulnerabilities(scan).count(), 1);
    }
}

#[test]
fn reads_an_openvex_document_and_lets_it_go_with_its_file() {
    let document = r#"{
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Shop Security",
        "timestamp": "2026-06-01T00:00:00Z", "version": 1,
        "statements": [{
            "vulnerability": {"name": "CVE-2026-1", "aliases": ["GHSA-1"]},
            "products": [{"@id": "pkg:deb/debian/zlib1g@1.2.13"}],
            "status": "not_affected", "justification": "component_not_present"
        }]
    }"#;
    let mut reports = reports(&[("vex.json", document)]);
    let evidence = ready(reports.snapshot());
    assert_eq!(evidence.unread(), []);
    for name in ["CVE-2026-1", "GHSA-1"] {
        let [statement] = evidence.vex(name) else { panic!("{name}") };
        assert_eq!((&*statement.author, &statement.by, &statement.subject), ("Shop Security", &None, &None));
    }
    reports.remove(Path::new("vex.json"));
    assert!(ready(reports.snapshot()).vex("CVE-2026-1").is_empty());
    // One statement without a product, or without a reason, and nothing of the document counts.
    for (from, to, reason) in [
        ("\"products\"", "\"other\"", "the statement on CVE-2026-1 names no product"),
        ("\"justification\"", "\"other\"", "the statement on CVE-2026-1 says not_affected without"),
        ("not_affected", "harmless", "the statement on CVE-2026-1 has no status"),
        ("\"timestamp\"", "\"other\"", "the statement on CVE-2026-1 has no `timestamp`"),
    ] {
        let broken = super::reports(&[("vex.json", document.replace(from, to))]);
        let problems: Vec<_> = broken.problems().collect();
        assert!(problems.len() == 1 && problems[0].reason.starts_with(reason), "{problems:?}");
    }
}
