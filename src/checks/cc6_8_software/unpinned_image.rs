//! Refuses images that are not named by what they hold.

use crate::{
    check::{Ask, Check, Examine, Examples, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{ImageAt, ImageReference},
};

pub(super) const CHECK: Check = Check {
    id: "unpinned-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "nothing runs but the very content that was chosen"),
        Support::supporting(Criterion::CC8_1, "what was approved is what runs"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "image without a digest",
    why: "Whoever may push to the repository can put another program behind a tag, after it was scanned, signed and \
          approved. A digest names the content itself.",
    fix: "Append the digest, `image:tag@sha256:...`; the pipeline that builds the image knows it.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.4.2
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.4.2@sha256:1111111111111111111111111111111111111111111111111111111111111111
",
    ),
    examine: Examine::EachImage(examine),
};

fn examine(at: &ImageAt<'_>, _: &Ask<'_>, report: &mut Report) {
    if at.reference.is_empty() {
        return;
    }
    let written = || quoted(at.reference);
    let what = match ImageReference::parse(at.reference) {
        Ok(image) if image.digest.is_some() => return,
        Ok(_) => format!("{} has no digest", written()),
        // A digest of the wrong length is the most likely reason.
        Err(error) => format!("{} pins nothing: {error}", written()),
    };
    report.violation_of(at.place(), at.reference, what);
}
