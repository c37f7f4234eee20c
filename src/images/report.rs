//! Tells one kind of report from another, in one pass over the text: their fields are disjoint.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};

use super::{attestations, grype, index, openvex, operator, trivy};
use crate::{
    inventory::image_evidence::{ScanReport, Subject, VexStatement},
    manifest,
    object::{Digest, ImageReference, List, Text},
};

/// What a file turns out to hold.
pub(super) enum Content<'a> {
    Scan(Box<ScanReport<'a>>),
    /// The scan of an image that was in no registry yet, so that the report names no digest at all.
    Unnamed(Box<ScanReport<'a>>),
    Index {
        digest: Digest,
        children: Vec<Digest>,
    },
    Vex(Vec<VexStatement>),
    /// Something that may be a scan and cannot be read as one.
    Problem(String),
}

impl<'a> Content<'a> {
    /// A scan that somebody can find, or why it is none.
    pub(super) fn of(scan: Result<ScanReport<'a>, String>) -> Self {
        match scan {
            Ok(scan) if scan.subjects.is_empty() => Self::Problem(NO_DIGEST.to_owned()),
            Ok(scan) => Self::Scan(Box::new(scan)),
            Err(reason) => Self::Problem(reason),
        }
    }
}

/// The first level of every format that is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outline<'a> {
    #[serde(rename = "SchemaVersion")]
    trivy_schema: Option<i64>,
    #[serde(rename = "Trivy", borrow)]
    trivy_program: Option<trivy::Program<'a>>,
    #[serde(rename = "ArtifactName", borrow)]
    artifact: Option<Text<'a>>,
    #[serde(rename = "ArtifactType", borrow)]
    artifact_type: Option<Text<'a>>,
    #[serde(rename = "CreatedAt", borrow)]
    created_at: Option<Text<'a>>,
    #[serde(rename = "Metadata", borrow)]
    trivy_metadata: Option<trivy::Metadata<'a>>,
    #[serde(rename = "Results", borrow)]
    trivy_results: List<trivy::ResultOfTarget<'a>>,

    #[serde(borrow)]
    descriptor: Option<grype::Descriptor<'a>>,
    #[serde(borrow)]
    source: Option<grype::Source<'a>>,
    #[serde(borrow)]
    matches: Option<List<grype::Match<'a>>>,

    #[serde(borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    report: Option<operator::Report<'a>>,
    #[serde(borrow)]
    items: Option<List<operator::Item<'a>>>,

    #[serde(borrow)]
    manifests: Option<List<index::Manifest<'a>>>,
    #[serde(rename = "@context", borrow)]
    linked_data: Option<Context<'a>>,

    /// Of an in-toto statement.
    #[serde(rename = "predicateType")]
    predicate_type: Option<IgnoredAny>,
    /// Of what `trivy image --format cosign-vuln` writes.
    scanner: Option<IgnoredAny>,
    invocation: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Context<'a> {
    One(#[serde(borrow)] Text<'a>),
    Other(IgnoredAny),
}

/// Reads one file and tells what it holds.
pub(super) fn read(path: &Path, bytes: &[u8], tell: &mut dyn FnMut(Content<'_>)) {
    let is_yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
    if !is_yaml {
        // What Windows tools put in front of text; no part of JSON.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // Derived readers would take a list for the fields in their order.
        if text.trim_ascii_start().starts_with(b"[") {
            return tell(Content::Problem("it is a list, not a report".to_owned()));
        }
        match serde_json::from_slice::<Outline<'_>>(text) {
            Ok(outline) => outline.tell(bytes, tell),
            Err(error) => tell(Content::Problem(format!("it does not parse: {error}"))),
        }
        return;
    }
    let documents = std::str::from_utf8(bytes)
        .map_err(|_| "it is not UTF-8 text".to_owned())
        .and_then(|text| manifest::parse("", text).map_err(|error| format!("it does not parse: {error}")));
    let documents = match documents {
        Ok(documents) if !documents.is_empty() => documents,
        Ok(_) => return tell(Content::Problem("it is empty".to_owned())),
        Err(problem) => return tell(Content::Problem(problem)),
    };
    for document in &documents {
        match document.decode::<Outline<'_>>() {
            Ok(outline) => outline.tell(bytes, tell),
            Err(error) => tell(Content::Problem(format!("it does not parse: {error}"))),
        }
    }
}

impl<'a> Outline<'a> {
    fn tell(self, bytes: &[u8], tell: &mut dyn FnMut(Content<'_>)) {
        // Trivy scans much else, and a name may hold the digest that the list of digests lacks.
        let is_image = self.artifact_type.as_deref() == Some("container_image");
        let is_unnamed = is_image && self.artifact.as_deref().and_then(subject).is_none();
        let scan = if self.is_of_image_scanner() {
            self.scan()
        } else if let Some(items) = self.items {
            return operator::tell(items, tell);
        } else if self.kind.as_deref() == Some(operator::KIND)
            // Items of a list that the API server sends do not repeat their kind.
            || (self.kind.is_none() && self.report.is_some())
        {
            self.report.ok_or_else(|| "it has no `report`".to_owned()).and_then(operator::scan)
        } else if let Some(manifests) = self.manifests {
            return index::tell(&manifests, bytes, tell);
        } else if self.predicate_type.is_some() {
            return attestations::tell_statement(bytes, tell);
        } else if self.scanner.is_some() && self.invocation.is_some() {
            return attestations::tell_vulnerabilities(bytes, tell);
        } else {
            match self.linked_data {
                Some(Context::One(context)) if context.starts_with(openvex::CONTEXT) => {
                    return tell(openvex::read(bytes).map_or_else(Content::Problem, Content::Vex));
                }
                Some(_) => Err("it is linked data (SPDX), which is not read: keep it elsewhere".to_owned()),
                None => Err("it is no scan report of Trivy, Grype or the Trivy Operator".to_owned()),
            }
        };
        tell(match scan {
            Ok(scan) if scan.subjects.is_empty() && is_unnamed => Content::Unnamed(Box::new(scan)),
            scan => Content::of(scan),
        });
    }

    fn is_of_image_scanner(&self) -> bool {
        self.trivy_schema.is_some() || (self.descriptor.is_some() && self.source.is_some())
    }

    /// The report of Trivy or Grype that this is; its subjects may be none.
    fn scan(self) -> Result<ScanReport<'a>, String> {
        match (self.trivy_schema, self.descriptor, self.source) {
            (Some(2), ..) => {
                trivy::scan(self.trivy_program, self.created_at, self.trivy_metadata, self.trivy_results)
            }
            (Some(version), ..) => Err(format!("Trivy's schema {version} is not known, only 2 is")),
            (None, Some(descriptor), Some(source)) => {
                let matches = self.matches.ok_or("it has no `matches`, as a report of Grype would")?;
                grype::scan(descriptor, source, matches)
            }
            _ => Err("it is no scan report of Trivy or Grype".to_owned()),
        }
    }
}

/// Reads the report of Trivy or Grype inside something else, which may say itself what was scanned.
pub(super) fn scan(text: &str) -> Result<ScanReport<'_>, String> {
    if !text.trim_start().starts_with('{') {
        return Err("it is no scan report of Trivy or Grype".to_owned());
    }
    serde_json::from_str::<Outline<'_>>(text).map_err(|error| unparsable(&error))?.scan()
}

/// Why a text is not JSON of the expected form.
pub(super) fn unparsable(error: &serde_json::Error) -> String {
    let reason = error.to_string();
    if reason.starts_with("recursion limit") {
        return "it is nested too deeply".to_owned();
    }
    format!("it does not parse: {reason}")
}

/// A scan without a digest cannot be found by anyone.
pub(super) const NO_DIGEST: &str =
    "it names no image digest: scan the image in its registry, as `repository@sha256:...` or by tag";

/// An image under its digest, `repository@sha256:...`; of anything else nothing.
pub(super) fn subject(reference: &str) -> Option<Subject> {
    let image = ImageReference::parse(reference).ok()?;
    Some(Subject { repository: image.name().into(), digest: image.digest? })
}

/// A tag in the one spelling that look-ups use.
pub(super) fn tag(reference: &str) -> Option<String> {
    let image = ImageReference::parse(reference).ok()?;
    Some(format!("{}:{}", image.name(), image.effective_tag()?))
}

/// A time of a report (RFC 3339). One that is there and cannot be read makes the report unusable.
pub(super) fn time(text: Option<&str>) -> Result<Option<Timestamp>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse()
        .map(Some)
        .map_err(|_| format!("`{}` is not a time", text.chars().take(40).collect::<String>()))
}

/// `os/architecture`, as far as it is known.
pub(super) fn platform(os: &str, architecture: &str) -> String {
    if architecture.is_empty() { os.to_owned() } else { format!("{os}/{architecture}") }
}
