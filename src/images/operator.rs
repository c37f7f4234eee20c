//! The Trivy Operator's `VulnerabilityReport` objects, one or a list, as `kubectl get -o json` and `-o yaml` print them.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    report::{Content, NO_DIGEST, tag, time},
    trivy::package,
};
use crate::{
    inventory::image_evidence::{Rating, ScanReport, Subject, VulnerabilityReport},
    object::{Digest, ImageReference, List, Text},
};

pub(super) const KIND: &str = "VulnerabilityReport";

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    report: Option<Report<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Report<'a> {
    #[serde(borrow)]
    update_timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    scanner: Option<Scanner<'a>>,
    #[serde(borrow)]
    registry: Option<Registry<'a>>,
    #[serde(borrow)]
    artifact: Option<Artifact<'a>>,
    os: Option<OperatingSystem>,
    #[serde(borrow)]
    vulnerabilities: Option<List<Found<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Scanner<'a> {
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Registry<'a> {
    #[serde(borrow)]
    server: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact<'a> {
    #[serde(borrow)]
    repository: Option<Text<'a>>,
    #[serde(borrow)]
    digest: Option<Text<'a>>,
    #[serde(borrow)]
    tag: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OperatingSystem {
    eosl: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Found<'a> {
    #[serde(rename = "vulnerabilityID", borrow)]
    id: Option<Text<'a>>,
    #[serde(rename = "packagePURL", borrow)]
    purl: Option<Text<'a>>,
    #[serde(borrow)]
    resource: Option<Text<'a>>,
    #[serde(borrow)]
    installed_version: Option<Text<'a>>,
    #[serde(borrow)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
}

/// Tells each report of a list by itself: the operator leaves the digest out for some registries, and those reports
/// must not take the others with them.
pub(super) fn tell(items: List<Item<'_>>, tell: &mut dyn FnMut(Content<'_>)) {
    for (position, item) in items.0.into_iter().enumerate() {
        let scan = match (item.kind.as_deref(), item.report) {
            (Some(KIND), Some(report)) => scan(report),
            _ => Err(format!("it is no {KIND} with a `report`")),
        };
        tell(Content::of(scan.map_err(|reason| format!("items[{position}]: {reason}"))));
    }
}

pub(super) fn scan(report: Report<'_>) -> Result<ScanReport<'_>, String> {
    let artifact = report.artifact.unwrap_or_default();
    let digest = artifact.digest.as_deref().and_then(Digest::parse).ok_or(NO_DIGEST)?;
    let server = report.registry.and_then(|registry| registry.server).unwrap_or_default();
    let repository = artifact.repository.unwrap_or_default();
    let name =
        if server.is_empty() { repository.to_string() } else { format!("{}/{}", &*server, &*repository) };
    let image = ImageReference::parse(&name).ok();
    let tagged =
        artifact.tag.filter(|text| !text.is_empty()).and_then(|text| tag(&format!("{name}:{}", &*text)));
    let found = report.vulnerabilities.ok_or("it has no `vulnerabilities`")?;
    Ok(ScanReport {
        scanner: Cow::Borrowed("trivy"),
        scanner_version: report.scanner.and_then(|scanner| scanner.version).unwrap_or_default().0,
        scanned_at: time(report.update_timestamp.as_deref())?,
        database_at: None,
        platform: String::new(),
        end_of_life: report.os.and_then(|os| os.eosl).unwrap_or(false),
        subjects: vec![Subject {
            repository: image.map(|image| image.name()).unwrap_or_default().into(),
            digest,
        }],
        tags: tagged.into_iter().collect(),
        vulnerabilities: found.0.into_iter().map(vulnerability).collect::<Result<_, _>>()?,
        attester: None,
    })
}

fn vulnerability(found: Found<'_>) -> Result<VulnerabilityReport<'_>, String> {
    let fixed_in = found.fixed_version.unwrap_or_default().0;
    Ok(VulnerabilityReport {
        id: found.id.ok_or("a vulnerability has no `vulnerabilityID`")?.0,
        aliases: Vec::new(),
        package: package(found.purl, found.resource, found.installed_version),
        rating: Rating::of(&found.severity.unwrap_or_default()),
        rated_by: Cow::Borrowed(""),
        other_ratings: Vec::new(),
        fixable: !fixed_in.is_empty(),
        fixed_in,
    })
}
