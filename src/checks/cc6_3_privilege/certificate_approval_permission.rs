//! Refuses roles that approve client certificates of the cluster.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "certificate-approval-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody becomes a user with the rights of another"),
        Support::supporting(Criterion::CC6_2, "who gets a credential is decided by those who may"),
    ],
    severity: Severity::Critical,
    needs: &[Need::OldObject],
    title: "permission to approve certificates",
    why: "Whoever approves or signs for the client signers of the API server makes users of any name and \
          group, and no such certificate can be taken back.",
    fix: "Remove it, or name a signer of your own in `resourceNames`; approvers of kubelets need an \
          exemption.",
    references: &[
        Reference::Cis("5.1.11"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: issuer}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [signers]
  verbs: [approve, sign]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: issuer}
rules:
- apiGroups: [certificates.k8s.io]
  resources: [signers]
  resourceNames: [example.com/internal]
  verbs: [approve, sign]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::CERTIFICATE_APPROVAL.examine(at, ask, report);
}
