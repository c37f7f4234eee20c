//! Refuses images that are signed, but by nobody who may.

use super::{
    attested::{Held, look},
    identity::Identities,
    signers::{self, Signers, known},
    unsigned_image::{self, has_any, is_signed, signatures},
};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Need, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::Attested,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "untrusted-signer",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "a signature counts only if its signer may make the software"),
        Support::supporting(Criterion::CC8_1, "what runs went through the pipeline that signs"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "image signed by somebody else",
    why: "Anybody can sign anything. A signature by another identity, for another repository or of another digest says \
          nothing about this image, and may be an attempt to pass.",
    fix: "Sign the digest by the identity that the policy names for it; find out who else signed it.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:3333333333333333333333333333333333333333333333333333333333333333
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

/// How many signers, or reasons, a message names.
const NAMED: usize = 2;

fn examine(at: &ImageAt<'_>, signers: &Signers, ask: &Ask<'_>, report: &mut Report) {
    let unsigned =
        |reason: &'static str| Missing::LeftTo { check: unsigned_image::CHECK.id, reason: reason.into() };
    let held = match known(at, look(at, signers.tag_only, ask), report) {
        None => return,
        Some(None) => return report.not_assessable(unsigned("an image is named without a digest")),
        Some(Some(held)) => held,
    };
    if held.is(&|attested| is_signed(attested, held.image, signers), report) != Some(false) {
        return;
    }
    let identities = &signers.identities;
    if !held.all().any(has_any) || !identities.cover(held.image) {
        return report
            .not_assessable(unsigned("an image has no signature, or nobody is named who may sign it"));
    }
    let what = format!(
        "{}: none of its signatures counts: {}{}",
        quoted(at.reference),
        reasons(&held, identities).join("; "),
        held.found
    );
    report.violation_of(at.place(), at.reference, what);
}

/// Who signed, or why a signature is refused: the first few of each image.
fn reasons(held: &Held<'_>, identities: &Identities) -> Vec<String> {
    let by = |attested: &'_ Attested| -> Vec<String> {
        let signed = signatures(attested).filter_map(|by| {
            let verdict = identities.judge(held.image, by);
            (!identities.allow(held.image, by)).then(|| format!("one {}", verdict.reason(by)))
        });
        let refused = attested.refused.iter().filter(|refused| refused.is_signature);
        signed.chain(refused.map(|refused| format!("one is refused: {}", refused.reason))).collect()
    };
    let mut all: Vec<String> = Vec::new();
    for reason in held.all().flat_map(by) {
        // The platforms of an index are signed by one and the same.
        if !all.contains(&reason) {
            all.push(reason);
        }
    }
    if all.is_empty() {
        return vec!["not every platform of it is signed".to_owned()];
    }
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("+{more} more"));
    }
    all
}
