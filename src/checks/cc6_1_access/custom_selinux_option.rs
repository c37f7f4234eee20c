//! Refuses SELinux labels that take a container out of the runtime's confinement.

use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report, Version, quoted},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "custom-selinux-option",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps the kernel's labels between workloads and the node")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "custom SELinux option",
    why: "On nodes with SELinux the label decides which files and processes a container may touch. A type such as spc_t, \
          or another user or role, sets it free of all that.",
    fix: "Remove `type`, `user` and `role`; only `level` may be chosen.",
    references: &[Reference::baseline("SELinux"), Reference::Nsa("t1.8")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seLinuxOptions: {type: spc_t}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  securityContext: {seLinuxOptions: {level: 's0:c123,c456'}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::EachPod(relabelled),
};

fn relabelled(pod: &PodAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    for security in pod.security_contexts() {
        let Some(options) = security.se_linux_options else { continue };
        for (field, value, accepted) in [
            ("type", &options.kind, is_container_type(&options.kind, ask.version)),
            ("user", &options.user, false),
            ("role", &options.role, false),
        ] {
            if !value.is_empty() && !accepted {
                let place = security.at("seLinuxOptions").field(field);
                report.violation_of(place, value, format!("is {}", quoted(value)));
            }
        }
    }
}

fn is_container_type(kind: &str, version: Version) -> bool {
    match kind {
        "container_t" | "container_init_t" | "container_kvm_t" => true,
        "container_engine_t" => version.at_least(31),
        _ => false,
    }
}
