//! Collects an inventory from objects: the manifests that `check` was given, or a directory of them.

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map::Entry};

use super::{
    Account, BoundRole, Budget, ByNamespace, Inventory, Namespace, OwnerKey, Pod, Roles, Source, Target,
};
use crate::object::{
    AuthorizationPolicy, Body, Kind, Labels, LimitRange, Map, Metadata, NetworkPolicy, Object, Pairs, Route,
    Word,
};

/// What was seen so far. The objects that were shown to it are the world: what it has not seen does not exist.
#[derive(Debug, Default)]
pub struct Survey {
    namespaces: BTreeMap<String, Namespace>,
    workload_namespaces: BTreeMap<String, Target>,
    network_policies: ByNamespace<NetworkPolicy>,
    authorization_policies: ByNamespace<AuthorizationPolicy>,
    roles: Roles,
    accounts: ByNamespace<Account>,
    pods: ByNamespace<Pod>,
    disruption_budgets: ByNamespace<Budget>,
    autoscalers: BTreeMap<String, BTreeMap<Target, i64>>,
    limit_ranges: ByNamespace<LimitRange>,
    routes: ByNamespace<Route>,
    hosts: BTreeMap<String, BTreeSet<String>>,
    controllers: HashMap<OwnerKey, OwnerKey>,
}

impl Survey {
    /// Takes note of an object.
    pub fn see(&mut self, object: &Object<'_>) {
        for host in object.hosts().filter_map(|at| at.claimed()) {
            self.hosts.entry(host).or_default().insert(object.metadata.namespace.to_string());
        }
        let metadata = &object.metadata;
        let (namespace, name) = (&*metadata.namespace, &*metadata.name);
        if object.kind == Kind::Namespace {
            let seen = self.namespaces.entry(name.to_owned()).or_default();
            (seen.labels, seen.annotations) = (owned(&metadata.labels), owned(&metadata.annotations));
            // The API server sets it on every namespace; manifests leave it out.
            let own_name = "kubernetes.io/metadata.name".to_owned();
            seen.labels.insert(own_name, Word(name.to_owned()));
            seen.is_terminating = !metadata.deletion_timestamp.is_empty();
        }
        if let Some(pod) = object.pod() {
            let own = (object.kind.name().to_owned(), object.display_name().to_owned());
            self.see_workload(namespace.to_owned(), own);
            if object.kind == Kind::Pod {
                let account = pod.spec.account().to_owned();
                put(&mut self.pods, metadata, Pod { labels: owned(&metadata.labels), account });
            }
            self.see_controller(object);
        }
        match &object.body {
            Body::NetworkPolicy(policy) if metadata.deletion_timestamp.is_empty() => {
                put(&mut self.network_policies, metadata, policy.clone());
            }
            Body::AuthorizationPolicy(policy) => {
                put(&mut self.authorization_policies, metadata, policy.clone());
            }
            Body::Role(role) => {
                let role = BoundRole { labels: owned(&metadata.labels), role: role.clone() };
                let namespace = if object.kind == Kind::ClusterRole { "" } else { namespace };
                self.roles.add_role(namespace, name, role);
            }
            Body::Binding(binding) => {
                let namespace = if object.kind == Kind::ClusterRoleBinding { "" } else { namespace };
                self.roles.add_binding(namespace, name, binding.clone());
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
                self.autoscalers.entry(namespace.to_owned()).or_default().insert(target, least);
            }
            Body::LimitRange(limits) => put(&mut self.limit_ranges, metadata, limits.clone()),
            Body::Route(route) => {
                // Routes of two kinds may bear one name.
                let name = match object.kind {
                    Kind::HTTPRoute => name.to_owned(),
                    kind => format!("{}/{name}", kind.name()),
                };
                self.routes.entry(namespace.to_owned()).or_default().insert(name, route.clone());
            }
            _ => {}
        }
    }

    /// Notes that something runs in a namespace; the first by kind and name stands for all of them.
    fn see_workload(&mut self, namespace: String, own: Target) {
        match self.workload_namespaces.entry(namespace) {
            Entry::Vacant(none) => {
                none.insert(own);
            }
            Entry::Occupied(mut first) if own < *first.get() => {
                first.insert(own);
            }
            Entry::Occupied(_) => {}
        }
    }

    /// Takes in what another survey has seen; of two objects with one name, the other's counts.
    pub fn absorb(&mut self, other: Self) {
        // In full, so that a part that is added here cannot be forgotten.
        let Self {
            namespaces,
            workload_namespaces,
            network_policies,
            authorization_policies,
            roles,
            accounts,
            pods,
            disruption_budgets,
            autoscalers,
            limit_ranges,
            routes,
            hosts,
            controllers,
        } = other;
        self.namespaces.extend(namespaces);
        for (namespace, first) in workload_namespaces {
            self.see_workload(namespace, first);
        }
        absorb(&mut self.network_policies, network_policies);
        absorb(&mut self.authorization_policies, authorization_policies);
        self.roles.absorb(roles);
        absorb(&mut self.accounts, accounts);
        absorb(&mut self.pods, pods);
        absorb(&mut self.disruption_budgets, disruption_budgets);
        absorb(&mut self.autoscalers, autoscalers);
        absorb(&mut self.limit_ranges, limit_ranges);
        absorb(&mut self.routes, routes);
        for (host, namespaces) in hosts {
            self.hosts.entry(host).or_default().extend(namespaces);
        }
        self.controllers.extend(controllers);
    }

    /// Notes who controls a controller.
    fn see_controller(&mut self, object: &Object<'_>) {
        let metadata = &object.metadata;
        if object.kind == Kind::Pod || metadata.name.is_empty() {
            return;
        }
        let Some(controller) = metadata.controller() else { return };
        let key = |kind: &str, name: &str| (metadata.namespace.to_string(), kind.to_owned(), name.to_owned());
        self.controllers
            .insert(key(object.kind.name(), &metadata.name), key(&controller.kind, &controller.name));
    }

    /// The inventory of everything seen, in place of those parts of `known` that objects can tell of.
    pub fn into_inventory(self, known: Inventory) -> Inventory {
        Inventory {
            namespaces: Source::of(self.namespaces),
            workload_namespaces: Source::of(self.workload_namespaces),
            network_policies: Source::of(self.network_policies),
            authorization_policies: Source::of(self.authorization_policies),
            roles: Source::of(self.roles),
            accounts: Source::of(self.accounts),
            pods: Source::of(self.pods),
            disruption_budgets: Source::of(self.disruption_budgets),
            autoscalers: Source::of(self.autoscalers),
            limit_ranges: Source::of(self.limit_ranges),
            routes: Source::of(self.routes),
            hosts: Source::of(self.hosts),
            controllers: Source::of(self.controllers),
            ..known
        }
    }
}

fn absorb<K: Ord, T>(into: &mut BTreeMap<String, BTreeMap<K, T>>, from: BTreeMap<String, BTreeMap<K, T>>) {
    for (namespace, content) in from {
        into.entry(namespace).or_default().extend(content);
    }
}

fn put<T>(into: &mut ByNamespace<T>, metadata: &Metadata<'_>, value: T) {
    into.entry(metadata.namespace.to_string()).or_default().insert(metadata.name.to_string(), value);
}

fn owned(pairs: &Pairs<'_>) -> Labels {
    Map(pairs.iter().map(|(key, value)| (key.to_string(), Word(value.to_string()))).collect())
}
