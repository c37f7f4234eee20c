//! Refuses images with vulnerabilities that somebody has already fixed.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::Deserialize;

use super::subject::{Scanned, TagOnly, scanned};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::{Rating, Vulnerability},
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "vulnerable-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC7_1, "known vulnerabilities are found before they run"),
        Support::direct(Criterion::CC6_8, "software with known holes is kept out"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "vulnerable image",
    why: "The flaw is public, so is the fix, and usually the way to use it. What is left to do is to rebuild the image.",
    fix: "Update the packages to the fixed versions, rebuild, scan and deploy the new digest.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:2222222222222222222222222222222222222222222222222222222222222222
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:1111111111111111111111111111111111111111111111111111111111111111
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// The least severe that counts.
    severity: Severity,
    fixable_only: bool,
    /// Judge by this source's rating where it has one: `nvd`, `debian`, `redhat`, `ghsa`.
    severity_source: Option<String>,
    tag_only: TagOnly,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            severity: Severity::Critical,
            fixable_only: true,
            severity_source: None,
            tag_only: TagOnly::Violation,
        }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if parameters.severity_source.as_deref() == Some("") {
        return Err(params.refuse("`severitySource` is empty: name a source, or leave it out"));
    }
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| {
        examine(image, &parameters, ask, report)
    })))
}

/// How many vulnerabilities a message names.
const NAMED: usize = 3;

fn examine(at: &ImageAt<'_>, parameters: &Parameters, ask: &Ask<'_>, report: &mut Report) {
    let Some(scanned) = scanned(at, parameters.tag_only, ask, report) else { return };
    let listed = listed(&scanned, parameters);
    let Some(worst) = listed.first() else { return };
    let count = match listed.len() {
        1 => "1 vulnerability".to_owned(),
        count => format!("{count} vulnerabilities"),
    };
    let floor = parameters.severity;
    let or_worse = if floor == Severity::Critical { "" } else { " or worse" };
    let fixable = if parameters.fixable_only { " with a fix" } else { "" };
    let named: Vec<String> = listed.iter().take(NAMED).map(Listed::name).collect();
    let more = if listed.len() > NAMED { ", ..." } else { "" };
    let what = format!(
        "{} has {count} rated {}{or_worse}{fixable}, worst {}: {}{more}{}",
        quoted(at.reference),
        floor.id(),
        worst.rating,
        named.join(", "),
        scanned.found
    );
    report.violation_of(at.place(), at.reference, what);
}

/// A vulnerability that counts, however many packages and platforms have it.
struct Listed<'e> {
    rating: Rating,
    vulnerability: Vulnerability<'e>,
}

impl Listed<'_> {
    /// `CVE-2026-1234 in openssl (fixed in 3.0.16)`.
    fn name(&self) -> String {
        let Vulnerability { id, fixable, fixed_in, .. } = self.vulnerability;
        let package = self.vulnerability.package_name();
        match (fixable, fixed_in) {
            (true, "") => format!("{id} in {package} (fixed)"),
            (true, versions) => format!("{id} in {package} (fixed in {versions})"),
            (false, _) => format!("{id} in {package} (no fix yet)"),
        }
    }
}

/// What counts under the parameters, once per id, worst first.
fn listed<'e>(scanned: &Scanned<'e>, parameters: &Parameters) -> Vec<Listed<'e>> {
    let scans = scanned.judged.iter().flat_map(|judged| &judged.by_scanner);
    let mut by_id: BTreeMap<&str, Listed<'e>> = BTreeMap::new();
    for vulnerability in scans.flat_map(|scan| scanned.evidence.vulnerabilities(scan)) {
        let rating = vulnerability.rating(parameters.severity_source.as_deref());
        let counts = rating.counts_as() >= Some(parameters.severity)
            && (vulnerability.fixable || !parameters.fixable_only);
        let is_worst =
            by_id.get(vulnerability.id).is_none_or(|known| rating.counts_as() > known.rating.counts_as());
        if counts && is_worst {
            by_id.insert(vulnerability.id, Listed { rating, vulnerability });
        }
    }
    let mut listed: Vec<_> = by_id.into_values().collect();
    listed.sort_by_key(|listed| Reverse(listed.rating.counts_as()));
    listed
}
