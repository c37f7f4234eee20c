//! Refuses to let AppArmor be switched off or replaced by a profile that nobody knows.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "unconfined-apparmor",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps the kernel's own limits around every container")],
    severity: Severity::Medium,
    needs: &[],
    title: "container without AppArmor",
    why: "On nodes with AppArmor the runtime's profile keeps a container from mounting file systems and from writing to \
          the kernel's files in /proc and /sys, even as root. Unconfined, nothing does.",
    fix: "Remove the profile or set its type to RuntimeDefault, or to Localhost with a profile of your own.",
    references: &[Reference::baseline("AppArmor"), Reference::Nsa("t1.9")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {appArmorProfile: {type: Unconfined}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {appArmorProfile: {type: RuntimeDefault}}
",
    ),
    examine: Examine::EachPod(unconfined),
};

/// How AppArmor was set before there was a field (Kubernetes 1.30); a container's name follows.
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

fn unconfined(pod: &PodAt<'_>, _: &Ask<'_>, report: &mut Report) {
    for security in pod.security_contexts() {
        if let Some(profile) = security.app_armor_profile.filter(|profile| !profile.confines()) {
            let place = security.at("appArmorProfile.type");
            report.violation_of(place, &profile.kind, format!("is {}", quoted(&profile.kind)));
        }
    }
    for (key, value) in pod.metadata.annotations.iter().filter(|(key, _)| key.starts_with(ANNOTATION)) {
        let confines = value.is_empty() || &**value == "runtime/default" || value.starts_with("localhost/");
        if !confines {
            report.violation_of(pod.annotation(key), value, format!("is {}", quoted(value)));
        }
    }
}
