//! Warns of values that look random behind a name that secrets have.

use serde::Deserialize;

use super::{Allowed, report_secrets};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
    secrets::{Certainty, Site, Spot},
};

pub(super) const CHECK: Check = Check {
    id: "suspected-secret",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::C1_1, "a credential is confidential information, stored as such"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "suspected secret",
    why: "A random value behind the name of a password or key is a credential more often than not, open to whoever reads the object.",
    fix: "If it is a credential, rotate it and refer to a Secret; if not, name it after what it is.",
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
    - {name: DB_PASSWORD, value: \"",
            "k9Tq2vLx",
            "7pRz4nWb",
            "8YdH3mCs",
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
    - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: web-secrets, key: DB_PASSWORD}}}
",
    ),
    examine: Examine::Configured(Kinds::These(KINDS), build),
};

/// The nine kinds with a pod spec, and ConfigMaps.
const KINDS: &[Kind] = &[
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::ConfigMap,
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Own {
    /// In characters; shorter values are not reported.
    minimum_length: usize,
    /// Names that hold no secret here: `SESSION_PREFIX`.
    allow_names: Vec<String>,
    /// Secrets that are known and accepted, by the fingerprint that a finding printed.
    allow_fingerprints: Vec<String>,
}

impl Default for Own {
    fn default() -> Self {
        Self { minimum_length: 8, allow_names: Vec::new(), allow_fingerprints: Vec::new() }
    }
}

fn build(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let own: Own = params.read()?;
    let allowed = Allowed { allow_fingerprints: own.allow_fingerprints, ..Allowed::default() };
    let is_allowed = move |spot: &Spot| {
        let name = spot.hit.inner.as_ref().unwrap_or(&spot.name);
        allowed.permits(spot) || own.allow_names.contains(name) || own.allow_names.contains(&spot.name)
    };
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        report_secrets(ask, report, |spot| {
            spot.site != Site::Metadata
                && spot.hit.certainty == Certainty::Suspected
                && spot.hit.length >= own.minimum_length
                && !is_allowed(spot)
        });
    })))
}
