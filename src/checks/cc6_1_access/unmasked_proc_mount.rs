//! Refuses a /proc whose dangerous parts the runtime does not cover.

use super::root_is_harmless;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "unmasked-proc-mount",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps the kernel's settings and the node's memory covered")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "unmasked /proc",
    why: "The runtime covers those parts of /proc that show the node's memory and change its kernel. Unmasked, root in \
          the container reads and writes them.",
    fix: "Remove it, or set it to Default; programs that build containers can run in a pod with `hostUsers: false`.",
    references: &[Reference::baseline("/proc Mount Type"), Reference::Kep(127)],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {procMount: Unmasked}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {procMount: Default}
",
    ),
    examine: Examine::EachContainer(unmasked),
};

fn unmasked(at: &ContainerAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if !root_is_harmless(&at.pod, ask) {
        report_unmasked(at, report);
    }
}

/// The rule itself; the two levels of the standard differ in where they apply it.
pub(super) fn report_unmasked(at: &ContainerAt<'_>, report: &mut Report) {
    let mount = at.container.security_context.as_ref().and_then(|context| context.proc_mount.as_deref());
    if let Some(mount) = mount.filter(|mount| *mount != "Default") {
        report.violation_of(at.at("securityContext.procMount"), mount, format!("is {}", quoted(mount)));
    }
}
