//! Whether a caller that trusts these CAs would accept what is served.

use std::{net::IpAddr, sync::Arc, time::Duration};

use jiff::Timestamp;
use rustls::{
    CertificateError, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    sign::CertifiedKey,
};

use super::{
    Bundle,
    facts::{Facts, blocks},
};

/// A certificate chain and its key in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Pair {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pair")
    }
}

/// Why a caller refuses what is served, in words that follow "the certificate".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    #[error("cannot be read")]
    Unreadable,
    #[error("is signed by none of the CAs that callers trust")]
    Issuer,
    #[error("has expired, or has yet to begin")]
    Expired,
    #[error("is not good for the name {0}")]
    Name(String),
    #[error("is refused: {0}")]
    Other(String),
}

impl Pair {
    /// Whether it can be served at all: the key is the certificate's.
    pub fn fits(&self) -> bool {
        let chain = blocks(&self.certificate);
        let Ok(key) = PrivateKeyDer::from_pem_slice(&self.key) else { return false };
        !chain.is_empty() && CertifiedKey::from_der(chain, key, &provider()).is_ok()
    }

    /// Whether two thirds of its life are over. One that cannot be read is.
    pub fn is_old_at(&self, now: Timestamp) -> bool {
        self.facts().is_none_or(|facts| facts.is_old_at(now))
    }

    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.facts().is_some_and(|facts| facts.is_valid_at(now))
    }

    /// Whether it is good for all of these names and addresses.
    pub fn covers(&self, names: &[String]) -> bool {
        self.facts().is_some_and(|facts| facts.covers(names))
    }

    fn facts(&self) -> Option<Facts> {
        super::facts::facts(&self.certificate).ok()
    }
}

/// Whether a caller that trusts `bundle` and calls `host` accepts the chain in `pem`, as the API server would.
///
/// # Errors
/// Why it does not.
pub fn validate(pem: &[u8], bundle: &Bundle, host: &str, now: Timestamp) -> Result<(), Untrusted> {
    let chain = blocks(pem);
    let (own, intermediates) = chain.split_first().ok_or(Untrusted::Unreadable)?;
    if bundle.contains(own) {
        return validate_itself(own, host, now);
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(bundle.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider());
    // Only an empty bundle cannot be built from.
    let verifier = verifier.build().map_err(|_| Untrusted::Issuer)?;
    let name = ServerName::try_from(host).map_err(|_| Untrusted::Name(host.to_owned()))?;
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    match verifier.verify_server_cert(own, intermediates, &name, &[], now) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InvalidCertificate(error)) => Err(untrusted(&error, host)),
        Err(error) => Err(Untrusted::Other(error.to_string())),
    }
}

/// A certificate that stands in the bundle itself is accepted by Go without a CA above it, and refused by webpki.
fn validate_itself(own: &CertificateDer<'_>, host: &str, now: Timestamp) -> Result<(), Untrusted> {
    let facts = Facts::of(own).map_err(|_| Untrusted::Unreadable)?;
    if !facts.is_valid_at(now) {
        return Err(Untrusted::Expired);
    }
    let host = host.parse::<IpAddr>().map_or_else(|_| host.to_owned(), |address| address.to_string());
    let wildcard = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    let good =
        facts.names.iter().any(|name| name.eq_ignore_ascii_case(&host) || Some(name) == wildcard.as_ref());
    if good { Ok(()) } else { Err(Untrusted::Name(host)) }
}

fn untrusted(error: &CertificateError, host: &str) -> Untrusted {
    use CertificateError::{
        BadEncoding, BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext,
        NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    match error {
        // A bad signature is that of another CA by the same name.
        UnknownIssuer | BadSignature => Untrusted::Issuer,
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Untrusted::Expired,
        NotValidForName | NotValidForNameContext { .. } => Untrusted::Name(host.to_owned()),
        BadEncoding => Untrusted::Unreadable,
        error => Untrusted::Other(error.to_string()),
    }
}

fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone)
}
