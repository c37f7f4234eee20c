//! Warns of workloads that stay out of the service mesh, or keep some of their traffic out of it.

use super::report_left_out;
use crate::{
    check::{Ask, Check, Examine, Examples, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "mesh-opt-out",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_7, "what workloads send each other is encrypted on its way"),
        Support::supporting(Criterion::CC6_1, "a workload knows who calls it"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "workload outside the mesh",
    why: "What does not go through the mesh goes in the clear and unauthenticated, and the mesh's rules do not hold for \
          it, whatever is set for the namespace.",
    fix: "Remove it and let the mesh carry all traffic of the pod.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {sidecar.istio.io/inject: 'false'}}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {sidecar.istio.io/inject: 'true'}}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::EachPod(look),
};

/// Ports, addresses and interfaces whose traffic goes past the sidecar.
const EXCLUSIONS: [&str; 4] = [
    "traffic.sidecar.istio.io/excludeInboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundPorts",
    "traffic.sidecar.istio.io/excludeOutboundIPRanges",
    "traffic.sidecar.istio.io/excludeInterfaces",
];

fn look(pod: &PodAt<'_>, _: &Ask<'_>, report: &mut Report) {
    for (key, value) in pod.metadata.labels.iter() {
        if opts_out(key, value) {
            report.violation_of(pod.label(key), value, format!("is {}", quoted(value)));
        }
    }
    for (key, value) in pod.metadata.annotations.iter() {
        if opts_out(key, value) {
            report.violation_of(pod.annotation(key), value, format!("is {}", quoted(value)));
        } else if EXCLUSIONS.contains(&&**key) {
            report_left_out(value, || pod.annotation(key), report);
        }
    }
}

/// A label or annotation that keeps a pod out. Older meshes read the one, newer ones the other.
fn opts_out(key: &str, value: &str) -> bool {
    match key {
        // Whatever is not `true` keeps the sidecar out; empty leaves it to the namespace.
        "sidecar.istio.io/inject" => !matches!(value, "" | "true"),
        "istio.io/dataplane-mode" => value == "none",
        "linkerd.io/inject" => value == "disabled",
        _ => false,
    }
}
