//! What scanners and signers write beside what is read never changes what is read: fields may come, anywhere.

use proptest::prelude::*;
use serde_json::{Value, json};
use soc2gate::{
    cluster::definitions::{HandedIn, ImageScanSpec},
    inventory::image_evidence::{Rating, ScanReport, Subject, VexStatement, VulnerabilityReport},
    object::Digest,
};

use super::*;

const CREATED: &str = "2026-06-14T10:00:00Z";

/// The documents, by the format that they are in.
fn documents() -> Vec<(&'static str, String)> {
    let trivy = trivy('1', CREATED, &["CVE-2026-1 CRITICAL 2", "CVE-2026-2 LOW -"]);
    let grype = grype('1', CREATED, "2026-06-14T00:00:00Z", &["CVE-2026-3 High 2"]);
    let vulnerability = json!({"id": "CVE-2026-4", "severity": [{"method": "nvd", "score": "9.8"}]});
    let mut predicate = json!({
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@1", "version": "0.69.1", "db": {"uri": "", "version": "1"},
            "result": [vulnerability],
        },
        "metadata": {"scanStartedOn": CREATED, "scanFinishedOn": CREATED},
    });
    let statement = |kind: &str, predicate: &Value| {
        json!({
            "_type": "https://in-toto.io/Statement/v1", "predicateType": kind,
            "subject": [{"name": "registry.example.com/shop/web", "digest": {"sha256": digest('1').split_off(7)}}],
            "predicate": predicate,
        })
    };
    let new = statement("https://in-toto.io/attestation/vulns/v0.2", &predicate).to_string();
    predicate["scanner"]["result"] = json!([{"vulnerability": vulnerability}]);
    let old = statement("https://in-toto.io/attestation/vulns/v0.1", &predicate).to_string();
    predicate["scanner"]["result"] = serde_json::from_str(&trivy).unwrap();
    let cosign = statement("https://cosign.sigstore.dev/attestation/vuln/v1", &predicate).to_string();
    let vex = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Shop",
        "timestamp": CREATED, "version": 1,
        "statements": [{
            "vulnerability": {"@id": "https://nvd.nist.gov/vuln/detail/CVE-2026-1"},
            "products": [{"@id": "pkg:deb/debian/lib@1", "subcomponents": [{"@id": "pkg:deb/debian/part"}]}],
            "status": "not_affected", "justification": "component_not_present",
        }],
    });
    let index = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{"digest": digest('1'), "platform": {"os": "linux", "architecture": "amd64"}}],
    });
    vec![
        ("trivy", trivy),
        ("grype", grype),
        ("in-toto v0.1", old),
        ("in-toto v0.2", new),
        ("cosign-vuln", cosign),
        ("OpenVEX", vex.to_string()),
        ("index", index.to_string()),
    ]
}

/// What is read of a document, in words.
fn read(text: &str) -> Vec<String> {
    let mut reports = reports(&[("document.json", text)]);
    let problems: Vec<_> = reports.problems().map(|problem| problem.reason.to_string()).collect();
    let evidence = match reports.snapshot() {
        Source::Ready(evidence) => evidence,
        _ => return problems,
    };
    let image = Digest::parse(&digest('1')).unwrap();
    let mut told = problems;
    let index = evidence.children(&crate::oci_registry::sha256(text.as_bytes()));
    told.extend(index.iter().map(|child| format!("holds {child}")));
    for scan in evidence.scans_of(&image) {
        told.push(format!("{} {} {:?}", scan.scanner, scan.scanner_version, scan.scanned_at));
        told.extend(
            evidence.vulnerabilities(scan).map(|found| {
                format!("{} {} {} {}", found.id, found.rating(None), found.fixable, found.package)
            }),
        );
    }
    let name = |statement: &std::sync::Arc<VexStatement>| format!("{statement:?}");
    told.extend(evidence.vex("CVE-2026-1").iter().map(name));
    told
}

/// Puts a field into the object at this place, counted through the document; tells how many objects it passed.
pub(super) fn insert(value: &mut Value, at: usize, field: &(String, Value)) -> usize {
    match value {
        Value::Object(fields) => {
            let mut passed = 1;
            for inner in fields.values_mut() {
                passed += insert(inner, at.wrapping_sub(passed), field);
            }
            if at == 0 {
                fields.insert(field.0.clone(), field.1.clone());
            }
            passed
        }
        Value::Array(items) => {
            let mut passed = 0;
            for inner in items {
                passed += insert(inner, at.wrapping_sub(passed), field);
            }
            passed
        }
        _ => 0,
    }
}

pub(super) fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..3)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn fields_that_nobody_knows_change_nothing_wherever_they_stand(
        fields in prop::collection::vec((any::<prop::sample::Index>(), "[xX]-[a-zA-Z]{1,12}", anything()), 1..6),
    ) {
        for (format, text) in documents() {
            let mut document: Value = serde_json::from_str(&text).unwrap();
            for (at, name, value) in &fields {
                let field = (name.clone(), value.clone());
                let objects = insert(&mut document.clone(), usize::MAX, &field);
                insert(&mut document, at.index(objects), &field);
            }
            let (as_written, with_more) = (read(&text), read(&document.to_string()));
            prop_assert!(!as_written.is_empty(), "{format} says nothing");
            prop_assert_eq!(as_written, with_more, "{}: {}", format, document);
        }
    }
}

#[test]
fn a_vulnerability_of_a_vex_document_may_be_named_by_its_address_alone() {
    for (vulnerability, name) in [
        (json!({"@id": "https://nvd.nist.gov/vuln/detail/CVE-2026-1"}), "CVE-2026-1"),
        (json!({"@id": "CVE-2026-1"}), "CVE-2026-1"),
        (json!({"@id": "https://example.com/x", "name": "CVE-2026-1"}), "CVE-2026-1"),
        (json!({"name": "GHSA-1", "aliases": ["CVE-2026-1"]}), "GHSA-1"),
        (json!("CVE-2026-1"), "CVE-2026-1"),
    ] {
        let vex = json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "author": "Shop", "timestamp": CREATED,
            "statements": [{"vulnerability": vulnerability, "products": [{"@id": "pkg:deb/debian/lib"}], "status": "fixed"}],
        });
        let evidence = ready(evidence(&[("vex.json", vex.to_string())]));
        assert_eq!((evidence.unread().len(), evidence.vex(name).len()), (0, 1), "{vex}");
        assert_eq!(evidence.vex("CVE-2026-1").len(), 1, "{vex}");
    }
    for nameless in
        [json!({}), json!({"@id": ""}), json!({"@id": "https://example.com/"}), json!({"name": ""})]
    {
        let vex = json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "author": "Shop", "timestamp": CREATED,
            "statements": [{"vulnerability": nameless, "products": [{"@id": "pkg:deb/debian/lib"}], "status": "fixed"}],
        });
        let reports = reports(&[("vex.json", vex.to_string())]);
        let problems: Vec<_> = reports.problems().map(|problem| problem.reason.to_string()).collect();
        assert_eq!(problems, ["a statement names no vulnerability"], "{vex}");
    }
}

#[test]
fn ratings_by_others_count_in_every_shape_and_never_spoil_the_report() {
    let rated = |said: Value| {
        let mut report: Value = serde_json::from_str(&trivy('1', CREATED, &["CVE-2026-1 LOW 2"])).unwrap();
        report["Results"][0]["Vulnerabilities"][0]["VendorSeverity"] = said;
        let evidence = ready(evidence(&[("trivy.json", report.to_string())]));
        assert_eq!(evidence.unread(), []);
        let scan = evidence.scans_of(&Digest::parse(&digest('1')).unwrap())[0].clone();
        evidence.vulnerabilities(&scan).map(|found| found.rating(Some("nvd")).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(rated(json!({"nvd": 4, "debian": 1})), ["critical"]);
    assert_eq!(rated(json!({"nvd": "HIGH"})), ["high"]);
    for odd in [json!({"nvd": {"score": 9}, "x": []}), json!([1, 2]), json!("high"), Value::Null, json!(4)] {
        assert_eq!(rated(odd.clone()).len(), 1, "{odd}");
    }
}

/// A scan with everything that a report may say, or nothing of it.
fn any_scan() -> impl Strategy<Value = ScanReport<'static>> {
    let text = || prop_oneof![Just(String::new()), "[a-zA-Z0-9:/@.\"\\\\ü-]{1,20}"];
    let rating = || {
        prop_oneof![
            Just("critical"),
            Just("high"),
            Just("medium"),
            Just("low"),
            Just("negligible"),
            Just("unknown")
        ]
        .prop_map(Rating::of)
    };
    let time = || prop::option::of((0..4_000_000_000_i64).prop_map(|at| Timestamp::from_second(at).unwrap()));
    let others = prop::collection::btree_map("[a-z]{1,6}", rating(), 0..3);
    let aliases = prop::collection::vec(text(), 0..3);
    let found = (text(), aliases, text(), rating(), text(), others, any::<bool>(), text()).prop_map(
        |(id, aliases, package, rating, rated_by, others, fixable, fixed_in)| VulnerabilityReport {
            id: id.into(),
            aliases: aliases.into_iter().map(Into::into).collect(),
            package: package.into(),
            rating,
            rated_by: rated_by.into(),
            other_ratings: others.into_iter().map(|(by, rating)| (by.into(), rating)).collect(),
            fixable,
            fixed_in: fixed_in.into(),
        },
    );
    let subjects = prop::collection::vec((text(), "[a-f0-9]{64}"), 0..3);
    let listed = prop::collection::vec(found, 0..4);
    let told = (text(), text(), time(), time(), text(), any::<bool>());
    (told, subjects, prop::collection::vec(text(), 0..3), listed).prop_map(
        |(told, subjects, tags, vulnerabilities)| {
            let (scanner, scanner_version, scanned_at, database_at, platform, end_of_life) = told;
            let subject = |(repository, hex): (String, String)| Subject {
                repository: repository.into(),
                digest: Digest::parse(&format!("sha256:{hex}")).unwrap(),
            };
            ScanReport {
                scanner: scanner.into(),
                scanner_version: scanner_version.into(),
                scanned_at,
                database_at,
                platform,
                end_of_life,
                subjects: subjects.into_iter().map(subject).collect(),
                tags,
                vulnerabilities,
                attester: None,
            }
        },
    )
}

proptest! {
    #[test]
    fn a_scan_comes_back_from_the_cluster_as_it_was_handed_in(scan in any_scan()) {
        let image = Digest::parse(&digest('1')).unwrap();
        let handed = HandedIn {
            image: &image, by: "ci", received_at: now(), report: &digest('2'), is_bound_by_caller: false,
        };
        let text = serde_json::to_string(&ImageScanSpec::new(&handed, &scan)).unwrap();
        let back: ImageScanSpec = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(format!("{:?}", back.scan().unwrap()), format!("{scan:?}"));
        prop_assert_eq!(back.received_at().unwrap(), now());
    }
}
