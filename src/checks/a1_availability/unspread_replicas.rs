//! Records replicas that nothing keeps from sharing one node.

use super::{least_replicas, workload};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Need, Part, Report},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "unspread-replicas",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_2, "a workload outlives the loss of a node or a zone")],
    severity: Severity::Low,
    needs: &[Need::Optional(Part::Autoscalers)],
    title: "replicas that may share a node",
    why: "Several replicas on one node, or in one zone, go down together. The scheduler spreads them only as far as it \
          finds convenient, unless it is told to.",
    fix: "Add `topologySpreadConstraints` by node and zone, or a pod anti-affinity.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      topologySpreadConstraints:
      - maxSkew: 1
        topologyKey: kubernetes.io/hostname
        whenUnsatisfiable: ScheduleAnyway
        labelSelector: {matchLabels: {app: web}}
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Deployment, Kind::StatefulSet]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some((object, workload)) = workload(ask) else { return };
    let Some(pod) = object.pod() else { return };
    let anti_affinity = pod.spec.affinity.as_ref().and_then(|affinity| affinity.pod_anti_affinity.as_ref());
    let is_spread = !pod.spec.topology_spread_constraints.is_empty()
        || anti_affinity.is_some_and(|own| !own.required.is_empty() || !own.preferred.is_empty());
    if !is_spread && least_replicas(ask, object, workload) > 1 {
        let what = "is not set, nor is a pod anti-affinity";
        report.violation(pod.at("topologySpreadConstraints"), what);
    }
}
