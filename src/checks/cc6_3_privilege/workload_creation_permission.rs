//! Lists who may run workloads in every namespace.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Part, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "workload-creation-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "the power to run workloads ends at the namespaces of a role"),
        Support::supporting(Criterion::CC6_1, "workloads of others stay out of reach"),
    ],
    severity: Severity::Medium,
    needs: &[Need::OldObject, Need::Optional(Part::Roles)],
    title: "permission to run workloads everywhere",
    why: "A pod mounts the secrets of its namespace and acts with its service accounts. Whoever may run \
          pods in every namespace can use all of them, those of the system included.",
    fix: "Bind it with a RoleBinding in the namespaces that need it.",
    references: &[Reference::Cis("5.1.4"), Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: deployer}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [create, patch]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer, namespace: shop}
rules:
- apiGroups: [apps]
  resources: [deployments]
  verbs: [create, patch]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::WORKLOAD_CREATION.examine(at, ask, report);
}
