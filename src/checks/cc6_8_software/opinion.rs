//! Which statements that a vulnerability does not concern an image (VEX) are believed.

use jiff::Timestamp;

use super::{identity::Identities, subject::Scanned};
use crate::{
    check::{Params, Report},
    inventory::{
        ImageEvidence,
        image_evidence::{Judged, Product, VexStatement, VexStatus, Vulnerability},
    },
    manifest::Unusable,
    object::Digest,
};

/// Whose statements in files count, by the author that they name. Attested ones count by who signed them.
pub(super) struct Authors(Vec<String>);

/// One vulnerability in one image.
struct Case<'a, 'e> {
    scanned: &'a Scanned<'e>,
    attestors: &'a Identities,
    digest: &'e Digest,
    vulnerability: Vulnerability<'e>,
    now: Timestamp,
}

impl Authors {
    pub(super) fn read(params: &Params<'_>, authors: Vec<String>) -> Result<Self, Unusable> {
        if authors.iter().any(|author| author.trim().is_empty()) {
            return Err(
                params.refuse("an entry of `vexAuthors` is empty: write the author as the documents do")
            );
        }
        Ok(Self(authors))
    }

    /// Whether somebody who is believed says that the vulnerability does not concern the image. If so, the report
    /// keeps their words.
    pub(super) fn excuse(
        &self,
        vulnerability: Vulnerability<'_>,
        (scanned, judged): (&Scanned<'_>, &Judged<'_>),
        attestors: &Identities,
        now: Timestamp,
        report: &mut Report,
    ) -> bool {
        let case = Case { scanned, attestors, digest: judged.digest, vulnerability, now };
        let Some(statement) = self.reason(&case) else { return false };
        let why = if statement.why.is_empty() { String::new() } else { format!(" ({})", statement.why) };
        report.suppressed(format!(
            "{} in {}: {}{why} by {}, {}",
            vulnerability.id,
            vulnerability.package_name(),
            statement.status.id(),
            statement.author,
            statement.at.strftime("%F")
        ));
        true
    }

    /// The statement that excuses it. Of each product the latest counts; where two products are told apart, none may
    /// say otherwise.
    fn reason<'e>(&self, case: &Case<'_, 'e>) -> Option<&'e VexStatement> {
        let evidence = case.scanned.evidence;
        let named = || case.vulnerability.names().flat_map(|name| evidence.vex(name));
        // Of most vulnerabilities nobody says anything.
        named().next()?;
        let said: Vec<(&VexStatement, &Product)> = named()
            .filter(|statement| self.counts(statement, case))
            .flat_map(|statement| statement.products.iter().map(move |product| (&**statement, product)))
            .filter(|(statement, product)| concerns(statement, product, case))
            .collect();
        let is_latest = |(statement, product): &&(&VexStatement, &Product)| {
            !said.iter().any(|(other, of)| of == product && other.at > statement.at)
        };
        let latest = || said.iter().filter(is_latest).map(|(statement, _)| *statement);
        latest().all(|statement| excuses(statement.status)).then(|| latest().next()).flatten()
    }

    fn counts(&self, statement: &VexStatement, case: &Case<'_, '_>) -> bool {
        // Nobody's word counts before they gave it, nor without the reason that OpenVEX asks for.
        if statement.at > case.now
            || (statement.status == VexStatus::NotAffected && statement.why.trim().is_empty())
        {
            return false;
        }
        match (&statement.by, &statement.subject) {
            (Some(by), Some(subject)) => {
                case.attestors.allow(case.scanned.image, by)
                    && holds(case.scanned.evidence, subject, case.digest)
            }
            (Some(_), None) => false,
            (None, _) => self.0.iter().any(|author| **author == *statement.author),
        }
    }
}

const fn excuses(status: VexStatus) -> bool {
    matches!(status, VexStatus::NotAffected | VexStatus::Fixed)
}

/// Whether the first is the second, or an index that holds it.
fn holds(evidence: &ImageEvidence, outer: &Digest, digest: &Digest) -> bool {
    outer == digest || evidence.children(outer).contains(digest)
}

/// Whether a product of a statement is this image, or this package in it.
fn concerns(statement: &VexStatement, product: &Product, case: &Case<'_, '_>) -> bool {
    let Case { scanned, digest, vulnerability, .. } = case;
    let is_package = |purl: &str| matches(purl, vulnerability.package);
    let (purl, subcomponents) = match product {
        Product::Image(image) => return holds(scanned.evidence, image, digest),
        Product::Package { purl, subcomponents } => (purl, subcomponents),
    };
    let is_part = || subcomponents.iter().any(|part| is_package(part));
    if purl.starts_with("pkg:oci/") {
        let is_image = image_of(purl).is_some_and(|image| holds(scanned.evidence, &image, digest));
        return is_image && (subcomponents.is_empty() || is_part());
    }
    // A part of another package: that this is in the image only somebody who speaks of the image can know.
    if subcomponents.is_empty() { is_package(purl) } else { statement.subject.is_some() && is_part() }
}

/// The digest in `pkg:oci/name@sha256%3A...?repository_url=...`.
fn image_of(purl: &str) -> Option<Digest> {
    let (_, version) = bare(purl).rsplit_once('@')?;
    let (algorithm, hex) = ["%3A", "%3a", ":"].iter().find_map(|colon| version.split_once(colon))?;
    Digest::parse(&format!("{algorithm}:{hex}"))
}

/// Whether a package is meant by a purl: the same without qualifiers, in that version if the purl has one.
fn matches(purl: &str, package: &str) -> bool {
    let (meant, found) = (bare(purl), bare(package));
    meant.starts_with("pkg:")
        && found.strip_prefix(meant).is_some_and(|rest| {
            // `pkg:deb/debian/openssl` is not `pkg:deb/debian/openssl-tools`, nor is `@3.0` the version `@3.0.1`.
            rest.is_empty() || (rest.starts_with('@') && !rest.contains('/'))
        })
}

/// A purl without its qualifiers and subpath.
fn bare(purl: &str) -> &str {
    purl.split(['?', '#']).next().unwrap_or(purl)
}
