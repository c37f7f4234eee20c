//! Refuses workloads that carry a proven credential in their own text.

use super::{Allowed, is_certain, report_secrets, report_unread};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    secrets::Site,
};

pub(super) const CHECK: Check = Check {
    id: "hardcoded-secret",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::C1_1, "a credential is confidential information, stored as such"),
        Support::context(Criterion::CC6_7, "the object travels wherever manifests travel"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "hard-coded secret",
    why: "Whoever may read the workload, its backups, its pipeline or the audit log has the credential, and nobody can tell who used it.",
    fix: "Rotate it, put it into a Secret and refer to that by `secretKeyRef`.",
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
    - {name: GITHUB_TOKEN, value: \"",
            "gh",
            "p_",
            "8tViZ1sMxLgp",
            "n3J1RJiuLykt",
            "iYJBiA0TESSq",
            "\"}
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
    - {name: GITHUB_TOKEN, valueFrom: {secretKeyRef: {name: web-secrets, key: GITHUB_TOKEN}}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, build),
};

fn build(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allowed: Allowed = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        report_secrets(ask, report, |spot| {
            matches!(spot.site, Site::Environment | Site::Command)
                && is_certain(spot)
                && !allowed.permits(spot)
        });
        report_unread(ask, report);
    })))
}
