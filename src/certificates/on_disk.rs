//! A CA and a server certificate in a directory, for a first start without any, kept while they are good.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use jiff::Timestamp;

use super::{
    Bundle, Error, OWN_NAMES, Pair,
    making::{Authority, Lives, canonical},
    validate,
};

pub(super) const CA: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
pub(super) const CERTIFICATE: &str = "tls.crt";
pub(super) const KEY: &str = "tls.key";
/// Keeps two programs that start at once from mixing their files.
const LOCK: &str = ".lock";

/// Sees to it that `state` holds a CA and a server certificate that are good for a while, making what is not.
pub(super) fn ensure(state: &Path, more_names: &[String]) -> Result<(), Error> {
    let own = OWN_NAMES.iter().map(|name| (*name).to_owned());
    let names = canonical(own.chain(more_names.iter().cloned()));
    let now = Timestamp::now();
    // Looked at before anything is written, so that a read-only directory will do while all is good.
    if good_ca(state, now).is_some_and(|ca| has_good_certificate(state, &ca, &names, now)) {
        return Ok(());
    }
    let _lock = lock(state).map_err(|error| Error::Write(state.to_owned(), error))?;
    let ca = match good_ca(state, now) {
        Some(ca) if has_good_certificate(state, &ca, &names, now) => return Ok(()),
        Some(ca) => ca,
        None => make_ca(state, now)?,
    };
    let pair = ca.issue(&names, Lives::ON_DISK, now)?;
    write(&state.join(KEY), &pair.key, 0o600)?;
    write(&state.join(CERTIFICATE), &pair.certificate, 0o644)
}

fn good_ca(state: &Path, now: Timestamp) -> Option<Authority> {
    let bundle = Bundle::read(&fs::read(state.join(CA)).ok()?);
    let ca = Authority::read(&bundle, &fs::read(state.join(CA_KEY)).ok()?)?;
    (ca.is_valid_at(now) && !ca.is_old_at(now)).then_some(ca)
}

fn has_good_certificate(state: &Path, ca: &Authority, names: &[String], now: Timestamp) -> bool {
    let (Ok(certificate), Ok(key)) = (fs::read(state.join(CERTIFICATE)), fs::read(state.join(KEY))) else {
        return false;
    };
    let pair = Pair { certificate, key };
    let trusted = Bundle::from(ca.certificate().clone());
    pair.fits()
        && !pair.is_old_at(now)
        && pair.covers(names)
        && validate(&pair.certificate, &trusted, "localhost", now).is_ok()
}

fn make_ca(state: &Path, now: Timestamp) -> Result<Authority, Error> {
    let ca = Authority::make("soc2gate development CA", Lives::ON_DISK, now)?;
    write(&state.join(CA_KEY), ca.key().as_bytes(), 0o600)?;
    write(&state.join(CA), Bundle::from(ca.certificate().clone()).pem().as_bytes(), 0o644)?;
    Ok(ca)
}

fn lock(state: &Path) -> io::Result<File> {
    fs::create_dir_all(state)?;
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(state.join(LOCK))?;
    file.lock()?;
    Ok(file)
}

/// Writes beside and renames, so that nobody reads half a file or a key that was readable for a moment.
fn write(path: &Path, text: &[u8], mode: u32) -> Result<(), Error> {
    let beside = path.with_extension("new");
    let written = (|| {
        // A left-over of another mode would keep it.
        if let Err(error) = fs::remove_file(&beside)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|error| Error::Write(path.to_owned(), error))
}
