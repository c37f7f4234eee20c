//! Refuses images that no scanner has looked at.

use serde::Deserialize;

use super::{
    identity::Written,
    subject::{Sources, State, TagOnly, state},
};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "unscanned-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software is examined before it runs"),
        Support::direct(Criterion::CC7_1, "vulnerabilities are looked for in everything that runs"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::ImageEvidence)],
    title: "unscanned image",
    why: "Nobody knows what is in it. A scan belongs to a digest: that a tag of this name was scanned once says nothing \
          about what the tag brings today.",
    fix: "Scan the image in the pipeline, hand the report to the gate and name the image by the digest that was scanned.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web@sha256:0000000000000000000000000000000000000000000000000000000000000000
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

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    tag_only: TagOnly,
    /// Whose attested scans count; scans in files and in the cluster always do.
    attestors: Vec<Written>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { tag_only, attestors } = params.read()?;
    let sources = Sources::read(params, tag_only, attestors)?;
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| examine(image, &sources, ask, report))))
}

fn examine(at: &ImageAt<'_>, sources: &Sources, ask: &Ask<'_>, report: &mut Report) {
    let Some(state) = state(at, sources, ask, report) else { return };
    let written = || quoted(at.reference);
    let what = match (state, sources.tag_only) {
        (State::Scanned(_), _) => return,
        (State::Unscanned { digest, disregarded }, _) if disregarded.is_empty() => {
            format!("{}: no scan report is about {}", written(), digest.short())
        }
        (State::Unscanned { digest, disregarded }, _) => {
            format!("{}: no scan that counts is about {}{disregarded}", written(), digest.short())
        }
        (State::TagOnly, TagOnly::Violation) => {
            format!("{} has no digest, so that no scan is known to be of it", written())
        }
        (State::TagOnly, TagOnly::Resolve) => {
            format!("{} has no digest, and no scan report knows its tag", written())
        }
    };
    report.violation_of(at.place(), at.reference, what);
}
