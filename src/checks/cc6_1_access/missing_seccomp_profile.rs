//! Asks every container for a filter of system calls.

use serde::Deserialize;

use super::is_excused_windows;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "missing-seccomp-profile",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(
        Criterion::CC6_1,
        "closes the system calls of the shared kernel that no workload needs",
    )],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "missing seccomp profile",
    why: "Kubernetes filters no system calls unless it is told to. The runtime's own profile costs ordinary programs \
          nothing and closes the calls that most escapes to the node begin with.",
    fix: "Set `securityContext.seccompProfile.type: RuntimeDefault` for the pod.",
    references: &[Reference::restricted("Seccomp"), Reference::Cis("5.6.2"), Reference::Nsa("t1.10")],
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
  securityContext: {seccompProfile: {type: RuntimeDefault}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Says that all kubelets run with `--seccomp-default`, which no manifest shows.
    kubelet_defaults: bool,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { kubelet_defaults } = params.read()?;
    Ok(Examiner::Container(Box::new(move |at, ask, report| missing(at, kubelet_defaults, ask, report))))
}

fn missing(at: &ContainerAt<'_>, kubelet_defaults: bool, ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(19) || is_excused_windows(&at.pod, ask) {
        return;
    }
    let of_pod = at.pod.spec.security_context.as_ref().and_then(|context| context.seccomp_profile.as_ref());
    let own = at.container.security_context.as_ref().and_then(|context| context.seccomp_profile.as_ref());
    // A container's own profile of the wrong type is what `unconfined-seccomp` reports.
    if own.is_some() || of_pod.is_some_and(|profile| profile.confines()) {
        return;
    }
    if kubelet_defaults {
        let reason = "the policy says that the kubelets run with --seccomp-default, which no manifest shows";
        report.not_assessable(Missing::NotKnownHere(reason.into()));
    } else {
        report.violation(at.at("securityContext.seccompProfile"), "is not set, here or for the pod");
    }
}
