//! Asks that drains leave enough replicas of what matters most.

use serde::Deserialize;

use super::{Tier, least_replicas, workload};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "missing-disruption-budget",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_2, "maintenance of nodes leaves the service running")],
    severity: Severity::Medium,
    needs: &[Need::Inventory(Part::DisruptionBudgets), Need::Optional(Part::Autoscalers)],
    title: "replicas without a disruption budget",
    why: "An upgrade drains nodes one after the other. Without a budget nothing stops it from taking all replicas of a \
          service at once.",
    fix: "Add a PodDisruptionBudget that selects the pods, with `maxUnavailable: 1`.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: api, namespace: shop, labels: {soc2gate.io/tier: '1'}}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/api:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {soc2gate.io/tier: '1'}}
spec:
  replicas: 3
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    )
    .amid(
        "
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Deployment, Kind::StatefulSet]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Labels of the objects that are meant; `{}` means all.
    selector: Tier,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { selector } = params.read()?;
    selector.validate(params)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| unguarded(ask, &selector, report))))
}

fn unguarded(ask: &Ask<'_>, selector: &Tier, report: &mut Report) {
    let Some((object, workload)) = workload(ask) else { return };
    let Some(template) = workload.template.as_ref().filter(|_| selector.includes(&object.metadata)) else {
        return;
    };
    if least_replicas(ask, object, workload) < 2 {
        return;
    }
    let Some(budgets) = ask.known(Part::DisruptionBudgets, &ask.inventory.disruption_budgets, report) else {
        return;
    };
    let labels = &template.metadata.labels;
    let guards = |selector: &crate::object::Selector| selector.selects(|key| labels.get(key));
    let mut here = budgets.get(&*ask.request.namespace).into_iter().flat_map(|budgets| budgets.values());
    // Without a selector a budget selects nothing.
    if !here.any(|budget| budget.selector.as_ref().is_some_and(guards)) {
        let what = "are selected by no PodDisruptionBudget of the namespace";
        report.violation(Place::of("spec.template.metadata.labels"), what);
    }
}
