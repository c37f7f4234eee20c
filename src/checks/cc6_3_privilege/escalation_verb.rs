//! Refuses roles that let their holders grant more than they have.

use serde::Deserialize;

use super::permission::{self, fits};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
};

pub(super) const CHECK: Check = Check {
    id: "escalation-verb",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody widens roles beyond what was approved for them"),
        Support::supporting(Criterion::CC6_1, "rights end where the approved role ends"),
    ],
    severity: Severity::Critical,
    needs: &[Need::OldObject],
    title: "permission to escalate",
    why: "Kubernetes lets nobody grant more than they have, except through these two verbs: with escalate \
          one writes any rule into a role, with bind one gives oneself a role of any power. Whoever holds \
          one of them is an administrator of the cluster.",
    fix: "Remove escalate; for bind, list in `resourceNames` the ordinary roles that may be handed out.",
    references: &[Reference::Cis("5.1.8"), Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant-operator}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  verbs: [bind]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant-operator}
rules:
- apiGroups: [rbac.authorization.k8s.io]
  resources: [rolebindings]
  verbs: [create]
- apiGroups: [rbac.authorization.k8s.io]
  resources: [clusterroles]
  resourceNames: [tenant-developer]
  verbs: [bind]
",
    ),
    examine: Examine::Configured(Kinds::Roles, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Roles that nobody may be let to bind; one that ends in `*` stands for all that begin so.
    privileged: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { privileged: permission::ESCALATION.names() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { privileged } = params.read()?;
    permission::refuse_unusable(params, "privileged", &privileged)?;
    Ok(Examiner::Rule(Box::new(move |at, ask, report| {
        let is_listed = |name: &str| privileged.iter().any(|listed| fits(listed, name));
        permission::ESCALATION.examine_listing(at, ask, report, &is_listed);
    })))
}
