//! Roles and bindings: what a role grants, and to whom.

use std::collections::{BTreeMap, HashMap};

use crate::object::{Binding, Labels, Role, RoleRef, Subject, service_account};

/// Every role and every binding.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    cluster_roles: HashMap<String, BoundRole>,
    /// By namespace and name.
    roles: BTreeMap<(String, String), BoundRole>,
    /// By namespace (empty for a ClusterRoleBinding) and name.
    bindings: BTreeMap<(String, String), Binding>,
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
            self.cluster_roles.insert(name.to_owned(), role);
        } else {
            self.roles.insert((namespace.to_owned(), name.to_owned()), role);
        }
    }

    /// Notes a RoleBinding (with its namespace) or a ClusterRoleBinding (empty namespace).
    pub fn add_binding(&mut self, namespace: &str, name: &str, binding: Binding) {
        self.bindings.insert((namespace.to_owned(), name.to_owned()), binding);
    }

    pub fn cluster_role(&self, name: &str) -> Option<&BoundRole> {
        self.cluster_roles.get(name)
    }

    /// The role that a binding in `namespace` (empty for a ClusterRoleBinding) refers to.
    pub fn referred(&self, role_ref: &RoleRef, namespace: &str) -> Option<&BoundRole> {
        match &*role_ref.kind {
            "ClusterRole" => self.cluster_roles.get(&*role_ref.name),
            "Role" => self.roles.get(&(namespace.to_owned(), role_ref.name.0.clone())),
            _ => None,
        }
    }

    /// Every ClusterRole with its name.
    pub fn cluster_roles(&self) -> impl Iterator<Item = (&str, &BoundRole)> {
        self.cluster_roles.iter().map(|(name, role)| (&**name, role))
    }

    /// The bindings to a role, each with its namespace (empty for a ClusterRoleBinding). `namespace` is the Role's,
    /// and empty for a ClusterRole.
    pub fn bindings_of(&self, namespace: &str, name: &str) -> impl Iterator<Item = (&str, &Binding)> {
        let kind = if namespace.is_empty() { "ClusterRole" } else { "Role" };
        self.bindings.iter().filter_map(move |((bound_in, _), binding)| {
            let here = namespace.is_empty() || namespace == bound_in;
            let refers = *binding.role_ref.kind == *kind && *binding.role_ref.name == *name;
            (here && refers).then_some((&**bound_in, binding))
        })
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
        self.bindings
            .iter()
            .any(|((bound_in, _), binding)| binding.subjects.iter().any(|subject| names(subject, bound_in)))
    }
}
