//! Certificates for TLS: when they end, and what they prove. The files hold certificates made for these tests; nobody
//! has their keys.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    gate::fixtures,
    library::{at, told, told_at},
    surroundings,
};

const CHECK: &str = "weak-tls-certificate";

fn pem(name: &str) -> String {
    fs::read_to_string(fixtures().join(format!("certificates/{name}.pem"))).unwrap()
}

fn secret(data: &str) -> String {
    format!("{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: s}}, {data}}}")
}

fn of(bytes: impl AsRef<[u8]>) -> String {
    secret(&format!("data: {{tls.crt: {}}}", BASE64_STANDARD.encode(bytes)))
}

fn assert_weak(text: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|what| format!("data[tls.crt] {what}")).collect();
    assert_eq!(told(CHECK, "", text), expected);
}

#[test]
fn each_weakness_of_a_certificate_is_told_with_its_subject() {
    let shop = "`CN=shop.example.com`";
    for (name, weakness) in [
        ("good", ""),
        ("p384", ""),
        ("ed25519", ""),
        ("rsa-2048", ""),
        ("rsa-pss", ""),
        ("ended", "ended on 2026-01-01"),
        ("ending", "ends on 2026-07-01"),
        ("rsa-1024", "has a weak key: RSA with 1024 bits"),
        ("p224", "has a weak key: an elliptic curve with 224 bits"),
        ("sha1", "is signed with SHA-1"),
        ("pss-sha1", "is signed with SHA-1"),
        ("md5", "is signed with MD5"),
        ("common-name-only", "has no subject alternative name"),
    ] {
        let expected = format!("{weakness} ({shop})");
        let expected: &[&str] = if weakness.is_empty() { &[] } else { &[&expected] };
        assert_weak(&of(pem(name)), expected);
    }
}

#[test]
fn the_first_certificate_of_a_chain_is_the_one_that_is_shown() {
    assert_weak(&of(pem("chain")), &[]);
    let reversed = pem("ended") + &pem("good");
    assert_weak(&of(reversed), &["ended on 2026-01-01 (`CN=shop.example.com`)"]);
}

#[test]
fn an_authority_has_no_host_to_name_and_a_host_that_signs_itself_has() {
    assert_weak(&of(pem("authority")), &[]);
    assert_weak(
        &of(pem("self-signed-common-name-only")),
        &["has no subject alternative name (`CN=test CA`)"],
    );
}

#[test]
fn a_certificate_ends_at_its_last_second_and_soon_is_a_parameter() {
    let told = |now: &str, params: &str| {
        told_at((surroundings::inventory(), at(now)), CHECK, params, &of(pem("ending")))
    };
    assert!(told("2026-05-31T23:59:00Z", "").is_empty());
    assert_eq!(told("2026-06-01T00:00:01Z", "").len(), 1);
    assert!(told("2026-07-01T00:00:00Z", "")[0].contains("ends on"));
    assert!(told("2026-07-01T00:00:01Z", "")[0].contains("ended on"));
    assert!(told("2026-06-20T00:00:00Z", "{expiresWithinDays: 10}").is_empty());
    assert!(told("2026-06-30T23:59:59Z", "{expiresWithinDays: 0}").is_empty());
}

#[test]
fn what_is_no_certificate_is_a_finding_that_does_not_repeat_it() {
    let word = "correct-horse";
    for (text, what) in [
        (of(word), "is no certificate in PEM"),
        (secret(&format!("data: {{tls.crt: '{word}!'}}")), "is not in base64"),
        (
            of(format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                BASE64_STANDARD.encode(word)
            )),
            "is no X.509 certificate",
        ),
        (of(pem("good").replace("CERTIFICATE", "CERTIFICATE REQUEST")), "is no certificate in PEM"),
    ] {
        assert_weak(&text, &[what]);
    }
    let missing = ["? the Secret holds no certificate yet"];
    assert_eq!(told(CHECK, "", &secret("data: {tls.crt: ''}")), missing);
    assert_eq!(told(CHECK, "", &secret("data: null")), missing);
}

#[test]
fn a_manifest_may_write_the_certificate_as_text_and_in_lines() {
    let ended = pem("ended");
    let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
    let block = |field: &str, text: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\n{field}:\n  tls.crt: |\n{}",
            indented(text)
        )
    };
    let whole = BASE64_STANDARD.encode(&ended);
    let lines: Vec<_> = whole.as_bytes().chunks(76).map(String::from_utf8_lossy).collect();
    assert_weak(&block("data", &lines.join("\n")), &["ended on 2026-01-01 (`CN=shop.example.com`)"]);
    let told = told(CHECK, "", &block("stringData", &ended));
    assert_eq!(told, ["stringData[tls.crt] ended on 2026-01-01 (`CN=shop.example.com`)"]);
}

#[test]
fn only_secrets_for_tls_are_read() {
    let opaque = of(pem("ended")).replace("kubernetes.io/tls", "Opaque");
    assert!(told(CHECK, "", &opaque).is_empty());
}
