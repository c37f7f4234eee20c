//! Grype's JSON report (`grype -o json`), of both layouts of its database status.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    report::{NO_DIGEST, platform, subject, tag, time},
    trivy::package,
};
use crate::{
    inventory::image_evidence::{Rating, ScanReport, Subject, VulnerabilityReport},
    object::{Digest, List, Text},
};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Descriptor<'a> {
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
    #[serde(borrow)]
    timestamp: Option<Text<'a>>,
    #[serde(borrow)]
    db: Option<Database<'a>>,
}

/// `db.built` with databases of schema 5 and older, `db.status.built` since schema 6.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Database<'a> {
    #[serde(borrow)]
    built: Option<Text<'a>>,
    #[serde(borrow)]
    status: Option<Status<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    built: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Source<'a> {
    #[serde(borrow)]
    target: Option<Target<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Target<'a> {
    #[serde(borrow)]
    Image(Box<Image<'a>>),
    /// A directory or a file, by path.
    Other(serde::de::IgnoredAny),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Image<'a> {
    #[serde(borrow)]
    repo_digests: List<Text<'a>>,
    #[serde(borrow)]
    manifest_digest: Option<Text<'a>>,
    #[serde(borrow)]
    tags: List<Text<'a>>,
    #[serde(borrow)]
    os: Option<Text<'a>>,
    #[serde(borrow)]
    architecture: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Match<'a> {
    #[serde(borrow)]
    vulnerability: Vulnerability<'a>,
    #[serde(borrow)]
    related_vulnerabilities: List<Related<'a>>,
    #[serde(borrow)]
    artifact: Artifact<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vulnerability<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
    #[serde(borrow)]
    fix: Option<Fix<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fix<'a> {
    #[serde(borrow)]
    state: Option<Text<'a>>,
    #[serde(borrow)]
    versions: List<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Related<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    namespace: Option<Text<'a>>,
    #[serde(borrow)]
    severity: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Artifact<'a> {
    #[serde(borrow)]
    purl: Option<Text<'a>>,
    #[serde(borrow)]
    name: Option<Text<'a>>,
    #[serde(borrow)]
    version: Option<Text<'a>>,
}

pub(super) fn scan<'a>(
    descriptor: Descriptor<'a>,
    source: Source<'a>,
    matches: List<Match<'a>>,
) -> Result<ScanReport<'a>, String> {
    if descriptor.name.as_deref() != Some("grype") {
        return Err("`descriptor.name` is not grype".to_owned());
    }
    let image = match source.target {
        Some(Target::Image(image)) => *image,
        Some(Target::Other(_)) | None => return Err(NO_DIGEST.to_owned()),
    };
    let mut subjects: Vec<_> = image.repo_digests.iter().filter_map(|text| subject(text)).collect();
    // What was really looked at: where the registry answered with an index, the manifest of one platform in it.
    if let Some(digest) = image.manifest_digest.as_deref().and_then(Digest::parse)
        && !subjects.iter().any(|subject| subject.digest == digest)
    {
        subjects.push(Subject { repository: "".into(), digest });
    }
    let database = descriptor.db.unwrap_or_default();
    let built = database.status.and_then(|status| status.built).or(database.built);
    Ok(ScanReport {
        scanner: Cow::Borrowed("grype"),
        scanner_version: descriptor.version.unwrap_or_default().0,
        scanned_at: time(descriptor.timestamp.as_deref())?,
        database_at: time(built.as_deref())?,
        platform: platform(&image.os.unwrap_or_default(), &image.architecture.unwrap_or_default()),
        end_of_life: false,
        subjects,
        tags: image.tags.iter().filter_map(|text| tag(text)).collect(),
        vulnerabilities: matches.0.into_iter().map(vulnerability).collect::<Result<_, _>>()?,
        attester: None,
    })
}

fn vulnerability(found: Match<'_>) -> Result<VulnerabilityReport<'_>, String> {
    let Match { vulnerability, related_vulnerabilities, artifact } = found;
    let fix = vulnerability.fix.unwrap_or_default();
    let versions: Vec<&str> = fix.versions.iter().map(|version| &**version).collect();
    let mut related_vulnerabilities = related_vulnerabilities.0;
    let aliases = related_vulnerabilities.iter_mut().filter_map(|related| related.id.take());
    let aliases = aliases.map(|id| id.0).collect();
    let others = related_vulnerabilities.into_iter();
    Ok(VulnerabilityReport {
        id: vulnerability.id.ok_or("a match has no `vulnerability.id`")?.0,
        aliases,
        package: package(artifact.purl, artifact.name, artifact.version),
        rating: Rating::of(&vulnerability.severity.unwrap_or_default()),
        rated_by: by(vulnerability.namespace),
        other_ratings: others
            .map(|related| (by(related.namespace), Rating::of(&related.severity.unwrap_or_default())))
            .collect(),
        fixable: fix.state.as_deref() == Some("fixed"),
        fixed_in: Cow::Owned(versions.join(", ")),
    })
}

/// The first part of a namespace, `debian:distro:debian:12`, in the words that Trivy has for sources.
fn by(namespace: Option<Text<'_>>) -> Cow<'_, str> {
    let namespace = namespace.unwrap_or_default();
    match namespace.split(':').next().unwrap_or_default() {
        "github" => Cow::Borrowed("ghsa"),
        source => Cow::Owned(source.to_owned()),
    }
}
