//! What a certificate says about itself.

use std::net::IpAddr;

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    parse_x509_certificate,
    pem::Pem,
};

use super::Error;

/// The facts that decide whether a certificate is still good.
pub(super) struct Facts {
    /// Unix seconds.
    pub(super) not_before: i64,
    /// Unix seconds.
    pub(super) not_after: i64,
    /// The public key in DER (SubjectPublicKeyInfo).
    pub(super) public_key: Vec<u8>,
    /// DNS names and addresses in text.
    pub(super) names: Vec<String>,
    pub(super) is_ca: bool,
}

/// Unix time at which the first certificate in `pem` ends.
///
/// # Errors
/// When there is no certificate in it.
pub fn expiry(pem: &[u8]) -> Result<i64, Error> {
    Ok(facts(pem)?.not_after)
}

/// The facts about the first certificate in `pem`.
pub(super) fn facts(pem: &[u8]) -> Result<Facts, Error> {
    Facts::of(blocks(pem).first().ok_or(Error::NoCertificate)?)
}

/// Every certificate in `pem` that can be read, in its order.
pub(super) fn blocks(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    let blocks = Pem::iter_from_buffer(pem).filter_map(Result::ok);
    let certificates = blocks.filter(|block| block.label == "CERTIFICATE" && block.parse_x509().is_ok());
    certificates.map(|block| CertificateDer::from(block.contents)).collect()
}

impl Facts {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Result<Self, Error> {
        let (_, certificate) = parse_x509_certificate(certificate).map_err(|_| Error::NoCertificate)?;
        let mut facts = Self {
            not_before: certificate.validity().not_before.timestamp(),
            not_after: certificate.validity().not_after.timestamp(),
            public_key: certificate.public_key().raw.to_vec(),
            names: Vec::new(),
            is_ca: certificate.is_ca(),
        };
        facts.read_names(&certificate);
        Ok(facts)
    }

    pub(super) fn is_valid_at(&self, now: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&now.as_second())
    }

    /// Whether two thirds of its life are over: time for the next one, with a third left for what may go wrong.
    pub(super) fn is_old_at(&self, now: Timestamp) -> bool {
        let third = self.not_after.saturating_sub(self.not_before) / 3;
        now.as_second() >= self.not_after.saturating_sub(third)
    }

    pub(super) fn covers(&self, names: &[String]) -> bool {
        names.iter().all(|name| self.names.contains(name))
    }

    fn read_names(&mut self, certificate: &X509Certificate<'_>) {
        for extension in certificate.extensions() {
            if let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() {
                self.names = names.general_names.iter().filter_map(name).collect();
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
