//! Refuses images with vulnerabilities that somebody has already fixed.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    identity::Written,
    opinion::Authors,
    subject::{Scanned, Sources, TagOnly, scanned},
};
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
    /// Whose attested scans count; scans in files and in the cluster always do.
    attestors: Vec<Written>,
    /// Whose VEX statements in files count, by author; attested ones count by `attestors`.
    vex_authors: Vec<String>,
    /// Whether what is known to be exploited counts whatever its severity.
    known_exploited: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            severity: Severity::Critical,
            fixable_only: true,
            severity_source: None,
            tag_only: TagOnly::Violation,
            attestors: Vec::new(),
            vex_authors: Vec::new(),
            known_exploited: true,
        }
    }
}

/// The parameters as they are asked.
struct Reader {
    severity: Severity,
    fixable_only: bool,
    severity_source: Option<String>,
    known_exploited: bool,
    sources: Sources,
    authors: Authors,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let read: Parameters = params.read()?;
    if read.severity_source.as_deref() == Some("") {
        return Err(params.refuse("`severitySource` is empty: name a source, or leave it out"));
    }
    let reader = Reader {
        severity: read.severity,
        fixable_only: read.fixable_only,
        severity_source: read.severity_source,
        known_exploited: read.known_exploited,
        sources: Sources::read(params, read.tag_only, read.attestors)?,
        authors: Authors::read(params, read.vex_authors)?,
    };
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| reader.examine(image, ask, report))))
}

/// How many vulnerabilities a message names.
const NAMED: usize = 3;

/// A vulnerability that counts, however many packages and platforms have it.
struct Listed<'e> {
    rating: Rating,
    is_exploited: bool,
    vulnerability: Vulnerability<'e>,
}

impl Reader {
    fn examine(&self, at: &ImageAt<'_>, ask: &Ask<'_>, report: &mut Report) {
        let Some(scanned) = scanned(at, &self.sources, ask, report) else { return };
        let listed = self.listed(&scanned, ask.now, report);
        let Some(worst) = listed.iter().max_by_key(|listed| listed.rating.counts_as()) else { return };
        let count = match listed.len() {
            1 => "1 vulnerability".to_owned(),
            count => format!("{count} vulnerabilities"),
        };
        let floor = self.severity;
        let or_worse = if floor == Severity::Critical { "" } else { " or worse" };
        let is_below = |listed: &Listed<'_>| listed.rating.counts_as() < Some(floor);
        let or_exploited = if listed.iter().any(is_below) { " or known to be exploited" } else { "" };
        let fixable = if self.fixable_only { " with a fix" } else { "" };
        let named: Vec<String> = listed.iter().take(NAMED).map(Listed::name).collect();
        let more = if listed.len() > NAMED { ", ..." } else { "" };
        let what = format!(
            "{} has {count} rated {}{or_worse}{or_exploited}{fixable}, worst {}: {}{more}{}",
            quoted(at.reference),
            floor.id(),
            worst.rating,
            named.join(", "),
            scanned.found
        );
        report.violation_of(at.place(), at.reference, what);
    }

    /// What counts under the parameters, once per id: what is exploited first, then the worst.
    fn listed<'e>(&self, scanned: &Scanned<'e>, now: Timestamp, report: &mut Report) -> Vec<Listed<'e>> {
        let mut by_id: BTreeMap<&str, Listed<'e>> = BTreeMap::new();
        for judged in &scanned.judged {
            let scans = judged.by_scanner.iter();
            for vulnerability in scans.flat_map(|scan| scanned.evidence.vulnerabilities(scan)) {
                let Some(listed) = self.counting(scanned, vulnerability) else { continue };
                let is_worst = by_id
                    .get(vulnerability.id)
                    .is_none_or(|known| listed.rating.counts_as() > known.rating.counts_as());
                let attestors = &self.sources.attestors;
                if is_worst && !self.authors.excuse(vulnerability, (scanned, judged), attestors, now, report)
                {
                    by_id.insert(vulnerability.id, listed);
                }
            }
        }
        let mut listed: Vec<_> = by_id.into_values().collect();
        listed.sort_by_key(|listed| Reverse((listed.is_exploited, listed.rating.counts_as())));
        listed
    }

    fn counting<'e>(&self, scanned: &Scanned<'e>, vulnerability: Vulnerability<'e>) -> Option<Listed<'e>> {
        if self.fixable_only && !vulnerability.fixable {
            return None;
        }
        let rating = vulnerability.rating(self.severity_source.as_deref());
        let is_exploited = self.known_exploited
            && vulnerability.names().any(|name| scanned.evidence.is_known_exploited(name));
        let counts = is_exploited || rating.counts_as() >= Some(self.severity);
        counts.then_some(Listed { rating, is_exploited, vulnerability })
    }
}

impl Listed<'_> {
    /// `CVE-2026-1234 in openssl (fixed in 3.0.16)`.
    fn name(&self) -> String {
        let Vulnerability { id, fixable, fixed_in, .. } = self.vulnerability;
        let package = self.vulnerability.package_name();
        let exploited = if self.is_exploited { "known to be exploited, " } else { "" };
        match (fixable, fixed_in) {
            (true, "") => format!("{id} in {package} ({exploited}fixed)"),
            (true, versions) => format!("{id} in {package} ({exploited}fixed in {versions})"),
            (false, _) => format!("{id} in {package} ({exploited}no fix yet)"),
        }
    }
}
