//! What attestations say: scans, provenance, what is inside, and which vulnerabilities do not concern the image.

use soc2gate::inventory::image_evidence::{Product, VexStatus};

use super::*;

/// The scan of in-toto's format, with its type.
pub(super) fn in_toto_scan(version: &str, result: Value) -> (&'static str, Value) {
    let kind = match version {
        "v0.1" => "https://in-toto.io/attestation/vulns/v0.1",
        _ => "https://in-toto.io/attestation/vulns/v0.2",
    };
    let predicate = json!({
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@244fd47e07d1004f0aed9", "version": "0.19.2",
            "db": {"uri": "pkg:github/aquasecurity/trivy-db", "version": "1", "lastUpdate": "2026-06-13T00:00:00Z"},
            "result": result,
        },
        "metadata": {"scanStartedOn": "2026-06-14T00:00:00Z", "scanFinishedOn": "2026-06-14T00:01:00Z"},
    });
    (kind, predicate)
}

fn cosign_scan(result: &str) -> Value {
    json!({
        "invocation": {"parameters": null, "uri": "", "event_id": "", "builder.id": ""},
        "scanner": {
            "uri": "pkg:github/aquasecurity/trivy@0.69.1", "version": "0.69.1", "db": {"uri": "", "version": ""},
            "result": serde_json::from_str::<Value>(result).unwrap(),
        },
        "metadata": {"scanStartedOn": "2026-06-14T00:00:00Z", "scanFinishedOn": "2026-06-14T00:01:00Z"},
    })
}

/// What is learned from an attestation of a key of the policy about the image `a`.
fn learn(kind: &str, predicate: Value) -> (Claim, Vec<String>, Vec<VexStatement>) {
    let key = Key::make();
    let bundle = key.bundle(&sigstore::statement("", &digest('a'), kind, predicate));
    let (attested, scans, statements) = verify(&verifier(&[&key], &[]), &bundled(&bundle));
    assert_eq!(attested.refused, []);
    (attested.attestations[0].claim.clone(), scans, statements)
}

fn not_learned(kind: &str, predicate: Value) -> String {
    let key = Key::make();
    let bundle = key.bundle(&sigstore::statement("", &digest('a'), kind, predicate));
    refused(&verifier(&[&key], &[]), &bundled(&bundle))
}

#[test]
fn a_scan_by_in_totos_format_counts_with_the_id_in_either_place() {
    let severity = json!([{"method": "nvd", "score": "HIGH"}, {"method": "CVSS_V3", "score": "9.8"}]);
    for (version, result) in [
        ("v0.1", json!([{"vulnerability": {"id": "CVE-2026-1", "severity": severity}}])),
        ("v0.1", json!([{"id": "CVE-2026-1", "severity": severity}])),
        ("v0.2", json!([{"id": "CVE-2026-1", "severity": severity, "annotations": [{"a": "b"}]}])),
    ] {
        let (kind, predicate) = in_toto_scan(version, result);
        let (claim, scans, _) = learn(kind, predicate);
        assert_eq!(claim, Claim::Scan);
        let here = "trivy 2026-06-14T00:01:00Z registry.example.com/shop/web sha256:aaaaaaaaaaaa";
        assert_eq!(scans, [format!("{here} CVE-2026-1 critical true")]);
    }
}

#[test]
fn a_scan_without_its_list_is_refused_and_not_taken_for_one_that_found_nothing() {
    let (kind, predicate) = in_toto_scan("v0.2", Value::Null);
    assert_eq!(not_learned(kind, predicate), format!("attestation {kind}: it has no `scanner.result`"));
    let kind = "https://cosign.sigstore.dev/attestation/vuln/v1";
    assert!(not_learned(kind, cosign_scan("{}")).contains("no scan report of Trivy or Grype"));
    assert!(not_learned(kind, cosign_scan("[]")).contains("no scan report of Trivy or Grype"));
}

#[test]
fn a_scan_by_cosigns_format_is_one_of_the_attested_image_whatever_the_report_calls_it() {
    let kind = "https://cosign.sigstore.dev/attestation/vuln/v1";
    let here = "registry.example.com/shop/web sha256:aaaaaaaaaaaa";
    let report = super::super::trivy('b', "2026-06-14T10:00:00Z", &["CVE-2026-1 CRITICAL 2"]);
    let (claim, scans, _) = learn(kind, cosign_scan(&report));
    assert_eq!(claim, Claim::Scan);
    assert_eq!(scans, [format!("trivy 2026-06-14T10:00:00Z {here} CVE-2026-1 critical true")]);
    let report =
        super::super::grype('b', "2026-06-14T10:00:00Z", "2026-06-14T00:00:00Z", &["CVE-2026-2 High -"]);
    let (_, scans, _) = learn(kind, cosign_scan(&report));
    assert_eq!(scans, [format!("grype 2026-06-14T10:00:00Z {here} CVE-2026-2 high false")]);
    // An image that was scanned before it was in any registry.
    let local = json!({"SchemaVersion": 2, "Metadata": {}, "Results": []}).to_string();
    assert_eq!(learn(kind, cosign_scan(&local)).1, [format!("trivy 2026-06-14T00:01:00Z {here} ")]);
}

#[test]
fn provenance_tells_builder_and_source_in_both_versions() {
    let told = |builder: &str, source: Option<&str>| Claim::Provenance {
        builder: builder.into(),
        source: source.map(Into::into),
    };
    let v1 = json!({
        "buildDefinition": {
            "externalParameters": {"workflow": {"repository": "https://github.com/shop/web", "ref": "refs/heads/main"}},
            "resolvedDependencies": [{"uri": "git+https://github.com/shop/web@refs/heads/main"}],
        },
        "runDetails": {"builder": {"id": "https://builder.example.com/v1"}},
    });
    let (claim, ..) = learn("https://slsa.dev/provenance/v1", v1);
    assert_eq!(claim, told("https://builder.example.com/v1", Some("https://github.com/shop/web")));
    let v02 = json!({
        "builder": {"id": "https://builder.example.com/v0"},
        "invocation": {"configSource": {"uri": "git+https://github.com/shop/web"}},
    });
    let (claim, ..) = learn("https://slsa.dev/provenance/v0.2", v02);
    assert_eq!(claim, told("https://builder.example.com/v0", Some("git+https://github.com/shop/web")));
    let (claim, ..) = learn("https://slsa.dev/provenance/v0.2", json!({"builder": {"id": "b"}}));
    assert_eq!(claim, told("b", None));
    assert_eq!(
        not_learned("https://slsa.dev/provenance/v1", json!({})),
        "attestation https://slsa.dev/provenance/v1: it does not say what built the image"
    );
}

#[test]
fn knows_what_lists_contents_and_names_what_nobody_reads() {
    assert_eq!(learn("https://cyclonedx.org/bom/v1.6", json!({})).0, Claim::Sbom { format: "CycloneDX" });
    assert_eq!(learn("https://spdx.dev/Document", json!({})).0, Claim::Sbom { format: "SPDX" });
    let other = Claim::Other { predicate_type: "https://example.com/tests".into() };
    assert_eq!(learn("https://example.com/tests", json!({"passed": true})).0, other);
}

#[test]
fn a_vex_statement_knows_who_signed_it_and_the_image_it_is_bound_to() {
    let document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "author": "Shop Security",
        "timestamp": "2026-06-01T00:00:00Z", "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-1", "aliases": ["GHSA-1"]}, "status": "not_affected",
                "justification": "vulnerable_code_not_in_execute_path",
            },
            {
                "vulnerability": {"name": "CVE-2026-2"}, "status": "fixed", "timestamp": "2026-06-02T00:00:00Z",
                "products": [
                    {"@id": format!("pkg:oci/web@{}", digest('a').replace(':', "%3A"))},
                    {"@id": "pkg:oci/web", "subcomponents": [{"@id": "pkg:deb/debian/zlib1g@1"}]},
                ],
            },
        ],
    });
    let (claim, _, statements) = learn("https://openvex.dev/ns/v0.2.0", document);
    assert_eq!(claim, Claim::Vex);
    let image = Digest::parse(&digest('a')).unwrap();
    let [first, second] = &*statements else { panic!("{statements:?}") };
    assert!(statements.iter().all(|one| one.by.is_some() && one.subject == Some(image.clone())));
    assert_eq!(first.vulnerabilities, ["CVE-2026-1".into(), "GHSA-1".into()]);
    assert_eq!((first.status, &*first.why), (VexStatus::NotAffected, "vulnerable_code_not_in_execute_path"));
    assert_eq!(first.products, [Product::Image(image.clone())]);
    assert_eq!((second.status, second.at.to_string()), (VexStatus::Fixed, "2026-06-02T00:00:00Z".to_owned()));
    let inside = Product::Package {
        purl: "pkg:oci/web".into(),
        subcomponents: vec!["pkg:deb/debian/zlib1g@1".into()],
    };
    assert_eq!(second.products, [Product::Image(image), inside]);
}
