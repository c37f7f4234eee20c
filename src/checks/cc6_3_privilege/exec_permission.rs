//! Asks who may run commands in pods that run, or reach into them.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "exec-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "access to running workloads is a right of its own"),
        Support::supporting(Criterion::CC6_1, "nobody enters a workload past its own login"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "permission to reach into pods",
    why: "It runs commands in a container that runs, opens its ports or adds a container beside it: with \
          the rights, secrets and data of whatever runs there. On older servers get alone was enough for \
          it.",
    fix: "Remove it; read with pods/log, and give operators a role of their own for the time they need it.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer, namespace: shop}
rules:
- apiGroups: ['']
  resources: [pods/exec]
  verbs: [create]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: developer, namespace: shop}
rules:
- apiGroups: ['']
  resources: [pods/log]
  verbs: [get]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::EXEC.examine(at, ask, report);
}
