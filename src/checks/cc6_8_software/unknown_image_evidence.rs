//! Has the word where a registry has not answered yet, or cannot.

use super::{
    attested::{Look, look},
    subject::TagOnly,
};
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "unknown-image-evidence",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::supporting(Criterion::CC6_8, "software about which nothing can be known yet is noticed"),
        Support::supporting(Criterion::CC7_1, "so is a gap in what is known of its vulnerabilities"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::ImageEvidence)],
    title: "image of which nothing is known yet",
    why: "What is attested of an image is fetched from its registry in the background, so that no request waits for it. \
          Until it is here, or while the registry cannot be asked, nobody can tell whether the image may run.",
    fix: "Apply it again in half a minute. If it stays so, mend what the registry answers.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:4444444444444444444444444444444444444444444444444444444444444444
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

/// Where no registry is asked there is nothing to wait for: the checks that would need its answer say so themselves.
fn examine(at: &ImageAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    let reason = match look(at, TagOnly::Resolve, ask) {
        Look::Unknown(reason) => reason,
        Look::Held(held) => match held.unknown {
            Some(reason) => reason,
            None => return,
        },
        Look::Nothing | Look::Missing(_) | Look::TagOnly => return,
    };
    report.violation_of(at.place(), at.reference, format!("{}: {reason}", quoted(at.reference)));
}
