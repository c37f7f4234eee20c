//! One scan of one image: as a reader hands it in, and as it is kept.

use std::{borrow::Cow, fmt, sync::Arc};

use jiff::Timestamp;

use super::{Attester, pool::IdList};
use crate::{criterion::Severity, object::Digest};

/// A scan as a reader of reports hands it in; its texts may borrow from the report.
#[derive(Clone, Debug, Default)]
pub struct ScanReport<'a> {
    /// The program, in lower case: `trivy`, `grype`.
    pub scanner: Cow<'a, str>,
    pub scanner_version: Cow<'a, str>,
    /// When it was made; a report that does not say is stale.
    pub scanned_at: Option<Timestamp>,
    /// When the vulnerability database was built, if the report says.
    pub database_at: Option<Timestamp>,
    /// `os/architecture`.
    pub platform: String,
    /// Whether the image's operating system was past its support.
    pub end_of_life: bool,
    /// What was scanned: one image, under every digest and repository that the scanner knew.
    pub subjects: Vec<Subject>,
    /// The tags it had then, as `registry/repository:tag`.
    pub tags: Vec<String>,
    pub vulnerabilities: Vec<VulnerabilityReport<'a>>,
    /// Who signed it, of an attestation.
    pub attester: Option<Attester>,
}

/// One vulnerability of one package, as a report lists it.
#[derive(Clone, Debug)]
pub struct VulnerabilityReport<'a> {
    pub id: Cow<'a, str>,
    /// The other names that the report has for it: the CVE of a GHSA.
    pub aliases: Vec<Cow<'a, str>>,
    /// The package's purl; where the report has none, `name@version`.
    pub package: Cow<'a, str>,
    /// The scanner's own rating.
    pub rating: Rating,
    /// Who rated it so: `nvd`, `debian`, `ghsa`.
    pub rated_by: Cow<'a, str>,
    /// What others say, by source.
    pub other_ratings: Vec<(Cow<'a, str>, Rating)>,
    pub fixable: bool,
    /// The versions with the fix, as the report words them; may be empty.
    pub fixed_in: Cow<'a, str>,
}

impl ScanReport<'_> {
    /// The same, outliving the report.
    pub fn into_owned(self) -> ScanReport<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        ScanReport {
            scanner: owned(self.scanner),
            scanner_version: owned(self.scanner_version),
            vulnerabilities: self.vulnerabilities.into_iter().map(VulnerabilityReport::into_owned).collect(),
            scanned_at: self.scanned_at,
            database_at: self.database_at,
            platform: self.platform,
            end_of_life: self.end_of_life,
            subjects: self.subjects,
            tags: self.tags,
            attester: self.attester,
        }
    }
}

impl VulnerabilityReport<'_> {
    fn into_owned(self) -> VulnerabilityReport<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        VulnerabilityReport {
            id: owned(self.id),
            aliases: self.aliases.into_iter().map(owned).collect(),
            package: owned(self.package),
            rating: self.rating,
            rated_by: owned(self.rated_by),
            other_ratings: self.other_ratings.into_iter().map(|(by, rating)| (owned(by), rating)).collect(),
            fixable: self.fixable,
            fixed_in: owned(self.fixed_in),
        }
    }
}

/// A digest, and the repository in which it was seen; empty if nobody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// `registry/repository`.
    pub repository: Arc<str>,
    pub digest: Digest,
}

/// A scan as it is kept.
#[derive(Debug)]
pub struct Scan {
    pub scanner: Arc<str>,
    pub scanner_version: Arc<str>,
    pub scanned_at: Option<Timestamp>,
    pub database_at: Option<Timestamp>,
    pub platform: Arc<str>,
    pub end_of_life: bool,
    pub subjects: Box<[Subject]>,
    /// The file it came from, and who handed it in.
    pub file: Arc<str>,
    /// Who signed it, of an attestation; whoever may write files and reports needs no signature.
    pub attester: Option<Attester>,
    pub(super) tags: Box<[Arc<str>]>,
    pub(super) vulnerabilities: IdList,
}

impl Scan {
    /// The digest under which the scanner knew the image in this repository.
    pub(super) fn digest_in(&self, repository: &str) -> Option<&Digest> {
        let here = self.subjects.iter().find(|subject| &*subject.repository == repository);
        here.map(|subject| &subject.digest)
    }
}

/// One vulnerability of one package, as the checks read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vulnerability<'e> {
    pub id: &'e str,
    /// The other names that the scanner has for it.
    pub aliases: &'e [Arc<str>],
    pub package: &'e str,
    pub fixable: bool,
    pub fixed_in: &'e str,
    pub(super) ratings: &'e [(Arc<str>, Rating)],
}

impl<'e> Vulnerability<'e> {
    /// How bad it is: by `source` if that one rated it, else as the scanner says.
    pub fn rating(&self, source: Option<&str>) -> Rating {
        let by_source = source.and_then(|source| self.ratings.iter().find(|(by, _)| &**by == source));
        by_source.or(self.ratings.first()).map_or(Rating::Unknown, |(_, rating)| *rating)
    }

    /// Everything that it is called.
    pub fn names(&self) -> impl Iterator<Item = &'e str> + use<'e> {
        std::iter::once(self.id).chain(self.aliases.iter().map(|alias| &**alias))
    }

    /// The name in the purl, or the package as the report names it.
    pub fn package_name(&self) -> &'e str {
        let Some(purl) = self.package.strip_prefix("pkg:") else {
            return self.package.rsplit_once('@').map_or(self.package, |(name, _)| name);
        };
        let path = purl.split(['?', '#']).next().unwrap_or(purl);
        let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
        path.rsplit_once('/').map_or(path, |(_, name)| name)
    }
}

/// How bad a vulnerability is, in the scanner's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rating {
    /// Below every severity (Grype, Debian, Ubuntu).
    Negligible,
    Rated(Severity),
    /// Nobody has rated it yet.
    Unknown,
}

impl Rating {
    /// Reads a scanner's word in any case. An unfamiliar word is unknown, not harmless.
    pub fn of(word: &str) -> Self {
        const WORDS: [(&str, Rating); 5] = [
            ("critical", Rating::Rated(Severity::Critical)),
            ("high", Rating::Rated(Severity::High)),
            ("medium", Rating::Rated(Severity::Medium)),
            ("low", Rating::Rated(Severity::Low)),
            ("negligible", Rating::Negligible),
        ];
        let found = WORDS.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
        found.map_or(Self::Unknown, |(_, rating)| rating)
    }

    /// The word for it, which [`of`](Self::of) reads.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Negligible => "negligible",
            Self::Rated(severity) => severity.id(),
            Self::Unknown => "unknown",
        }
    }

    /// The severity it counts as: what nobody rated counts as high.
    pub const fn counts_as(self) -> Option<Severity> {
        match self {
            Self::Negligible => None,
            Self::Rated(severity) => Some(severity),
            Self::Unknown => Some(Severity::High),
        }
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown, which counts as high",
            rated => rated.id(),
        })
    }
}
