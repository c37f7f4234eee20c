//! Asks who may have tokens made that speak for an API server to webhooks.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "webhook-attestation-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody but an API server speaks for one"),
        Support::supporting(Criterion::CC6_1, "webhooks answer only those whom they should"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "permission to attest admission reviews",
    why: "A token with this attestation tells a webhook that an API server asks. Whoever has one can ask in \
          its name, and learns what a webhook would answer about objects that he may not even read.",
    fix: "Remove it: only API servers that call webhooks need it.",
    references: &[Reference::Kep(6060)],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: probe}
rules:
- apiGroups: [authentication.k8s.io]
  resources: [admissionReviewAPIGroups]
  verbs: [attest]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: probe}
rules:
- apiGroups: [authentication.k8s.io]
  resources: [tokenreviews]
  verbs: [create]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::WEBHOOK_ATTESTATION.examine(at, ask, report);
}
