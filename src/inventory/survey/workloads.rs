//! What runs where: pods, the controllers that make them, and who controls those.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    super::{
        ByNamespace, Pod, Target,
        shared::{absorb, drop_from, put_into},
    },
    owned,
};
use crate::object::{Kind, Object};

/// Everything with a pod spec.
#[derive(Clone, Debug, Default)]
pub(super) struct Workloads {
    /// The namespaces that hold a pod spec, each with the first object that has one.
    pub(super) namespaces: Arc<BTreeMap<String, Target>>,
    pub(super) pods: Arc<ByNamespace<Pod>>,
    pub(super) controllers: Arc<ByNamespace<Target, Target>>,
    /// Whatever has a pod spec and is no pod.
    templates: BTreeMap<String, BTreeSet<Target>>,
}

impl Workloads {
    pub(super) fn see(&mut self, object: &Object<'_>) {
        let metadata = &object.metadata;
        let namespace = &*metadata.namespace;
        if !Kind::POD_SPECS.contains(&object.kind) {
            return;
        }
        let Some(pod) = object.pod() else {
            // It may have had one before.
            return self.forget(object.kind, namespace, &metadata.name);
        };
        if object.kind == Kind::Pod {
            let account = pod.spec.account().to_owned();
            let seen = Pod { labels: owned(&metadata.labels), account };
            put_into(Arc::make_mut(&mut self.pods), namespace, object.display_name().to_owned(), seen);
        } else {
            let own = (object.kind.name().to_owned(), object.display_name().to_owned());
            match metadata.controller().filter(|_| !metadata.name.is_empty()) {
                Some(by) => {
                    let by = (by.kind.to_string(), by.name.to_string());
                    put_into(Arc::make_mut(&mut self.controllers), namespace, own.clone(), by);
                }
                None => drop_from(Arc::make_mut(&mut self.controllers), namespace, &own),
            }
            self.templates.entry(namespace.to_owned()).or_default().insert(own);
        }
        self.choose_first(namespace);
    }

    pub(super) fn forget(&mut self, kind: Kind, namespace: &str, name: &str) {
        if !Kind::POD_SPECS.contains(&kind) {
            return;
        }
        if kind == Kind::Pod {
            drop_from(Arc::make_mut(&mut self.pods), namespace, name);
        } else {
            let own = (kind.name().to_owned(), name.to_owned());
            drop_from(Arc::make_mut(&mut self.controllers), namespace, &own);
            if let Some(templates) = self.templates.get_mut(namespace) {
                templates.remove(&own);
                if templates.is_empty() {
                    self.templates.remove(namespace);
                }
            }
        }
        self.choose_first(namespace);
    }

    pub(super) fn absorb(&mut self, other: Self) {
        absorb(Arc::make_mut(&mut self.pods), Arc::unwrap_or_clone(other.pods));
        absorb(Arc::make_mut(&mut self.controllers), Arc::unwrap_or_clone(other.controllers));
        for (namespace, templates) in other.templates {
            self.templates.entry(namespace).or_default().extend(templates);
        }
        other.namespaces.keys().for_each(|namespace| self.choose_first(namespace));
    }

    /// The first by kind and name stands for all that runs in a namespace.
    fn choose_first(&mut self, namespace: &str) {
        let template = self.templates.get(namespace).and_then(BTreeSet::first);
        let pod = self.pods.get(namespace).and_then(|pods| pods.first_key_value());
        let pod = pod.map(|(name, _)| (Kind::Pod.name().to_owned(), name.clone()));
        let first = match (template, pod) {
            (Some(template), Some(pod)) => Some(pod.min(template.clone())),
            (template, pod) => template.cloned().or(pod),
        };
        if self.namespaces.get(namespace) == first.as_ref() {
            return;
        }
        let namespaces = Arc::make_mut(&mut self.namespaces);
        match first {
            Some(first) => namespaces.insert(namespace.to_owned(), first),
            None => namespaces.remove(namespace),
        };
    }
}
