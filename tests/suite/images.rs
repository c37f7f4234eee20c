//! CC6.8 through the library: references, evidence in every state, reports as scanners write them.

mod attestors;
mod end_to_end;
mod formats;
mod ingest;
mod mismatched;
mod no_network;
mod opinions;
mod references;
mod registry;
mod reports;
mod running;
mod signatures;
mod states;
mod verified;

use std::path::Path;

use jiff::Timestamp;
use soc2gate::{
    check::{Missing, Report, Version},
    checks,
    images::Reports,
    inventory::{ImageEvidence, Inventory, Source},
};

use crate::library;

/// A directory with one policy: images may come from this host, and these checks are in force beside that.
fn allowing(state: &Path, host: &str, checks: &str) -> String {
    let policies = state.join("policies");
    std::fs::create_dir_all(&policies).unwrap();
    let text = format!(
        "apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {{name: cc6.8-software}}
spec:
  criterion: CC6.8
  control: Only software that is known, scanned and trusted runs.
  checks:
  - {{id: untrusted-registry, mode: audit, params: {{allow: ['{host}']}}}}
  {checks}
"
    );
    std::fs::write(policies.join("cc6.8-software.yaml"), text).unwrap();
    policies.to_str().unwrap().to_owned()
}

/// The file that says how to reach a registry on this machine.
fn registries_file(state: &Path, host: &str) -> String {
    let file = state.join("registries.yaml");
    let text = format!(
        "registries:\n- {{host: '{host}', plainHttp: true, privateAddresses: true, requestsPerSecond: 1000}}\n"
    );
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

/// When images are judged, unless a test says otherwise.
const NOW: &str = "2026-06-15T12:00:00Z";

/// `sha256:` and sixty-four times the digit.
fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// An image of `registry.example.com` under the digest of that digit.
fn pinned(digit: char) -> String {
    format!("registry.example.com/shop/web@{}", digest(digit))
}

fn pod(image: &str) -> String {
    let image = serde_json::Value::String(image.to_owned());
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web}}, spec: {{containers: [{{name: app, image: {image}}}]}}}}"
    )
}

/// What a check reports for a pod with this image.
fn judge(evidence: Source<ImageEvidence>, now: &str, check: &str, params: &str, image: &str) -> Report {
    let inventory = Inventory { image_evidence: evidence, ..Inventory::default() };
    let check = checks::find(check).unwrap();
    library::examine_amid((inventory, library::at(now)), check, params, Version::NEWEST, &pod(image))
}

/// The same in a few words: each violation's text, or `unassessable: ...`, or nothing.
fn told(report: &Report) -> Vec<String> {
    let violations = report.violations.iter().map(|violation| violation.what.clone());
    let missing = report.missing.iter().map(|missing| match missing {
        Missing::NotKnownHere(reason) => format!("not known: {reason}"),
        Missing::Unavailable(reason) => format!("unavailable: {reason}"),
        Missing::LeftTo { check, reason } => format!("left to {check}: {reason}"),
    });
    violations.chain(missing).collect()
}

/// A report of Trivy about this digest, with vulnerabilities as `id severity fixed-version`.
fn trivy(digit: char, created: &str, vulnerabilities: &[&str]) -> String {
    let listed = vulnerabilities.iter().map(|words| {
        let [id, severity, fixed] = *words.split(' ').collect::<Vec<_>>() else { panic!("{words}") };
        serde_json::json!({
            "VulnerabilityID": id, "Severity": severity, "FixedVersion": fixed.trim_matches('-'),
            "PkgName": "lib", "InstalledVersion": "1",
        })
    });
    serde_json::json!({
        "SchemaVersion": 2, "CreatedAt": created,
        "Metadata": {"RepoDigests": [pinned(digit)], "RepoTags": [format!("registry.example.com/shop/web:{digit}")]},
        "Results": [{"Target": "os", "Class": "os-pkgs", "Vulnerabilities": listed.collect::<Vec<_>>()}],
    })
    .to_string()
}

/// A report of Grype about this digest.
fn grype(digit: char, created: &str, database: &str, vulnerabilities: &[&str]) -> String {
    let listed = vulnerabilities.iter().map(|words| {
        let [id, severity, fixed] = *words.split(' ').collect::<Vec<_>>() else { panic!("{words}") };
        let fix = if fixed == "-" {
            serde_json::json!({"state": "not-fixed", "versions": []})
        } else {
            serde_json::json!({"state": "fixed", "versions": [fixed]})
        };
        serde_json::json!({
            "vulnerability": {"id": id, "severity": severity, "fix": fix},
            "artifact": {"name": "lib", "version": "1", "purl": "pkg:deb/debian/lib@1"},
        })
    });
    serde_json::json!({
        "descriptor": {"name": "grype", "version": "0.111.0", "timestamp": created, "db": {"status": {"built": database}}},
        "source": {"type": "image", "target": {"repoDigests": [pinned(digit)]}},
        "matches": listed.collect::<Vec<_>>(),
    })
    .to_string()
}

fn reports<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Reports {
    let mut reports = Reports::default();
    for (name, content) in files {
        reports.apply(Path::new(name), content.as_ref());
    }
    reports
}

/// The evidence of these files.
fn evidence<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Source<ImageEvidence> {
    reports(files).snapshot()
}

fn ready(source: Source<ImageEvidence>) -> std::sync::Arc<ImageEvidence> {
    match source {
        Source::Ready(evidence) => evidence,
        other => panic!("{other:?}"),
    }
}

fn now() -> Timestamp {
    library::at(NOW)
}
