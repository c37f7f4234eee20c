//! Tells one kind of report from another, in one pass over the text: their fields are disjoint.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, de::IgnoredAny};

use super::{grype, index, operator, trivy};
use crate::{
    inventory::image_evidence::{ScanReport, Subject},
    manifest,
    object::{Digest, ImageReference, List, Text},
};

/// What a file turns out to hold.
pub(super) enum Content<'a> {
    Scan(ScanReport<'a>),
    Index {
        digest: Digest,
        children: Vec<Digest>,
    },
    /// Something that may be a scan and cannot be read as one.
    Problem(String),
}

/// The first level of every format that is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Outline<'a> {
    #[serde(rename = "SchemaVersion")]
    trivy_schema: Option<i64>,
    #[serde(rename = "Trivy", borrow)]
    trivy_program: Option<trivy::Program<'a>>,
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
    #[serde(rename = "@context")]
    linked_data: Option<IgnoredAny>,
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
        let scan = if let Some(version) = self.trivy_schema {
            if version != 2 {
                return tell(Content::Problem(format!("Trivy's schema {version} is not known, only 2 is")));
            }
            trivy::scan(self.trivy_program, self.created_at, self.trivy_metadata, self.trivy_results)
        } else if let (Some(descriptor), Some(source)) = (self.descriptor, self.source) {
            match self.matches {
                Some(matches) => grype::scan(descriptor, source, matches),
                None => Err("it has no `matches`, as a report of Grype would".to_owned()),
            }
        } else if let Some(items) = self.items {
            return operator::tell(items, tell);
        } else if self.kind.as_deref() == Some(operator::KIND)
            // Items of a list that the API server sends do not repeat their kind.
            || (self.kind.is_none() && self.report.is_some())
        {
            self.report.ok_or_else(|| "it has no `report`".to_owned()).and_then(operator::scan)
        } else if let Some(manifests) = self.manifests {
            return index::tell(&manifests, bytes, tell);
        } else if self.linked_data.is_some() {
            Err("it is linked data (OpenVEX, SPDX), which is not read: keep it elsewhere".to_owned())
        } else {
            Err("it is no scan report of Trivy, Grype or the Trivy Operator".to_owned())
        };
        tell(scan.map_or_else(Content::Problem, Content::Scan));
    }
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
