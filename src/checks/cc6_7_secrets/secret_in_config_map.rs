//! Refuses ConfigMaps that carry a proven credential.

use super::{Allowed, is_certain, report_secrets, report_unread};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
    secrets::Site,
};

pub(super) const CHECK: Check = Check {
    id: "secret-in-config-map",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::C1_1, "a credential is confidential information, stored as such"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "secret in a ConfigMap",
    why: "ConfigMaps are neither encrypted at rest nor guarded by the roles that guard Secrets: nearly everybody may read them.",
    fix: "Rotate it and move the entry into a Secret.",
    references: &[Reference::Cis("5.4.1")],
    examples: Examples::new(
        concat!(
            "
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  GITHUB_TOKEN: \"",
            "gh",
            "p_",
            "8tViZ1sMxLgp",
            "n3J1RJiuLykt",
            "iYJBiA0TESSq",
            "\"
",
        ),
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  GITHUB_TOKEN_FILE: /run/secrets/github-token
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::ConfigMap]), build),
};

fn build(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allowed: Allowed = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        report_secrets(ask, report, |spot| {
            spot.site == Site::ConfigMap && is_certain(spot) && !allowed.permits(spot)
        });
        report_unread(ask, report);
    })))
}
