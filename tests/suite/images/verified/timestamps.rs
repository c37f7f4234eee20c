//! Timestamps (RFC 3161) in place of a transparency log: only where the trust root names no log.

use super::*;
use crate::sigstore::{Authority, Flaw, Fulcio};

const ISSUER: &str = "https://token.example.com";
const SUBJECT: &str = "https://git.example.com/shop/release.yml@refs/heads/main";

fn statement() -> Value {
    sigstore::signature_statement(REPOSITORY, &digest('a'))
}

#[test]
fn a_timestamp_counts_where_the_root_names_an_authority_and_no_log() {
    let Some(authority) = Authority::make() else { return };
    let fulcio = Fulcio::make();
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let verifier = verifier(&[], &[fulcio.trusted_root_without_log(&authority)]);
    let bundle = identity.timed_bundle(&statement(), &authority);
    let (payload, annotations) = identity.timed_signature(REPOSITORY, &digest('a'), &authority);
    let old = attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations, &payload);
    for documents in [bundled(&bundle), old] {
        let attestation = believed(&verifier, &documents);
        let by = attestation.by;
        assert_eq!(by.signer, Signer::Certificate { issuer: ISSUER.into(), subject: SUBJECT.into() });
        let age = jiff::Timestamp::now().duration_since(by.signed_at.unwrap()).as_secs();
        assert!((0..300).contains(&age), "{age}");
    }
    // Nobody at all vouches for the time.
    let told = refused(&verifier, &bundled(&identity.bundle_without_log(&statement())));
    assert!(told.contains("vouches for when it was signed"), "{told}");
}

#[test]
fn a_timestamp_does_not_stand_in_for_a_log_that_the_root_names() {
    let Some(authority) = Authority::make() else { return };
    let fulcio = Fulcio::make();
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let bundle = bundled(&identity.timed_bundle(&statement(), &authority));
    assert_eq!(
        refused(&verifier(&[], &[fulcio.trusted_root()]), &bundle),
        "signature: it is in no transparency log, so nobody vouches for when it was signed"
    );
    // Nor does the word of an authority that nobody named.
    let other = Authority::make().unwrap();
    let told = refused(&verifier(&[], &[fulcio.trusted_root_without_log(&other)]), &bundle);
    assert_eq!(told, "signature: its timestamp is of no authority that is known here");
}

#[test]
fn a_timestamp_is_of_one_signature_and_must_lie_in_the_life_of_the_certificate() {
    let Some(authority) = Authority::make() else { return };
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root_without_log(&authority)]);
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let mut bundle: Value = serde_json::from_str(&identity.timed_bundle(&statement(), &authority)).unwrap();
    let another = sigstore::signature_statement(REPOSITORY, &digest('b'));
    let other: Value = serde_json::from_str(&identity.timed_bundle(&another, &authority)).unwrap();
    let data = "timestampVerificationData";
    bundle["verificationMaterial"][data] = other["verificationMaterial"][data].clone();
    let told = refused(&verifier, &bundled(&bundle.to_string()));
    assert!(told.contains("timestamp") || told.contains("vouches"), "{told}");
    // It had expired before it was stamped.
    let late = fulcio.identity(ISSUER, SUBJECT, Flaw::Expired).timed_bundle(&statement(), &authority);
    assert_eq!(refused(&verifier, &bundled(&late)), "signature: its certificate had expired when it signed");
}

#[test]
fn an_annotation_that_is_no_timestamp_is_refused_by_its_name() {
    let Some(authority) = Authority::make() else { return };
    let fulcio = Fulcio::make();
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let (payload, mut annotations) = identity.timed_signature(REPOSITORY, &digest('a'), &authority);
    annotations[2].1 = "{}".to_owned();
    let documents = attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations, &payload);
    assert_eq!(
        refused(&verifier(&[], &[fulcio.trusted_root_without_log(&authority)]), &documents),
        "signature: its annotation `dev.sigstore.cosign/rfc3161timestamp` cannot be read"
    );
}
