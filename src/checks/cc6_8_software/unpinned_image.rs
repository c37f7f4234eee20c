//! Refuses images that are not named by what they hold.

use jiff::Timestamp;

use super::subject::ago;
use crate::{
    check::{Ask, Check, Examine, Examples, Report, Violation, quoted},
    criterion::{Criterion, Severity, Support},
    inventory::{Source, image_evidence::Tagged},
    object::{Digest, ImageAt, ImageReference},
};

pub(super) const CHECK: Check = Check {
    id: "unpinned-image",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "nothing runs but the very content that was chosen"),
        Support::supporting(Criterion::CC8_1, "what was approved is what runs"),
    ],
    severity: Severity::Medium,
    // Image evidence only adds to what the reference says, so nothing is needed.
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

fn examine(at: &ImageAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if at.reference.is_empty() {
        return;
    }
    let written = || quoted(at.reference);
    let what = match ask.image(at) {
        Ok(image) if image.digest.is_some() => return,
        Ok(image) => match tagged(image, ask) {
            Some((digest, asked_at)) => {
                return report.violations.push(pinnable(at, image, digest, asked_at, ask));
            }
            None => format!("{} has no digest", written()),
        },
        // A digest of the wrong length is the most likely reason.
        Err(error) => format!("{} pins nothing: {error}", written()),
    };
    report.violation_of(at.place(), at.reference, what);
}

/// The digest that the tag named when its registry was asked last, and when.
fn tagged<'e>(image: &ImageReference, ask: &Ask<'e>) -> Option<(&'e Digest, Timestamp)> {
    let Source::Ready(evidence) = &ask.inventory.image_evidence else { return None };
    match evidence.registry()?.tagged(image)? {
        Tagged::Resolved { digest, asked_at } => Some((digest, *asked_at)),
        Tagged::Pending { .. } | Tagged::Failed { .. } => None,
    }
}

fn pinnable(
    at: &ImageAt<'_>,
    image: &ImageReference,
    digest: &Digest,
    asked_at: Timestamp,
    ask: &Ask<'_>,
) -> Violation {
    let age = ago(Some(asked_at), ask.now);
    let what = format!("{} has no digest; its tag named {} {age}", quoted(at.reference), digest.short());
    let pinned = ImageReference { digest: Some(digest.clone()), ..image.clone() };
    let fix = format!("Write `{pinned}`, if that is the content that was approved.");
    Violation { fix: Some(fix), ..Violation::new(at.place(), at.reference.to_owned(), what) }
}
