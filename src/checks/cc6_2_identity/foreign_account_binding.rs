//! Asks that rights in a namespace go to accounts of that namespace.

use serde::Deserialize;

use super::bound;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Params, Principal, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, SubjectAt},
};

pub(super) const CHECK: Check = Check {
    id: "foreign-account-binding",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_3, "whoever owns a namespace decides who has rights in it"),
        Support::supporting(Criterion::CC6_2, "accounts get rights where they are registered"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "rights for another namespace's account",
    why: "Whoever can start a pod in the other namespace can act as this account, so the rights here are only as well \
          guarded as that namespace is.",
    fix: "Use an account of this namespace; a tool that works across namespaces can be named in `allow`.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {kind: ServiceAccount, name: runner, namespace: ci}
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {kind: ServiceAccount, name: deployer, namespace: shop}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::RoleBinding]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    allow: Vec<Principal>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    if allow.iter().any(|principal| !matches!(principal, Principal::ServiceAccount { .. })) {
        return Err(params.refuse("`allow` names a user or a group: only service accounts are judged here"));
    }
    Ok(Examiner::Subject(Box::new(move |at, _: &Ask<'_>, report| examine(at, &allow, report))))
}

fn examine(at: &SubjectAt<'_>, allow: &[Principal], report: &mut Report) {
    let Some((namespace, name)) = at.service_account() else { return };
    let own = &*at.object.metadata.namespace;
    if namespace == own || is_bootstrap(at) || allow.iter().any(|allowed| allowed.is_account(namespace, name))
    {
        return;
    }
    if own.is_empty() {
        let reason = "the manifest names no namespace, so that kubectl will choose it";
        return report.not_assessable(Missing::NotKnownHere(reason.into()));
    }
    report.violation_of(at.place(), &at.binding.role_ref.name, bound(at));
}

/// A binding that every API server makes when it first starts: the signer of the cluster's public description.
fn is_bootstrap(at: &SubjectAt<'_>) -> bool {
    const SIGNER: &str = "system:controller:bootstrap-signer";
    let metadata = &at.object.metadata;
    *metadata.namespace == *"kube-public"
        && *metadata.name == *SIGNER
        && *at.binding.role_ref.name == *SIGNER
        && at.service_account() == Some(("kube-system", "bootstrap-signer"))
}
