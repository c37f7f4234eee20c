//! Asks that what matters most runs more than once.

use serde::Deserialize;

use super::{Tier, autoscaled, least_replicas, workload};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Part, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "single-replica",
    criterion: Criterion::A1,
    tsc: &[Support::supporting(Criterion::A1_2, "a workload outlives the loss of one of its replicas")],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::Autoscalers)],
    title: "single replica",
    why: "With one replica every crash, every drained node and every rollout is an outage of the whole service.",
    fix: "Run two replicas or more, or an autoscaler with such a minimum.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {soc2gate.io/tier: '1'}}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {soc2gate.io/tier: '1'}}
spec:
  replicas: 2
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(
        Kinds::These(&[Kind::Deployment, Kind::StatefulSet, Kind::Scale]),
        configure,
    ),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// The fewest replicas.
    minimum: i64,
    /// Labels of the objects that are meant; `{}` means all.
    selector: Tier,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { minimum: 2, selector: Tier::default() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    parameters.selector.validate(params)?;
    if parameters.minimum < 1 {
        return Err(params.refuse("`minimum` below 1 asks for nothing: set the mode to off"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        if ask.request.kind == Kind::Scale {
            parameters.scaled(ask, report);
        } else {
            parameters.stated(ask, report);
        }
    })))
}

impl Parameters {
    fn stated(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some((object, workload)) = workload(ask) else { return };
        let replicas = least_replicas(ask, object, workload);
        if replicas >= self.minimum || !self.selector.includes(&object.metadata) {
            return;
        }
        let said = match workload.replicas {
            Some(own) if own == replicas => format!("is {replicas}"),
            None if replicas == 1 => "is not set, which means 1".to_owned(),
            _ => format!("gives way to an autoscaler that keeps {replicas}"),
        };
        self.report(replicas, &said, report);
    }

    /// `kubectl scale` and autoscalers send a number and the name of what has it, without its labels.
    fn scaled(&self, ask: &Ask<'_>, report: &mut Report) {
        let kind = match &*ask.request.resource {
            "deployments" => "Deployment",
            "statefulsets" => "StatefulSet",
            _ => return,
        };
        let Some(Body::Scale(scale)) = ask.object.map(|object| &object.body) else { return };
        let replicas = scale.replicas.unwrap_or(0);
        let kept = autoscaled(ask, kind, ask.request.object_name());
        if kept.unwrap_or(replicas) >= self.minimum {
            return;
        }
        if self.selector.is_everything() {
            self.report(replicas, &format!("is {replicas}"), report);
        } else {
            let reason = "a request to scale does not show the labels of what is scaled";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    }

    fn report(&self, replicas: i64, said: &str, report: &mut Report) {
        let what = format!("{said}, fewer than {}", self.minimum);
        report.violation_of(Place::of("spec.replicas"), &replicas.to_string(), what);
    }
}
