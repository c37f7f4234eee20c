//! What the two checks for a default-deny policy share: when they ask, and about which namespace.

use serde::Deserialize;

use crate::{
    check::{Ask, Examiner, Kinds, Missing, Params, Part, Report, labelled_pod, quoted},
    inventory::isolation::{Exposure, Isolation},
    manifest::Unusable,
    object::{Direction, Kind, Place},
    request::Operation,
};

/// What runs, and where.
pub(super) const KINDS: Kinds = Kinds::These(&[
    Kind::Namespace,
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
]);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// What isolates pods.
    provider: Provider,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Provider {
    #[default]
    NetworkPolicy,
    /// Cluster-wide policies of the network plugin, which this program does not read.
    External,
}

pub(super) fn examiner(params: &Params<'_>, direction: Direction) -> Result<Examiner, Unusable> {
    let Parameters { provider } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, provider, direction, report))))
}

fn examine(ask: &Ask<'_>, provider: Provider, direction: Direction, report: &mut Report) {
    let Some((field, namespace)) = concerned(ask, report) else { return };
    if provider == Provider::External {
        let reason = "policies of the network plugin isolate the pods, and they are not read here";
        return report.not_assessable(Missing::NotKnownHere(reason.into()));
    }
    let Some(policies) = ask.known(Part::NetworkPolicies, &ask.inventory.network_policies, report) else {
        return;
    };
    let policies = policies.get(namespace).into_iter().flat_map(|policies| policies.values());
    let labels = ask.inventory.namespaces.ready().and_then(|all| all.get(namespace)).map(|own| &own.labels);
    let isolation = Isolation::new(namespace, labels, policies);
    let Some(what) = described(&isolation.exposure(direction), direction) else { return };
    report.violation_of(Place::of(field), namespace, format!("is {}, where {what}", quoted(namespace)));
}

/// The field that names the namespace, and its name; none if the request is not about what runs there.
fn concerned<'r>(ask: &Ask<'r>, report: &mut Report) -> Option<(&'static str, &'r str)> {
    let request = ask.request;
    let object = ask.object?;
    let is_file = request.operation.is_none();
    if request.kind == Kind::Namespace {
        // A change of the namespace itself starts nothing in it.
        let name = &*object.metadata.name;
        let occupied = is_file
            && ask
                .known(Part::Namespaces, &ask.inventory.workload_namespaces, report)
                .is_some_and(|all| all.contains_key(name));
        return occupied.then_some(("metadata.name", name));
    }
    object.pod()?;
    let namespace = &*request.namespace;
    match request.operation {
        // A controller makes pods of what was judged when somebody asked for it.
        Some(Operation::Create) if !request.requester.as_ref().is_some_and(|by| by.is_controller()) => {}
        Some(_) => return None,
        None if namespace.is_empty() => {
            report.not_assessable(Missing::NAMESPACE);
            return None;
        }
        None if is_told_elsewhere(ask, namespace) => return None,
        None => {}
    }
    Some(("metadata.namespace", namespace))
}

/// Whether another object says it for the whole namespace: the Namespace, or else the first that runs something there.
fn is_told_elsewhere(ask: &Ask<'_>, namespace: &str) -> bool {
    let inventory = ask.inventory;
    let is_known = inventory.namespaces.ready().is_some_and(|all| all.contains_key(namespace));
    let first = inventory.workload_namespaces.ready().and_then(|all| all.get(namespace));
    let request = ask.request;
    is_known
        || first.is_some_and(|(kind, name)| kind != request.kind.name() || name != request.display_name())
}

fn described(exposure: &Exposure, direction: Direction) -> Option<String> {
    let way = direction.field();
    Some(match exposure {
        Exposure::Closed => return None,
        Exposure::Unisolated(labels) => {
            format!("no network policy isolates {} for {way}", labelled_pod(labels))
        }
        Exposure::Opened(labels) => {
            let (pod, way) = (
                labelled_pod(labels),
                if direction == Direction::Ingress { "reach" } else { "be reached by" },
            );
            format!("network policies let everybody {way} {pod}")
        }
        Exposure::Unknown => {
            format!("the network policies are too entangled to tell whether they isolate every pod for {way}")
        }
    })
}
