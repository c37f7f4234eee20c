//! Reviews that a real API server sent, decided over HTTPS.

use std::{fmt::Write, fs};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use super::{
    gate::{Gate, fixtures},
    https::Http,
};

/// The recorded bodies by file name, compact as on the wire. What a scanner of repositories would take for a
/// credential is put in here.
fn recorded() -> Vec<(String, String)> {
    let pem = |label: &str| format!("-----BEGIN {label}-----\\nbWFkZSB1cA==\\n-----END {label}-----\\n");
    let base64 = |label: &str| BASE64_STANDARD.encode(pem(label).replace("\\n", "\n"));
    let private_key = ["PRIVATE", "KEY"].join(" ");
    let stand_ins = [
        ("certificate-request-base64", BASE64_STANDARD.encode(certificate_request())),
        ("certificate-base64", base64("CERTIFICATE")),
        ("certificate", pem("CERTIFICATE")),
        ("private-key-base64", base64(&private_key)),
        ("private-key-begin", format!("-----BEGIN {private_key}-----")),
        ("private-key-end", format!("-----END {private_key}-----")),
        ("url-password", ["Tr0ub4dor", "3prod"].concat()),
        ("password", ["Tr0ub4dor", "-3-prod"].concat()),
        ("password-base64", BASE64_STANDARD.encode("made up")),
        ("aws-example-secret", ["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/")),
    ];
    let mut files: Vec<_> =
        fs::read_dir(fixtures().join("reviews")).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let mut text = fs::read_to_string(&path).unwrap();
        for (name, value) in &stand_ins {
            text = text.replace(&format!("@{{{name}}}"), value);
        }
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        (path.file_stem().unwrap().to_string_lossy().into_owned(), body.to_string())
    };
    files.into_iter().map(read).collect()
}

/// What somebody called bob asks a signer for.
fn certificate_request() -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "bob");
    params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap()
}

/// One line per review: the file, the decision, and what each check found.
async fn table(http: Http) -> String {
    let gate = Gate::start(&[]);
    let mut connection = gate.connect(http).await;
    let mut table = String::new();
    for (file, body) in recorded() {
        let uid = serde_json::from_str::<Value>(&body).unwrap()["request"]["uid"].clone();
        let answer = connection.post("/validate?timeout=5s", body).await.unwrap();
        assert_eq!(answer.status, 200, "{file}");
        let answer = answer.json();
        let response = &answer["response"];
        assert_eq!(response["uid"], uid, "{file}");
        let annotations = &response["auditAnnotations"];
        let findings = annotations["findings"].as_str().unwrap_or_default().replace(',', "\n      ");
        let decision = annotations["decision"].as_str().unwrap();
        assert_eq!(response["allowed"], !matches!(decision, "deny"), "{file}");
        writeln!(table, "{file}: {decision}").unwrap();
        if !findings.is_empty() {
            writeln!(table, "      {findings}").unwrap();
        }
    }
    table
}

#[tokio::test]
async fn recorded_reviews_are_answered_with_the_right_uid_and_verdict() {
    let table = table(Http::One).await;
    insta::with_settings!({snapshot_path => "../fixtures/snapshots", prepend_module_to_snapshot => false}, {
        insta::assert_snapshot!("recorded-reviews", table);
    });
}

#[tokio::test]
async fn both_protocols_give_the_same_verdicts() {
    assert_eq!(table(Http::One).await, table(Http::Two).await);
}

#[tokio::test]
async fn good_workloads_draw_nothing_enforced() {
    let gate = Gate::start(&[]);
    for (file, body) in recorded() {
        let is_good = ["good-pod", "checkout"].iter().any(|good| file.contains(good));
        // What stands in a map, and what somebody added to a pod, is not the workload's doing.
        if !is_good || ["ConfigMap", "ephemeralcontainers"].iter().any(|other| file.contains(other)) {
            continue;
        }
        let answer = gate.post(body).await;
        assert!(answer.allowed(), "{file}: {}", answer.message());
    }
}
