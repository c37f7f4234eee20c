//! Trivy's JSON report (`trivy image --format json`, schema 2).

use std::{borrow::Cow, collections::HashMap};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::report::{platform, subject, tag, time};
use crate::{
    criterion::Severity,
    inventory::image_evidence::{Rating, ScanReport, VulnerabilityReport},
    object::{List, Text},
};

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Program<'a> {
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

/// `ImageID` is left out on purpose: it is the digest of the image's configuration, not of its manifest.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Metadata<'a> {
    #[serde(borrow)]
    repo_digests: List<Text<'a>>,
    #[serde(borrow)]
    repo_tags: List<Text<'a>>,
    #[serde(rename = "OS")]
    os: Option<OperatingSystem>,
    #[serde(borrow)]
    image_config: Option<ImageConfig<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OperatingSystem {
    #[serde(rename = "EOSL")]
    end_of_life: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ImageConfig<'a> {
    #[serde(borrow)]
    os: Option<Text<'a>>,
    #[serde(borrow)]
    architecture: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ResultOfTarget<'a> {
    #[serde(borrow)]
    class: Option<Text<'a>>,
    #[serde(borrow)]
    vulnerabilities: List<Found<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Found<'a> {
    #[serde(rename = "VulnerabilityID", borrow)]
    id: Option<Text<'a>>,
    #[serde(rename = "VendorIDs", borrow)]
    vendor_ids: List<Text<'a>>,
    #[serde(borrow)]
    pkg_identifier: Option<Identifier<'a>>,
    #[serde(borrow)]
    pkg_name: Option<Text<'a>>,
    #[serde(borrow)]
    installed_version: Option<Text<'a>>,
    #[serde(borrow)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    severity_source: Option<Text<'a>>,
    /// By source; a map that says more than the scan's own rating, so that no shape of it spoils the report.
    #[serde(borrow)]
    vendor_severity: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identifier<'a> {
    #[serde(rename = "PURL", borrow)]
    purl: Option<Text<'a>>,
}

/// The classes of results that speak of something else than vulnerabilities.
const OTHER_CLASSES: [&str; 5] = ["secret", "config", "license", "license-file", "custom"];

/// The scan; without subjects where the image was in no registry yet.
pub(super) fn scan<'a>(
    program: Option<Program<'a>>,
    created_at: Option<Text<'a>>,
    metadata: Option<Metadata<'a>>,
    results: List<ResultOfTarget<'a>>,
) -> Result<ScanReport<'a>, String> {
    let metadata = metadata.unwrap_or_default();
    let subjects: Vec<_> = metadata.repo_digests.iter().filter_map(|text| subject(text)).collect();
    let is_other = |result: &ResultOfTarget<'_>| {
        result.class.as_deref().is_some_and(|class| OTHER_CLASSES.contains(&class))
    };
    if !results.is_empty() && results.iter().all(is_other) {
        return Err("Trivy did not look for vulnerabilities: scan with `--scanners vuln`".to_owned());
    }
    let config = metadata.image_config.unwrap_or_default();
    let found = results.0.into_iter().flat_map(|result| result.vulnerabilities.0);
    Ok(ScanReport {
        scanner: Cow::Borrowed("trivy"),
        scanner_version: program.and_then(|program| program.version).unwrap_or_default().0,
        scanned_at: time(created_at.as_deref())?,
        database_at: None,
        platform: platform(&config.os.unwrap_or_default(), &config.architecture.unwrap_or_default()),
        end_of_life: metadata.os.and_then(|os| os.end_of_life).unwrap_or(false),
        subjects,
        tags: metadata.repo_tags.iter().filter_map(|text| tag(text)).collect(),
        vulnerabilities: found.map(vulnerability).collect::<Result<_, _>>()?,
        attester: None,
    })
}

fn vulnerability(found: Found<'_>) -> Result<VulnerabilityReport<'_>, String> {
    let id = found.id.ok_or("a vulnerability has no `VulnerabilityID`")?.0;
    let fixed_in = found.fixed_version.unwrap_or_default().0;
    let rated_by = found.severity_source.unwrap_or_default().0;
    let others: HashMap<Text<'_>, Value> =
        found.vendor_severity.and_then(|map| serde_json::from_str(map.get()).ok()).unwrap_or_default();
    let others = others.into_iter().filter(|(by, _)| **by != *rated_by);
    let mut other_ratings: Vec<_> = others.map(|(by, said)| (by.0, rating(&said))).collect();
    other_ratings.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    Ok(VulnerabilityReport {
        id,
        aliases: found.vendor_ids.0.into_iter().map(|id| id.0).collect(),
        package: package(
            found.pkg_identifier.and_then(|identifier| identifier.purl),
            found.pkg_name,
            found.installed_version,
        ),
        rating: Rating::of(&found.severity.unwrap_or_default()),
        rated_by,
        other_ratings,
        fixable: !fixed_in.is_empty() || found.status.as_deref() == Some("fixed"),
        fixed_in,
    })
}

/// The purl, or name and version where there is none.
pub(super) fn package<'a>(
    purl: Option<Text<'a>>,
    name: Option<Text<'a>>,
    version: Option<Text<'a>>,
) -> Cow<'a, str> {
    match purl {
        Some(purl) if !purl.is_empty() => purl.0,
        _ => Cow::Owned(format!("{}@{}", &*name.unwrap_or_default(), &*version.unwrap_or_default())),
    }
}

/// 1 (low) to 4 (critical), or the word.
fn rating(said: &Value) -> Rating {
    match said.as_i64() {
        Some(1) => Rating::Rated(Severity::Low),
        Some(2) => Rating::Rated(Severity::Medium),
        Some(3) => Rating::Rated(Severity::High),
        Some(4) => Rating::Rated(Severity::Critical),
        _ => Rating::of(said.as_str().unwrap_or_default()),
    }
}
