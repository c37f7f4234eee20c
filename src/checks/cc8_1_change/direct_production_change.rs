//! Notes changes that somebody makes past the pipeline through which changes are approved.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Principal, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Object},
    request::{Operation, Requester},
};

pub(super) const CHECK: Check = Check {
    id: "direct-production-change",
    criterion: Criterion::CC8_1,
    tsc: &[
        Support::direct(
            Criterion::CC8_1,
            "changes come from the pipeline that tests and approves them alone",
        ),
        Support::supporting(Criterion::CC6_8, "software gets in by the way on which it is checked"),
        Support::supporting(Criterion::CC6_3, "who may deploy is a short list, apart from who may look"),
    ],
    severity: Severity::High,
    needs: &[Need::Request],
    title: "change made past the deployment pipeline",
    why: "What somebody changes by hand has no review, no test and no record but the audit log, and the next deployment \
          may undo it. An auditor samples changes and asks who approved each; for this one there is no answer.",
    fix: "Make the change in the repository and let the pipeline deploy it, or name the deployer in `deployers`.",
    references: &[Reference::Kubernetes("Declarative Management of Kubernetes Objects")],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 2}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.1'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 1}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    )
    .after(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, generation: 1}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    )
    .under("deployers: [{kind: ServiceAccount, namespace: argocd, name: 'argocd-*'}]"),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 24] = [
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::ConfigMap,
    Kind::Secret,
    Kind::Service,
    Kind::Role,
    Kind::ClusterRole,
    Kind::RoleBinding,
    Kind::ClusterRoleBinding,
    Kind::NetworkPolicy,
    Kind::Ingress,
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::XListenerSet,
    Kind::HTTPRoute,
    Kind::GRPCRoute,
    Kind::TLSRoute,
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Who deploys: the accounts of the pipeline; mandatory.
    deployers: Vec<Principal>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { deployers } = params.read()?;
    if deployers.is_empty() {
        return Ok(Examiner::Unfilled { parameter: "deployers" });
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| changed(ask, &deployers, report))))
}

fn changed(ask: &Ask<'_>, deployers: &[Principal], report: &mut Report) {
    // Scaling, status, evictions: the work of autoscalers and controllers.
    if !ask.request.subresource.is_empty() {
        return;
    }
    let Some(requester) = ask.outsider(deployers, report) else { return };
    if !is_of_a_controller(ask, requester) {
        ask.refuse_change(requester, None, report);
    }
}

/// Whether the object is a part of another one that was itself approved. Anybody may write an owner, so on what is new
/// only the word of an account counts, as operators have one, and on what exists the owner that it had.
fn is_of_a_controller(ask: &Ask<'_>, requester: &Requester<'_>) -> bool {
    let is_owned = |object: &Object<'_>| object.metadata.controller().is_some();
    match ask.request.operation {
        Some(Operation::Create) => requester.service_account().is_some() && ask.object.is_some_and(is_owned),
        Some(Operation::Update) => ask.object.is_some_and(is_owned) && ask.with_old(is_owned) == Some(true),
        Some(Operation::Delete) => ask.request.going.as_ref().is_some_and(is_owned),
        Some(Operation::Connect) | None => false,
    }
}
