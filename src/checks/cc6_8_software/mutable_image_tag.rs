//! Refuses tags that are made to move.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ImageAt,
};

pub(super) const CHECK: Check = Check {
    id: "mutable-image-tag",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software does not change without a change to the workload"),
        Support::supporting(Criterion::CC8_1, "what was approved is what runs"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "mutable image tag",
    why: "A tag like `latest` is moved with every build. Two pods of one Deployment may run different programs, nobody \
          can say which, and what was reviewed is not what the next restart pulls.",
    fix: "Name a version that is never pushed again, better a digest.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:latest
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.4.2
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    tags: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        let tags = ["latest", "dev", "main", "master", "nightly", "edge", "canary"];
        Self { tags: tags.map(str::to_owned).into() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { tags } = params.read()?;
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| examine(image, &tags, ask, report))))
}

/// A reference that does not parse is `untrusted-registry`'s to report: it has no tag that anyone could pull.
fn examine(at: &ImageAt<'_>, tags: &[String], ask: &Ask<'_>, report: &mut Report) {
    let Ok(image) = ask.image(at) else { return };
    let written = || quoted(at.reference);
    let what = match (&image.digest, &image.tag) {
        (Some(_), _) => return,
        (None, None) => format!("{} has no tag, which means `latest`", written()),
        (None, Some(tag)) if tags.contains(tag) => format!("{} has the tag `{tag}`, which moves", written()),
        (None, Some(_)) => return,
    };
    report.violation_of(at.place(), at.reference, what);
}
