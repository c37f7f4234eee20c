//! What was attested of an image, after every signature was verified: facts for the checks, which say whom to believe.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::object::Digest;

/// Who signed, as the verification found. That somebody signed says nothing yet about whether they may.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Signer {
    /// By a certificate that leads to a trust root: who vouched for the identity (OIDC issuer), and the identity (SAN).
    Certificate { issuer: Arc<str>, subject: Arc<str> },
    /// By a key that a policy holds: `sha256:` over its SubjectPublicKeyInfo (DER).
    Key { fingerprint: Arc<str> },
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate { issuer, subject } => write!(f, "{subject} (vouched for by {issuer})"),
            // Algorithm and twelve digits, as digests are shortened.
            Self::Key { fingerprint } => {
                write!(f, "the key {}", fingerprint.get(..19).unwrap_or(fingerprint))
            }
        }
    }
}

/// Who signed something, and for which repository they said it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attester {
    pub signer: Signer,
    /// `registry/repository` as the signed text names it; absent when it names a digest alone.
    pub named: Option<Arc<str>>,
    /// When it was signed (UTC), as a transparency log or a timestamp authority vouches; absent when nobody does.
    pub signed_at: Option<Timestamp>,
}

/// One verified statement about an image: its subject is the image's digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    pub claim: Claim,
    pub by: Attester,
}

/// What a statement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nothing but that its signer signed the image.
    Signature,
    /// How it was built (SLSA provenance v0.2 or v1).
    Provenance {
        /// `builder.id`.
        builder: Arc<str>,
        /// Where its source came from, as the builder names it; absent if it does not.
        source: Option<Arc<str>>,
    },
    /// What is in it.
    Sbom {
        /// `SPDX` or `CycloneDX`.
        format: &'static str,
    },
    /// That it was scanned; the scan itself is among the scans.
    Scan,
    /// That vulnerabilities do or do not concern it; the statements themselves are among those of VEX.
    Vex,
    /// Something that no check reads, by its predicate type.
    Other { predicate_type: Arc<str> },
}

/// What [`Refused::what`] calls everything attached that was not read, for its size or its number.
pub const LEFT_OUT: &str = "what else is attached";

/// Something that claims to speak of an image and is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub is_signature: bool,
    /// What it claims to be: `signature`, `attestation https://slsa.dev/provenance/v1`.
    pub what: Arc<str>,
    /// Why, as the rest of a sentence: `its subject is sha256:..., another image`.
    pub reason: Arc<str>,
    /// What it speaks of, where that is neither the image that it is attached to nor a platform of it.
    pub other: Option<Digest>,
}

/// What a registry holds about one image in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    pub attestations: Vec<Attestation>,
    pub refused: Vec<Refused>,
    /// When the registry was asked (UTC).
    pub asked_at: Timestamp,
}
