//! Roles and bindings: what a role grants, and to whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    ByNamespace,
    shared::{absorb, drop_from, put_into},
};
use crate::object::{Binding, Labels, PolicyRule, Role, RoleRef, Subject, service_account};

/// Every role and every binding.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    cluster_roles: BTreeMap<String, Arc<BoundRole>>,
    roles: ByNamespace<BoundRole>,
    /// A ClusterRoleBinding is in the empty namespace.
    bindings: ByNamespace<Binding>,
}

/// A role with what its metadata says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundRole {
    pub labels: Labels,
    pub role: Role,
}

impl Roles {
    /// Notes a Role (with its namespace) or a ClusterRole (empty namespace).
    pub fn add_role(&mut self, namespace: &str, name: &str, role: BoundRole) {
        if namespace.is_empty() {
            self.cluster_roles.insert(name.to_owned(), Arc::new(role));
        } else {
            put_into(&mut self.roles, namespace, name.to_owned(), role);
        }
    }

    /// Lets go of a Role (with its namespace) or a ClusterRole (empty namespace).
    pub fn drop_role(&mut self, namespace: &str, name: &str) {
        if namespace.is_empty() {
            self.cluster_roles.remove(name);
        } else {
            drop_from(&mut self.roles, namespace, name);
        }
    }

    /// Notes a RoleBinding (with its namespace) or a ClusterRoleBinding (empty namespace).
    pub fn add_binding(&mut self, namespace: &str, name: &str, binding: Binding) {
        put_into(&mut self.bindings, namespace, name.to_owned(), binding);
    }

    /// Lets go of a RoleBinding (with its namespace) or a ClusterRoleBinding (empty namespace).
    pub fn drop_binding(&mut self, namespace: &str, name: &str) {
        drop_from(&mut self.bindings, namespace, name);
    }

    /// Takes in what others hold; of two with one name, theirs counts.
    pub fn absorb(&mut self, other: Self) {
        self.cluster_roles.extend(other.cluster_roles);
        absorb(&mut self.roles, other.roles);
        absorb(&mut self.bindings, other.bindings);
    }

    /// The role that a binding in `namespace` (empty for a ClusterRoleBinding) refers to.
    pub fn referred(&self, role_ref: &RoleRef, namespace: &str) -> Option<&BoundRole> {
        match &*role_ref.kind {
            "ClusterRole" => self.cluster_roles.get(&*role_ref.name).map(|role| &**role),
            "Role" => self.roles.get(namespace)?.get(&*role_ref.name),
            _ => None,
        }
    }

    /// Every ClusterRole with its name.
    pub fn cluster_roles(&self) -> impl Iterator<Item = (&str, &BoundRole)> {
        self.cluster_roles.iter().map(|(name, role)| (&**name, &**role))
    }

    /// The ClusterRoles that take in the rules of one with these labels, by name.
    pub fn aggregators<'l>(
        &self,
        label: impl Fn(&str) -> Option<&'l str> + Copy,
    ) -> impl Iterator<Item = &str> {
        self.cluster_roles().filter_map(move |(name, known)| {
            let selectors = &known.role.aggregation_rule.as_ref()?.cluster_role_selectors;
            selectors.iter().any(|selector| selector.selects(label)).then_some(name)
        })
    }

    /// Everything that a role grants. One that is made of others has their rules, whether or not the controller that
    /// copies them has come by: in manifests it never does.
    pub fn rules<'r>(&'r self, role: &'r BoundRole) -> Vec<&'r PolicyRule> {
        let (mut rules, mut pending, mut seen) = (Vec::new(), vec![role], BTreeSet::new());
        while let Some(BoundRole { role, .. }) = pending.pop() {
            rules.extend(role.rules.iter());
            let Some(aggregation) = &role.aggregation_rule else { continue };
            pending.extend(self.cluster_roles().filter_map(|(name, part)| {
                let is_part =
                    aggregation.cluster_role_selectors.iter().any(|s| s.selects_labels(&part.labels));
                (is_part && seen.insert(name)).then_some(part)
            }));
        }
        rules
    }

    /// Whether a ClusterRole of this name and these labels is known to hold inside namespaces only: bound by RoleBindings
    /// alone, and part of no other.
    pub fn is_namespaced<'l>(&self, name: &str, label: impl Fn(&str) -> Option<&'l str> + Copy) -> bool {
        let mut bound_in = self.bindings_of("", name).map(|(namespace, _)| namespace).peekable();
        bound_in.peek().is_some()
            && bound_in.all(|namespace| !namespace.is_empty())
            && self.aggregators(label).next().is_none()
    }

    /// The bindings to a role, each with its namespace (empty for a ClusterRoleBinding). `namespace` is the Role's,
    /// and empty for a ClusterRole.
    pub fn bindings_of(&self, namespace: &str, name: &str) -> impl Iterator<Item = (&str, &Binding)> {
        let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
        let here =
            self.bindings.iter().filter(move |(bound_in, _)| namespace.is_empty() || namespace == *bound_in);
        here.flat_map(|(bound_in, bindings)| bindings.values().map(|binding| (&**bound_in, binding)))
            .filter(move |(_, binding)| *binding.role_ref.kind == *kind && *binding.role_ref.name == *name)
    }

    /// Whether any binding names this service account: itself, its user, or the group of its namespace.
    pub fn is_bound(&self, namespace: &str, account: &str) -> bool {
        let names = |subject: &Subject, bound_in: &str| match &*subject.kind {
            "ServiceAccount" => {
                let of = if subject.namespace.is_empty() { bound_in } else { &*subject.namespace };
                *subject.name == *account && of == namespace
            }
            "User" => service_account(&subject.name) == Some((namespace, account)),
            "Group" => subject.name.strip_prefix("system:serviceaccounts:") == Some(namespace),
            _ => false,
        };
        self.bindings.iter().any(|(bound_in, bindings)| {
            bindings.values().any(|binding| binding.subjects.iter().any(|subject| names(subject, bound_in)))
        })
    }
}
