//! Asks that somebody approves when a service account becomes an identity of the cloud.

use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Report, quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "cloud-identity-annotation",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_3, "rights in the cloud are granted by those who may grant them"),
        Support::supporting(Criterion::CC6_2, "a workload is authorized before it gets a cloud identity"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "cloud identity for a service account",
    why: "With this annotation every pod of the account can act as a role of the cloud provider: on databases, buckets and \
          keys that no role of the cluster speaks of.",
    fix: "Let one of the policy's `approvers` apply it, once the cloud role's rights are reviewed.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/admin'}
automountServiceAccountToken: false
",
        "
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/shop'}
automountServiceAccountToken: false
",
    )
    .after(
        "
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
  annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::123456789012:role/shop'}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::ServiceAccount]), configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    annotations: Vec<String>,
    /// Who may give an account an identity of the cloud.
    approvers: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        let annotations = [
            "eks.amazonaws.com/role-arn",
            "iam.gke.io/gcp-service-account",
            "azure.workload.identity/client-id",
        ];
        Self { annotations: annotations.map(str::to_owned).to_vec(), approvers: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if parameters.annotations.is_empty() {
        return Err(params.refuse("`annotations` is empty: name one, or set the mode to off"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(object) = ask.object else { return };
        for key in &self.annotations {
            let identity = object.metadata.annotations.get(key).unwrap_or_default();
            let before = ask.old.and_then(|old| old.metadata.annotations.get(key)).unwrap_or_default();
            if identity.is_empty() || identity == before {
                continue;
            }
            let Some(requester) = &ask.request.requester else {
                let reason = "who will apply the cloud identity is not in a manifest";
                return report.not_assessable(Missing::NotKnownHere(reason.into()));
            };
            if self.approvers.iter().any(|approver| approver.includes(requester)) {
                return;
            }
            let what = format!("is {}, and none of the policy's approvers applies it", quoted(identity));
            let place = Place::of("metadata").entry("annotations", key);
            report.violation_of(place, identity, what);
        }
    }
}
