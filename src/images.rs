//! Scan reports of images, as scanners write them into files: what makes image evidence of them.
//!
//! Reads Trivy's and Grype's JSON, also inside cosign's format for attestations and in-toto statements,
//! `VulnerabilityReport` objects of the Trivy Operator (JSON or YAML, one or a list), OpenVEX documents and, to tell
//! which platforms an index holds, the raw JSON of image indexes. Two things no report can show: findings
//! that the scanner was told to leave out (`--severity`, `--ignore-unfixed`, ignore files), and that its writer is
//! honest. Whoever may write into the directory can pass the gate.

pub mod attestations;
mod documents;
pub mod feeds;
mod grype;
mod handed;
mod index;
pub mod oci;
mod openvex;
mod operator;
mod registry;
mod report;
pub mod resolver;
mod store;
mod trivy;

pub use documents::{Attached, Documents, Found};
pub use handed::{Examined, examine, scan_of, subjects};
pub use registry::{Failure, Registry};
pub use store::{Envelope, Keep, NotStored, Seen, Store, Stored};

use std::{collections::HashSet, path::Path, sync::Arc};

use crate::inventory::{
    ImageEvidence, Source,
    image_evidence::{
        Attested, Collector, FirstSight, Malicious, RegistryEvidence, ScanReport, Unread, VexStatement,
    },
};
use attestations::Verified;
use report::Content;

/// The reports of one directory, told file by file, so that only a changed file is read again.
///
/// A file that is no report, that cannot be parsed or that names no digest takes away what the file held before and
/// leaves a *doubt*: a digest without a scan is then *unknown* instead of *unscanned*, for the file may be its scan.
/// Digests that other files cover are judged as before, so one bad file stops nobody's work.
///
/// A watched directory is wired change by change: a file to [`apply`](Self::apply), an unreadable one to
/// [`unreadable`](Self::unreadable), a gone one to [`remove`](Self::remove), and when it has settled a
/// [`snapshot`](Self::snapshot) goes into the inventory.
#[derive(Debug, Default)]
pub struct Reports {
    collector: Collector,
}

impl Reports {
    /// Takes in a file that is new or has new content.
    pub fn apply(&mut self, path: &Path, bytes: &[u8]) {
        self.collector.remove(path);
        let mut problem = None;
        report::read(path, bytes, &mut |content| match content {
            Content::Scan(scan) => self.collector.add(path, &scan),
            Content::Index { digest, children } => self.collector.add_index(path, digest, &children),
            Content::Vex(statements) => {
                statements.into_iter().for_each(|statement| self.collector.add_vex(path, statement));
            }
            Content::Unnamed(_) => problem = problem.take().or(Some(report::NO_DIGEST.to_owned())),
            Content::Problem(reason) => problem = problem.take().or(Some(reason)),
        });
        if let Some(reason) = problem {
            self.collector.add_unread(path, &reason);
        }
    }

    /// Notes that a file, or the directory itself, cannot be read. What it said when it last could still counts, for
    /// it is not known to have changed, and it ages like any scan; what is in it now is in doubt.
    pub fn unreadable(&mut self, path: &Path, reason: &str) {
        self.collector.add_unread(path, reason);
    }

    /// Takes in what attestations say, in place of what stood under this name before.
    pub fn attest(&mut self, name: &Path, scans: &[ScanReport<'_>], statements: Vec<VexStatement>) {
        self.collector.remove(name);
        scans.iter().for_each(|scan| self.collector.add(name, scan));
        statements.into_iter().for_each(|statement| self.collector.add_vex(name, statement));
    }

    /// Takes in a scan from a place that is no file, in place of what stood under this name before.
    pub fn keep(&mut self, name: &Path, origin: &str, scan: &ScanReport<'_>) {
        self.collector.remove(name);
        self.collector.add_from(name, origin, scan);
    }

    /// Takes in everything that is attested of an image, and which platform manifests it holds.
    pub fn take(&mut self, name: &Path, documents: &Documents, verified: Verified) -> Attested {
        self.attest(name, &verified.scans, verified.statements);
        if !documents.children.is_empty() {
            self.collector.add_index(name, documents.digest.clone(), &documents.children);
        }
        verified.attested
    }

    /// Takes in what registries answered.
    pub fn set_registry(&mut self, registry: Arc<RegistryEvidence>) {
        self.collector.set_registry(registry);
    }

    /// Takes in the CVEs that are known to be exploited ([`feeds::known_exploited`]), in place of those before.
    pub fn set_known_exploited(&mut self, cves: HashSet<Arc<str>>) {
        self.collector.set_known_exploited(cves);
    }

    /// Takes in the images that are known to be hostile ([`feeds::malicious`]), in place of those before.
    pub fn set_malicious(&mut self, list: Malicious) {
        self.collector.set_malicious(list);
    }

    /// When vulnerabilities were first seen, by repository: to be kept where a restart does not lose it.
    pub fn first_seen(&self) -> impl Iterator<Item = (&str, &[FirstSight])> {
        self.collector.first_seen()
    }

    /// Takes in what was kept. Where something is known already the earlier time stays.
    pub fn remember_first_seen(&mut self, repository: &str, sights: &[FirstSight]) {
        self.collector.remember_first_seen(repository, sights);
    }

    /// Lets go of a file that is no longer there; of the directory itself once it can be read again.
    pub fn remove(&mut self, path: &Path) {
        self.collector.remove(path);
    }

    /// The evidence as it stands, for the inventory. To be taken once a round over the directory is complete: before
    /// that, a scan not found may just not have been read.
    ///
    /// It is unavailable only when nothing at all could be read. An empty directory is available: it says that
    /// nothing has been scanned.
    pub fn snapshot(&mut self) -> Source<ImageEvidence> {
        let evidence = self.collector.snapshot();
        match evidence.unread().first() {
            Some(first) if self.collector.is_empty() => Source::Unavailable(format!(
                "no scan report can be read, the first being {}: {}",
                first.file.display(),
                first.reason
            )),
            _ => Source::Ready(evidence.into()),
        }
    }

    /// What could not be read, with the reason; for the log and for people.
    pub fn problems(&self) -> impl Iterator<Item = Unread> {
        self.collector.unread()
    }
}

/// Whether a file of this name is to be read: `.json`, `.yaml`, `.yml`.
pub fn accepts(path: &Path) -> bool {
    path.extension().is_some_and(|found| ["json", "yaml", "yml"].iter().any(|known| found == *known))
}
