//! Signatures and attestations in every form in which they are attached: what is believed, and why the rest is not.

mod certificates;
mod published;
mod said;
mod timestamps;
mod unknown;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use sigstore_verify::types::DerPublicKey;
use soc2gate::{
    images::{
        Attached, Documents, Found,
        attestations::{Learned, Verifier},
    },
    inventory::image_evidence::{Attestation, Attested, Claim, Signer, VexStatement},
    object::{Digest, ImageReference},
};

use super::digest;
use crate::sigstore::{self, BUNDLE, ENVELOPE, Key, SIMPLE_SIGNING};

const REPOSITORY: &str = "registry.example.com/shop/web";

/// Something attached to the image `a` in its repository.
fn attached(found: Found, media_type: &str, annotations: &[(&str, String)], text: &str) -> Documents {
    let annotations = annotations.iter().map(|(name, text)| ((*name).to_owned(), text.clone()));
    Documents {
        image: ImageReference::parse(REPOSITORY).unwrap(),
        digest: Digest::parse(&digest('a')).unwrap(),
        children: vec![Digest::parse(&digest('c')).unwrap()],
        attached: vec![Attached {
            found,
            manifest: Digest::parse(&digest('e')).unwrap(),
            media_type: media_type.to_owned(),
            annotations: annotations.collect(),
            bytes: text.to_owned().into(),
        }],
        left_out: None,
    }
}

fn bundled(text: &str) -> Documents {
    attached(Found::Referrer, BUNDLE, &[], text)
}

fn simply_signed(payload: &str, signature: String) -> Documents {
    let annotations = [("dev.cosignproject.cosign/signature", signature)];
    attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations, payload)
}

fn verifier(keys: &[&Key], roots: &[String]) -> Verifier {
    let der = |key: &Key| DerPublicKey::from_pem(&key.pem()).unwrap().into_bytes();
    let keys: BTreeMap<Arc<str>, Arc<[u8]>> =
        keys.iter().map(|key| (key.fingerprint().into(), der(key).into())).collect();
    Verifier::new(&keys, roots).unwrap()
}

/// What is attested, and what was learned as `scan digest repository ids` and as statements.
fn verify(verifier: &Verifier, documents: &Documents) -> (Attested, Vec<String>, Vec<VexStatement>) {
    let (mut scans, mut statements) = (Vec::new(), Vec::new());
    let at = "2026-06-15T12:00:00Z".parse().unwrap();
    let attested = verifier.verify(documents, at, &mut |learned| match learned {
        Learned::Scan(scan) => {
            let listed: Vec<_> = scan
                .vulnerabilities
                .iter()
                .map(|found| format!("{} {} {}", found.id, found.rating, found.fixable))
                .collect();
            let subject = &scan.subjects[0];
            assert!(scan.attester.is_some() && scan.tags.is_empty() && scan.subjects.len() == 1);
            let at = scan.scanned_at.map(|at| at.to_string()).unwrap_or_default();
            scans.push(format!(
                "{} {at} {} {} {}",
                scan.scanner,
                subject.repository,
                subject.digest.short(),
                listed.join(", ")
            ));
        }
        Learned::Vex(statement) => statements.push(statement),
    });
    (attested, scans, statements)
}

/// The one thing that is believed.
fn believed(verifier: &Verifier, documents: &Documents) -> Attestation {
    let (attested, ..) = verify(verifier, documents);
    assert_eq!(attested.refused, []);
    let [attestation] = &*attested.attestations else { panic!("{attested:?}") };
    attestation.clone()
}

/// Why the one thing there is not believed: `what: reason`.
fn refused(verifier: &Verifier, documents: &Documents) -> String {
    let (attested, scans, statements) = verify(verifier, documents);
    assert!(attested.attestations.is_empty() && scans.is_empty() && statements.is_empty(), "{attested:?}");
    let [refused] = &*attested.refused else { panic!("{attested:?}") };
    assert_eq!(refused.is_signature, &*refused.what == "signature");
    format!("{}: {}", refused.what, refused.reason)
}

fn is_signed_by(attestation: &Attestation, key: &Key, named: Option<&str>) {
    assert_eq!(attestation.claim, Claim::Signature);
    assert_eq!(attestation.by.signer, Signer::Key { fingerprint: key.fingerprint().into() });
    assert_eq!(attestation.by.named.as_deref(), named);
}

#[test]
fn believes_a_bundle_that_a_key_of_the_policy_signed() {
    for key in Key::make_each() {
        let bundle = key.bundle(&sigstore::signature_statement("", &digest('a')));
        is_signed_by(&believed(&verifier(&[&Key::make(), &key], &[]), &bundled(&bundle)), &key, None);
    }
}

#[test]
fn believes_a_bundle_over_the_manifest_itself() {
    let key = Key::make();
    let documents = bundled(&key.message_bundle(&digest('a')));
    is_signed_by(&believed(&verifier(&[&key], &[]), &documents), &key, None);
    assert_eq!(
        refused(&verifier(&[&key], &[]), &bundled(&key.message_bundle(&digest('b')))),
        format!("signature: its subject is {}, another image", digest('b'))
    );
}

#[test]
fn believes_cosigns_old_signatures_and_tells_which_repository_they_name() {
    for key in Key::make_each() {
        let (payload, signature) = key.simple_signature(REPOSITORY, &digest('a'));
        let documents = simply_signed(&payload, signature);
        is_signed_by(&believed(&verifier(&[&key], &[]), &documents), &key, Some(REPOSITORY));
    }
    let key = Key::make();
    let (payload, signature) = key.simple_signature("registry.example.com/other/thing", &digest('a'));
    let documents = simply_signed(&payload, signature);
    is_signed_by(
        &believed(&verifier(&[&key], &[]), &documents),
        &key,
        Some("registry.example.com/other/thing"),
    );
}

#[test]
fn believes_cosigns_old_attestations() {
    let key = Key::make();
    let statement =
        sigstore::statement(REPOSITORY, &digest('a'), "https://spdx.dev/Document/v2.3", json!({}));
    let documents = attached(Found::AttestationTag, ENVELOPE, &[], &key.envelope(&statement));
    let attestation = believed(&verifier(&[&key], &[]), &documents);
    assert_eq!(attestation.claim, Claim::Sbom { format: "SPDX" });
    assert_eq!(attestation.by.named.as_deref(), Some(REPOSITORY));
}

#[test]
fn refuses_what_no_key_of_the_policy_made() {
    let (key, other) = (Key::make(), Key::make());
    let verifier = verifier(&[&key], &[]);
    let signed = other.bundle(&sigstore::signature_statement("", &digest('a')));
    assert_eq!(refused(&verifier, &bundled(&signed)), "signature: no key of the policy made it");
    let (payload, signature) = other.simple_signature(REPOSITORY, &digest('a'));
    assert_eq!(
        refused(&verifier, &simply_signed(&payload, signature)),
        "signature: no key of the policy made it"
    );
    let statement = sigstore::statement("", &digest('a'), "https://spdx.dev/Document", json!({}));
    let documents = attached(Found::AttestationTag, ENVELOPE, &[], &other.envelope(&statement));
    assert_eq!(
        refused(&verifier, &documents),
        "attestation https://spdx.dev/Document: no key of the policy made it"
    );
}

#[test]
fn refuses_what_is_about_another_image() {
    let key = Key::make();
    let verifier = verifier(&[&key], &[]);
    let another = format!("its subject is {}, another image", digest('b'));
    let bundle = key.bundle(&sigstore::signature_statement(REPOSITORY, &digest('b')));
    assert_eq!(refused(&verifier, &bundled(&bundle)), format!("signature: {another}"));
    let (payload, signature) = key.simple_signature(REPOSITORY, &digest('b'));
    assert_eq!(refused(&verifier, &simply_signed(&payload, signature)), format!("signature: {another}"));
    let child = key.bundle(&sigstore::signature_statement("", &digest('c')));
    assert_eq!(
        refused(&verifier, &bundled(&child)),
        format!("signature: its subject is {}, one platform of this image and not the whole", digest('c'))
    );
}

#[test]
fn refuses_what_was_edited_after_it_was_signed() {
    let key = Key::make();
    let verifier = verifier(&[&key], &[]);
    let (kind, predicate) = said::in_toto_scan("v0.2", json!([]));
    let bundle = key.bundle(&sigstore::statement("", &digest('a'), kind, predicate));
    let edited = edit(&bundle, |statement| statement["predicate"]["scanner"]["version"] = "2".into());
    assert_eq!(
        refused(&verifier, &bundled(&edited)),
        format!("attestation {kind}: its signature does not fit its text")
    );
    // Made for another image, then renamed.
    let bundle = key.bundle(&sigstore::signature_statement("", &digest('b')));
    let edited = edit(&bundle, |statement| {
        statement["subject"][0]["digest"]["sha256"] = digest('a').trim_start_matches("sha256:").into();
    });
    assert_eq!(refused(&verifier, &bundled(&edited)), "signature: its signature does not fit its text");
}

/// A bundle whose statement says something else than what was signed.
fn edit(bundle: &str, change: impl FnOnce(&mut Value)) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let mut bundle: Value = serde_json::from_str(bundle).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    change(&mut statement);
    bundle["dsseEnvelope"]["payload"] = STANDARD.encode(statement.to_string()).into();
    bundle.to_string()
}

#[test]
fn refuses_what_cannot_be_read_with_its_reason_and_never_panics() {
    let key = Key::make();
    let verifier = verifier(&[&key], &[]);
    let deep = format!("{}{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for (media_type, text, reason) in [
        (BUNDLE, "", "attestation: it does not parse"),
        (BUNDLE, "{}", "attestation: it does not parse"),
        (BUNDLE, "\u{0}", "attestation: it does not parse"),
        (SIMPLE_SIGNING, "{}", "signature: it has no annotation"),
        (ENVELOPE, "[]", "attestation: it does not parse"),
        (ENVELOPE, &*deep, "attestation: it is nested too deeply"),
        ("text/plain", "hello", "attestation: nothing is known of signatures in text/plain"),
    ] {
        let documents = attached(Found::Referrer, media_type, &[], text);
        let told = refused(&verifier, &documents);
        assert!(told.starts_with(reason), "{told}");
    }
    let kind = [("dev.sigstore.bundle.predicateType", "https://sigstore.dev/cosign/sign/v1".to_owned())];
    let told = refused(&verifier, &attached(Found::Referrer, BUNDLE, &kind, "{}"));
    assert!(told.starts_with("signature: it does not parse"), "{told}");
    let nested = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
    let statement = sigstore::statement("", &digest('a'), "https://slsa.dev/provenance/v1", json!("DEEP"));
    let text = statement.to_string().replace("\"DEEP\"", &nested);
    let documents = attached(Found::AttestationTag, ENVELOPE, &[], &key.envelope_of(&text));
    let told = refused(&verifier, &documents);
    assert!(told.contains("nested too deeply"), "{told}");
}

proptest::proptest! {
    #[test]
    fn garbage_is_refused_and_nothing_else_happens(
        kind in 0..3_usize, at in 0.0..1.0_f64, byte: u8, cut: bool,
    ) {
        let key = Key::make();
        let statement = sigstore::signature_statement(REPOSITORY, &digest('a'));
        let (payload, signature) = key.simple_signature(REPOSITORY, &digest('a'));
        let (media_type, text) = match kind {
            0 => (BUNDLE, key.bundle(&statement)),
            1 => (ENVELOPE, key.envelope(&statement)),
            _ => (SIMPLE_SIGNING, payload),
        };
        let mut bytes = text.into_bytes();
        let position = (at * bytes.len() as f64) as usize;
        if cut { bytes.truncate(position) } else { bytes[position] = byte }
        let mut documents =
            attached(Found::Referrer, media_type, &[("dev.cosignproject.cosign/signature", signature)], "");
        documents.attached[0].bytes = bytes.into();
        let attested = verify(&verifier(&[&key], &[]), &documents).0;
        assert_eq!(attested.attestations.len() + attested.refused.len(), 1);
        assert!(cut <= attested.attestations.is_empty());
    }
}

#[test]
fn tells_what_was_left_out() {
    let mut documents = bundled("{}");
    documents.attached.clear();
    documents.left_out = Some("20 of 10,000 referrers were read".to_owned());
    assert_eq!(
        refused(&verifier(&[], &[]), &documents),
        "what else is attached: 20 of 10,000 referrers were read"
    );
}
