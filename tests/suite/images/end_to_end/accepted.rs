//! What is signed and attested as it should be counts, in every format.

use super::*;
use crate::sigstore::{signature_statement, statement};

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_every_format_are_believed() {
    let Some(world) = World::start(&["unsigned-image", "untrusted-signer"]) else { return };
    let name = format!("{}/{SHOP}", world.registry.host);
    let by_workflow = world.fulcio.identity(ISSUER, WORKFLOW, Flaw::None);
    let pushed: Vec<(&str, Digest)> = ["bundle by key", "bundle keyless", "simple by key", "simple keyless"]
        .into_iter()
        .enumerate()
        .map(|(number, what)| (what, world.image(&format!("1.{number}"))))
        .collect();
    for (what, digest) in &pushed {
        let signed = signature_statement(&name, digest.as_str());
        match *what {
            "bundle by key" => world.attach(digest, Found::Referrer, BUNDLE, &world.key.bundle(&signed)),
            "bundle keyless" => world.attach(digest, Found::Referrer, BUNDLE, &by_workflow.bundle(&signed)),
            "simple by key" => {
                let (payload, signature) = world.key.simple_signature(&name, digest.as_str());
                let annotations = [("dev.cosignproject.cosign/signature", signature.as_str())];
                world.attach_with(digest, Found::SignatureTag, SIMPLE_SIGNING, &payload, &annotations);
            }
            _ => {
                let (payload, annotations) = by_workflow.simple_signature(&name, digest.as_str());
                let annotations = annotations.each_ref().map(|(key, value)| (*key, value.as_str()));
                world.attach_with(digest, Found::SignatureTag, SIMPLE_SIGNING, &payload, &annotations);
            }
        }
        let answer = world.answer(&world.by_digest(digest)).await;
        assert!(answer.allowed(), "{what}: {}", answer.message());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn provenance_and_sboms_are_believed_from_bundles_and_from_old_attestations() {
    let Some(world) = World::start(&["missing-provenance", "missing-sbom"]) else { return };
    let digest = world.image("1");
    let provenance = json!({
        "buildDefinition": {
            "buildType": "https://example.com/build", "externalParameters": {},
            "resolvedDependencies": [{"uri": "git+https://git.example.com/shop/web@refs/heads/main"}],
        },
        "runDetails": {"builder": {"id": "https://builder.example.com/v1"}},
    });
    let said = statement("", digest.as_str(), "https://slsa.dev/provenance/v1", provenance);
    world.attach(&digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
    let sbom =
        statement("", digest.as_str(), "https://spdx.dev/Document", json!({"spdxVersion": "SPDX-2.3"}));
    world.attach(&digest, Found::AttestationTag, ENVELOPE, &world.key.envelope(&sbom));
    let answer = world.answer(&world.by_digest(&digest)).await;
    assert!(answer.allowed(), "{}", answer.message());
    let bare = world.image("2");
    let answer = world.answer(&world.by_digest(&bare)).await;
    assert!(
        answer.message().contains("missing-provenance") && answer.message().contains("missing-sbom"),
        "{}",
        answer.message()
    );
}

/// What a scanner found, in each format that attests it.
fn scans(id: &str) -> [(&'static str, Value); 3] {
    let now = jiff::Timestamp::now().to_string();
    let trivy = json!({
        "SchemaVersion": 2, "CreatedAt": now, "ArtifactName": "web", "Metadata": {},
        "Results": [{"Class": "os-pkgs", "Vulnerabilities": [{
            "VulnerabilityID": id, "PkgName": "openssl", "InstalledVersion": "3.0.1", "FixedVersion": "3.0.2",
            "Severity": "CRITICAL", "Status": "fixed",
        }]}],
    });
    [
        (
            "https://cosign.sigstore.dev/attestation/vuln/v1",
            json!({
                "invocation": {"uri": "", "event_id": "", "builder.id": ""},
                "scanner": {"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0", "db": {}, "result": trivy},
                "metadata": {"scanStartedOn": now, "scanFinishedOn": now},
            }),
        ),
        (
            "https://in-toto.io/attestation/vulns/v0.1",
            json!({
                "scanner": {"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0", "db": {"lastUpdate": now},
                    "result": [{"id": id, "severity": [{"method": "nvd", "score": "9.8"}]}]},
                "metadata": {"scanStartedOn": now, "scanFinishedOn": now},
            }),
        ),
        (
            "https://in-toto.io/attestation/vulns/v0.2",
            json!({
                "scanner": {"uri": "pkg:github/aquasecurity/trivy@0.60.0", "version": "0.60.0", "db": {"lastUpdate": now},
                    "result": [{"id": id, "severity": [{"method": "nvd", "score": "9.8"}]}]},
                "metadata": {"scanStartedOn": now, "scanFinishedOn": now},
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn attested_scans_of_every_format_make_an_image_scanned() {
    let Some(world) = World::start(&["unscanned-image", "stale-scan"]) else { return };
    for (number, (predicate_type, predicate)) in scans("CVE-2026-1").into_iter().enumerate() {
        let digest = world.image(&number.to_string());
        let said = statement("", digest.as_str(), predicate_type, predicate);
        world.attach(&digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
        let answer = world.answer(&world.by_digest(&digest)).await;
        assert!(answer.allowed(), "{predicate_type}: {}", answer.message());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attested_vex_excuses_a_vulnerability_and_the_answer_records_it() {
    let Some(world) = World::start(&["vulnerable-image"]) else { return };
    let [(predicate_type, predicate), ..] = scans("CVE-2026-1");
    let digest = world.image("1");
    let said = statement("", digest.as_str(), predicate_type, predicate);
    world.attach(&digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
    let answer = world.answer(&world.by_digest(&digest)).await;
    assert!(answer.message().contains("CVE-2026-1"), "{}", answer.message());

    let digest = world.image("2");
    let [(predicate_type, predicate), ..] = scans("CVE-2026-1");
    let said = statement("", digest.as_str(), predicate_type, predicate);
    world.attach(&digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
    let vex = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "version": 1,
        "author": "security@example.com", "timestamp": "2026-01-01T00:00:00Z",
        "statements": [{
            "vulnerability": {"name": "CVE-2026-1"}, "status": "not_affected",
            "products": [{"@id": format!("pkg:oci/web@{}", digest.as_str().replace(':', "%3A"))}],
            "justification": "vulnerable_code_not_in_execute_path",
        }],
    });
    let said = statement("", digest.as_str(), "https://openvex.dev/ns", vex);
    world.attach(&digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
    let answer = world.answer(&world.by_digest(&digest)).await;
    assert!(answer.allowed(), "{}", answer.message());
    let annotations = answer.response()["auditAnnotations"].to_string();
    assert!(annotations.contains("CVE-2026-1") && annotations.contains("not_affected"), "{annotations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_shows_who_signed_what_the_registry_holds_and_what_was_refused() {
    let Some(world) = World::start(&["unsigned-image", "untrusted-signer"]) else { return };
    let name = format!("{}/{SHOP}", world.registry.host);
    let digest = world.image("1.4");
    let signed = signature_statement(&name, digest.as_str());
    let by_workflow = world.fulcio.identity(ISSUER, WORKFLOW, Flaw::None);
    world.attach(&digest, Found::Referrer, BUNDLE, &by_workflow.bundle(&signed));
    world.attach(&digest, Found::Referrer, BUNDLE, &Key::make().bundle(&signed));
    let state = world.state.path();
    let path = |name: &str| state.join(name).to_str().unwrap().to_owned();
    let explain = |format: &str| {
        let explained = std::process::Command::new(env!("CARGO_BIN_EXE_soc2gate"))
            .args(["image", "explain", &format!("{name}:1.4"), "-o", format])
            .args(["--registries", &path("registries.yaml"), "--sigstore-root", &path("root.json")])
            .args(["--policies", &path("policies")])
            .output()
            .unwrap();
        assert!(explained.stderr.is_empty(), "{}", String::from_utf8_lossy(&explained.stderr));
        String::from_utf8(explained.stdout).unwrap()
    };
    let known: Value = serde_json::from_str(&explain("json")).unwrap();
    assert_eq!(
        (&known["digest"], &known["digestFrom"]),
        (&json!(digest.as_str()), &json!("registry")),
        "{known}"
    );
    assert!(known["attestations"][0]["signer"].as_str().unwrap().contains(WORKFLOW), "{known}");
    assert_eq!(known["refused"][0]["reason"], "no key of the policy made it", "{known}");
    let text = explain("text");
    for words in [digest.as_str(), WORKFLOW, "no key of the policy made it", "untrusted-signer"] {
        assert!(text.contains(words), "{words} is missing:\n{text}");
    }
}
