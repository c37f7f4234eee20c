//! Reads the forms in which signatures are attached, and makes one of them: a Sigstore bundle and the text it signs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sigstore_verify::types::{Bundle, DerCertificate, SignatureContent, VerificationMaterialContent};

use super::{
    super::{Attached, Found, report::unparsable},
    predicate,
};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A signature with everything that came along to verify it. Nothing of it is verified yet.
pub(super) struct Signed<'a> {
    pub(super) bundle: Bundle,
    /// What is signed by cosign's old format, which is no part of the bundle.
    simple: Option<&'a [u8]>,
}

/// What a signature is over.
pub(super) enum Text<'s> {
    /// An in-toto statement, in its envelope.
    Statement(&'s [u8]),
    SimpleSigning(&'s [u8]),
    /// The manifest of the image, which is known by its digest.
    Manifest,
}

/// Whether it is a signature and no attestation, as far as its outside tells.
pub(super) fn is_signature(attached: &Attached) -> bool {
    let annotation = |name: &str| attached.annotations.get(name).map(String::as_str);
    attached.media_type == SIMPLE_SIGNING
        || attached.found == Found::SignatureTag
        || annotation("dev.sigstore.bundle.content") == Some("message-signature")
        || annotation("dev.sigstore.bundle.predicateType").is_some_and(predicate::is_signature)
}

impl<'a> Signed<'a> {
    pub(super) fn read(attached: &'a Attached) -> Result<Self, String> {
        let bytes = &*attached.bytes;
        let media_type = attached.media_type.as_str();
        let signed = if media_type.starts_with(BUNDLE) {
            let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
            let bundle = serde_json::from_str(text).map_err(|error| unparsable(&error))?;
            Self { bundle, simple: None }
        } else if media_type == SIMPLE_SIGNING {
            let signature = attached.annotations.get("dev.cosignproject.cosign/signature");
            let signature = signature.ok_or("it has no annotation `dev.cosignproject.cosign/signature`")?;
            let digest = STANDARD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes));
            let content = json!({"messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": digest}, "signature": signature,
            }});
            Self { bundle: rebuilt(attached, content)?, simple: Some(bytes) }
        } else if media_type == ENVELOPE {
            let envelope: Value = serde_json::from_slice(bytes).map_err(|error| unparsable(&error))?;
            Self { bundle: rebuilt(attached, json!({"dsseEnvelope": envelope}))?, simple: None }
        } else {
            return Err(format!("nothing is known of signatures in {media_type}"));
        };
        match &signed.bundle.content {
            SignatureContent::DsseEnvelope(envelope) if envelope.payload_type != IN_TOTO => {
                let kind: String = envelope.payload_type.chars().take(80).collect();
                Err(format!("what it signs is {kind}, no in-toto statement"))
            }
            _ => Ok(signed),
        }
    }

    pub(super) fn text(&self) -> Text<'_> {
        match (&self.bundle.content, self.simple) {
            (SignatureContent::DsseEnvelope(envelope), _) => Text::Statement(envelope.payload.as_bytes()),
            (_, Some(payload)) => Text::SimpleSigning(payload),
            (_, None) => Text::Manifest,
        }
    }

    pub(super) fn is_keyless(&self) -> bool {
        !matches!(self.bundle.verification_material.content, VerificationMaterialContent::PublicKey(_))
    }
}

/// The bundle that cosign would write today for what it wrote into annotations then. The form of version 0.1 is the
/// one that is content with a log's promise.
fn rebuilt(attached: &Attached, content: Value) -> Result<Bundle, String> {
    let annotation = |name: &str| attached.annotations.get(name).filter(|text| !text.is_empty());
    let mut material = match annotation("dev.sigstore.cosign/certificate") {
        None => json!({"publicKey": {"hint": ""}}),
        Some(leaf) => {
            let chain = annotation("dev.sigstore.cosign/chain").map_or("", String::as_str);
            let certificates = leaf.split_inclusive(END).chain(chain.split_inclusive(END));
            let certificates = certificates.filter(|pem| pem.contains(END)).map(|pem| {
                let der = DerCertificate::from_pem(pem).map_err(|_| "its certificate cannot be read")?;
                Ok(json!({"rawBytes": der.to_base64()}))
            });
            let certificates = certificates.collect::<Result<Vec<_>, &str>>()?;
            json!({"x509CertificateChain": {"certificates": certificates}})
        }
    };
    let entries = annotation("dev.sigstore.cosign/bundle").map(|text| entry(text)).transpose()?;
    // What no log promised is of the form that may do without, if an authority vouches for the time.
    let version = if entries.is_some() { "0.1" } else { "0.2" };
    let times = annotation("dev.sigstore.cosign/rfc3161timestamp").map(|text| timestamp(text)).transpose()?;
    if let Value::Object(material) = &mut material {
        material.insert("tlogEntries".to_owned(), entries.into_iter().collect());
        let times: Value = times.into_iter().collect();
        material.insert("timestampVerificationData".to_owned(), json!({"rfc3161Timestamps": times}));
    }
    let mut bundle = json!({
        "mediaType": format!("application/vnd.dev.sigstore.bundle+json;version={version}"),
        "verificationMaterial": material,
    });
    if let (Value::Object(bundle), Value::Object(content)) = (&mut bundle, content) {
        bundle.extend(content);
    }
    serde_json::from_value(bundle).map_err(|error| format!("it does not parse: {error}"))
}

const END: &str = "-----END CERTIFICATE-----";

/// The word of a timestamp authority (RFC 3161), in those of a bundle.
fn timestamp(text: &str) -> Result<Value, String> {
    let response: Option<Value> = serde_json::from_str(text).ok();
    let signed = response.as_ref().and_then(|response| response.get("SignedRFC3161Timestamp"));
    let signed = signed.filter(|signed| signed.is_string());
    let signed = signed.ok_or("its annotation `dev.sigstore.cosign/rfc3161timestamp` cannot be read")?;
    Ok(json!({"signedTimestamp": signed}))
}

/// The entry of the transparency log in cosign's own words, in those of a bundle.
fn entry(text: &str) -> Result<Value, String> {
    let unreadable = || "its annotation `dev.sigstore.cosign/bundle` cannot be read".to_owned();
    let promise: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let payload = promise.get("Payload").ok_or_else(unreadable)?;
    let field = |name: &str| payload.get(name).cloned().ok_or_else(unreadable);
    let body = field("body")?;
    let decoded = body.as_str().and_then(|body| STANDARD.decode(body).ok()).ok_or_else(unreadable)?;
    let decoded: Value = serde_json::from_slice(&decoded).map_err(|_| unreadable())?;
    let log = field("logID")?;
    let log = log.as_str().and_then(|hex| sigstore_verify::types::Sha256Hash::from_hex(hex).ok());
    Ok(json!({
        "logIndex": field("logIndex")?.to_string(),
        "logId": {"keyId": log.ok_or_else(unreadable)?.to_base64()},
        "kindVersion": {"kind": decoded.get("kind"), "version": decoded.get("apiVersion")},
        "integratedTime": field("integratedTime")?.to_string(),
        "inclusionPromise": {"signedEntryTimestamp": promise.get("SignedEntryTimestamp")},
        "canonicalizedBody": body,
    }))
}
