//! A CA and server certificates of our own: one way of making them, wherever they are kept.

use std::{net::IpAddr, time::Duration};

use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData,
};
use rustls::pki_types::CertificateDer;

use super::{Bundle, Error, Pair, facts::Facts};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what is made is good. After two thirds of it the next one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lives {
    pub ca: Duration,
    pub certificate: Duration,
}

impl Lives {
    /// For a Secret in a cluster: both are replaced there without anybody's doing.
    pub const IN_SECRET: Self = Self { ca: DAY.saturating_mul(2 * 365), certificate: DAY.saturating_mul(90) };
    /// For a directory: somebody pastes its CA somewhere by hand.
    pub const ON_DISK: Self = Self { ca: DAY.saturating_mul(5 * 365), certificate: DAY.saturating_mul(365) };

    /// How far back a new certificate begins, for callers whose clock is behind ours.
    fn skew(self) -> Duration {
        Duration::from_secs(60 * 60).min(self.certificate / 24)
    }
}

/// A CA and its key.
pub struct Authority {
    certificate: CertificateDer<'static>,
    facts: Facts,
    key: KeyPair,
}

impl Authority {
    /// Makes a CA (ECDSA P-256).
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn make(name: &str, lives: Lives, now: Timestamp) -> Result<Self, Error> {
        let mut params = CertificateParams::default();
        params.distinguished_name = called(name);
        live(&mut params, lives.ca, lives, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { facts: Facts::of(&certificate)?, certificate, key })
    }

    /// The CA that stands first in `bundle`, if `key` (PEM) is its key and it may sign.
    pub fn read(bundle: &Bundle, key: &[u8]) -> Option<Self> {
        let certificate = bundle.newest()?.clone();
        let facts = Facts::of(&certificate).ok()?;
        let key = KeyPair::from_pem(std::str::from_utf8(key).ok()?).ok()?;
        let fits = facts.is_ca && key.subject_public_key_info() == facts.public_key;
        fits.then_some(Self { certificate, facts, key })
    }

    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its key in PEM.
    pub fn key(&self) -> String {
        self.key.serialize_pem()
    }

    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.facts.is_valid_at(now)
    }

    pub fn is_old_at(&self, now: Timestamp) -> bool {
        self.facts.is_old_at(now)
    }

    /// Signs a server certificate for these DNS names and addresses. It does not outlive the CA.
    ///
    /// # Errors
    /// When a name is none, or the CA's key cannot sign.
    pub fn issue(&self, names: &[String], lives: Lives, now: Timestamp) -> Result<Pair, Error> {
        let mut params = CertificateParams::default();
        for name in names {
            let one = CertificateParams::new(vec![name.clone()])
                .map_err(|error| Error::Name(name.clone(), error))?;
            params.subject_alt_names.extend(one.subject_alt_names);
        }
        params.distinguished_name = called("soc2gate");
        let left = self.facts.not_after.saturating_sub(now.as_second());
        let left = Duration::from_secs(u64::try_from(left).unwrap_or_default());
        live(&mut params, lives.certificate.min(left), lives, now);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &Issuer::from_ca_cert_der(&self.certificate, &self.key)?)?;
        Ok(Pair { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() })
    }
}

/// Addresses in their one canonical spelling, as they will be read back; every name once.
pub fn canonical(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut once = Vec::new();
    for name in names {
        let name = name.parse::<IpAddr>().map_or(name, |address| address.to_string());
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

fn live(params: &mut CertificateParams, life: Duration, lives: Lives, now: Timestamp) {
    let now = std::time::SystemTime::from(now);
    params.not_before = (now - lives.skew()).into();
    params.not_after = (now + life).into();
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}
