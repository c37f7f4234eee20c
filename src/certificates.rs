//! The certificates the server shows and trusts: read, watched, and made on the spot when there are none.

mod bundle;
mod facts;
mod making;
mod on_disk;
mod trust;

pub use bundle::Bundle;
pub use facts::expiry;
pub use making::{Authority, Lives, canonical};
pub use trust::{Pair, Untrusted, validate};

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::watch;

/// Where the server's certificate comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// A certificate chain and its key in PEM, as cert-manager or a mounted Secret provides them.
    Files { certificate: PathBuf, key: PathBuf },
    /// A CA and a certificate of our own, made under `state` and renewed there.
    Made {
        state: PathBuf,
        /// DNS names and addresses besides [`OWN_NAMES`].
        names: Vec<String>,
    },
    /// Another part of the program keeps it current, in a Secret for instance.
    Held(Arc<Held>),
}

/// A certificate chain and its key, handed over by whoever keeps them.
#[derive(Default)]
pub struct Held(watch::Sender<Option<Pair>>);

impl Held {
    /// Hands over a chain and its key, to be served from now on.
    pub fn set(&self, pair: Pair) {
        self.0.send_replace(Some(pair));
    }

    /// What was handed over last.
    pub fn get(&self) -> Option<Pair> {
        self.0.borrow().clone()
    }
}

impl std::fmt::Debug for Held {
    /// Never the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

/// What a made certificate is always good for: this machine, and the Service that the manifests install.
pub const OWN_NAMES: [&str; 5] =
    ["localhost", "127.0.0.1", "::1", "soc2gate.soc2gate.svc", "soc2gate.soc2gate.svc.cluster.local"];

/// What a certificate for the Service `service` of `namespace` is good for: this machine and the Service, besides `more`.
pub fn names_of(service: &str, namespace: &str, more: &[String]) -> Vec<String> {
    let service = [format!("{service}.{namespace}.svc"), format!("{service}.{namespace}.svc.cluster.local")];
    let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    canonical(service.into_iter().chain(local).chain(more.iter().cloned()))
}

/// Why there is no certificate, in words for whoever starts the program.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {0}: {1}")]
    Read(PathBuf, #[source] io::Error),
    #[error(
        "cannot write {0}: {1}. Give a writable directory with --state, or a certificate with --tls-cert and --tls-key"
    )]
    Write(PathBuf, #[source] io::Error),
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("{0:?} is neither a DNS name nor an address: correct --tls-san")]
    Name(String, #[source] rcgen::Error),
    #[error("no certificate was handed over yet")]
    NotYet,
    #[error("holds no certificate in PEM (a block that begins with -----BEGIN CERTIFICATE-----)")]
    NoCertificate,
}

/// The files' content, in PEM.
pub struct Material {
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
    /// Whom callers must be signed by, when they must show a certificate.
    pub client_ca: Option<Vec<u8>>,
}

/// The files, and which content of them was last handed out.
pub struct Store {
    source: Source,
    client_ca: Option<PathBuf>,
    seen: Option<[u8; 32]>,
    handed: Option<watch::Receiver<Option<Pair>>>,
}

impl Store {
    pub fn new(source: Source, client_ca: Option<PathBuf>) -> Self {
        let handed = match &source {
            Source::Held(held) => Some(held.0.subscribe()),
            Source::Files { .. } | Source::Made { .. } => None,
        };
        Self { source, client_ca, seen: None, handed }
    }

    /// Waits until another certificate is handed over; for ever when none ever is.
    pub async fn handed_over(&mut self) {
        let ended = match &mut self.handed {
            Some(handed) => handed.changed().await.is_err(),
            None => true,
        };
        if ended {
            std::future::pending().await
        }
    }

    /// The CA certificate to give to callers, when we made it ourselves.
    pub fn made_ca(&self) -> Option<PathBuf> {
        match &self.source {
            Source::Files { .. } | Source::Held(_) => None,
            Source::Made { state, .. } => Some(state.join(on_disk::CA)),
        }
    }

    /// The content, if it is not the one handed out last. A made certificate is made first, or made anew when it
    /// nears its end.
    ///
    /// Goes by content, because kubelet swaps a mounted Secret by renaming a link and never touches the files.
    ///
    /// # Errors
    /// When a file is missing or unreadable, or a certificate cannot be made.
    pub fn news(&mut self) -> Result<Option<Material>, Error> {
        // Files that were away are news when they are back, even unchanged.
        let before = self.seen.take();
        let material = self.read()?;
        self.seen = Some(material.digest());
        Ok((self.seen != before).then_some(material))
    }

    fn read(&self) -> Result<Material, Error> {
        let (certificate, key) = match &self.source {
            Source::Files { certificate, key } => (read(certificate)?, read(key)?),
            Source::Made { state, names } => {
                on_disk::ensure(state, names)?;
                (read(&state.join(on_disk::CERTIFICATE))?, read(&state.join(on_disk::KEY))?)
            }
            Source::Held(held) => {
                let pair = held.get().ok_or(Error::NotYet)?;
                (pair.certificate, pair.key)
            }
        };
        let client_ca = self.client_ca.as_deref().map(read).transpose()?;
        Ok(Material { certificate, key, client_ca })
    }
}

impl Material {
    fn digest(&self) -> [u8; 32] {
        let mut all = Vec::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()] {
            let hash = part.map(|part| digest(&SHA256, part));
            all.extend_from_slice(hash.as_ref().map_or(&[], AsRef::as_ref));
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &all).as_ref());
        hash
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|error| Error::Read(path.to_owned(), error))
}

#[cfg(test)]
mod tests;
