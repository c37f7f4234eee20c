//! Refuses containers that run with every power of their node.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "privileged-container",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps workloads isolated from the node and from each other"),
        Support::supporting(
            Criterion::CC6_8,
            "a container without the node's powers cannot install software on it",
        ),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "privileged container",
    why: "It holds every capability and every device of its node, so whoever takes the container takes the node and \
          all workloads on it.",
    fix: "Drop it and add the one capability the program needs.",
    references: &[
        Reference::baseline("Privileged Containers"),
        Reference::Cis("5.2.2"),
        Reference::Nsa("t1.2"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {privileged: true}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {privileged: false}
",
    ),
    examine: Examine::EachContainer(privileged),
};

fn privileged(at: &ContainerAt<'_>, _: &Ask<'_>, report: &mut Report) {
    let security = at.container.security_context.as_ref();
    if security.and_then(|security| security.privileged) == Some(true) {
        report.violation(at.at("securityContext.privileged"), "is true");
    }
}
