//! Refuses images of which nobody trusted says how they were built.

use regex::Regex;
use serde::Deserialize;

use super::{
    identity::{Verdict, Written, whole},
    signers::{Signers, UNFILLED},
    subject::TagOnly,
};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::{Attestation, Attested, Claim},
    manifest::Unusable,
    object::{ImageAt, ImageReference},
};

pub(super) const CHECK: Check = Check {
    id: "missing-provenance",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software is built where it may be, from the source it is said to be"),
        Support::supporting(Criterion::CC8_1, "what runs was built from the source that was reviewed"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "image without provenance",
    why: "A signature says who, not how: a laptop with the key can sign as well. Provenance (SLSA) names the builder and \
          the source, so that an image from outside the pipeline is noticed.",
    fix: "Build it in the pipeline that attests SLSA provenance, from a repository that the policy allows.",
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
        "{identities: [{images: registry.example.com/shop, issuer: 'https://ci.example.com', subject: 'https://ci\\.example\\.com/shop/.+'}], builders: ['https://ci\\.example\\.com/builder@v1'], sources: ['git\\+https://git\\.example\\.com/shop/.+']}",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Whose provenance counts; mandatory.
    identities: Vec<Written>,
    /// What the whole `builder.id` must match; empty allows any.
    builders: Vec<String>,
    /// The same for where the source came from.
    sources: Vec<String>,
    tag_only: TagOnly,
}

/// The parameters as they are asked.
struct Reader {
    signers: Signers,
    builders: Vec<Regex>,
    sources: Vec<Regex>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { identities, builders, sources, tag_only } = params.read()?;
    let signers = Signers::read(params, identities, tag_only)?;
    let patterns = |parameter: &str, texts: Vec<String>| -> Result<Vec<Regex>, Unusable> {
        texts.iter().map(|text| whole(params, parameter, text)).collect()
    };
    let (builders, sources) = (patterns("builders", builders)?, patterns("sources", sources)?);
    let Some(signers) = signers else { return Ok(UNFILLED) };
    let reader = Reader { signers, builders, sources };
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| reader.examine(image, ask, report))))
}

impl Reader {
    fn examine(&self, at: &ImageAt<'_>, ask: &Ask<'_>, report: &mut Report) {
        let Some(held) = self.signers.held(at, "provenance", ask, report) else { return };
        let counts = |attested: &Attested| {
            attested.attestations.iter().any(|attestation| self.refusal(held.image, attestation).is_ok())
        };
        if held.is(&counts, report) != Some(false) {
            return;
        }
        let claims = held.all().flat_map(|attested| &attested.attestations);
        let reason = claims.filter_map(|claim| self.refusal(held.image, claim).err().flatten()).next();
        let reason = reason.unwrap_or_else(|| "its registry holds no provenance for it".to_owned());
        let what = format!("{}: {reason}{}", quoted(at.reference), held.found);
        report.violation_of(at.place(), at.reference, what);
    }

    /// Why a statement is not the provenance that is asked for; without a reason if it is none at all.
    fn refusal(&self, image: &ImageReference, attestation: &Attestation) -> Result<(), Option<String>> {
        let Claim::Provenance { builder, source } = &attestation.claim else { return Err(None) };
        let verdict = self.signers.identities.judge(image, &attestation.by);
        if verdict != Verdict::Allowed {
            return Err(Some(format!("its provenance {}", verdict.reason(&attestation.by))));
        }
        let fits = |patterns: &[Regex], text: &str| {
            patterns.is_empty() || patterns.iter().any(|pattern| pattern.is_match(text))
        };
        if !fits(&self.builders, builder) {
            return Err(Some(format!("it was built by {}, which is not allowed", quoted(builder))));
        }
        match source {
            Some(source) if !fits(&self.sources, source) => {
                Err(Some(format!("it was built from {}, which is not allowed", quoted(source))))
            }
            None if !self.sources.is_empty() => {
                Err(Some("its provenance does not say from which source".to_owned()))
            }
            _ => Ok(()),
        }
    }
}
