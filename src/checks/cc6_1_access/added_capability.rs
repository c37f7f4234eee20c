//! Refuses Linux capabilities beyond those that a container runtime gives anyway.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "added-capability",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps the kernel's administrative powers away from workloads")],
    severity: Severity::High,
    needs: &[],
    title: "added capability",
    why: "A capability is a part of root's power over the kernel that all containers of a node share. Those beyond the \
          runtime's own set let a container load modules, read foreign memory or rewrite the node's network.",
    fix: "Remove it from `add`; where only an init container needs it, move that step to the node or to a CNI plugin.",
    references: &[Reference::baseline("Capabilities"), Reference::Cis("5.2.9")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {capabilities: {add: [SYS_ADMIN]}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

/// What the baseline level lets a container add: the set that container runtimes give by default.
pub(super) const STANDARD: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Capabilities that may be added, without `CAP_`.
    allow: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { allow: STANDARD.map(str::to_owned).to_vec() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    Ok(Examiner::Container(Box::new(move |at, _, report| added(at, &allow, report))))
}

/// Exact, because the kubelet takes `CAP_CHOWN` and `chown` too: what is not spelled as the list is not on it.
fn added(at: &ContainerAt<'_>, allow: &[String], report: &mut Report) {
    for (position, capability) in at.added_capabilities() {
        if !allow.iter().any(|allowed| *allowed == *capability) {
            let place = at.item("securityContext.capabilities.add", position, capability);
            report.violation_of(place, capability, format!("is {}", quoted(capability)));
        }
    }
}
