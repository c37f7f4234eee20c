//! Closes for the restricted level what the baseline allows in a user namespace: an unmasked /proc.

use super::{root_is_harmless, unmasked_proc_mount::report_unmasked};
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "unmasked-proc-in-user-namespace",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(
        Criterion::CC6_1,
        "keeps the kernel's settings covered even where root is confined",
    )],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "unmasked /proc in a user namespace",
    why: "In a user namespace root has no power on the node, yet an unmasked /proc still shows it the kernel's \
          addresses and keys, and leaves one lock less between it and a fault in the kernel.",
    fix: "Remove it, or set it to Default; only programs that build containers need it.",
    references: &[Reference::restricted("/proc Mount Type")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostUsers: false
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
  hostUsers: false
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {procMount: Default}
",
    ),
    examine: Examine::EachContainer(unmasked),
};

fn unmasked(at: &ContainerAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if root_is_harmless(&at.pod, ask) {
        report_unmasked(at, report);
    }
}
