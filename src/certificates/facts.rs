//! What a certificate says about itself.

use std::net::IpAddr;

use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::pem::Pem;

use super::Error;

/// The facts that decide whether a certificate of ours is still good.
pub(super) struct Facts {
    /// Unix seconds.
    pub(super) not_after: i64,
    /// The public key in DER (SubjectPublicKeyInfo).
    pub(super) public_key: Vec<u8>,
    /// DNS names and addresses in text.
    pub(super) names: Vec<String>,
    pub(super) key_id: Option<Vec<u8>>,
    pub(super) issuer_key_id: Option<Vec<u8>>,
}

/// Unix time at which the first certificate in `pem` ends.
///
/// # Errors
/// When there is no certificate in it.
pub fn expiry(pem: &[u8]) -> Result<i64, Error> {
    Ok(facts(pem)?.not_after)
}

pub(super) fn facts(pem: &[u8]) -> Result<Facts, Error> {
    let block = Pem::iter_from_buffer(pem)
        .filter_map(Result::ok)
        .find(|block| block.label == "CERTIFICATE")
        .ok_or(Error::NoCertificate)?;
    let certificate = block.parse_x509().map_err(|_| Error::NoCertificate)?;
    let mut facts = Facts {
        not_after: certificate.validity().not_after.timestamp(),
        public_key: certificate.public_key().raw.to_vec(),
        names: Vec::new(),
        key_id: None,
        issuer_key_id: None,
    };
    facts.read_extensions(&certificate);
    Ok(facts)
}

impl Facts {
    fn read_extensions(&mut self, certificate: &X509Certificate<'_>) {
        for extension in certificate.extensions() {
            match extension.parsed_extension() {
                ParsedExtension::SubjectAlternativeName(names) => {
                    self.names = names.general_names.iter().filter_map(name).collect();
                }
                ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(id.0.to_vec()),
                ParsedExtension::AuthorityKeyIdentifier(id) => {
                    self.issuer_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
                }
                _ => {}
            }
        }
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    }
}
