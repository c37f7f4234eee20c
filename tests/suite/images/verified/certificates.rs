//! Signatures by certificates: whom they name, and everything that must be true before that counts.

use super::*;
use crate::sigstore::{Flaw, Fulcio};

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const SUBJECT: &str = "https://github.com/shop/web/.github/workflows/release.yaml@refs/heads/main";

fn statement() -> Value {
    sigstore::signature_statement(REPOSITORY, &digest('a'))
}

fn is_signed_by_workflow(attestation: &Attestation) {
    assert_eq!(attestation.claim, Claim::Signature);
    assert_eq!(attestation.by.signer, Signer::Certificate { issuer: ISSUER.into(), subject: SUBJECT.into() });
    assert_eq!(attestation.by.named.as_deref(), Some(REPOSITORY));
    assert!(attestation.by.signed_at.is_some());
}

#[test]
fn believes_a_certificate_and_tells_whom_it_names() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let bundle = fulcio.identity(ISSUER, SUBJECT, Flaw::None).bundle(&statement());
    is_signed_by_workflow(&believed(&verifier, &bundled(&bundle)));
    // That somebody else signed is a fact too; whether they may is for the checks.
    let bundle = fulcio.identity(ISSUER, "https://github.com/mallory/web", Flaw::None).bundle(&statement());
    let other = believed(&verifier, &bundled(&bundle)).by.signer;
    assert_eq!(
        other,
        Signer::Certificate { issuer: ISSUER.into(), subject: "https://github.com/mallory/web".into() }
    );
}

#[test]
fn believes_certificates_in_cosigns_old_format() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let (payload, annotations) = identity.simple_signature(REPOSITORY, &digest('a'));
    let documents = attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations, &payload);
    is_signed_by_workflow(&believed(&verifier, &documents));
    let (payload, annotations) = identity.simple_signature(REPOSITORY, &digest('b'));
    let documents = attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations, &payload);
    assert_eq!(
        refused(&verifier, &documents),
        format!("signature: its subject is {}, another image", digest('b'))
    );
    let (payload, annotations) = identity.simple_signature(REPOSITORY, &digest('a'));
    let documents = attached(Found::SignatureTag, SIMPLE_SIGNING, &annotations[..2], &payload);
    assert_eq!(
        refused(&verifier, &documents),
        "signature: it is in no transparency log, so nobody vouches for when it was signed"
    );
}

#[test]
fn believes_attestations_by_certificates_in_cosigns_old_format() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let statement = sigstore::statement(REPOSITORY, &digest('a'), "https://cyclonedx.org/bom", json!({}));
    let (envelope, annotations) = fulcio.identity(ISSUER, SUBJECT, Flaw::None).envelope(&statement);
    let documents = attached(Found::AttestationTag, ENVELOPE, &annotations, &envelope);
    let attestation = believed(&verifier, &documents);
    assert_eq!(attestation.claim, Claim::Sbom { format: "CycloneDX" });
    assert_eq!(attestation.by.signer, Signer::Certificate { issuer: ISSUER.into(), subject: SUBJECT.into() });
}

#[test]
fn a_log_that_is_known_tells_when_a_key_signed() {
    let (fulcio, key) = (Fulcio::make(), Key::make());
    let at = "2026-02-03T04:05:06Z".parse().unwrap();
    let documents = bundled(&fulcio.logged(&key, &statement(), at));
    let attestation = believed(&verifier(&[&key], &[fulcio.trusted_root()]), &documents);
    is_signed_by(&attestation, &key, Some(REPOSITORY));
    assert_eq!(attestation.by.signed_at, Some(at));
    assert_eq!(believed(&verifier(&[&key], &[]), &documents).by.signed_at, None);
}

#[test]
fn refuses_certificates_that_are_not_as_they_should_be() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let expired = fulcio.identity(ISSUER, SUBJECT, Flaw::Expired).bundle(&statement());
    assert_eq!(
        refused(&verifier, &bundled(&expired)),
        "signature: its certificate had expired when it signed"
    );
    let unlogged = fulcio.identity(ISSUER, SUBJECT, Flaw::Unlogged).bundle(&statement());
    assert_eq!(
        refused(&verifier, &bundled(&unlogged)),
        "signature: its certificate is in no certificate log that is known here"
    );
}

#[test]
fn refuses_certificates_of_an_authority_that_is_not_known() {
    let (fulcio, other) = (Fulcio::make(), Fulcio::make());
    let bundle = other.identity(ISSUER, SUBJECT, Flaw::None).bundle(&statement());
    for roots in [vec![], vec![fulcio.trusted_root()]] {
        assert_eq!(
            refused(&verifier(&[], &roots), &bundled(&bundle)),
            "signature: its certificate leads to no trust root that is known here"
        );
    }
}

#[test]
fn refuses_what_is_not_in_the_transparency_log_or_is_there_as_something_else() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    assert_eq!(
        refused(&verifier, &bundled(&identity.bundle_without_log(&statement()))),
        "signature: it is in no transparency log, so nobody vouches for when it was signed"
    );
    // An entry that the log made, but for another signature.
    let another = sigstore::signature_statement(REPOSITORY, &digest('b'));
    let mut bundle: Value = serde_json::from_str(&identity.bundle(&statement())).unwrap();
    let other: Value = serde_json::from_str(&identity.bundle(&another)).unwrap();
    bundle["verificationMaterial"]["tlogEntries"] = other["verificationMaterial"]["tlogEntries"].clone();
    assert_eq!(
        refused(&verifier, &bundled(&bundle.to_string())),
        "signature: its entry in the transparency log is about something else"
    );
    // One whose time was moved.
    let mut bundle: Value = serde_json::from_str(&identity.bundle(&statement())).unwrap();
    bundle["verificationMaterial"]["tlogEntries"][0]["integratedTime"] = "1700000000".into();
    let told = refused(&verifier, &bundled(&bundle.to_string()));
    assert!(told.contains("its entry in the transparency log does not verify"), "{told}");
}

#[test]
fn refuses_what_was_edited_or_is_about_another_image() {
    let fulcio = Fulcio::make();
    let verifier = verifier(&[], &[fulcio.trusted_root()]);
    let identity = fulcio.identity(ISSUER, SUBJECT, Flaw::None);
    let edited = edit(&identity.bundle(&statement()), |statement| statement["predicate"] = json!({"a": 1}));
    assert_eq!(refused(&verifier, &bundled(&edited)), "signature: its signature does not fit its text");
    let another = identity.bundle(&sigstore::signature_statement(REPOSITORY, &digest('b')));
    assert_eq!(
        refused(&verifier, &bundled(&another)),
        format!("signature: its subject is {}, another image", digest('b'))
    );
}

#[test]
fn a_key_counts_without_a_log_and_a_certificate_without_a_key_does_not_become_one() {
    let fulcio = Fulcio::make();
    let key = Key::make();
    let verifier = verifier(&[&key], &[]);
    let mut bundle: Value = serde_json::from_str(&key.bundle(&statement())).unwrap();
    let logged: Value =
        serde_json::from_str(&fulcio.identity(ISSUER, SUBJECT, Flaw::None).bundle(&statement())).unwrap();
    // A log that is not known here vouches for nothing, and takes nothing away.
    bundle["verificationMaterial"]["tlogEntries"] = logged["verificationMaterial"]["tlogEntries"].clone();
    let attestation = believed(&verifier, &bundled(&bundle.to_string()));
    is_signed_by(&attestation, &key, Some(REPOSITORY));
    assert_eq!(attestation.by.signed_at, None);
    // A key's signature under somebody's certificate.
    bundle["verificationMaterial"] = logged["verificationMaterial"].clone();
    assert!(refused(&verifier, &bundled(&bundle.to_string())).contains("no trust root"));
}

#[test]
fn a_trust_root_that_cannot_be_used_is_refused_by_its_position() {
    let error =
        Verifier::new(&BTreeMap::new(), &[Fulcio::make().trusted_root(), "{}".to_owned()]).unwrap_err();
    assert!(error.to_string().starts_with("the Sigstore trust root 2 cannot be used: "), "{error}");
    let keys = BTreeMap::from([("sha256:0".into(), Arc::from(*b"no key"))]);
    let error = Verifier::new(&keys, &[]).unwrap_err();
    assert!(error.to_string().starts_with("the key sha256:0 is of a kind"), "{error}");
}
