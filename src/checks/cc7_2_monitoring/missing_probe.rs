//! Asks that the kubelet can tell whether a long-running container still works.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::{ContainerAt, ContainerList, Kind},
};

pub(super) const CHECK: Check = Check {
    id: "missing-probe",
    criterion: Criterion::CC7_2,
    tsc: &[
        Support::supporting(Criterion::A1_2, "a workload that has stopped working is restarted or left out"),
        Support::context(Criterion::CC7_2, "a component that hangs shows as one"),
    ],
    severity: Severity::Low,
    needs: &[],
    title: "container without a probe",
    why: "Without a liveness or readiness probe a process that hangs counts as healthy: it gets requests, and nobody \
          is told.",
    fix: "Add a `readinessProbe`, or a `livenessProbe` where a restart helps.",
    references: &[Reference::Kubernetes("Configure Liveness, Readiness and Startup Probes")],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/shop/web:1.0
        readinessProbe: {httpGet: {path: /readyz, port: 8080}}
",
    ),
    examine: Examine::EachContainer(look),
};

/// What keeps its pods running. A bare Pod and what a Job makes may be meant to end.
const LONG_RUNNING: [Kind; 5] =
    [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::ReplicaSet, Kind::ReplicationController];

fn look(at: &ContainerAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    let container = at.container;
    if at.list != ContainerList::Containers
        || container.liveness_probe.is_some()
        || container.readiness_probe.is_some()
    {
        return;
    }
    if ask.object.is_some_and(|object| LONG_RUNNING.contains(&object.kind)) {
        report.violation(at.at("readinessProbe"), "is not set, nor is a `livenessProbe`");
    }
}
