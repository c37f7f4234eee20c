//! What else exists in the cluster: a first way through it, before anything is judged.

use super::round::{Round, Stopped, each_page};
use crate::{
    cluster::{Gap, Pages, Raw},
    inventory::{Inventory, Source, Survey},
    object::Kind,
};

/// The kinds that tell of the surroundings of others.
pub(in crate::cli) fn kinds() -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(|kind| {
        kind.has_pod_spec()
            || matches!(
                kind,
                Kind::Namespace
                    | Kind::NetworkPolicy
                    | Kind::AuthorizationPolicy
                    | Kind::Role
                    | Kind::ClusterRole
                    | Kind::RoleBinding
                    | Kind::ClusterRoleBinding
                    | Kind::ServiceAccount
                    | Kind::PodDisruptionBudget
                    | Kind::HorizontalPodAutoscaler
                    | Kind::LimitRange
                    | Kind::Ingress
                    | Kind::Gateway
                    | Kind::ListenerSet
                    | Kind::XListenerSet
                    | Kind::HTTPRoute
                    | Kind::GRPCRoute
                    | Kind::TLSRoute
            )
    })
}

/// Adds what the cluster holds to what is known; a part whose objects cannot be read is unavailable, not empty.
///
/// # Errors
/// [`Stopped`] when the program is going down.
pub(in crate::cli) async fn survey(
    round: &Round<'_>,
    mut survey: Survey,
    known: Inventory,
    mut tell: impl FnMut(Kind),
) -> Result<Inventory, Stopped> {
    let mut gaps = Vec::new();
    for kind in kinds() {
        tell(kind);
        let Some(resource) = round.resources.get(kind.group(), kind.resource()) else { continue };
        // The whole cluster, whatever namespaces are asked for: hosts and roles reach across them.
        let pages = Pages::of(resource.everywhere(round.client), false);
        let (after, gap) =
            each_page(pages, survey, move |survey: &mut Survey, page| see(survey, kind, &page)).await?;
        survey = after;
        gaps.extend(gap.filter(|gap| *gap != Gap::Absent).map(|gap| (kind, gap)));
    }
    let mut inventory = survey.inventory(known);
    for (kind, gap) in gaps {
        withdraw(&mut inventory, kind, &format!("{} could not be read: {gap}", super::round::name(kind)));
    }
    Ok(inventory)
}

/// What does not read is told when it is judged.
fn see(survey: &mut Survey, kind: Kind, page: &[Raw]) {
    page.iter().filter_map(|raw| raw.read(kind).ok()).for_each(|object| survey.see(&object));
}

/// Takes back what objects of this kind would have told of.
fn withdraw(inventory: &mut Inventory, kind: Kind, reason: &str) {
    fn lose<T>(source: &mut Source<T>, reason: &str) {
        *source = Source::Unavailable(reason.to_owned());
    }
    if kind.has_pod_spec() {
        lose(&mut inventory.workload_namespaces, reason);
        if kind == Kind::Pod {
            lose(&mut inventory.pods, reason);
        } else {
            lose(&mut inventory.controllers, reason);
        }
    }
    match kind {
        Kind::Namespace => lose(&mut inventory.namespaces, reason),
        Kind::NetworkPolicy => lose(&mut inventory.network_policies, reason),
        Kind::AuthorizationPolicy => lose(&mut inventory.authorization_policies, reason),
        Kind::Role | Kind::ClusterRole | Kind::RoleBinding | Kind::ClusterRoleBinding => {
            lose(&mut inventory.roles, reason);
        }
        Kind::ServiceAccount => lose(&mut inventory.accounts, reason),
        Kind::PodDisruptionBudget => lose(&mut inventory.disruption_budgets, reason),
        Kind::HorizontalPodAutoscaler => lose(&mut inventory.autoscalers, reason),
        Kind::LimitRange => lose(&mut inventory.limit_ranges, reason),
        Kind::Ingress | Kind::Gateway | Kind::ListenerSet | Kind::XListenerSet => {
            lose(&mut inventory.hosts, reason);
        }
        Kind::HTTPRoute | Kind::GRPCRoute | Kind::TLSRoute => {
            lose(&mut inventory.routes, reason);
            lose(&mut inventory.hosts, reason);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_not_taken_for_absent() {
        let mut inventory = Survey::default().inventory(Inventory::default());
        withdraw(&mut inventory, Kind::NetworkPolicy, "no right");
        assert!(matches!(&inventory.network_policies, Source::Unavailable(reason) if reason == "no right"));
        assert!(inventory.roles.ready().is_some());
        withdraw(&mut inventory, Kind::Deployment, "no right");
        assert!(inventory.controllers.ready().is_none() && inventory.pods.ready().is_some());
    }

    #[test]
    fn secrets_are_not_surveyed() {
        assert!(kinds().all(|kind| kind != Kind::Secret && !kind.resource().contains('/')));
    }
}
