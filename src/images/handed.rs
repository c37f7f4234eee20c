//! A report that somebody hands in for one image: whether it is a scan, and of that image.

use std::path::Path;

use super::report::{self, Content, NO_DIGEST};
use crate::{
    inventory::image_evidence::{ScanReport, Subject},
    object::Digest,
};

/// What a report handed in turns out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examined {
    /// The program that made it.
    pub scanner: String,
    pub vulnerabilities: usize,
    /// The report names no digest at all, so that only its caller vouches for the image.
    pub is_bound_by_caller: bool,
}

/// Reports handed in are JSON, whatever their files are called.
pub(super) const JSON: &str = "report.json";

/// Reads a report that is said to be of `digest`; `children` tells the platform manifests of an index.
///
/// # Errors
/// In words, why it is no scan of that image.
pub fn examine(
    digest: &Digest,
    report: &[u8],
    children: &dyn Fn(&Digest) -> Vec<Digest>,
) -> Result<Examined, String> {
    let (mut found, mut problem) = (Vec::new(), None);
    report::read(Path::new(JSON), report, &mut |content| match content {
        Content::Scan(scan) => found.push(summary(&scan, false)),
        Content::Unnamed(scan) => found.push(summary(&scan, true)),
        Content::Index { .. } => problem = Some("it is an image index, not a scan report".to_owned()),
        Content::Vex(_) => problem = Some(VEX.to_owned()),
        Content::Problem(reason) => problem = problem.take().or(Some(reason)),
    });
    if let Some(problem) = problem {
        return Err(problem);
    }
    let found = match <[_; 1]>::try_from(found) {
        Ok([found]) => found,
        Err(found) => return Err(format!("it holds {} scans: hand in one report at a time", found.len())),
    };
    let (examined, subjects) = found;
    let is_of = |other: &Digest| subjects.iter().any(|subject| subject.digest == *other);
    // What was seen of one platform covers the index as soon as every platform was seen.
    if examined.is_bound_by_caller || is_of(digest) || children(digest).iter().any(is_of) {
        return Ok(examined);
    }
    let named: Vec<_> = subjects.iter().map(|subject| subject.digest.short()).collect();
    Err(format!("it is a scan of {}, not of {}", named.join(" and "), digest.short()))
}

/// The scan in a report that [`examine`] found to be of `digest`.
pub fn scan_of(digest: &Digest, report: &[u8]) -> Option<ScanReport<'static>> {
    let mut found = None;
    report::read(Path::new(JSON), report, &mut |content| {
        if let Content::Scan(mut scan) | Content::Unnamed(mut scan) = content {
            if scan.subjects.is_empty() {
                scan.subjects.push(Subject { repository: "".into(), digest: digest.clone() });
            }
            found = Some(scan.into_owned());
        }
    });
    found
}

/// The digests that a report names, the first being the one to hand it in for.
///
/// # Errors
/// In words, why it is no scan, or of no digest.
pub fn subjects(report: &[u8]) -> Result<Vec<Digest>, String> {
    let (mut found, mut problem) = (Vec::new(), None);
    report::read(Path::new(JSON), report, &mut |content| match content {
        Content::Scan(scan) => found.extend(scan.subjects.into_iter().map(|subject| subject.digest)),
        Content::Unnamed(_) => problem = Some(NO_DIGEST.to_owned()),
        Content::Index { .. } => problem = Some("it is an image index, not a scan report".to_owned()),
        Content::Vex(_) => problem = Some(VEX.to_owned()),
        Content::Problem(reason) => problem = problem.take().or(Some(reason)),
    });
    problem.map_or(Ok(found), Err)
}

const VEX: &str =
    "it is a VEX document, not a scan report: attest it, or lay it among the scan reports of a directory";

fn summary(scan: &ScanReport<'_>, is_bound_by_caller: bool) -> (Examined, Vec<Subject>) {
    let examined = Examined {
        scanner: scan.scanner.to_string(),
        vulnerabilities: scan.vulnerabilities.len(),
        is_bound_by_caller,
    };
    (examined, scan.subjects.clone())
}
