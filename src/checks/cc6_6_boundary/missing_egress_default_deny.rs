//! Asks that pods of a namespace connect only to what somebody has allowed.

use super::default_deny;
use crate::{
    check::{Check, Examine, Examples, Need, Part, Reference},
    criterion::{Criterion, Severity, Support},
    object::Direction,
};

pub(super) const CHECK: Check = Check {
    id: "missing-egress-default-deny",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "connections that leave a workload are chosen"),
        Support::supporting(Criterion::CC6_7, "data leaves a workload on known ways only"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Inventory(Part::NetworkPolicies), Need::Inventory(Part::Namespaces)],
    title: "namespace without a default-deny policy for egress",
    why: "Whoever takes over a pod fetches tools, sends data out and asks the cloud's metadata service for credentials. \
          All of it needs connections that the program never makes.",
    fix: "Add one with `podSelector: {}`, `policyTypes: [Egress]` and a rule for DNS (port 53), then allow the rest.",
    references: &[Reference::Cis("5.3.2"), Reference::Nsa("t2.0"), Reference::Kubernetes("Network Policies")],
    examples: Examples::new(
        "
apiVersion: batch/v1
kind: Job
metadata: {name: report, namespace: lab}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/report:1.0'}
",
        "
apiVersion: batch/v1
kind: Job
metadata: {name: report, namespace: shop}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/report:1.0'}
",
    )
    .amid(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
      podSelector: {matchLabels: {k8s-app: kube-dns}}
    ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
",
    ),
    examine: Examine::Configured(default_deny::KINDS, |params| {
        default_deny::examiner(params, Direction::Egress)
    }),
};
