//! Asks that a container's image cannot make it run as root.

use super::root_is_harmless;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "possible-root-user",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps workloads from running as the user who owns the node")],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "possible root user",
    why: "Without this setting the image decides, and most images choose root. Root in a container is root on the node \
          as soon as any fault lets it out.",
    fix: "Set `runAsNonRoot: true` for the pod, and a numeric `runAsUser` where the image names its user by name.",
    references: &[
        Reference::restricted("Running as Non-root"),
        Reference::Cis("5.2.7"),
        Reference::Nsa("t1.0"),
        Reference::Kep(127),
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
  securityContext: {runAsNonRoot: true}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::EachPod(possible_root),
};

fn possible_root(pod: &PodAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if root_is_harmless(pod, ask) {
        return;
    }
    let of_pod = pod.spec.security_context.as_ref().and_then(|context| context.run_as_non_root);
    if of_pod == Some(false) {
        report.violation(pod.at("securityContext.runAsNonRoot"), "is false");
    }
    for at in pod.containers() {
        let own = at.container.security_context.as_ref().and_then(|context| context.run_as_non_root);
        let what = match own {
            Some(false) => "is false",
            None if of_pod != Some(true) => "is not set, and not true for the pod",
            _ => continue,
        };
        report.violation(at.at("securityContext.runAsNonRoot"), what);
    }
}
