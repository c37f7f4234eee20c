//! Refuses to let the filter of system calls be switched off.

use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "unconfined-seccomp",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps most of the shared kernel out of a workload's reach")],
    severity: Severity::High,
    needs: &[Need::Version],
    title: "container without seccomp filter",
    why: "The filter closes system calls that ordinary programs never make and most escapes to the node begin with. \
          Unconfined, all of the kernel is open to attack.",
    fix: "Set the profile's type to RuntimeDefault, or to Localhost with a profile of your own.",
    references: &[Reference::baseline("Seccomp")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seccompProfile: {type: Unconfined}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seccompProfile: {type: RuntimeDefault}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::EachPod(unconfined),
};

/// How seccomp was set before there was a field (Kubernetes 1.19).
const POD_ANNOTATION: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// The same for one container, whose name follows.
const CONTAINER_ANNOTATION: &str = "container.seccomp.security.alpha.kubernetes.io/";

fn unconfined(pod: &PodAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(19) {
        return unconfined_by_annotation(pod, report);
    }
    for security in pod.security_contexts() {
        if let Some(profile) = security.seccomp_profile.filter(|profile| !profile.confines()) {
            let place = security.at("seccompProfile.type");
            report.violation_of(place, &profile.kind, format!("is {}", quoted(&profile.kind)));
        }
    }
}

fn unconfined_by_annotation(pod: &PodAt<'_>, report: &mut Report) {
    for (key, value) in pod.metadata.annotations.iter() {
        let names_container = |name: &str| pod.containers().any(|at| &*at.container.name == name);
        let counts =
            &**key == POD_ANNOTATION || key.strip_prefix(CONTAINER_ANNOTATION).is_some_and(names_container);
        let confines =
            matches!(&**value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
        if counts && !confines {
            report.violation_of(pod.annotation(key), value, format!("is {}", quoted(value)));
        }
    }
}
