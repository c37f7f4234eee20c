//! Refuses images of which nobody trusted says what is in them.

use serde::Deserialize;

use super::{
    identity::Written,
    signers::{Signers, UNFILLED},
    subject::TagOnly,
};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::{Attested, Attester, Claim},
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "missing-sbom",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::supporting(Criterion::CC6_8, "what software consists of is known"),
        Support::supporting(Criterion::CC7_1, "a newly published vulnerability can be looked up in what runs"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "image without a list of its parts",
    why: "When the next flaw in a library is published, the question is where it runs. Without a bill of materials (SBOM) \
          nobody can say before everything is scanned again.",
    fix: "Make an SBOM in the pipeline, SPDX or CycloneDX, and attest it for the digest (`cosign attest`).",
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
    )
    .under(
        "identities: [{images: registry.example.com/shop, issuer: 'https://ci.example.com', subject: 'https://ci\\.example\\.com/shop/.+'}]",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Whose SBOM counts; mandatory.
    identities: Vec<Written>,
    formats: Vec<Format>,
    tag_only: TagOnly,
}

/// In the words of their makers, and of [`Claim::Sbom`].
#[derive(Clone, Copy, Deserialize)]
enum Format {
    #[serde(rename = "SPDX")]
    Spdx,
    CycloneDX,
}

impl Format {
    const fn id(self) -> &'static str {
        match self {
            Self::Spdx => "SPDX",
            Self::CycloneDX => "CycloneDX",
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            identities: Vec::new(),
            formats: vec![Format::Spdx, Format::CycloneDX],
            tag_only: TagOnly::Violation,
        }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    let Some(signers) = Signers::read(params, parameters.identities, parameters.tag_only)? else {
        return Ok(UNFILLED);
    };
    if parameters.formats.is_empty() {
        return Err(params.refuse("`formats` is empty: name SPDX, CycloneDX or both, or leave it out"));
    }
    let formats = parameters.formats;
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| {
        examine(image, &signers, &formats, ask, report);
    })))
}

fn examine(at: &ImageAt<'_>, signers: &Signers, formats: &[Format], ask: &Ask<'_>, report: &mut Report) {
    let Some(held) = signers.held(at, "SBOM", ask, report) else { return };
    let identities = &signers.identities;
    let counts = |attested: &Attested| {
        sboms(attested).any(|(format, by)| {
            formats.iter().any(|wanted| wanted.id() == format) && identities.allow(held.image, by)
        })
    };
    if held.is(&counts, report) != Some(false) {
        return;
    }
    let reason = match held.all().flat_map(sboms).find(|(_, by)| !identities.allow(held.image, by)) {
        Some((format, by)) => format!("its {format} {}", identities.judge(held.image, by).reason(by)),
        None => match held.all().flat_map(sboms).next() {
            Some((format, _)) => format!("its SBOM is in {format}, which is not asked for"),
            None => "its registry holds no SBOM for it".to_owned(),
        },
    };
    report.violation_of(
        at.place(),
        at.reference,
        format!("{}: {reason}{}", quoted(at.reference), held.found),
    );
}

/// The formats that it is described in, and who says so.
fn sboms(attested: &Attested) -> impl Iterator<Item = (&'static str, &Attester)> {
    attested.attestations.iter().filter_map(|attestation| match attestation.claim {
        Claim::Sbom { format } => Some((format, &attestation.by)),
        _ => None,
    })
}
