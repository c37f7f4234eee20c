//! Records Deployments that stop serving while a new version is rolled out.

use super::workload;
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Report},
    criterion::{Criterion, Severity, Support},
    object::{ContainerList, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "interrupting-rollout",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_2, "a change of version leaves the service running")],
    severity: Severity::Low,
    needs: &[],
    title: "rollout that interrupts the service",
    why: "Recreate ends every old pod before the first new one starts. Without a readiness probe a new pod gets \
          requests before it can answer them.",
    fix: "Use RollingUpdate, with a readiness probe that says when a pod can serve.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  strategy: {type: Recreate}
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/shop/web:1.0
        readinessProbe: {httpGet: {path: /readyz, port: 8080}}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  strategy: {type: RollingUpdate}
  template:
    spec:
      containers:
      - name: app
        image: registry.example.com/shop/web:1.0
        readinessProbe: {httpGet: {path: /readyz, port: 8080}}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Deployment]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some((object, workload)) = workload(ask) else { return };
    if &*workload.strategy == "Recreate" {
        report.violation(Place::of("spec.strategy.type"), "is Recreate");
    }
    let Some(pod) = object.pod() else { return };
    // One probe will do: a pod is ready when all that are asked say so.
    let mut serving = pod.containers().filter(|at| at.list == ContainerList::Containers);
    if serving.all(|at| at.container.readiness_probe.is_none()) {
        report.violation(pod.at("containers"), "have no readiness probe");
    }
}
