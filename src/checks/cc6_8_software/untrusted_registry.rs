//! Refuses images from registries that nobody has vetted.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{ImageAt, ImagePrefix},
};

pub(super) const CHECK: Check = Check {
    id: "untrusted-registry",
    criterion: Criterion::CC6_8,
    tsc: &[
        Support::direct(Criterion::CC6_8, "software comes from vetted sources only"),
        Support::supporting(
            Criterion::CC8_1,
            "what runs went through the registry where changes are approved",
        ),
    ],
    severity: Severity::High,
    needs: &[],
    title: "image from an untrusted registry",
    why: "Whoever runs the registry decides what the image holds. From one that nobody has vetted, that may be anyone's \
          program, today or at the next pull.",
    fix: "Push the image to a registry that the policy allows and name it from there.",
    references: &[Reference::Cis("5.5.1")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com.evil.io/shop/web:1.0
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
",
    )
    .under("allow: [registry.example.com/shop]"),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// `host[:port]/prefix`; mandatory.
    #[serde(default)]
    allow: Vec<String>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    if allow.is_empty() {
        return Ok(Examiner::Unfilled { parameter: "allow" });
    }
    let allow = prefixes(params, "allow", &allow)?;
    allow.iter().for_each(|prefix| params.wants_registry(prefix));
    Ok(Examiner::Image(Box::new(move |image, ask: &Ask<'_>, report| examine(image, &allow, ask, report))))
}

/// Reads a parameter that lists parts of registries.
pub(super) fn prefixes(
    params: &Params<'_>,
    parameter: &str,
    texts: &[String],
) -> Result<Vec<ImagePrefix>, Unusable> {
    let read = |text: &String| {
        ImagePrefix::parse(text).map_err(|error| {
            params.refuse(format!(
                "`{text}` in `{parameter}`: {error}; write host, port and path, as in `registry.example.com/team`"
            ))
        })
    };
    texts.iter().map(read).collect()
}

fn examine(at: &ImageAt<'_>, allow: &[ImagePrefix], ask: &Ask<'_>, report: &mut Report) {
    if at.reference.is_empty() {
        return;
    }
    let written = || quoted(at.reference);
    let what = match ask.image(at) {
        Err(error) => format!("{} is no image reference: {error}", written()),
        // An address proves nothing about who answers there, whoever allowed it.
        Ok(image) if image.registry_is_ip() => {
            format!("{} names its registry by address, {}", written(), image.registry)
        }
        Ok(image) if allow.iter().any(|prefix| prefix.covers(image)) => return,
        Ok(image) => format!("{} comes from {}, which is not allowed", written(), image.name()),
    };
    report.violation_of(at.place(), at.reference, what);
}
