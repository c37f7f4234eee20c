//! The write side of image evidence: takes scans in file by file, lets go of them file by file.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    FirstSight, ImageEvidence, Malicious, Unread,
    first_seen::FirstSeen,
    pool::Scribe,
    registry::RegistryEvidence,
    scan::{Scan, ScanReport, Subject},
    vex::VexStatement,
};
use crate::object::Digest;

/// Collects evidence by the file it comes from. No I/O: whoever reads the files hands in what they say.
#[derive(Debug, Default)]
pub struct Collector {
    files: BTreeMap<PathBuf, Held>,
    scans: HashMap<Digest, Vec<Arc<Scan>>>,
    tags: HashMap<Arc<str>, Vec<Arc<Scan>>>,
    indexes: HashMap<Digest, Index>,
    vex: HashMap<Arc<str>, Vec<Arc<VexStatement>>>,
    registry: Option<Arc<RegistryEvidence>>,
    /// Stays when a file goes: a flaw that comes back is as old as it was.
    first_seen: FirstSeen,
    known_exploited: Arc<HashSet<Arc<str>>>,
    malicious: Arc<Malicious>,
    scribe: Scribe,
    /// Scans let go since the book was last written anew; what they alone needed is still in it.
    gone: usize,
    held: usize,
}

/// What came from one file.
#[derive(Debug, Default)]
struct Held {
    scans: Vec<Arc<Scan>>,
    index: Option<Digest>,
    vex: Vec<Arc<VexStatement>>,
    unread: Option<Arc<str>>,
}

#[derive(Debug)]
struct Index {
    children: Arc<[Digest]>,
    /// How many files say so.
    files: usize,
}

/// Below this many scans let go, writing the book anew is not worth the time.
const WORTH_REWRITING: usize = 1_000;

impl Collector {
    /// Adds a scan that a file holds.
    pub fn add(&mut self, file: &Path, report: &ScanReport<'_>) {
        self.add_from(file, &file.to_string_lossy(), report);
    }

    /// The same for a scan of whose origin there is more to say than the file.
    pub fn add_from(&mut self, file: &Path, origin: &str, report: &ScanReport<'_>) {
        let scribe = &mut self.scribe;
        let subjects = report.subjects.iter().map(|subject| Subject {
            repository: scribe.text(&subject.repository),
            digest: subject.digest.clone(),
        });
        let scan = Arc::new(Scan {
            subjects: subjects.collect(),
            scanner: scribe.text(&report.scanner),
            scanner_version: scribe.text(&report.scanner_version),
            scanned_at: report.scanned_at,
            database_at: report.database_at,
            platform: scribe.text(&report.platform),
            end_of_life: report.end_of_life,
            file: origin.into(),
            attester: report.attester.clone(),
            tags: report.tags.iter().map(|tag| Arc::from(&**tag)).collect(),
            vulnerabilities: scribe.vulnerabilities(&report.vulnerabilities),
        });
        // Whoever attests a scan may date it back, but not what somebody else vouches for: when it was signed.
        let signed_at = report.attester.as_ref().and_then(|by| by.signed_at);
        if let Some(at) = scan.scanned_at.map(|at| signed_at.map_or(at, |signed| at.max(signed))) {
            for subject in scan.subjects.iter().filter(|subject| !subject.repository.is_empty()) {
                self.first_seen.note(&subject.repository, at, &report.vulnerabilities);
            }
        }
        self.enlist(&scan);
        self.held += 1;
        self.files.entry(file.to_owned()).or_default().scans.push(scan);
    }

    /// Adds the platform manifests of an index.
    pub fn add_index(&mut self, file: &Path, index: Digest, children: &[Digest]) {
        let known = self.indexes.entry(index.clone());
        known.or_insert_with(|| Index { children: children.into(), files: 0 }).files += 1;
        self.files.entry(file.to_owned()).or_default().index = Some(index);
    }

    /// Adds a statement of a VEX document.
    pub fn add_vex(&mut self, file: &Path, statement: VexStatement) {
        let statement = Arc::new(statement);
        for name in &statement.vulnerabilities {
            self.vex.entry(name.clone()).or_default().push(statement.clone());
        }
        self.files.entry(file.to_owned()).or_default().vex.push(statement);
    }

    /// Takes in what registries answered, in place of what they answered before.
    pub fn set_registry(&mut self, registry: Arc<RegistryEvidence>) {
        self.registry = Some(registry);
    }

    /// Takes in the CVEs that are known to be exploited, in place of those before.
    pub fn set_known_exploited(&mut self, cves: HashSet<Arc<str>>) {
        self.known_exploited = cves.into();
    }

    /// Takes in the images that are known to be hostile, in place of those before.
    pub fn set_malicious(&mut self, list: Malicious) {
        self.malicious = list.into();
    }

    /// When vulnerabilities were first seen, by repository: to be kept where a restart does not lose it.
    pub fn first_seen(&self) -> impl Iterator<Item = (&str, &[FirstSight])> {
        self.first_seen.all()
    }

    /// Takes in what was kept. Where something is known already the earlier time stays.
    pub fn remember_first_seen(&mut self, repository: &str, sights: &[FirstSight]) {
        self.first_seen.remember(&repository.into(), sights.iter().copied());
    }

    /// Notes that a file, or a part of it, could not be taken for evidence: from now on a digest without a scan is
    /// *unknown*, for this may be its scan.
    pub fn add_unread(&mut self, file: &Path, reason: &str) {
        self.files.entry(file.to_owned()).or_default().unread = Some(reason.into());
    }

    /// Lets go of everything that came from a file.
    pub fn remove(&mut self, file: &Path) {
        let Some(held) = self.files.remove(file) else { return };
        for scan in &held.scans {
            for subject in &scan.subjects {
                drop_from(&mut self.scans, &subject.digest, scan);
            }
            for tag in &scan.tags {
                drop_from(&mut self.tags, tag, scan);
            }
        }
        for statement in &held.vex {
            for name in &statement.vulnerabilities {
                if let Some(all) = self.vex.get_mut(name) {
                    all.retain(|known| !Arc::ptr_eq(known, statement));
                    if all.is_empty() {
                        self.vex.remove(name);
                    }
                }
            }
        }
        if let Some(digest) = held.index
            && let Some(index) = self.indexes.get_mut(&digest)
        {
            index.files -= 1;
            if index.files == 0 {
                self.indexes.remove(&digest);
            }
        }
        self.held -= held.scans.len();
        self.gone += held.scans.len();
    }

    /// The evidence as it stands, to be kept as long as anyone likes.
    pub fn snapshot(&mut self) -> ImageEvidence {
        if self.gone > WORTH_REWRITING.max(self.held) {
            self.rewrite();
        }
        let unread: Arc<[Unread]> = self.unread().collect();
        ImageEvidence {
            scans: self.scans.clone(),
            children: self
                .indexes
                .iter()
                .map(|(digest, index)| (digest.clone(), index.children.clone()))
                .collect(),
            tags: self.tags.clone(),
            doubt: doubt(&unread),
            unread,
            book: self.scribe.book(),
            vex: self.vex.clone(),
            registry: self.registry.clone(),
            first_seen: self.first_seen.clone(),
            known_exploited: self.known_exploited.clone(),
            malicious: self.malicious.clone(),
        }
    }

    /// Whether no file gave any evidence.
    pub fn is_empty(&self) -> bool {
        self.held == 0 && self.indexes.is_empty() && self.registry.is_none()
    }

    /// The files that are no evidence, or not all of it.
    pub fn unread(&self) -> impl Iterator<Item = Unread> {
        self.files
            .iter()
            .filter_map(|(file, held)| Some(Unread { file: file.clone(), reason: held.unread.clone()? }))
    }

    fn enlist(&mut self, scan: &Arc<Scan>) {
        for subject in &scan.subjects {
            insert_by_age(self.scans.entry(subject.digest.clone()).or_default(), scan);
        }
        for tag in &scan.tags {
            insert_by_age(self.tags.entry(tag.clone()).or_default(), scan);
        }
    }

    /// Writes the book anew with what is still needed, so that it does not grow with every report ever read.
    fn rewrite(&mut self) {
        let old = std::mem::take(&mut self.scribe).book();
        (self.scans, self.tags) = Default::default();
        let mut files = std::mem::take(&mut self.files);
        for held in files.values_mut() {
            for scan in &mut held.scans {
                let copy = |text: &str, scribe: &mut Scribe| scribe.text(text);
                let scribe = &mut self.scribe;
                let subjects = scan.subjects.iter().map(|subject| Subject {
                    repository: copy(&subject.repository, scribe),
                    digest: subject.digest.clone(),
                });
                *scan = Arc::new(Scan {
                    subjects: subjects.collect(),
                    scanner: copy(&scan.scanner, scribe),
                    scanner_version: copy(&scan.scanner_version, scribe),
                    platform: copy(&scan.platform, scribe),
                    vulnerabilities: scribe.copy(&old, &scan.vulnerabilities),
                    file: scan.file.clone(),
                    attester: scan.attester.clone(),
                    tags: scan.tags.clone(),
                    ..**scan
                });
                self.enlist(scan);
            }
        }
        self.files = files;
        self.gone = 0;
    }
}

/// Newest first; one that does not say comes last.
fn insert_by_age(scans: &mut Vec<Arc<Scan>>, scan: &Arc<Scan>) {
    // A report may name one digest in two repositories.
    if scans.iter().any(|known| Arc::ptr_eq(known, scan)) {
        return;
    }
    let position = scans.partition_point(|known| Reverse(known.scanned_at) <= Reverse(scan.scanned_at));
    scans.insert(position, scan.clone());
    scans.shrink_to_fit();
}

fn drop_from<K: std::hash::Hash + Eq>(lists: &mut HashMap<K, Vec<Arc<Scan>>>, key: &K, scan: &Arc<Scan>) {
    let Some(scans) = lists.get_mut(key) else { return };
    scans.retain(|known| !Arc::ptr_eq(known, scan));
    if scans.is_empty() {
        lists.remove(key);
    }
}

fn doubt(unread: &[Unread]) -> Option<Arc<str>> {
    let first = unread.first()?;
    let others = match unread.len() - 1 {
        0 => String::new(),
        others => format!(" (and {others} more)"),
    };
    let file = first.file.file_name().unwrap_or(first.file.as_os_str()).to_string_lossy();
    let reason = &first.reason;
    Some(format!("the image may be in a scan report that cannot be read: {file}: {reason}{others}").into())
}
