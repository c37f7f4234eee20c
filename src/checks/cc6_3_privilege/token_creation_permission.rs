//! Asks who may make tokens of any service account.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "token-creation-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody borrows the rights of an account"),
        Support::supporting(
            Criterion::CC6_2,
            "credentials of an account are made for those who are meant to have them",
        ),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "permission to make tokens",
    why: "A token of an account is the account. Whoever may make one for any of them has the rights of the \
          strongest, and keeps them until the token expires.",
    fix: "List in `resourceNames` the accounts whose tokens are needed.",
    references: &[
        Reference::Cis("5.1.13"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: vault}
rules:
- apiGroups: ['']
  resources: [serviceaccounts/token]
  verbs: [create]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: vault}
rules:
- apiGroups: ['']
  resources: [serviceaccounts/token]
  resourceNames: [vault-agent]
  verbs: [create]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::TOKEN_CREATION.examine(at, ask, report);
}
