//! Refuses pods that share a namespace of their node.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "host-namespace",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(
            Criterion::CC6_1,
            "keeps the node's processes, memory and network apart from workloads",
        ),
        Support::supporting(Criterion::CC6_6, "a pod on the node's network passes by every network policy"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "namespace of the node",
    why: "In the node's namespaces a pod sees the processes of all workloads with their arguments and memory, and \
          reaches services that listen on loopback only, past every network policy.",
    fix: "Remove it; reach the pod through a Service, and other processes through a sidecar.",
    references: &[
        Reference::baseline("Host Namespaces"),
        Reference::Cis("5.2.3"),
        Reference::Cis("5.2.4"),
        Reference::Cis("5.2.5"),
        Reference::Nsa("t1.4"),
        Reference::Nsa("t1.5"),
        Reference::Cve("CVE-2020-15257"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  hostNetwork: true
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Namespaces of the node that pods may share.
    allow: Vec<HostNamespace>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
enum HostNamespace {
    #[serde(rename = "hostPID")]
    Pid,
    #[serde(rename = "hostIPC")]
    Ipc,
    #[serde(rename = "hostNetwork")]
    Network,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    Ok(Examiner::Pod(Box::new(move |pod, _: &Ask<'_>, report| shared(pod, &allow, report))))
}

fn shared(pod: &PodAt<'_>, allow: &[HostNamespace], report: &mut Report) {
    let spec = pod.spec;
    for (namespace, field, shared) in [
        (HostNamespace::Pid, "hostPID", spec.host_pid),
        (HostNamespace::Ipc, "hostIPC", spec.host_ipc),
        (HostNamespace::Network, "hostNetwork", spec.host_network),
    ] {
        if shared == Some(true) && !allow.contains(&namespace) {
            report.violation(pod.at(field), "is true");
        }
    }
}
