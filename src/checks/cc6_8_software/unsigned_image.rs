//! Refuses images that nobody who may has put their name to.

use serde::Deserialize;

use super::{
    attested::{WithoutDigest, held},
    identity::{Identities, Written},
    subject::TagOnly,
    untrusted_signer,
};
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Part, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::{Attested, Attester, Claim},
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "unsigned-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software comes from those who may make it"),
        Support::supporting(Criterion::CC8_1, "what runs went through the pipeline that signs"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "unsigned image",
    why: "Whoever may push to the repository, or has taken it over, can put any program there. A signature ties the digest \
          to the pipeline or person that made it.",
    fix: "Sign the digest in the pipeline (`cosign sign`) and name the image by that digest.",
    references: &[Reference::Cis("5.5.1")],
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// Who may sign; mandatory.
    identities: Vec<Written>,
    tag_only: TagOnly,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { identities, tag_only } = params.read()?;
    let identities = Identities::read(params, "identities", identities)?;
    if identities.is_empty() {
        return Ok(Examiner::Unfilled { parameter: "identities" });
    }
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| {
        examine(image, &identities, tag_only, ask, report);
    })))
}

fn examine(at: &ImageAt<'_>, identities: &Identities, tag_only: TagOnly, ask: &Ask<'_>, report: &mut Report) {
    let written = || quoted(at.reference);
    // That nobody may sign it is known without asking anyone.
    if let Some(image) = identities.uncovered(at.reference) {
        let what = format!("{}: nobody is named who may sign images of {}", written(), image.name());
        return report.violation_of(at.place(), at.reference, what);
    }
    let held = match held(at, tag_only, ask, report) {
        None => return,
        Some(Err(WithoutDigest)) => {
            let what = format!("{} has no digest, so that no signature is known to be of it", written());
            return report.violation_of(at.place(), at.reference, what);
        }
        Some(Ok(held)) => held,
    };
    let is_allowed = |attested: &Attested| signatures(attested).any(|by| identities.allow(&held.image, by));
    if held.is(&is_allowed, report) != Some(false) {
        return;
    }
    if held.all().any(has_any) {
        // Somebody signed: by whom, and why that does not count, is the other's to say.
        return report.not_assessable(Missing::LeftTo {
            check: untrusted_signer::CHECK.id,
            reason: "an image is signed by nobody who may".into(),
        });
    }
    let what = format!("{}: its registry holds no signature for it{}", written(), held.found);
    report.violation_of(at.place(), at.reference, what);
}

/// Who signed an image, believed or not.
pub(super) fn signatures(attested: &Attested) -> impl Iterator<Item = &Attester> {
    let signed = attested.attestations.iter().filter(|attestation| attestation.claim == Claim::Signature);
    signed.map(|attestation| &attestation.by)
}

/// Whether anything at all claims to be a signature of it.
pub(super) fn has_any(attested: &Attested) -> bool {
    signatures(attested).next().is_some() || attested.refused.iter().any(|refused| refused.is_signature)
}
