//! Asks that a namespace that runs something denies what nobody has allowed.

use super::default_deny;
use crate::{
    check::{Check, Examine, Examples, Need, Part, Reference},
    criterion::{Criterion, Severity, Support},
    object::Direction,
};

pub(super) const CHECK: Check = Check {
    id: "missing-default-deny",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "a pod is reached only by those whom somebody has chosen"),
        Support::direct(Criterion::CC6_1, "workloads of one network are segmented from each other"),
    ],
    severity: Severity::High,
    needs: &[Need::Inventory(Part::NetworkPolicies), Need::Inventory(Part::Namespaces)],
    title: "namespace without a default-deny policy",
    why: "Kubernetes lets every pod reach every other until some policy selects it. Without a policy that selects all, \
          whatever is added tomorrow, or breaks in today, is open to the whole cluster.",
    fix: "Add a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress]`, then allow what is needed.",
    references: &[Reference::Cis("5.3.2"), Reference::Nsa("t2.0"), Reference::Kubernetes("Network Policies")],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: lab}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    )
    .amid(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
",
    ),
    examine: Examine::Configured(default_deny::KINDS, |params| {
        default_deny::examiner(params, Direction::Ingress)
    }),
};
