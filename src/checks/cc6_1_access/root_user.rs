//! Asks that nothing is told to run as root.

use super::root_is_harmless;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "root-user",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps workloads from running as the user who owns the node")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "root user",
    why: "User 0 in a container is user 0 of the node's kernel: any fault that lets it out makes it root there, and \
          inside it can rewrite the program it runs.",
    fix: "Set it to a number above 0, and let the files that the program writes belong to that user.",
    references: &[
        Reference::restricted("Running as Non-root user"),
        Reference::Nsa("t1.6"),
        Reference::Kep(127),
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
    securityContext: {runAsUser: 0}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {runAsUser: 1000}
",
    ),
    examine: Examine::EachPod(root),
};

fn root(pod: &PodAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(23) || root_is_harmless(pod, ask) {
        return;
    }
    for security in pod.security_contexts() {
        if security.run_as_user == Some(0) {
            report.violation(security.at("runAsUser"), "is 0");
        }
    }
}
