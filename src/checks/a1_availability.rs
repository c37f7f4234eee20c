//! A1: it bears load and loss.

mod interrupting_rollout;
mod missing_disruption_budget;
mod single_replica;
mod unbounded_resources;
mod undrainable_workload;
mod unspread_replicas;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Params},
    manifest::Unusable,
    object::{Body, Metadata, Object, Workload},
};

pub(super) const CHECKS: &[&Check] = &[
    &unbounded_resources::CHECK,
    &single_replica::CHECK,
    &missing_disruption_budget::CHECK,
    &undrainable_workload::CHECK,
    &unspread_replicas::CHECK,
    &interrupting_rollout::CHECK,
];

/// The labels by which an object says that the loss of it would be felt. None means every object.
#[derive(Deserialize)]
#[serde(transparent)]
struct Tier(BTreeMap<String, String>);

impl Default for Tier {
    fn default() -> Self {
        Self(BTreeMap::from([("soc2gate.io/tier".to_owned(), "1".to_owned())]))
    }
}

impl Tier {
    fn validate(&self, params: &Params<'_>) -> Result<(), Unusable> {
        if self.0.iter().any(|(key, value)| key.is_empty() || key.contains('*') || value.contains('*')) {
            return Err(params.refuse("`selector` has a pattern: write labels by their full key and value"));
        }
        Ok(())
    }

    fn includes(&self, metadata: &Metadata<'_>) -> bool {
        self.0.iter().all(|(key, value)| metadata.labels.get(key) == Some(value))
    }

    fn is_everything(&self) -> bool {
        self.0.is_empty()
    }
}

/// What the object under examination makes pods of.
fn workload<'r>(ask: &Ask<'r>) -> Option<(&'r Object<'r>, &'r Workload<'r>)> {
    let object = ask.object?;
    match &object.body {
        Body::Template(workload) => Some((object, workload)),
        _ => None,
    }
}

/// The number of replicas that an autoscaler keeps of something at least, where one is known.
fn autoscaled(ask: &Ask<'_>, kind: &str, name: &str) -> Option<i64> {
    let targets = ask.inventory.autoscalers.ready()?.get(&*ask.request.namespace)?;
    targets.iter().find(|((of, own), _)| of == kind && own == name).map(|(_, least)| *least)
}

/// How many replicas a workload has at least: what it says, or what its autoscaler keeps.
fn least_replicas(ask: &Ask<'_>, object: &Object<'_>, workload: &Workload<'_>) -> i64 {
    let own = workload.replicas.unwrap_or(1);
    autoscaled(ask, object.kind.name(), &object.metadata.name).unwrap_or(own)
}
