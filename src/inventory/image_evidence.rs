//! What scanners said about images, by digest: the read side, an immutable snapshot for the checks.

mod attestation;
mod collector;
mod first_seen;
mod pool;
mod registry;
mod scan;
mod threats;
mod vex;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;

pub use attestation::{Attestation, Attested, Attester, Claim, LEFT_OUT, Refused, Signer};
pub use collector::Collector;
pub use first_seen::FirstSight;
pub use registry::{Answer, Asked, RegistryEvidence, Tagged};
pub use scan::{Rating, Scan, ScanReport, Subject, Vulnerability, VulnerabilityReport};
pub use threats::Malicious;
pub use vex::{Product, VexStatement, VexStatus};

use crate::object::{Digest, ImageReference};
use first_seen::FirstSeen;
use pool::Book;

/// Scans by manifest digest, never by tag, name or image id. Cheap to clone next to what it holds.
#[derive(Clone, Debug, Default)]
pub struct ImageEvidence {
    /// Newest first; never an empty list.
    scans: HashMap<Digest, Vec<Arc<Scan>>>,
    /// The platform manifests of an index.
    children: HashMap<Digest, Arc<[Digest]>>,
    /// By `registry/repository:tag`, newest first.
    tags: HashMap<Arc<str>, Vec<Arc<Scan>>>,
    unread: Arc<[Unread]>,
    /// Why a digest without a scan may have one all the same.
    doubt: Option<Arc<str>>,
    book: Book,
    /// By the vulnerability's name and each of its aliases.
    vex: HashMap<Arc<str>, Vec<Arc<VexStatement>>>,
    /// What registries answered; none if no registry is asked.
    registry: Option<Arc<RegistryEvidence>>,
    first_seen: FirstSeen,
    /// By CVE.
    known_exploited: Arc<HashSet<Arc<str>>>,
    malicious: Arc<Malicious>,
}

/// A file of which a part or the whole could not be taken for evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    pub file: PathBuf,
    pub reason: Arc<str>,
}

/// What is known of a digest.
#[derive(Debug)]
pub enum Evidence<'e> {
    /// Scanned: the manifest itself, or each platform manifest of the index. Never empty.
    Scanned(Vec<Judged<'e>>),
    /// Everything was read, and nothing is there.
    Unscanned,
    /// Nothing was found, but something could not be read and may be the scan; with the reason.
    Unknown(&'e str),
}

/// The scans of one manifest that count at a given time.
#[derive(Debug)]
pub struct Judged<'e> {
    pub digest: &'e Digest,
    /// The newest: its age is the age of the evidence.
    pub newest: &'e Scan,
    /// The newest of each scanner: what any of them lists is listed.
    pub by_scanner: Vec<&'e Scan>,
}

impl ImageEvidence {
    /// What is known of `digest` at `now`.
    ///
    /// An index without a scan of its own is covered when all its platform manifests are; a platform manifest is
    /// covered by a scan of itself alone, since a scan of the index looked at one platform only. Scans that `counts`
    /// leaves out are as if they were not there.
    pub fn of(&self, digest: &Digest, now: Timestamp, counts: &dyn Fn(&Scan) -> bool) -> Evidence<'_> {
        let own = self.judged(digest, now, counts).map(|judged| vec![judged]);
        let found = own.or_else(|| {
            let children = self.children.get(digest).filter(|children| !children.is_empty())?;
            children.iter().map(|child| self.judged(child, now, counts)).collect()
        });
        match (found, &self.doubt) {
            (Some(judged), _) => Evidence::Scanned(judged),
            (None, Some(doubt)) => Evidence::Unknown(doubt),
            (None, None) => Evidence::Unscanned,
        }
    }

    /// The platform manifests of an index, as far as its contents are known.
    pub fn children(&self, digest: &Digest) -> &[Digest] {
        self.children.get(digest).map_or(&[], |children| children)
    }

    /// The digest that the newest scan of this tag saw, and that scan. The tag may point elsewhere by now.
    pub fn last_seen(&self, image: &ImageReference, now: Timestamp) -> Option<(&Digest, &Scan)> {
        let tag = image.effective_tag()?;
        let scan = newest(self.tags.get(&*format!("{}:{tag}", image.name()))?, now)?;
        Some((scan.digest_in(&image.name())?, scan))
    }

    /// What a scan of this evidence lists.
    pub fn vulnerabilities<'e>(&'e self, scan: &'e Scan) -> impl Iterator<Item = Vulnerability<'e>> {
        self.book.vulnerabilities(&scan.vulnerabilities)
    }

    /// The files that are no evidence, or not all of it.
    pub fn unread(&self) -> &[Unread] {
        &self.unread
    }

    /// The scans of one manifest, newest first.
    pub fn scans_of(&self, digest: &Digest) -> &[Arc<Scan>] {
        self.scans.get(digest).map_or(&[], |scans| scans)
    }

    /// What is said of a vulnerability by this name, by whomever.
    pub fn vex(&self, vulnerability: &str) -> &[Arc<VexStatement>] {
        self.vex.get(vulnerability).map_or(&[], |statements| statements)
    }

    /// When this vulnerability of this package was first seen in any image of this repository, whatever the version.
    pub fn first_seen(&self, repository: &str, vulnerability: &str, package: &str) -> Option<Timestamp> {
        self.first_seen.of(repository, vulnerability, package)
    }

    /// Whether this vulnerability, by its CVE, is known to be exploited.
    pub fn is_known_exploited(&self, vulnerability: &str) -> bool {
        self.known_exploited.contains(vulnerability)
    }

    /// The images that are known to be hostile.
    pub fn malicious(&self) -> &Malicious {
        &self.malicious
    }

    /// What registries answered; none if no registry is asked.
    pub fn registry(&self) -> Option<&RegistryEvidence> {
        self.registry.as_deref()
    }

    /// The same with what registries answered.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<RegistryEvidence>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// How many digests have a scan of their own.
    pub fn digests(&self) -> usize {
        self.scans.len()
    }

    fn judged(&self, digest: &Digest, now: Timestamp, counts: &dyn Fn(&Scan) -> bool) -> Option<Judged<'_>> {
        let (digest, scans) = self.scans.get_key_value(digest)?;
        let scans = || scans.iter().filter(|scan| counts(scan));
        let mut by_scanner: Vec<&Scan> = Vec::new();
        for scan in scans() {
            if !by_scanner.iter().any(|seen| seen.scanner == scan.scanner) {
                let same = scans().filter(|other| other.scanner == scan.scanner);
                by_scanner.extend(newest(same, now));
            }
        }
        Some(Judged { digest, newest: newest(scans(), now)?, by_scanner })
    }
}

/// The newest scan, of scans that stand newest first. One dated in the future yields to every other: nobody may
/// hide a scan by dating a kinder one forward.
fn newest<'e>(scans: impl IntoIterator<Item = &'e Arc<Scan>>, now: Timestamp) -> Option<&'e Scan> {
    let mut nearest_future = None;
    for scan in scans {
        if scan.scanned_at.is_none_or(|at| at <= now) {
            return Some(scan);
        }
        nearest_future = Some(&**scan);
    }
    nearest_future
}
