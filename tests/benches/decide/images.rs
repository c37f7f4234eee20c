//! What a decision costs by how many images are known: signatures, provenance, SBOMs and scans are looked up, not asked for.

use std::{fs, hint::black_box, path::Path, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};
use soc2gate::{
    admission::Review,
    decision,
    images::Reports,
    inventory::{
        Inventory,
        image_evidence::{Asked, Attestation, Attested, Attester, Claim, RegistryEvidence, Signer},
    },
    object::{Digest, ImagePrefix},
    policy::{Loaded, PolicySet, Settings},
};

use super::time;

const ISSUER: &str = "https://token.example.com";

/// The review with images that are signed, attested and scanned.
pub(super) fn review(mut review: Value) -> Value {
    let containers = review.pointer_mut("/request/object/spec/template/spec/containers").unwrap();
    for (number, container) in containers.as_array_mut().unwrap().iter_mut().enumerate() {
        container.as_object_mut().unwrap().insert("image".to_owned(), image(number).into());
    }
    review
}

/// The decision on a Deployment with two such images, among few and among many.
pub(super) fn table(two_containers: Value) {
    let body = review(two_containers).to_string();
    let (review, policies, now) = (Review::read(body.as_bytes()).unwrap(), policies(), Timestamp::now());
    println!("\n| images known | memory MiB | decide µs | ratio | decision |");
    println!("| ---: | ---: | ---: | ---: | --- |");
    let mut few = 0.0;
    for images in [2, 5_000] {
        let before = resident();
        let inventory = inventory(images, now);
        let memory = resident().saturating_sub(before) / 1024;
        let decide = || decision::decide(&policies, &review.request, &inventory, now);
        let decided = decide();
        let cost = time(|| drop(black_box(decide())));
        if images == 2 {
            few = cost;
        }
        let (ratio, outcome) = (cost / few, decided.outcome.id());
        println!("| {images} | {memory} | {cost:.1} | {ratio:.2} | {outcome} |");
    }
}

fn name(number: usize) -> String {
    format!("registry.example.com/shop/app{number}")
}

fn digest(number: usize) -> String {
    format!("sha256:{number:064x}")
}

fn image(number: usize) -> String {
    format!("{}@{}", name(number), digest(number))
}

pub(super) fn policies() -> PolicySet {
    let identities = json!([{"images": "registry.example.com/shop", "issuer": ISSUER, "subject": "https://git\\.example\\.com/.*"}]);
    let text = format!(
        "apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {{name: cc6.8-software}}
spec:
  criterion: CC6.8
  control: Only software that is known, scanned and trusted runs.
  checks:
  - {{id: untrusted-registry, mode: enforce, params: {{allow: [registry.example.com]}}}}
  - {{id: unsigned-image, mode: enforce, params: {{identities: {identities}}}}}
  - {{id: untrusted-signer, mode: enforce, params: {{identities: {identities}}}}}
  - {{id: missing-provenance, mode: enforce, params: {{identities: {identities}}}}}
  - {{id: missing-sbom, mode: enforce, params: {{identities: {identities}}}}}
  - {{id: unknown-image-evidence, mode: enforce}}
  - {{id: unscanned-image, mode: enforce}}
  - {{id: stale-scan, mode: enforce}}
  - {{id: vulnerable-image, mode: enforce}}
"
    );
    let loaded = Loaded::shipped().unwrap().with([("cc6.8-software.yaml", text.as_str())]).unwrap();
    loaded.bind(&Settings::default()).unwrap()
}

pub(super) fn inventory(images: usize, now: Timestamp) -> Inventory {
    let mut registry = RegistryEvidence {
        covered: [ImagePrefix::parse("registry.example.com").unwrap()].into(),
        ..RegistryEvidence::default()
    };
    let mut reports = Reports::default();
    for number in 0..images {
        let asked = Asked::Answered(Arc::new(attested(now)));
        let digest = Digest::parse(&digest(number)).unwrap();
        registry.images.entry(digest).or_default().push((name(number).into(), asked));
        reports.apply(Path::new(&format!("{number}.json")), report(number, now).as_bytes());
    }
    reports.set_registry(registry.into());
    Inventory { image_evidence: reports.snapshot(), ..Inventory::default() }
}

fn attested(now: Timestamp) -> Attested {
    let signer = Signer::Certificate {
        issuer: ISSUER.into(),
        subject: "https://git.example.com/shop/release.yml@refs/heads/main".into(),
    };
    let by = Attester { signer, named: None, signed_at: Some(now) };
    let provenance = Claim::Provenance { builder: "https://builder.example.com".into(), source: None };
    let claims = [Claim::Signature, provenance, Claim::Sbom { format: "SPDX" }, Claim::Scan];
    let attestations = claims.map(|claim| Attestation { claim, by: by.clone() });
    Attested { attestations: attestations.into(), refused: Vec::new(), asked_at: now }
}

/// A report of Trivy with forty vulnerabilities that have no fix.
fn report(number: usize, now: Timestamp) -> String {
    let listed = (0..40).map(|at| {
        json!({"VulnerabilityID": format!("CVE-2026-{}", (number * 7 + at) % 20_000), "PkgName": format!("package{at}"),
            "InstalledVersion": "1.0", "Severity": "HIGH"})
    });
    json!({
        "SchemaVersion": 2, "CreatedAt": now.to_string(),
        "Metadata": {"RepoDigests": [image(number)]},
        "Results": [{"Class": "os-pkgs", "Vulnerabilities": listed.collect::<Vec<_>>()}],
    })
    .to_string()
}

/// Resident memory of this process in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
