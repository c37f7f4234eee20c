//! Who made a signature: a key that a policy holds, or whoever a certificate names.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, TimestampError, TransparencyLogError,
    VerificationPolicy, VerificationResult,
    crypto::{KeyAlgorithm, SigningScheme, verify_signature, verify_signature_prehashed},
    trust_root::TrustedRoot,
    types::{
        Artifact, ArtifactDigest, Bundle, DerPublicKey, DigestBytes, HashAlgorithm, Sha256Hash,
        SignatureBytes, SignatureContent, VerificationMaterialContent,
    },
};

use super::{
    Unbelieved,
    attached::{Signed, Text},
};
use crate::{inventory::image_evidence::Signer, object::Digest};

/// Who signed and, if somebody vouches for it, when.
pub(super) struct Proof {
    pub(super) signer: Signer,
    pub(super) signed_at: Option<Timestamp>,
}

/// A key that a policy holds.
#[derive(Debug)]
pub(super) struct Key {
    fingerprint: Arc<str>,
    der: DerPublicKey,
    /// The ways in which a key of its kind signs.
    schemes: &'static [SigningScheme],
}

impl Key {
    pub(super) fn new(fingerprint: &Arc<str>, der: &[u8]) -> Result<Self, String> {
        let der = DerPublicKey::from_bytes(der);
        let schemes: &[SigningScheme] =
            match KeyAlgorithm::from_spki(&der).map_err(|error| error.to_string())? {
                KeyAlgorithm::EcdsaP256 => &[SigningScheme::EcdsaP256Sha256],
                // Cosign hashed with SHA-256 whatever the curve, and does so for old formats to this day.
                KeyAlgorithm::EcdsaP384 => &[SigningScheme::EcdsaP384Sha384, SigningScheme::EcdsaP384Sha256],
                KeyAlgorithm::Ed25519 => &[SigningScheme::Ed25519],
                KeyAlgorithm::Rsa => &[SigningScheme::RsaPkcs1Sha256, SigningScheme::RsaPssSha256],
                _ => return Err("only ECDSA (P-256, P-384), Ed25519 and RSA are verified".to_owned()),
            };
        Ok(Self { fingerprint: fingerprint.clone(), der, schemes })
    }

    fn made(&self, signature: &SignatureBytes, text: &[u8]) -> bool {
        self.schemes.iter().any(|scheme| verify_signature(&self.der, text, signature, *scheme).is_ok())
    }

    fn made_over(&self, signature: &SignatureBytes, digest: &ArtifactDigest) -> bool {
        let fits = |scheme: &&SigningScheme| scheme.hash_algorithm() == Some(digest.algorithm());
        self.schemes.iter().filter(fits).any(|scheme| {
            verify_signature_prehashed(&self.der, digest.as_bytes(), signature, *scheme).is_ok()
        })
    }

    /// Whether a bundle says that this key signed it.
    fn is_meant(&self, bundle: &Bundle) -> bool {
        let VerificationMaterialContent::PublicKey(key) = &bundle.verification_material.content else {
            return false;
        };
        let hash = self.fingerprint.strip_prefix("sha256:").and_then(|hex| Sha256Hash::from_hex(hex).ok());
        hash.is_some_and(|hash| key.hint == hash.to_base64() || key.hint == hash.to_hex())
    }
}

/// An authority that vouches for identities, with its logs.
pub(super) struct Root {
    verifier: sigstore_verify::Verifier,
    policy: VerificationPolicy,
    /// The ids of its transparency logs.
    logs: Vec<Vec<u8>>,
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Root").field("policy", &self.policy).finish_non_exhaustive()
    }
}

impl Root {
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let root = TrustedRoot::from_json(text).map_err(|error| error.to_string())?;
        let verifier = sigstore_verify::Verifier::new(&root).map_err(|error| error.to_string())?;
        let mut policy = VerificationPolicy::any_identity();
        // Who runs an authority without a log relies on its timestamps, which are then the only accepted proof of when
        // something was signed.
        if root.tlogs.is_empty() {
            policy = policy.skip_tlog_unsafe();
        }
        if root.ctlogs.is_empty() {
            policy = policy.skip_sct();
        }
        let logs = root.tlogs.iter().map(|log| log.log_id.key_id.as_bytes().to_vec()).collect();
        Ok(Self { verifier, policy, logs })
    }
}

/// Finds the key that made a signature.
///
/// A log entry or timestamp that comes along tells when; one that does not verify tells nothing. It is not refused:
/// what is believed is the key, and whoever would forge an entry could as well leave it out.
pub(super) fn by_key(
    keys: &[Key],
    roots: &[Root],
    signed: &Signed<'_>,
    digest: &Digest,
) -> Result<Proof, Unbelieved> {
    let artifact = artifact(digest)?;
    let found = match (&signed.bundle.content, signed.text()) {
        (SignatureContent::DsseEnvelope(envelope), _) => {
            let text = envelope.pae();
            keys.iter().find(|key| key.made(&envelope.signature.sig, &text))
        }
        (SignatureContent::MessageSignature(message), Text::SimpleSigning(text)) => {
            keys.iter().find(|key| key.made(&message.signature, text))
        }
        (SignatureContent::MessageSignature(message), _) => {
            speaks_of(&signed.bundle, &artifact)?;
            keys.iter().find(|key| key.made_over(&message.signature, &artifact))
        }
        _ => return Err("it is of a kind that is not read".to_owned().into()),
    };
    let Some(key) = found else {
        return Err(if keys.iter().any(|key| key.is_meant(&signed.bundle)) {
            UNFIT.to_owned().into()
        } else {
            "no key of the policy made it".to_owned().into()
        });
    };
    let material = &signed.bundle.verification_material;
    let is_logged = !material.tlog_entries.is_empty();
    let is_timed = is_logged || !material.timestamp_verification_data.rfc3161_timestamps.is_empty();
    let mut policy = PublicKeyVerificationPolicy::new(key.der.clone());
    if !is_logged {
        policy = policy.skip_tlog_unsafe();
    }
    let mut times = roots.iter().filter(|_| is_timed).filter_map(|root| {
        let verified = root.verifier.verify(input(signed, &artifact), &signed.bundle, &policy);
        earliest(&verified.ok()?)
    });
    Ok(Proof { signer: Signer::Key { fingerprint: key.fingerprint.clone() }, signed_at: times.next() })
}

/// Finds who signed with a certificate: chain, certificate log, transparency log or timestamp, signature.
pub(super) fn by_certificate(
    roots: &[Root],
    signed: &Signed<'_>,
    digest: &Digest,
) -> Result<Proof, Unbelieved> {
    let artifact = artifact(digest)?;
    if matches!(signed.text(), Text::Manifest) {
        speaks_of(&signed.bundle, &artifact)?;
    }
    let mut closest: Option<(u8, String)> = None;
    for root in roots {
        match root.verifier.verify(input(signed, &artifact), &signed.bundle, &root.policy) {
            Ok(verified) => return Ok(identified(&verified)?),
            Err(error) => {
                let (rank, reason) = worded(&error, root, &signed.bundle);
                if closest.as_ref().is_none_or(|(known, _)| rank > *known) {
                    closest = Some((rank, reason));
                }
            }
        }
    }
    Err(closest.map_or_else(|| UNROOTED.to_owned(), |(_, reason)| reason).into())
}

fn identified(verified: &VerificationResult) -> Result<Proof, String> {
    let subject = verified.identity().filter(|_| verified.certificate_verified());
    let subject = subject.ok_or("its certificate names nobody")?.as_str().into();
    let issuer = verified.issuer().ok_or("its certificate does not say who vouches for the identity")?.into();
    Ok(Proof { signer: Signer::Certificate { issuer, subject }, signed_at: earliest(verified) })
}

fn earliest(verified: &VerificationResult) -> Option<Timestamp> {
    verified.verified_timestamps().iter().min().copied()
}

/// What the library is to verify a signature over; statements bring their own text.
fn input<'s>(signed: &'s Signed<'_>, image: &ArtifactDigest) -> Artifact<'s> {
    match signed.text() {
        Text::SimpleSigning(text) => Artifact::from_blob(text),
        Text::Statement(_) | Text::Manifest => Artifact::from_digest(image.clone()),
    }
}

fn artifact(digest: &Digest) -> Result<ArtifactDigest, String> {
    let (algorithm, hex) = digest.as_str().split_once(':').unwrap_or_default();
    let algorithm = match algorithm {
        "sha256" => HashAlgorithm::Sha2256,
        "sha512" => HashAlgorithm::Sha2512,
        _ => return Err(format!("nothing signs images by {algorithm}")),
    };
    let bytes = DigestBytes::from_hex(hex).map_err(|error| error.to_string())?;
    ArtifactDigest::new(algorithm, bytes).map_err(|error| error.to_string())
}

/// Whether a signature over a manifest is over this one.
fn speaks_of(bundle: &Bundle, image: &ArtifactDigest) -> Result<(), Unbelieved> {
    let SignatureContent::MessageSignature(message) = &bundle.content else { return Ok(()) };
    match &message.message_digest {
        Some(other) if other.digest.as_bytes() != image.as_bytes() => {
            let algorithm = other.algorithm.to_string().to_lowercase().replace("sha2_", "sha");
            let other = Digest::parse(&format!("{algorithm}:{}", other.digest.to_hex()));
            Err(other.map_or_else(|| ANOTHER.to_owned().into(), Unbelieved::of_another))
        }
        _ => Ok(()),
    }
}

/// What the library says of a statement, which names the image itself.
pub(super) const ANOTHER: &str = "it was made for another image";
const UNFIT: &str = "its signature does not fit its text";
const UNROOTED: &str = "its certificate leads to no trust root that is known here";

/// Why a root does not vouch for something, and how far it got: of several roots the one that got farthest is the one
/// it belongs to.
fn worded(error: &Error, root: &Root, bundle: &Bundle) -> (u8, String) {
    let entries = &bundle.verification_material.tlog_entries;
    let logged_here = |id: &[u8]| root.logs.iter().any(|log| log == id);
    let is_foreign = entries.iter().any(|entry| !logged_here(entry.log_id.key_id.as_bytes()));
    match error {
        Error::SignatureInvalid(_) => (3, UNFIT.to_owned()),
        Error::ArtifactMismatch(_) => (3, ANOTHER.to_owned()),
        Error::Certificate(CertificateError::ChainInvalid(reason)) if reason.contains("Expired") => {
            (2, "its certificate had expired when it signed".to_owned())
        }
        Error::Certificate(CertificateError::ChainInvalid(reason)) if reason.contains("NotValidYet") => {
            (2, "its certificate was not valid yet when it signed".to_owned())
        }
        Error::Certificate(CertificateError::Expired { not_after, .. }) => {
            (2, format!("its certificate had expired ({not_after}) when it signed"))
        }
        Error::Certificate(CertificateError::NotYetValid { not_before, .. }) => {
            (2, format!("its certificate was not valid yet ({not_before}) when it signed"))
        }
        Error::Certificate(CertificateError::Sct(_)) => {
            (2, "its certificate is in no certificate log that is known here".to_owned())
        }
        Error::Certificate(CertificateError::Malformed(_)) => {
            (2, "its certificate cannot be read".to_owned())
        }
        Error::Certificate(_) => (0, UNROOTED.to_owned()),
        Error::TransparencyLog(TransparencyLogError::EntryMismatch(_)) => {
            (3, "its entry in the transparency log is about something else".to_owned())
        }
        Error::TransparencyLog(_) if is_foreign => (0, UNROOTED.to_owned()),
        Error::TransparencyLog(reason) => {
            (2, format!("its entry in the transparency log does not verify: {reason}"))
        }
        Error::Timestamp(TimestampError::NoVerifiedTimestamp(_)) => {
            (1, "nobody vouches for when it was signed".to_owned())
        }
        Error::Timestamp(_) => {
            // Where both do without a log, this root is the one that was meant.
            let is_meant = root.logs.is_empty() && entries.is_empty();
            (if is_meant { 2 } else { 0 }, "its timestamp is of no authority that is known here".to_owned())
        }
        Error::Bundle(sigstore_verify::bundle::Error::MissingSigningTimeEvidence)
        | Error::Bundle(sigstore_verify::bundle::Error::MissingInclusionProof(_))
        | Error::Bundle(sigstore_verify::bundle::Error::MissingInclusionPromise(_)) => {
            (1, "it is in no transparency log, so nobody vouches for when it was signed".to_owned())
        }
        error => {
            (1, format!("it cannot be verified: {}", error.to_string().chars().take(200).collect::<String>()))
        }
    }
}
