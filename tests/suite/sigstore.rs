//! Makes what signs images: keys, and a Sigstore of our own (authority, certificate log, transparency log), all at
//! run time. What is signed with them is written as cosign writes it.

mod authority;
mod fulcio;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
        RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use sigstore_verify::{
    crypto::{KeyAlgorithm, KeyPair, sha256},
    types::{DerPublicKey, Sha256Hash, pae},
};

pub(crate) use authority::Authority;
pub(crate) use fulcio::{Flaw, Fulcio};

pub(crate) const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub(crate) const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
pub(crate) const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A key pair of somebody who signs images.
pub(crate) enum Key {
    P256(KeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl Key {
    /// ECDSA on P-256, as `cosign generate-key-pair` makes it.
    pub(crate) fn make() -> Self {
        Self::P256(KeyPair::generate(KeyAlgorithm::EcdsaP256).unwrap())
    }

    /// One of every kind that images are signed with.
    pub(crate) fn make_each() -> [Self; 5] {
        let rsa = || RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        [
            Self::make(),
            Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_ASN1_SIGNING).unwrap()),
            Self::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Self::Rsa(rsa(), &RSA_PKCS1_SHA256),
            Self::Rsa(rsa(), &RSA_PSS_SHA256),
        ]
    }

    /// The public key, as policies hold it.
    pub(crate) fn pem(&self) -> String {
        DerPublicKey::new(self.spki()).to_pem()
    }

    /// The public key as SubjectPublicKeyInfo (DER).
    pub(crate) fn spki(&self) -> Vec<u8> {
        match self {
            Self::P256(key) => key.public_key_der().unwrap().into_bytes(),
            Self::P384(key) => der(key.public_key()),
            Self::Ed25519(key) => der(key.public_key()),
            Self::Rsa(key, _) => der(key.public_key()),
        }
    }

    /// `sha256:` over the public key.
    pub(crate) fn fingerprint(&self) -> String {
        format!("sha256:{}", sha256(&self.spki()).to_hex())
    }

    /// A bundle as `cosign sign` and `cosign attest` of version 3 attach it, without a log.
    pub(crate) fn bundle(&self, statement: &Value) -> String {
        let (envelope, _) = self.sealed(statement);
        bundle(json!({"publicKey": {"hint": sha256(&self.spki()).to_base64()}}), envelope).to_string()
    }

    /// A bundle whose signature is over the image's manifest itself, which is known by its digest.
    pub(crate) fn message_bundle(&self, digest: &str) -> String {
        let Self::P256(key) = self else { panic!("only P-256 signs digests here") };
        let hash = Sha256Hash::from_hex(digest.trim_start_matches("sha256:")).unwrap();
        json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": ""}},
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": hash.to_base64()},
                "signature": key.sign_digest(&hash).unwrap().to_base64(),
            },
        })
        .to_string()
    }

    /// The layer of an `.att` tag: a signed statement in its envelope.
    pub(crate) fn envelope(&self, statement: &Value) -> String {
        self.sealed(statement).0.to_string()
    }

    /// The layer of a `.sig` tag and its annotation `dev.cosignproject.cosign/signature`.
    pub(crate) fn simple_signature(&self, repository: &str, digest: &str) -> (String, String) {
        let payload = simple_payload(repository, digest);
        let signature = self.sign(payload.as_bytes());
        (payload, BASE64.encode(signature))
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => key.sign(text).unwrap().into_bytes(),
            Self::P384(key) => key.sign(&SystemRandom::new(), text).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(text).as_ref().to_vec(),
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &SystemRandom::new(), text, &mut signature).unwrap();
                signature
            }
        }
    }

    /// The same around any text.
    pub(crate) fn envelope_of(&self, payload: &str) -> String {
        self.sealed_text(payload).0.to_string()
    }

    fn sealed(&self, statement: &Value) -> (Value, Vec<u8>) {
        self.sealed_text(&statement.to_string())
    }

    fn sealed_text(&self, payload: &str) -> (Value, Vec<u8>) {
        let signature = self.sign(&pae(IN_TOTO, payload.as_bytes()));
        let envelope = json!({
            "payloadType": IN_TOTO,
            "payload": BASE64.encode(payload),
            "signatures": [{"sig": BASE64.encode(&signature)}],
        });
        (envelope, signature)
    }
}

fn der<'k>(key: &impl AsDer<PublicKeyX509Der<'k>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

/// What cosign signs by its old format.
pub(crate) fn simple_payload(repository: &str, digest: &str) -> String {
    json!({
        "critical": {
            "identity": {"docker-reference": repository},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
}

/// An in-toto statement about an image. The name may be empty.
pub(crate) fn statement(name: &str, digest: &str, predicate_type: &str, predicate: Value) -> Value {
    let hex = digest.trim_start_matches("sha256:");
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": hex}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

/// What `cosign sign` of version 3 signs.
pub(crate) fn signature_statement(name: &str, digest: &str) -> Value {
    statement(name, digest, "https://sigstore.dev/cosign/sign/v1", json!({}))
}

fn bundle(material: Value, envelope: Value) -> Value {
    json!({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope})
}
