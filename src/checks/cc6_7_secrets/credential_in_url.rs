//! Refuses passwords inside URLs and connection strings.

use super::{Allowed, report_secrets};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    secrets::{Certainty, Class},
};

pub(super) const CHECK: Check = Check {
    id: "credential-in-url",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::CC6_7, "a URL is logged and sent on with its password"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "credential in a URL",
    why: "URLs are logged, traced and shown in errors, and the password goes along each time.",
    fix: "Rotate it and put user and password into a Secret; compose the URL from `$(VARIABLES)` that refer to it.",
    references: &[Reference::Cis("5.4.1")],
    examples: Examples::new(
        concat!(
            "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    env:
    - {name: DATABASE_URL, value: \"postgres://shop:",
            "k9Tq2v",
            "Lx7pRz",
            "@db.shop:5432/shop\"}
",
        ),
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    env:
    - {name: DATABASE_URL, value: \"postgres://shop:$(DB_PASSWORD)@db.shop:5432/shop\"}
",
    ),
    examine: Examine::Configured(Kinds::Any, build),
};

fn build(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allowed: Allowed = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        report_secrets(ask, report, |spot| {
            spot.hit.certainty == Certainty::Certain
                && spot.hit.class == Class::UrlCredential
                && !allowed.permits(spot)
        });
    })))
}
