//! Notes when somebody removes, stops or changes a tool that protects the cluster.

use serde::Deserialize;

use super::name_pattern::NamePattern;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Principal, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Object},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "removed-security-tool",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who is watched by a tool does not switch it off"),
        Support::supporting(Criterion::CC7_1, "the loss of a detector is noticed when it happens"),
        Support::supporting(Criterion::CC7_2, "what watches the cluster is itself watched"),
    ],
    severity: Severity::High,
    needs: &[Need::Request],
    title: "removal of a security tool",
    why: "The network plugin enforces the network policies, the scanner finds what is vulnerable, the detector sees what \
          runs. With one of them gone its control is gone too, while every policy still reads as if it held.",
    fix: "Leave it running, or let whoever maintains it make the change, who is named in `allow`.",
    references: &[Reference::Kubernetes("Security Checklist")],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: falco, namespace: falco}
",
        "
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: log-agent, namespace: logging}
",
    )
    .deleted(),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 5] = [Kind::Deployment, Kind::DaemonSet, Kind::StatefulSet, Kind::Scale, Kind::Namespace];

/// Network plugins, scanners, runtime detection, certificate managers and other gates, where their own
/// installation guides put them.
const TOOLS: [&str; 21] = [
    "kube-system/cilium*",
    "kube-system/calico-*",
    "kube-system/aws-node",
    "kube-system/azure-npm",
    "kube-system/kube-flannel*",
    "kube-system/tetragon*",
    "calico-system/*",
    "tigera-operator/*",
    "kube-flannel/*",
    "cilium/*",
    "falco/*",
    "neuvector/*",
    "sysdig-agent/*",
    "trivy-system/*",
    "kubescape/*",
    "cert-manager/*",
    "gatekeeper-system/*",
    "kyverno/*",
    "kubewarden/*",
    "cosign-system/*",
    "connaisseur/*",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// `namespace/name`; the name may end in `*`.
    tools: Vec<String>,
    /// Who maintains them.
    allow: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { tools: TOOLS.map(str::to_owned).to_vec(), allow: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { tools, allow } = params.read()?;
    let tools = NamePattern::read_all(params, "tools", &tools)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &tools, &allow, report))))
}

fn examine(ask: &Ask<'_>, tools: &[NamePattern], allow: &[Principal], report: &mut Report) {
    let request = ask.request;
    let (namespace, name) = (&*request.namespace, request.object_name());
    let is_listed = match request.kind {
        // With the namespace goes what is in it.
        Kind::Namespace => tools.iter().any(|tool| tool.namespace == name),
        _ => tools.iter().any(|tool| tool.fits(namespace, name)),
    };
    if !is_listed {
        return;
    }
    let deed = match (request.operation, request.kind) {
        (Some(Operation::Create | Operation::Connect), _) => return,
        // Its labels have checks of their own.
        (Some(Operation::Update), Kind::Namespace) => return,
        (Some(Operation::Update), _) if stops(ask) => Some("scale to nothing"),
        // How many replicas there are is the autoscaler's matter, as long as there are any.
        (Some(Operation::Update), Kind::Scale) => return,
        _ => None,
    };
    if let Some(requester) = ask.outsider(allow, report) {
        ask.refuse_change(requester, deed, report);
    }
}

/// Whether there were replicas, and now there are to be none.
fn stops(ask: &Ask<'_>) -> bool {
    ask.object.is_some_and(has_no_replicas) && ask.with_old(has_no_replicas) != Some(true)
}

fn has_no_replicas(object: &Object<'_>) -> bool {
    match &object.body {
        Body::Scale(scale) => scale.replicas.unwrap_or_default() == 0,
        Body::Template(workload) => workload.replicas == Some(0),
        _ => false,
    }
}
