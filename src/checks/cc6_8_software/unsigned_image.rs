//! Refuses images that nobody who may has put their name to.

use super::{
    signers::{self, Signers},
    untrusted_signer,
};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Need, Part, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::{Attested, Attester, Claim, LEFT_OUT},
    object::{ImageAt, ImageReference},
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
    examine: Examine::Configured(Kinds::PodSpecs, |params| signers::configure(params, examine)),
};

fn examine(at: &ImageAt<'_>, signers: &Signers, ask: &Ask<'_>, report: &mut Report) {
    let Some(held) = signers.held(at, "signature", ask, report) else { return };
    if held.is(&|attested| is_signed(attested, held.image, signers), report) != Some(false) {
        return;
    }
    if held.all().any(has_any) {
        // Somebody signed: by whom, and why that does not count, is the other's to say.
        return report.not_assessable(Missing::LeftTo {
            check: untrusted_signer::CHECK.id,
            reason: "an image is signed by nobody who may".into(),
        });
    }
    // Who floods the registry, or attaches what is too large, leaves something unread.
    let unread = held.all().flat_map(|attested| &attested.refused).find(|refused| &*refused.what == LEFT_OUT);
    let unread = unread.map_or(String::new(), |left_out| format!(" (left unread: {})", left_out.reason));
    let what =
        format!("{}: its registry holds no signature for it{unread}{}", quoted(at.reference), held.found);
    report.violation_of(at.place(), at.reference, what);
}

/// Whether somebody signed it who may.
pub(super) fn is_signed(attested: &Attested, image: &ImageReference, signers: &Signers) -> bool {
    signatures(attested).any(|by| signers.identities.allow(image, by))
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
