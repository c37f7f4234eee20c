//! Asks that no program in a container can gain more rights than the one that started it.

use super::is_excused_windows;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "privilege-escalation",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps a workload at the rights that it was started with")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "possible privilege escalation",
    why: "Unless it is forbidden, a setuid program in the image makes root of whoever runs it, so that a user without \
          rights is worth little as a protection.",
    fix: "Set `allowPrivilegeEscalation: false` on the container; a pod cannot set it for all.",
    references: &[
        Reference::restricted("Privilege Escalation"),
        Reference::Cis("5.2.6"),
        Reference::Nsa("t1.7"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {allowPrivilegeEscalation: false}
",
    ),
    examine: Examine::EachContainer(escalation),
};

fn escalation(at: &ContainerAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(8) || is_excused_windows(&at.pod, ask) {
        return;
    }
    let allowed =
        at.container.security_context.as_ref().and_then(|context| context.allow_privilege_escalation);
    let what = match allowed {
        Some(false) => return,
        Some(true) => "is true",
        None => "is not set, which allows it",
    };
    report.violation(at.at("securityContext.allowPrivilegeEscalation"), what);
}
