//! Points out what is attached to an image and speaks of another.

use super::{
    attested::{Held, look},
    signers::known,
    subject::TagOnly,
};
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::image_evidence::Refused,
    object::{Digest, ImageAt},
};

pub(super) const CHECK: Check = Check {
    id: "mismatched-attestation",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "what is said of other software is not taken for this"),
        Support::supporting(Criterion::CC7_2, "an attempt to borrow another image's signature is noticed"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "attestation of another image",
    why: "A signature or attestation that was copied from another image says nothing about this one. It never counts; but \
          somebody who may push to the repository has put it there, by mistake or to pass.",
    fix: "Find out who attached it, take it off, and attest the digest that was built.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:6666666666666666666666666666666666666666666666666666666666666666
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
    examine: Examine::EachImage(examine),
};

/// How many a message names.
const NAMED: usize = 2;

fn examine(at: &ImageAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    // That an image has no digest, or nothing attached, is for the others to say.
    let Some(Some(held)) = known(at, look(at, TagOnly::Resolve, ask), report) else { return };
    let evidence = ask.inventory.image_evidence.ready();
    let is_index_of = |other: &Digest| {
        let children = evidence.map_or(&[][..], |evidence| evidence.children(other));
        *other == *held.digest || children.contains(held.digest)
    };
    let mut told: Vec<String> = Vec::new();
    for (refused, other) in strays(&held) {
        let what = format!("its {} is of {}", refused.what, other.short());
        // The platforms of an index may hold copies of one.
        if !is_index_of(other) && !told.contains(&what) {
            told.push(what);
        }
    }
    if told.is_empty() {
        return;
    }
    let more = told.len().saturating_sub(NAMED);
    told.truncate(NAMED);
    if more > 0 {
        told.push(format!("+{more} more"));
    }
    let what = format!("{}: {}, another image{}", quoted(at.reference), told.join("; "), held.found);
    report.violation_of(at.place(), at.reference, what);
}

/// What is attached and speaks of something else.
fn strays<'e>(held: &Held<'e>) -> impl Iterator<Item = (&'e Refused, &'e Digest)> {
    held.all()
        .flat_map(|attested| &attested.refused)
        .filter_map(|refused| Some((refused, refused.other.as_ref()?)))
}
