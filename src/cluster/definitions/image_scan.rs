//! The definition of ImageScan: a scan report that was handed in, reduced to what is judged by, for every replica to see.

use std::{borrow::Cow, collections::BTreeMap};

use jiff::Timestamp;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    inventory::image_evidence::{Rating, ScanReport, Subject, VulnerabilityReport},
    object::Digest,
};

/// A scan of one image that somebody handed in.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "soc2gate.io",
    version = "v1",
    kind = "ImageScan",
    plural = "imagescans",
    category = "soc2gate",
    doc = "A scan of one image, as it was handed in to the gate, which alone writes these. Every replica judges by them. Deleting one makes its image unscanned again.",
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(name = "Scanner", type_ = "string", json_path = ".spec.scanner"),
    printcolumn(
        name = "Found",
        type_ = "integer",
        json_path = ".spec.found",
        description = "Vulnerabilities."
    ),
    printcolumn(name = "Scanned", type_ = "date", json_path = ".spec.scannedAt"),
    printcolumn(
        name = "By",
        type_ = "string",
        json_path = ".spec.handedInBy",
        description = "Whose token it was."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct ImageScanSpec {
    /// The digest that it was handed in for, `sha256:...`.
    #[schemars(length(max = 256))]
    pub image: String,
    /// The name of the token that it was handed in with.
    #[schemars(length(max = 253))]
    pub handed_in_by: String,
    /// When it was handed in (UTC).
    #[schemars(length(max = 64))]
    pub received_at: String,
    /// The SHA-256 of the report as it was handed in, `sha256:...`.
    #[schemars(length(max = 256))]
    pub report: String,
    /// Whether nobody but its caller says that it is of this image.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound_by_caller: bool,
    /// The program that scanned, in lower case.
    pub scanner: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scanner_version: String,
    /// When it scanned (UTC); left out if the report does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scanned_at: Option<String>,
    /// When its vulnerability database was built (UTC); left out if the report does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_at: Option<String>,
    /// `os/architecture`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Whether the image's operating system was past its support.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub end_of_life: bool,
    /// What was scanned: one image, under every digest and repository that the scanner knew.
    pub subjects: Vec<ImageSubject>,
    /// The tags that it had then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How many vulnerabilities are listed.
    pub found: i64,
    /// What was found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vulnerabilities: Vec<FoundVulnerability>,
}

/// A digest, and the repository in which it was seen.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
pub struct ImageSubject {
    /// `registry/repository`; left out if nobody said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// `sha256:...`.
    pub digest: String,
}

/// One vulnerability of one package.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundVulnerability {
    /// As the scanner names it.
    pub id: String,
    /// The other names that it has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The package's purl, or `name@version`.
    pub package: String,
    /// `critical`, `high`, `medium`, `low`, `negligible` or `unknown`.
    pub rating: String,
    /// Who rated it so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rated_by: String,
    /// What others say, by source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_ratings: BTreeMap<String, String>,
    /// Whether there is a fix.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fixable: bool,
    /// The versions with the fix.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub fixed_in: String,
}

/// Who handed in what, and when.
#[derive(Clone, Debug)]
pub struct HandedIn<'a> {
    pub image: &'a Digest,
    /// The name of the token.
    pub by: &'a str,
    pub received_at: Timestamp,
    /// `sha256:...` of the report.
    pub report: &'a str,
    pub is_bound_by_caller: bool,
}

impl ImageScanSpec {
    /// What is kept of a scan that was handed in.
    pub fn new(handed: &HandedIn<'_>, scan: &ScanReport<'_>) -> Self {
        let subject = |subject: &Subject| ImageSubject {
            repository: subject.repository.to_string(),
            digest: subject.digest.to_string(),
        };
        Self {
            image: handed.image.to_string(),
            handed_in_by: handed.by.to_owned(),
            received_at: handed.received_at.to_string(),
            report: handed.report.to_owned(),
            bound_by_caller: handed.is_bound_by_caller,
            scanner: scan.scanner.to_string(),
            scanner_version: scan.scanner_version.to_string(),
            scanned_at: scan.scanned_at.map(|at| at.to_string()),
            database_at: scan.database_at.map(|at| at.to_string()),
            platform: scan.platform.clone(),
            end_of_life: scan.end_of_life,
            subjects: scan.subjects.iter().map(subject).collect(),
            tags: scan.tags.clone(),
            found: i64::try_from(scan.vulnerabilities.len()).unwrap_or(i64::MAX),
            vulnerabilities: scan.vulnerabilities.iter().map(FoundVulnerability::of).collect(),
        }
    }

    /// The image, then the report, so that the same report has the same name whoever takes it.
    pub fn name(&self) -> String {
        let report = self.report.strip_prefix("sha256:").unwrap_or(&self.report);
        format!("{}.{report}", self.image.replace(':', "-"))
    }

    /// When it was handed in.
    ///
    /// # Errors
    /// When that is no time.
    pub fn received_at(&self) -> Result<Timestamp, String> {
        time("receivedAt", Some(&self.received_at))?.ok_or_else(|| "it has no `receivedAt`".to_owned())
    }

    /// Where it comes from, for people.
    pub fn origin(&self) -> String {
        let vouched = if self.bound_by_caller { ", who alone says that it is of this image" } else { "" };
        format!("ImageScan {}, handed in by {}{vouched}", self.name(), self.handed_in_by)
    }

    /// The scan.
    ///
    /// # Errors
    /// The field that does not say what the gate would have written there.
    pub fn scan(&self) -> Result<ScanReport<'_>, String> {
        let subject = |subject: &ImageSubject| {
            let digest = Digest::parse(&subject.digest).ok_or("a digest in `subjects` is none")?;
            Ok(Subject { repository: (&*subject.repository).into(), digest })
        };
        Ok(ScanReport {
            scanner: Cow::Borrowed(&self.scanner),
            scanner_version: Cow::Borrowed(&self.scanner_version),
            scanned_at: time("scannedAt", self.scanned_at.as_deref())?,
            database_at: time("databaseAt", self.database_at.as_deref())?,
            platform: self.platform.clone(),
            end_of_life: self.end_of_life,
            subjects: self.subjects.iter().map(subject).collect::<Result<_, String>>()?,
            tags: self.tags.clone(),
            vulnerabilities: self.vulnerabilities.iter().map(FoundVulnerability::read).collect(),
            attester: None,
        })
    }
}

impl FoundVulnerability {
    fn of(found: &VulnerabilityReport<'_>) -> Self {
        let others = found.other_ratings.iter();
        Self {
            id: found.id.to_string(),
            aliases: found.aliases.iter().map(ToString::to_string).collect(),
            package: found.package.to_string(),
            rating: found.rating.id().to_owned(),
            rated_by: found.rated_by.to_string(),
            other_ratings: others.map(|(by, rating)| (by.to_string(), rating.id().to_owned())).collect(),
            fixable: found.fixable,
            fixed_in: found.fixed_in.to_string(),
        }
    }

    fn read(&self) -> VulnerabilityReport<'_> {
        let others = self.other_ratings.iter();
        VulnerabilityReport {
            id: Cow::Borrowed(&self.id),
            aliases: self.aliases.iter().map(|alias| Cow::Borrowed(&**alias)).collect(),
            package: Cow::Borrowed(&self.package),
            rating: Rating::of(&self.rating),
            rated_by: Cow::Borrowed(&self.rated_by),
            other_ratings: others.map(|(by, rating)| (Cow::Borrowed(&**by), Rating::of(rating))).collect(),
            fixable: self.fixable,
            fixed_in: Cow::Borrowed(&self.fixed_in),
        }
    }
}

fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, String> {
    text.map(|text| text.parse().map_err(|_| format!("`{field}` is no time"))).transpose()
}
