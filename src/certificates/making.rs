//! A CA and a server certificate of our own, for a first start without any, kept while they are good.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData,
};

use super::facts::{Facts, facts};
use super::{Error, OWN_NAMES};

pub(super) const CA: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
/// Keeps two programs that start at once from mixing their files.
const LOCK: &str = ".lock";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const CA_LIFE: Duration = DAY.saturating_mul(5 * 365);
const LIFE: Duration = DAY.saturating_mul(365);
/// What has less life left is made anew.
const RENEW_BEFORE: Duration = DAY.saturating_mul(30);
/// For callers whose clock is behind ours.
const SKEW: Duration = Duration::from_secs(60 * 60);

/// Sees to it that `state` holds a CA and a server certificate that are good for a while, making what is not.
pub(super) fn ensure(state: &Path, more_names: &[String]) -> Result<(), Error> {
    let names = names(more_names);
    // Looked at before anything is written, so that a read-only directory will do while all is good.
    if good_ca(state).is_some_and(|ca| good_certificate(state, &ca, &names)) {
        return Ok(());
    }
    let _lock = lock(state).map_err(|error| Error::Write(state.to_owned(), error))?;
    let ca_key = match good_ca(state) {
        Some(ca) if good_certificate(state, &ca, &names) => return Ok(()),
        Some(ca) => ca.key,
        None => make_ca(state)?,
    };
    make_certificate(state, ca_key, &names)
}

struct GoodCa {
    facts: Facts,
    key: KeyPair,
}

fn good_ca(state: &Path) -> Option<GoodCa> {
    let facts = facts(&fs::read(state.join(CA)).ok()?).ok()?;
    let key = KeyPair::from_pem(&fs::read_to_string(state.join(CA_KEY)).ok()?).ok()?;
    let good = lives_on(&facts) && key.subject_public_key_info() == facts.public_key;
    good.then_some(GoodCa { facts, key })
}

fn good_certificate(state: &Path, ca: &GoodCa, names: &[String]) -> bool {
    let key = fs::read_to_string(state.join(KEY)).ok().and_then(|pem| KeyPair::from_pem(&pem).ok());
    let facts = fs::read(state.join(CERTIFICATE)).ok().and_then(|pem| facts(&pem).ok());
    let (Some(key), Some(facts)) = (key, facts) else {
        return false;
    };
    lives_on(&facts)
        && key.subject_public_key_info() == facts.public_key
        && ca.facts.key_id.is_some()
        && facts.issuer_key_id == ca.facts.key_id
        && names.iter().all(|name| facts.names.contains(name))
}

fn lives_on(facts: &Facts) -> bool {
    let until = SystemTime::now() + RENEW_BEFORE;
    let until = until.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    u64::try_from(facts.not_after).is_ok_and(|end| end > until)
}

fn names(more: &[String]) -> Vec<String> {
    let own = OWN_NAMES.iter().map(|name| (*name).to_owned());
    // Addresses in their one canonical spelling, as they will be read back.
    let more =
        more.iter().map(|name| name.parse::<IpAddr>().map_or(name.clone(), |address| address.to_string()));
    own.chain(more).collect()
}

fn make_ca(state: &Path) -> Result<KeyPair, Error> {
    let key = KeyPair::generate()?;
    let certificate = ca_params().self_signed(&key)?;
    write(&state.join(CA_KEY), &key.serialize_pem(), 0o600)?;
    write(&state.join(CA), &certificate.pem(), 0o644)?;
    Ok(key)
}

fn make_certificate(state: &Path, ca_key: KeyPair, names: &[String]) -> Result<(), Error> {
    let mut params = CertificateParams::default();
    for name in names {
        let one =
            CertificateParams::new(vec![name.clone()]).map_err(|error| Error::Name(name.clone(), error))?;
        params.subject_alt_names.extend(one.subject_alt_names);
    }
    params.distinguished_name = called("soc2gate");
    params.not_before = (SystemTime::now() - SKEW).into();
    params.not_after = (SystemTime::now() + LIFE).into();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &Issuer::new(ca_params(), ca_key))?;
    write(&state.join(KEY), &key.serialize_pem(), 0o600)?;
    write(&state.join(CERTIFICATE), &certificate.pem(), 0o644)
}

fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = called("soc2gate development CA");
    params.not_before = (SystemTime::now() - SKEW).into();
    params.not_after = (SystemTime::now() + CA_LIFE).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn called(name: &str) -> DistinguishedName {
    let mut called = DistinguishedName::new();
    called.push(DnType::CommonName, name);
    called
}

fn lock(state: &Path) -> io::Result<File> {
    fs::create_dir_all(state)?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(state.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Writes beside and renames, so that nobody reads half a file or a key that was readable for a moment.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let written = (|| {
        // A left-over of another mode would keep it.
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|error| Error::Write(path.to_owned(), error))
}
