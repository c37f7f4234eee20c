//! Asks who may read the secrets of every namespace, or all of one.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Part, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "secret-read-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are read by those who need them"),
        Support::direct(Criterion::CC6_3, "a role opens the secrets that it needs and no others"),
        Support::supporting(Criterion::C1_1, "what is confidential is read by few"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject, Need::Optional(Part::Roles)],
    title: "permission to read secrets",
    why: "A list of secrets carries their contents, and a watch sends every one that comes. Tokens and \
          passwords of others are then there for the taking, those of administrators among them.",
    fix: "List the needed secrets in `resourceNames` with get; for whole namespaces bind a Role in each.",
    references: &[
        Reference::Cis("5.1.2"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
        Reference::Kubernetes("Good practices for Kubernetes Secrets"),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules:
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules:
- apiGroups: ['']
  resources: [secrets]
  resourceNames: [web-tls]
  verbs: [get, list]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::SECRET_READING.examine(at, ask, report);
}
