//! Verifies what is attached to an image, and reads what it says. Pure: no network, and no clock but that of the
//! library, which refuses signatures of the future.
//!
//! Everything attached ends as a fact (who signed, what they say) or as a refusal with its reason. Whom to believe is
//! for the checks to say.

mod attached;
mod predicate;
mod proof;
mod statement;
mod vulnerabilities;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;

use super::{Attached, Documents};
use crate::{
    inventory::image_evidence::{
        Attestation, Attested, Attester, Claim, LEFT_OUT, Refused, ScanReport, VexStatement,
    },
    object::Digest,
};
use attached::{Signed, Text};
use proof::{Key, Proof, Root};
use statement::Statement;

pub(super) use statement::tell as tell_statement;
pub(super) use vulnerabilities::tell as tell_vulnerabilities;

/// Verifies signatures by the keys and trust roots that it was made with.
#[derive(Debug)]
pub struct Verifier {
    keys: Vec<Key>,
    roots: Vec<Root>,
}

/// What an attestation says beyond that it is there.
#[derive(Debug)]
pub enum Learned<'a> {
    Scan(ScanReport<'a>),
    Vex(VexStatement),
}

/// What the attestations of an image say, verified.
#[derive(Debug)]
pub struct Verified {
    pub attested: Attested,
    pub scans: Vec<ScanReport<'static>>,
    pub statements: Vec<VexStatement>,
}

/// What nothing can be verified with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("the key {fingerprint} is of a kind that no image is signed with: {reason}")]
    Key { fingerprint: Arc<str>, reason: String },
    /// By its position in the list, from 1; 0 is the one of the public Sigstore.
    #[error("the Sigstore trust root {position} cannot be used: {reason}")]
    Root { position: usize, reason: String },
}

impl Verifier {
    /// Verifies by these keys (SubjectPublicKeyInfo, DER, by fingerprint) and these trust roots (`trusted_root.json`)
    /// beside that of the public Sigstore.
    ///
    /// # Errors
    /// The first key or root that cannot be used.
    pub fn new(keys: &BTreeMap<Arc<str>, Arc<[u8]>>, roots: &[String]) -> Result<Self, Unusable> {
        let keys = keys.iter().map(|(fingerprint, der)| {
            Key::new(fingerprint, der)
                .map_err(|reason| Unusable::Key { fingerprint: fingerprint.clone(), reason })
        });
        let texts = std::iter::once(sigstore_verify::trust_root::SIGSTORE_PRODUCTION_TRUSTED_ROOT)
            .chain(roots.iter().map(String::as_str));
        let roots = texts
            .enumerate()
            .map(|(position, text)| Root::new(text).map_err(|reason| Unusable::Root { position, reason }));
        Ok(Self { keys: keys.collect::<Result<_, _>>()?, roots: roots.collect::<Result<_, _>>()? })
    }

    /// What is attested of an image, as one.
    pub fn read(&self, documents: &Documents, asked_at: Timestamp) -> Verified {
        let (mut scans, mut statements) = (Vec::new(), Vec::new());
        let attested = self.verify(documents, asked_at, &mut |learned| match learned {
            Learned::Scan(scan) => scans.push(scan.into_owned()),
            Learned::Vex(statement) => statements.push(statement),
        });
        Verified { attested, scans, statements }
    }

    /// What is attested of an image. Scans and VEX statements are told one by one.
    pub fn verify(
        &self,
        documents: &Documents,
        asked_at: Timestamp,
        tell: &mut dyn FnMut(Learned<'_>),
    ) -> Attested {
        let mut attested = Attested { attestations: Vec::new(), refused: Vec::new(), asked_at };
        for attached in &documents.attached {
            match self.verify_one(documents, attached, tell) {
                Ok(attestation) => attested.attestations.push(attestation),
                Err(refused) => attested.refused.push(refused),
            }
        }
        if let Some(left_out) = &documents.left_out {
            attested.refused.push(Refused {
                is_signature: false,
                what: LEFT_OUT.into(),
                reason: left_out.as_str().into(),
                other: None,
            });
        }
        attested
    }

    fn verify_one(
        &self,
        documents: &Documents,
        attached: &Attached,
        tell: &mut dyn FnMut(Learned<'_>),
    ) -> Result<Attestation, Refused> {
        let outside = if attached::is_signature(attached) { SIGNATURE } else { ATTESTATION };
        let signed = Signed::read(attached).map_err(refused(outside))?;
        match signed.text() {
            Text::Statement(payload) => {
                let statement = Statement::read(payload).map_err(refused(outside))?;
                let what = if statement.is_signature() {
                    SIGNATURE.to_owned()
                } else {
                    format!("{ATTESTATION} {}", statement.predicate_type())
                };
                let named = statement.about(documents);
                // Of whom it speaks is told of what cannot be verified as well: somebody attached it.
                let other = named.as_ref().err().and_then(|unbelieved| unbelieved.other.clone());
                self.prove(&signed, documents)
                    .map_err(|unbelieved| match &named {
                        Err(of_another) if unbelieved.reason == proof::ANOTHER => of_another.clone(),
                        _ => Unbelieved { other, ..unbelieved },
                    })
                    .and_then(|proof| {
                        let by = proof.attester(named?);
                        Ok(Attestation { claim: predicate::claim(&statement, documents, &by, tell)?, by })
                    })
                    .map_err(refused(&what))
            }
            Text::SimpleSigning(payload) => self
                .prove(&signed, documents)
                .and_then(|proof| Ok(proof.attester(statement::simple(payload, documents)?)))
                .map(|by| Attestation { claim: Claim::Signature, by })
                .map_err(refused(SIGNATURE)),
            Text::Manifest => self
                .prove(&signed, documents)
                .map(|proof| Attestation { claim: Claim::Signature, by: proof.attester(None) })
                .map_err(refused(SIGNATURE)),
        }
    }

    fn prove(&self, signed: &Signed<'_>, documents: &Documents) -> Result<Proof, Unbelieved> {
        if signed.is_keyless() {
            proof::by_certificate(&self.roots, signed, &documents.digest)
        } else {
            proof::by_key(&self.keys, &self.roots, signed, &documents.digest)
        }
    }
}

const SIGNATURE: &str = "signature";
const ATTESTATION: &str = "attestation";

fn refused<U: Into<Unbelieved>>(what: &str) -> impl Fn(U) -> Refused {
    move |unbelieved| {
        let Unbelieved { reason, other } = unbelieved.into();
        Refused { is_signature: what == SIGNATURE, what: what.into(), reason: reason.into(), other }
    }
}

/// Why something attached to an image is not believed.
#[derive(Clone, Debug)]
struct Unbelieved {
    reason: String,
    /// The image that it speaks of instead.
    other: Option<Digest>,
}

impl Unbelieved {
    fn of_another(other: Digest) -> Self {
        Self { reason: format!("its subject is {other}, another image"), other: Some(other) }
    }
}

impl From<String> for Unbelieved {
    fn from(reason: String) -> Self {
        Self { reason, other: None }
    }
}

impl Proof {
    fn attester(self, named: Option<Arc<str>>) -> Attester {
        Attester { signer: self.signer, named, signed_at: self.signed_at }
    }
}
