//! Refuses rights for the account that every pod has who asks for none.

use super::bound;
use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::SubjectAt,
};

pub(super) const CHECK: Check = Check {
    id: "default-service-account-binding",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_3, "rights go to the account of one workload"),
        Support::supporting(Criterion::CC6_2, "no workload gets rights that were granted for another"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "rights for the default service account",
    why: "Every pod that names no account runs as `default`, so a role bound to it belongs to all of them, those of \
          tomorrow included, and nothing tells which of them used it.",
    fix: "Give the workload a service account of its own, name it in the pod, and bind that.",
    references: &[Reference::Cis("5.1.5")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects:
- {kind: ServiceAccount, name: default}
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: web}
subjects:
- {kind: ServiceAccount, name: web}
",
    ),
    examine: Examine::EachSubject(examine),
};

fn examine(at: &SubjectAt<'_>, _: &Ask<'_>, report: &mut Report) {
    if at.service_account().is_some_and(|(_, name)| name == "default") {
        report.violation_of(at.place(), &at.binding.role_ref.name, bound(at));
    }
}
