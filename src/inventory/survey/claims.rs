//! Which namespaces claim a host: several objects may claim one, and it is let go with the last of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::object::{Kind, Object};

type Key = (Kind, String, String);

/// The claims of Ingresses and routes.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// The namespaces by host.
    pub(super) hosts: Arc<BTreeMap<String, BTreeSet<String>>>,
    /// The hosts by the object that claims them.
    by_object: HashMap<Key, BTreeSet<String>>,
    /// How many objects of a namespace claim a host, where it is more than one.
    more: HashMap<(String, String), usize>,
}

impl Claims {
    pub(super) fn see(&mut self, object: &Object<'_>) {
        let claimed: BTreeSet<_> = object.hosts().filter_map(|at| at.claimed()).collect();
        let (namespace, name) = (&*object.metadata.namespace, &*object.metadata.name);
        self.forget(object.kind, namespace, name);
        if claimed.is_empty() {
            return;
        }
        for host in &claimed {
            self.claim(host, namespace);
        }
        self.by_object.insert((object.kind, namespace.to_owned(), name.to_owned()), claimed);
    }

    pub(super) fn forget(&mut self, kind: Kind, namespace: &str, name: &str) {
        if !matches!(kind, Kind::Ingress | Kind::HTTPRoute | Kind::GRPCRoute | Kind::TLSRoute) {
            return;
        }
        let key = (kind, namespace.to_owned(), name.to_owned());
        for host in self.by_object.remove(&key).into_iter().flatten() {
            self.release(host, namespace);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        for ((kind, namespace, name), hosts) in other.by_object {
            self.forget(kind, &namespace, &name);
            hosts.iter().for_each(|host| self.claim(host, &namespace));
            self.by_object.insert((kind, namespace, name), hosts);
        }
    }

    fn claim(&mut self, host: &str, namespace: &str) {
        let claimants = Arc::make_mut(&mut self.hosts).entry(host.to_owned()).or_default();
        if !claimants.insert(namespace.to_owned()) {
            *self.more.entry((host.to_owned(), namespace.to_owned())).or_insert(1) += 1;
        }
    }

    fn release(&mut self, host: String, namespace: &str) {
        let key = (host, namespace.to_owned());
        match self.more.get_mut(&key) {
            Some(2) => {
                self.more.remove(&key);
            }
            Some(count) => *count = count.saturating_sub(1),
            None => {
                let hosts = Arc::make_mut(&mut self.hosts);
                let claimants = hosts.get_mut(&key.0);
                if claimants.is_some_and(|claimants| claimants.remove(namespace) && claimants.is_empty()) {
                    hosts.remove(&key.0);
                }
            }
        }
    }
}
