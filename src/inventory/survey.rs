//! Collects an inventory from objects: the manifests that `check` was given, a directory of them, or what the API server
//! tells as it changes.

mod claims;
mod workloads;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use claims::Claims;
use workloads::Workloads;

use super::{
    Account, BoundRole, Budget, ByNamespace, Inventory, Namespace, Roles, Source, Target,
    shared::{absorb, drop_from, put_into},
};
use crate::object::{
    AuthorizationPolicy, Body, Kind, Labels, LimitRange, Map, Metadata, NetworkPolicy, Object, Pairs, Route,
    Word,
};

/// What exists as far as it was seen. The objects that were shown to it are the world: what it has not seen does not
/// exist.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    namespaces: Arc<BTreeMap<String, Namespace>>,
    workloads: Workloads,
    network_policies: Arc<ByNamespace<NetworkPolicy>>,
    authorization_policies: Arc<ByNamespace<AuthorizationPolicy>>,
    roles: Arc<Roles>,
    accounts: Arc<ByNamespace<Account>>,
    disruption_budgets: Arc<ByNamespace<Budget>>,
    autoscalers: Arc<ByNamespace<i64, Target>>,
    /// What each autoscaler scales and keeps, by its own name: two may have one target.
    scaled: ByNamespace<(Target, i64)>,
    limit_ranges: Arc<ByNamespace<LimitRange>>,
    routes: Arc<ByNamespace<Route>>,
    claims: Claims,
    /// The kinds that cannot be seen, with the reason.
    unseen: HashMap<Kind, String>,
}

impl Survey {
    /// Takes note of an object, as it is now.
    pub fn see(&mut self, object: &Object<'_>) {
        let metadata = &object.metadata;
        let (namespace, name) = (&*metadata.namespace, &*metadata.name);
        self.claims.see(object);
        if object.kind == Kind::Namespace {
            let mut labels = owned(&metadata.labels);
            // The API server sets it on every namespace; manifests leave it out.
            labels.insert("kubernetes.io/metadata.name".to_owned(), Word(name.to_owned()));
            let seen = Namespace {
                labels,
                annotations: owned(&metadata.annotations),
                is_terminating: !metadata.deletion_timestamp.is_empty(),
            };
            Arc::make_mut(&mut self.namespaces).insert(name.to_owned(), seen);
        }
        self.workloads.see(object);
        match &object.body {
            Body::NetworkPolicy(policy) if metadata.deletion_timestamp.is_empty() => {
                put(&mut self.network_policies, metadata, policy.clone());
            }
            Body::NetworkPolicy(_) => self.forget(object.kind, namespace, name),
            Body::AuthorizationPolicy(policy) => {
                put(&mut self.authorization_policies, metadata, policy.clone());
            }
            Body::Role(role) => {
                let role = BoundRole { labels: owned(&metadata.labels), role: role.clone() };
                let namespace = if object.kind == Kind::ClusterRole { "" } else { namespace };
                Arc::make_mut(&mut self.roles).add_role(namespace, name, role);
            }
            Body::Binding(binding) => {
                let namespace = if object.kind == Kind::ClusterRoleBinding { "" } else { namespace };
                Arc::make_mut(&mut self.roles).add_binding(namespace, name, binding.clone());
            }
            Body::ServiceAccount(account) => {
                let automount = account.automount_service_account_token;
                put(&mut self.accounts, metadata, Account { automount });
            }
            Body::DisruptionBudget(budget) => {
                put(&mut self.disruption_budgets, metadata, Budget { selector: budget.selector.clone() });
            }
            Body::Autoscaler(autoscaler) => {
                let target = &autoscaler.scale_target_ref;
                let target = (target.kind.0.clone(), target.name.0.clone());
                let least = autoscaler.min_replicas.unwrap_or(1);
                put_into(&mut self.scaled, namespace, name.to_owned(), (target, least));
                self.rescale(namespace);
            }
            Body::LimitRange(limits) => put(&mut self.limit_ranges, metadata, limits.clone()),
            Body::Route(route) => {
                let name = route_name(object.kind, name);
                put_into(Arc::make_mut(&mut self.routes), namespace, name, route.clone());
            }
            _ => {}
        }
    }

    /// Lets go of an object that exists no more. What is in no namespace has an empty one.
    pub fn forget(&mut self, kind: Kind, namespace: &str, name: &str) {
        self.claims.forget(kind, namespace, name);
        self.workloads.forget(kind, namespace, name);
        match kind {
            Kind::Namespace => {
                Arc::make_mut(&mut self.namespaces).remove(name);
            }
            Kind::NetworkPolicy => drop_from(Arc::make_mut(&mut self.network_policies), namespace, name),
            Kind::AuthorizationPolicy => {
                drop_from(Arc::make_mut(&mut self.authorization_policies), namespace, name);
            }
            Kind::Role | Kind::ClusterRole => Arc::make_mut(&mut self.roles).drop_role(namespace, name),
            Kind::RoleBinding | Kind::ClusterRoleBinding => {
                Arc::make_mut(&mut self.roles).drop_binding(namespace, name);
            }
            Kind::ServiceAccount => drop_from(Arc::make_mut(&mut self.accounts), namespace, name),
            Kind::PodDisruptionBudget => {
                drop_from(Arc::make_mut(&mut self.disruption_budgets), namespace, name);
            }
            Kind::HorizontalPodAutoscaler => {
                drop_from(&mut self.scaled, namespace, name);
                self.rescale(namespace);
            }
            Kind::LimitRange => drop_from(Arc::make_mut(&mut self.limit_ranges), namespace, name),
            Kind::HTTPRoute | Kind::GRPCRoute | Kind::TLSRoute => {
                drop_from(Arc::make_mut(&mut self.routes), namespace, &route_name(kind, name));
            }
            _ => {}
        }
    }

    /// Notes that objects of a kind cannot be seen, with the reason: what depends on them is unavailable, not absent.
    pub fn cannot_see(&mut self, kind: Kind, reason: String) {
        self.unseen.insert(kind, reason);
    }

    /// Notes that objects of a kind can be seen again.
    pub fn can_see(&mut self, kind: Kind) {
        self.unseen.remove(&kind);
    }

    /// Renews what is known of the autoscalers of a namespace, from each of them.
    fn rescale(&mut self, namespace: &str) {
        let all = Arc::make_mut(&mut self.autoscalers);
        let Some(own) = self.scaled.get(namespace) else {
            all.remove(namespace);
            return;
        };
        let mut by_target: BTreeMap<Target, i64> = BTreeMap::new();
        for (target, least) in own.values() {
            let known = by_target.entry(target.clone()).or_insert(*least);
            *known = (*known).max(*least);
        }
        all.insert(namespace.to_owned(), Arc::new(by_target));
    }

    /// Takes in what another survey has seen; of two objects with one name, the other's counts.
    pub fn absorb(&mut self, other: Self) {
        // In full, so that a part that is added here cannot be forgotten.
        let Self {
            namespaces,
            workloads,
            network_policies,
            authorization_policies,
            roles,
            accounts,
            disruption_budgets,
            autoscalers,
            scaled,
            limit_ranges,
            routes,
            claims,
            unseen,
        } = other;
        Arc::make_mut(&mut self.namespaces).extend(Arc::unwrap_or_clone(namespaces));
        self.workloads.absorb(workloads);
        take_in(&mut self.network_policies, network_policies);
        take_in(&mut self.authorization_policies, authorization_policies);
        Arc::make_mut(&mut self.roles).absorb(Arc::unwrap_or_clone(roles));
        take_in(&mut self.accounts, accounts);
        take_in(&mut self.disruption_budgets, disruption_budgets);
        take_in(&mut self.limit_ranges, limit_ranges);
        take_in(&mut self.routes, routes);
        absorb(&mut self.scaled, scaled);
        autoscalers.keys().for_each(|namespace| self.rescale(namespace));
        self.claims.absorb(claims);
        self.unseen.extend(unseen);
    }

    /// The inventory of everything seen, in place of those parts of `known` that objects can tell of. It shares what it
    /// holds with the survey until either changes.
    pub fn inventory(&self, known: Inventory) -> Inventory {
        const ROUTES: [Kind; 3] = [Kind::HTTPRoute, Kind::GRPCRoute, Kind::TLSRoute];
        const ROLES: [Kind; 4] = [Kind::Role, Kind::ClusterRole, Kind::RoleBinding, Kind::ClusterRoleBinding];
        let hosts = [Kind::Ingress].iter().chain(&ROUTES);
        Inventory {
            namespaces: self.part(&[Kind::Namespace], &self.namespaces),
            workload_namespaces: self.part(&Kind::POD_SPECS, &self.workloads.namespaces),
            network_policies: self.part(&[Kind::NetworkPolicy], &self.network_policies),
            authorization_policies: self.part(&[Kind::AuthorizationPolicy], &self.authorization_policies),
            roles: self.part(&ROLES, &self.roles),
            accounts: self.part(&[Kind::ServiceAccount], &self.accounts),
            pods: self.part(&[Kind::Pod], &self.workloads.pods),
            disruption_budgets: self.part(&[Kind::PodDisruptionBudget], &self.disruption_budgets),
            autoscalers: self.part(&[Kind::HorizontalPodAutoscaler], &self.autoscalers),
            limit_ranges: self.part(&[Kind::LimitRange], &self.limit_ranges),
            routes: self.part(&ROUTES, &self.routes),
            hosts: self.part(hosts, &self.claims.hosts),
            controllers: self.part(&[Kind::ReplicaSet, Kind::Job], &self.workloads.controllers),
            ..known
        }
    }

    /// A part that objects of these kinds tell of: available only if all of them can be seen.
    fn part<'k, T>(&self, kinds: impl IntoIterator<Item = &'k Kind>, seen: &Arc<T>) -> Source<T> {
        let unseen = kinds.into_iter().find_map(|kind| self.unseen.get(kind));
        unseen.map_or_else(|| Source::Ready(seen.clone()), |reason| Source::Unavailable(reason.clone()))
    }
}

/// Routes of two kinds may bear one name.
fn route_name(kind: Kind, name: &str) -> String {
    match kind {
        Kind::HTTPRoute => name.to_owned(),
        kind => format!("{}/{name}", kind.name()),
    }
}

fn take_in<T: Clone>(into: &mut Arc<ByNamespace<T>>, from: Arc<ByNamespace<T>>) {
    absorb(Arc::make_mut(into), Arc::unwrap_or_clone(from));
}

fn put<T: Clone>(into: &mut Arc<ByNamespace<T>>, metadata: &Metadata<'_>, value: T) {
    put_into(Arc::make_mut(into), &metadata.namespace, metadata.name.to_string(), value);
}

fn owned(pairs: &Pairs<'_>) -> Labels {
    Map(pairs.iter().map(|(key, value)| (key.to_string(), Word(value.to_string()))).collect())
}

#[cfg(test)]
mod tests;
