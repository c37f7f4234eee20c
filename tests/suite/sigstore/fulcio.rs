//! A Sigstore of our own: an authority, its log of certificates and its log of signatures.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, PublicKeyData, SanType, SerialNumber,
};
use serde_json::{Value, json};
use sigstore_verify::{
    crypto::{KeyPair, sha256},
    types::DerCertificate,
};

use super::{Authority, Key, bundle};

/// A Sigstore of our own: who vouches for identities, and the logs in which everything must be entered.
pub(crate) struct Fulcio {
    authority: Issuer<'static, rcgen::KeyPair>,
    certificate: Vec<u8>,
    certificate_log: Key,
    transparency_log: Key,
}

/// Somebody who signs with a certificate of an authority, made for a few minutes.
pub(crate) struct Identity<'f> {
    fulcio: &'f Fulcio,
    key: Key,
    certificate: Vec<u8>,
    signs_at: i64,
}

/// How a certificate differs from one that is as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    None,
    /// It had run out when it was used.
    Expired,
    /// It was not entered in the log of certificates.
    Unlogged,
}

impl Fulcio {
    pub(crate) fn make() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Self {
            authority: Issuer::new(params, key),
            certificate,
            certificate_log: Key::make(),
            transparency_log: Key::make(),
        }
    }

    /// What a `trusted_root.json` says of it.
    pub(crate) fn trusted_root(&self) -> String {
        self.root().to_string()
    }

    /// The same where timestamps of this authority stand in for a transparency log.
    pub(crate) fn trusted_root_without_log(&self, authority: &Authority) -> String {
        let mut root = self.root();
        (root["tlogs"], root["timestampAuthorities"]) = (json!([]), json!([authority.trusted()]));
        root.to_string()
    }

    fn root(&self) -> Value {
        let valid = json!({"start": "2020-01-01T00:00:00Z"});
        let log = |key: &Key| {
            json!({
                "baseUrl": "https://log.example.com", "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": BASE64.encode(key.spki()), "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": valid,
                },
                "logId": {"keyId": sha256(&key.spki()).to_base64()},
            })
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(&self.transparency_log)],
            "ctlogs": [log(&self.certificate_log)],
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "test authority"},
                "uri": "https://fulcio.example.com",
                "certChain": {"certificates": [{"rawBytes": BASE64.encode(&self.certificate)}]},
                "validFor": valid,
            }],
            "timestampAuthorities": [],
        })
    }

    /// A certificate for a URI (a workflow), vouched for by an OIDC issuer.
    pub(crate) fn identity(&self, issuer: &str, subject: &str, flaw: Flaw) -> Identity<'_> {
        let now = Timestamp::now().as_second();
        let (until, signs_at) =
            if flaw == Flaw::Expired { (now - 300, now - 60) } else { (now + 480, now - 60) };
        let at = |seconds: i64| {
            rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(seconds).unwrap())
        };
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from(4711_u64));
        (params.not_before, params.not_after) = (at(now - 600), at(until));
        params.subject_alt_names = vec![SanType::URI(subject.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let mut named = vec![0x0c, u8::try_from(issuer.len()).unwrap()];
        named.extend(issuer.as_bytes());
        params.custom_extensions =
            vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], named)];
        if flaw != Flaw::Unlogged {
            let before = params.signed_by(&key, &self.authority).unwrap();
            params.custom_extensions.push(self.receipt(before.der()));
        }
        let certificate = params.signed_by(&key, &self.authority).unwrap().der().to_vec();
        let key = Key::P256(KeyPair::from_pkcs8_der(&key.serialize_der()).unwrap());
        Identity { fulcio: self, key, certificate, signs_at }
    }

    /// The certificate log's receipt (RFC 6962) for a certificate that does not hold it yet.
    fn receipt(&self, certificate: &[u8]) -> CustomExtension {
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).unwrap();
        let to_be_signed: &[u8] = parsed.tbs_certificate.as_ref();
        let issuer = sha256(&self.authority.key().subject_public_key_info());
        let time = u64::try_from(Timestamp::now().as_millisecond()).unwrap().to_be_bytes();
        let mut signed = vec![0, 0];
        signed.extend(time);
        signed.extend([0, 1]);
        signed.extend(issuer.as_bytes());
        signed.extend(&u32::try_from(to_be_signed.len()).unwrap().to_be_bytes()[1..]);
        signed.extend(to_be_signed);
        signed.extend([0, 0]);
        let signature = self.certificate_log.sign(&signed);
        let mut receipt = vec![0];
        receipt.extend(sha256(&self.certificate_log.spki()).as_bytes());
        receipt.extend(time);
        receipt.extend([0, 0, 4, 3]);
        receipt.extend(sized(&signature));
        let list = sized(&sized(&receipt));
        let mut content = vec![0x04];
        match u8::try_from(list.len()).unwrap() {
            short @ ..0x80 => content.push(short),
            long => content.extend([0x81, long]),
        }
        content.extend(list);
        CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], content)
    }

    /// A bundle that a key signed and that was entered in the transparency log.
    pub(crate) fn logged(&self, key: &Key, statement: &Value, time: Timestamp) -> String {
        let (envelope, signature) = key.sealed(statement);
        let entry = self.statement_entry(statement, &envelope, &signature, &key.pem(), time.as_second());
        bundle(json!({"publicKey": {"hint": ""}, "tlogEntries": [entry]}), envelope).to_string()
    }

    fn statement_entry(
        &self,
        statement: &Value,
        envelope: &Value,
        signature: &[u8],
        pem: &str,
        time: i64,
    ) -> Value {
        let hash = |text: &str| json!({"algorithm": "sha256", "value": sha256(text.as_bytes()).to_hex()});
        let body = json!({"apiVersion": "0.0.1", "kind": "dsse", "spec": {
            "envelopeHash": hash(&envelope.to_string()), "payloadHash": hash(&statement.to_string()),
            "signatures": [{"signature": BASE64.encode(signature), "verifier": BASE64.encode(pem)}],
        }});
        self.entry("dsse", &body, time)
    }

    /// The same promise in the words of cosign's annotation.
    fn promise(&self, entry: &Value, time: i64) -> String {
        json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"], "integratedTime": time, "logIndex": 0,
                "logID": sha256(&self.transparency_log.spki()).to_hex(),
            },
        })
        .to_string()
    }

    /// The transparency log's entry for this body: promise, proof and signed head of a log with one entry.
    fn entry(&self, kind: &str, body: &Value, time: i64) -> Value {
        let body = body.to_string();
        let id = sha256(&self.transparency_log.spki());
        let encoded = BASE64.encode(&body);
        let promised = format!(
            r#"{{"body":"{encoded}","integratedTime":{time},"logID":"{}","logIndex":0}}"#,
            id.to_hex()
        );
        let root = sha256(&[&[0], body.as_bytes()].concat()).to_base64();
        let head = format!("log.example.com\n1\n{root}\n");
        let signature = [&id.as_bytes()[..4], &self.transparency_log.sign(head.as_bytes())].concat();
        json!({
            "logIndex": "0", "logId": {"keyId": id.to_base64()},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": time.to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": BASE64.encode(self.transparency_log.sign(promised.as_bytes())),
            },
            "inclusionProof": {
                "logIndex": "0", "rootHash": root, "treeSize": "1", "hashes": [],
                "checkpoint": {"envelope": format!("{head}\n— log.example.com {}\n", BASE64.encode(signature))},
            },
            "canonicalizedBody": encoded,
        })
    }
}

impl Identity<'_> {
    /// A bundle as `cosign sign` and `cosign attest` of version 3 attach it.
    pub(crate) fn bundle(&self, statement: &Value) -> String {
        self.unlogged_or_logged(statement, true)
    }

    /// The same without its entry in the transparency log.
    pub(crate) fn bundle_without_log(&self, statement: &Value) -> String {
        self.unlogged_or_logged(statement, false)
    }

    /// The same with the word of an authority on when it was signed.
    pub(crate) fn timed_bundle(&self, statement: &Value, authority: &Authority) -> String {
        let (envelope, signature) = self.key.sealed(statement);
        let material = json!({
            "certificate": {"rawBytes": BASE64.encode(&self.certificate)},
            "timestampVerificationData": {"rfc3161Timestamps": [{"signedTimestamp": authority.stamp(&signature)}]},
        });
        bundle(material, envelope).to_string()
    }

    /// The layer of a `.sig` tag of somebody who has no log, and its annotations.
    pub(crate) fn timed_signature(
        &self,
        repository: &str,
        digest: &str,
        authority: &Authority,
    ) -> (String, [(&'static str, String); 3]) {
        let (payload, signature) = self.key.simple_signature(repository, digest);
        let stamp = authority.stamp(&BASE64.decode(&signature).unwrap());
        let annotations = [
            ("dev.cosignproject.cosign/signature", signature),
            ("dev.sigstore.cosign/certificate", self.certificate_pem()),
            ("dev.sigstore.cosign/rfc3161timestamp", json!({"SignedRFC3161Timestamp": stamp}).to_string()),
        ];
        (payload, annotations)
    }

    /// The layer of a `.sig` tag, and its annotations.
    pub(crate) fn simple_signature(
        &self,
        repository: &str,
        digest: &str,
    ) -> (String, [(&'static str, String); 3]) {
        let (payload, signature) = self.key.simple_signature(repository, digest);
        let body = json!({"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": sha256(payload.as_bytes()).to_hex()}},
            "signature": {"content": signature, "publicKey": {"content": BASE64.encode(self.certificate_pem())}},
        }});
        let entry = self.fulcio.entry("hashedrekord", &body, self.signs_at);
        let annotations = [
            ("dev.cosignproject.cosign/signature", signature),
            ("dev.sigstore.cosign/certificate", self.certificate_pem()),
            ("dev.sigstore.cosign/bundle", self.fulcio.promise(&entry, self.signs_at)),
        ];
        (payload, annotations)
    }

    /// The layer of an `.att` tag, and its annotations.
    pub(crate) fn envelope(&self, statement: &Value) -> (String, [(&'static str, String); 2]) {
        let (envelope, signature) = self.key.sealed(statement);
        let pem = self.certificate_pem();
        let entry = self.fulcio.statement_entry(statement, &envelope, &signature, &pem, self.signs_at);
        let annotations = [
            ("dev.sigstore.cosign/certificate", self.certificate_pem()),
            ("dev.sigstore.cosign/bundle", self.fulcio.promise(&entry, self.signs_at)),
        ];
        (envelope.to_string(), annotations)
    }

    fn unlogged_or_logged(&self, statement: &Value, logged: bool) -> String {
        let (envelope, signature) = self.key.sealed(statement);
        let pem = self.certificate_pem();
        let entry = self.fulcio.statement_entry(statement, &envelope, &signature, &pem, self.signs_at);
        let entries = if logged { vec![entry] } else { Vec::new() };
        let certificate = json!({"rawBytes": BASE64.encode(&self.certificate)});
        bundle(json!({"certificate": certificate, "tlogEntries": entries}), envelope).to_string()
    }

    fn certificate_pem(&self) -> String {
        DerCertificate::new(self.certificate.clone()).to_pem()
    }
}

/// Bytes after their length in two.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
}
