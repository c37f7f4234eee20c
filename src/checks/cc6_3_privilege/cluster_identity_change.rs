//! Notes writes to the objects that say whom the cluster takes for whom.

use serde::Deserialize;

use super::name_pattern::NamePattern;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Principal, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "cluster-identity-change",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who becomes an administrator is decided by role, not by an edit"),
        Support::supporting(Criterion::CC6_1, "trust in certificates and identities is changed by few"),
        Support::supporting(
            Criterion::CC6_2,
            "a mapping from cloud users to cluster users is a registration",
        ),
    ],
    severity: Severity::High,
    needs: &[Need::Request],
    title: "change of whom the cluster trusts",
    why: "A line in one of these objects makes a cloud user an administrator, or another certificate authority one that \
          the cluster believes. No role and no binding shows it.",
    fix: "Let whoever manages the cluster's identities do it, who is named in `allow`.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapUsers: '[{userarn: arn:aws:iam::111122223333:user/ann, groups: [system:masters]}]'
",
        "
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: shop}
data:
  mapUsers: '[]'
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::ConfigMap, Kind::ClusterTrustBundle]), configure),
};

/// Who is who on EKS; what a new control-plane node believes; whom extension API servers believe.
const CONFIG_MAPS: [&str; 3] =
    ["kube-system/aws-auth", "kube-system/kubeadm-config", "kube-system/extension-apiserver-authentication"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Parameters {
    /// `namespace/name`; the name may end in `*`.
    config_maps: Vec<String>,
    /// Who manages the cluster's identities.
    allow: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { config_maps: CONFIG_MAPS.map(str::to_owned).to_vec(), allow: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { config_maps, allow } = params.read()?;
    let config_maps = NamePattern::read_all(params, "configMaps", &config_maps)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &config_maps, &allow, report))))
}

fn examine(ask: &Ask<'_>, config_maps: &[NamePattern], allow: &[Principal], report: &mut Report) {
    let request = ask.request;
    let fits = |one: &NamePattern| one.fits(&request.namespace, request.object_name());
    if request.kind == Kind::ConfigMap && !config_maps.iter().any(fits) {
        return;
    }
    if let Some(requester) = ask.outsider(allow, report) {
        ask.refuse_change(requester, None, report);
    }
}
