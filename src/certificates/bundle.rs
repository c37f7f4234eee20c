//! The CAs that callers trust, the newest first.

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use rustls::pki_types::CertificateDer;

use super::facts::{Facts, blocks};

/// CA certificates, each once, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bundle(Vec<CertificateDer<'static>>);

impl Bundle {
    /// Every certificate in `pem` that can be read; what cannot is passed over.
    pub fn read(pem: &[u8]) -> Self {
        Self::default().joined_by(blocks(pem))
    }

    /// These after our own, without those that are there already.
    #[must_use]
    pub fn joined_by(mut self, others: impl IntoIterator<Item = CertificateDer<'static>>) -> Self {
        for other in others {
            if !self.0.contains(&other) {
                self.0.push(other);
            }
        }
        self
    }

    /// Those that have begun and not ended.
    #[must_use]
    pub fn valid_at(mut self, now: Timestamp) -> Self {
        self.0.retain(|certificate| Facts::of(certificate).is_ok_and(|facts| facts.is_valid_at(now)));
        self
    }

    /// Without the last ones beyond `most`, of which those that `keep` picks stay.
    #[must_use]
    pub fn at_most(mut self, most: usize, keep: impl Fn(&CertificateDer<'static>) -> bool) -> Self {
        while self.0.len() > most {
            let Some(last) = self.0.iter().skip(1).rposition(|certificate| !keep(certificate)) else { break };
            // Counted without the first, which always stays.
            self.0.remove(last + 1);
        }
        self
    }

    pub fn newest(&self) -> Option<&CertificateDer<'static>> {
        self.0.first()
    }

    pub fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.0.contains(certificate)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.iter()
    }

    /// Whether both trust the same CAs, in whichever order.
    pub fn trusts_the_same(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|certificate| other.contains(certificate))
    }

    /// In PEM, lines as RFC 7468 wants them.
    pub fn pem(&self) -> String {
        let mut pem = String::new();
        for certificate in &self.0 {
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            for (at, character) in BASE64_STANDARD.encode(certificate).chars().enumerate() {
                if at > 0 && at % 64 == 0 {
                    pem.push('\n');
                }
                pem.push(character);
            }
            pem.push_str("\n-----END CERTIFICATE-----\n");
        }
        pem
    }
}

impl From<CertificateDer<'static>> for Bundle {
    fn from(certificate: CertificateDer<'static>) -> Self {
        Self(vec![certificate])
    }
}
