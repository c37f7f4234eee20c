//! Warns of meshed workloads that take calls from anybody, or past the mesh (Linkerd).

use super::report_left_out;
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Kind, Pairs, Place},
};

pub(super) const CHECK: Check = Check {
    id: "unauthenticated-mesh-inbound",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "a workload knows who calls it"),
        Support::supporting(Criterion::CC6_7, "what workloads send each other is encrypted on its way"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "unauthenticated calls in the mesh",
    why: "Linkerd lets calls without an identity in unless it is told otherwise, and what skips the proxy is neither \
          encrypted nor checked.",
    fix: "Use `all-authenticated` or `cluster-authenticated`, and opaque ports instead of skipped ones.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {config.linkerd.io/default-inbound-policy: all-unauthenticated}}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, annotations: {config.linkerd.io/default-inbound-policy: all-authenticated}}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Whole(Kinds::These(&KINDS), look),
};

/// What has pods, and the namespace, whose annotations hold for all of them.
const KINDS: [Kind; 10] = [
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Namespace,
];

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(object) = ask.object else { return };
    if let Some(pod) = object.pod() {
        annotated(&pod.metadata.annotations, |key| pod.annotation(key), report);
    } else if object.kind == Kind::Namespace {
        let place = |key: &str| Place::of("metadata").entry("annotations", key);
        annotated(&object.metadata.annotations, place, report);
    }
}

fn annotated(annotations: &Pairs<'_>, place: impl Fn(&str) -> Place, report: &mut Report) {
    for (key, value) in annotations.iter() {
        let Some(setting) = key.strip_prefix("config.linkerd.io/") else { continue };
        match setting {
            // `audit` lets everybody in and only writes it down.
            "default-inbound-policy"
                if matches!(&**value, "all-unauthenticated" | "cluster-unauthenticated" | "audit") =>
            {
                report.violation_of(place(key), value, format!("is {}", quoted(value)));
            }
            "skip-inbound-ports" | "skip-outbound-ports" | "skip-subnets" => {
                report_left_out(value, || place(key), report);
            }
            _ => {}
        }
    }
}
