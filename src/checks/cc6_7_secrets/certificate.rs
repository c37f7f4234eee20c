//! What a certificate for TLS says about itself.

use base64::{Engine, prelude::BASE64_STANDARD};
use x509_parser::{
    certificate::X509Certificate, pem::Pem, public_key::PublicKey, signature_algorithm::SignatureAlgorithm,
};

use crate::object::Secret;

/// The facts that decide whether a certificate is still worth something.
pub(super) struct Certificate {
    pub(super) subject: String,
    /// Unix seconds.
    pub(super) not_after: i64,
    /// What the key is, where that is too little: `RSA with 1024 bits`.
    pub(super) weak_key: Option<String>,
    /// The digest that it is signed by, where that is broken.
    pub(super) weak_digest: Option<&'static str>,
    pub(super) has_alternative_name: bool,
    /// Whether it signs others, and so belongs to no host.
    pub(super) is_authority: bool,
}

/// A Secret without a certificate that anybody could show.
pub(super) enum Unusable {
    /// There is none (yet).
    Absent,
    /// There is something else.
    Garbled(&'static str),
}

impl Certificate {
    /// The leaf of the chain in a Secret: the first certificate, as TLS demands it.
    ///
    /// # Errors
    /// [`Unusable`], which never repeats the contents.
    pub(super) fn of(secret: &Secret<'_>) -> Result<Self, Unusable> {
        let text = if secret.plain_certificate.is_empty() {
            decoded(&secret.certificate)?
        } else {
            secret.plain_certificate.as_bytes().to_vec()
        };
        if text.trim_ascii().is_empty() {
            return Err(Unusable::Absent);
        }
        // A key may stand before it in the file; programs look past it.
        let leaf = Pem::iter_from_buffer(&text)
            .filter_map(Result::ok)
            .find(|block| block.label == "CERTIFICATE")
            .ok_or(Unusable::Garbled("is no certificate in PEM"))?;
        let leaf = leaf.parse_x509().map_err(|_| Unusable::Garbled("is no X.509 certificate"))?;
        Ok(Self::read(&leaf))
    }

    fn read(leaf: &X509Certificate<'_>) -> Self {
        let names = leaf.subject_alternative_name().ok().flatten();
        let is_ca = leaf.basic_constraints().ok().flatten().is_some_and(|own| own.value.ca);
        // Tools mark every certificate that signs itself as an authority; one that is meant for it says so here too.
        let signs_others = leaf.key_usage().ok().flatten().is_some_and(|own| own.value.key_cert_sign());
        Self {
            subject: leaf.subject().to_string(),
            not_after: leaf.validity().not_after.timestamp(),
            weak_key: weak_key(leaf),
            weak_digest: weak_digest(leaf),
            has_alternative_name: names.is_some_and(|names| !names.value.general_names.is_empty()),
            is_authority: is_ca && signs_others,
        }
    }
}

fn decoded(base64: &str) -> Result<Vec<u8>, Unusable> {
    // The API server reads past line breaks too.
    let compact: String = base64.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(compact).map_err(|_| Unusable::Garbled("is not in base64"))
}

fn weak_key(leaf: &X509Certificate<'_>) -> Option<String> {
    let (name, bits, least) = match leaf.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => ("RSA", key.key_size(), 2048),
        Ok(PublicKey::EC(point)) => ("an elliptic curve", point.key_size(), 256),
        Ok(PublicKey::DSA(_)) => return Some("DSA".to_owned()),
        // Edwards curves have no size to choose.
        Ok(_) => return None,
        Err(_) => return Some("of no known form".to_owned()),
    };
    (bits < least).then(|| format!("{name} with {bits} bits"))
}

/// By object identifier; the names repeat them for RSA, DSA and elliptic curves.
fn weak_digest(leaf: &X509Certificate<'_>) -> Option<&'static str> {
    let algorithm = &leaf.signature_algorithm;
    let identifier = match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(params)) => params.hash_algorithm_oid().to_id_string(),
        _ => algorithm.algorithm.to_id_string(),
    };
    match identifier.as_str() {
        "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.2.840.10040.4.3"
        | "1.3.14.3.2.26"
        | "1.3.14.3.2.29" => Some("SHA-1"),
        "1.2.840.113549.1.1.4" | "1.2.840.113549.2.5" => Some("MD5"),
        "1.2.840.113549.1.1.2" => Some("MD2"),
        _ => None,
    }
}
