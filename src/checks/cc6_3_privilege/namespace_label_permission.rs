//! Asks who may change the labels of namespaces.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "namespace-label-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody chooses the controls over their own work"),
        Support::supporting(Criterion::CC7_1, "the level that a namespace is held to stays as it was set"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "permission to relabel namespaces",
    why: "Labels of a namespace choose its Pod Security level, the network policies that reach it and the \
          webhooks that see it. Whoever writes them loosens all three, for one namespace as for all.",
    fix: "Let a pipeline of the platform write labels; leave people get, list and watch.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
- apiGroups: ['']
  resources: [namespaces]
  resourceNames: [shop]
  verbs: [get, patch]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: tenant}
rules:
- apiGroups: ['']
  resources: [namespaces]
  resourceNames: [shop]
  verbs: [get]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::NAMESPACE_LABELS.examine(at, ask, report);
}
