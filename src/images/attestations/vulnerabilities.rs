//! Scans in attestations: in-toto's list of vulnerabilities (v0.1 and v0.2), and cosign's, which holds a scanner's report.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::super::report::{self, Content, time, unparsable};
use crate::{
    criterion::Severity,
    inventory::image_evidence::{Rating, ScanReport, VulnerabilityReport},
};

const IN_TOTO: [&str; 2] =
    ["https://in-toto.io/attestation/vulns/v0.1", "https://in-toto.io/attestation/vulns/v0.2"];
const COSIGN: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Predicate<'a> {
    #[serde(borrow)]
    scanner: Scanner<'a>,
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Scanner<'a> {
    uri: Option<String>,
    version: Option<String>,
    db: Option<Database>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Database {
    last_update: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    scan_finished_on: Option<String>,
}

/// The specification's text and its example disagree on where the id stands.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    id: Option<String>,
    severity: Option<Vec<Scored>>,
    vulnerability: Option<Inner>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Inner {
    id: Option<String>,
    severity: Option<Vec<Scored>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Scored {
    method: Option<String>,
    score: Value,
}

/// The scan in a predicate of this type, if it is a type of scans. It may say nothing of what was scanned.
pub(super) fn read<'a>(predicate_type: &str, text: &'a str) -> Option<Result<ScanReport<'a>, String>> {
    if predicate_type == COSIGN {
        Some(parse(text).and_then(of_cosign))
    } else if IN_TOTO.contains(&predicate_type) {
        Some(parse(text).and_then(of_in_toto))
    } else {
        None
    }
}

/// Reads cosign's predicate that lies in a file by itself, as Trivy writes it.
pub(in crate::images) fn tell(bytes: &[u8], tell: &mut dyn FnMut(Content<'_>)) {
    let scan = std::str::from_utf8(bytes)
        .map_err(|_| "it is not UTF-8 text".to_owned())
        .and_then(parse)
        .and_then(of_cosign);
    tell(Content::of(scan));
}

fn parse(text: &str) -> Result<Predicate<'_>, String> {
    serde_json::from_str(text).map_err(|error| unparsable(&error))
}

fn of_cosign(predicate: Predicate<'_>) -> Result<ScanReport<'_>, String> {
    let finished = predicate.finished()?;
    let updated = predicate.updated()?;
    let result = predicate.scanner.result.ok_or("it has no `scanner.result`")?;
    let mut scan = report::scan(result.get()).map_err(|reason| format!("its `scanner.result`: {reason}"))?;
    scan.scanned_at = scan.scanned_at.or(finished);
    scan.database_at = scan.database_at.or(updated);
    if scan.scanner_version.is_empty() {
        scan.scanner_version = predicate.scanner.version.unwrap_or_default().into();
    }
    Ok(scan)
}

fn of_in_toto(predicate: Predicate<'_>) -> Result<ScanReport<'_>, String> {
    let (scanned_at, database_at) = (predicate.finished()?, predicate.updated()?);
    let found: Vec<Found> = match predicate.scanner.result.map(RawValue::get) {
        // An absent list is not an empty one: nobody says that nothing was found.
        None | Some("null") => return Err("it has no `scanner.result`".to_owned()),
        Some(text) => serde_json::from_str(text).map_err(|error| unparsable(&error))?,
    };
    Ok(ScanReport {
        scanner: scanner(&predicate.scanner.uri.unwrap_or_default()).into(),
        scanner_version: predicate.scanner.version.unwrap_or_default().into(),
        scanned_at,
        database_at,
        vulnerabilities: found.into_iter().map(vulnerability).collect::<Result<_, _>>()?,
        ..ScanReport::default()
    })
}

impl Predicate<'_> {
    fn finished(&self) -> Result<Option<Timestamp>, String> {
        time(self.metadata.scan_finished_on.as_deref())
    }

    fn updated(&self) -> Result<Option<Timestamp>, String> {
        time(self.scanner.db.as_ref().and_then(|db| db.last_update.as_deref()))
    }
}

/// The program's name in a URI like `pkg:github/aquasecurity/trivy@244fd47e07`.
fn scanner(uri: &str) -> String {
    let path = uri.split(['@', '?', '#']).next().unwrap_or_default();
    let parts = || path.split(['/', ':']).filter(|part| !part.is_empty());
    let known = parts().find(|part| ["trivy", "grype"].contains(part));
    known.or(parts().next_back()).unwrap_or("unknown").to_lowercase()
}

/// The format names neither package nor fix. A vulnerability of which nobody says that there is no fix counts as one
/// that has one.
fn vulnerability(found: Found) -> Result<VulnerabilityReport<'static>, String> {
    let inner = found.vulnerability.unwrap_or_default();
    let id = found.id.or(inner.id).filter(|id| !id.is_empty()).ok_or("a result names no vulnerability")?;
    let scored = found.severity.or(inner.severity).unwrap_or_default().into_iter();
    let ratings: Vec<(Cow<'static, str>, Rating)> =
        scored.map(|scored| (Cow::Owned(scored.method.unwrap_or_default()), rating(&scored.score))).collect();
    let worst = ratings.iter().max_by_key(|(_, rating)| rating.counts_as());
    let (rated_by, rating) = worst.cloned().unwrap_or((Cow::Borrowed(""), Rating::Unknown));
    let other_ratings = ratings.into_iter().filter(|(by, _)| *by != rated_by).collect();
    Ok(VulnerabilityReport {
        aliases: Vec::new(),
        id: Cow::Owned(id),
        package: Cow::Borrowed(""),
        rating,
        rated_by,
        other_ratings,
        fixable: true,
        fixed_in: Cow::Borrowed(""),
    })
}

/// A word (`HIGH`) or a CVSS score (`7.5`, as number or text).
fn rating(score: &Value) -> Rating {
    let text = score.as_str().unwrap_or_default();
    match score.as_f64().or_else(|| text.trim().parse().ok()) {
        None => Rating::of(text),
        Some(number) if number >= 9.0 => Rating::Rated(Severity::Critical),
        Some(number) if number >= 7.0 => Rating::Rated(Severity::High),
        Some(number) if number >= 4.0 => Rating::Rated(Severity::Medium),
        Some(number) if number > 0.0 => Rating::Rated(Severity::Low),
        Some(_) => Rating::Unknown,
    }
}
