//! Refuses annotations and labels that carry a proven credential.

use super::{Allowed, is_certain, report_secrets, report_unread};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    secrets::Site,
};

pub(super) const CHECK: Check = Check {
    id: "secret-in-metadata",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::C1_1, "a credential is confidential information, stored as such"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "secret in metadata",
    why: "Metadata is read by every tool that lists objects, and it is cached, exported and shown without care.",
    fix: "Rotate it and keep it in a Secret; an annotation can name that Secret.",
    references: &[Reference::Kubernetes("Good practices for Kubernetes Secrets")],
    examples: Examples::new(
        concat!(
            "
apiVersion: v1
kind: Service
metadata:
  name: web
  annotations: {example.com/deploy-token: \"",
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
kind: Service
metadata:
  name: web
  annotations: {example.com/deploy-token-secret: web-secrets}
",
    ),
    examine: Examine::Configured(Kinds::Any, build),
};

fn build(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allowed: Allowed = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        report_secrets(ask, report, |spot| {
            spot.site == Site::Metadata && is_certain(spot) && !allowed.permits(spot)
        });
        report_unread(ask, report);
    })))
}
