//! Refuses roles that reach the kubelets through the API server.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "node-proxy-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(
            Criterion::CC6_3,
            "nobody gets the power over every pod of a node with a right to look",
        ),
        Support::supporting(Criterion::CC6_1, "kubelets are reached by the control plane alone"),
    ],
    severity: Severity::Critical,
    needs: &[Need::OldObject],
    title: "permission to reach kubelets",
    why: "The kubelet runs commands in every pod of its node for whoever has this, even with get alone. \
          Used on the kubelet itself it passes neither admission nor the audit log.",
    fix: "Use nodes/metrics, nodes/stats, nodes/log, nodes/pods, nodes/healthz or nodes/configz.",
    references: &[
        Reference::Cis("5.1.10"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
        Reference::Kep(2862),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: monitoring}
rules:
- apiGroups: ['']
  resources: [nodes/proxy, nodes/metrics]
  verbs: [get]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: monitoring}
rules:
- apiGroups: ['']
  resources: [nodes/metrics, nodes/stats]
  verbs: [get]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::NODE_PROXY.examine(at, ask, report);
}
