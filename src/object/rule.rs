//! One rule of a role and one subject of a binding, with the place where it stands.

use super::{
    AggregationRule, Body, Kind, Object, Place, PolicyRule, Role, Subject,
    rbac::{Binding, service_account},
};

/// One rule of a Role or ClusterRole.
#[derive(Clone, Copy, Debug)]
pub struct RuleAt<'o> {
    pub rule: &'o PolicyRule,
    pub position: usize,
    /// The role that has the rule.
    pub role: &'o Object<'o>,
}

/// One subject of a RoleBinding or ClusterRoleBinding.
#[derive(Clone, Copy, Debug)]
pub struct SubjectAt<'o> {
    pub subject: &'o Subject,
    pub position: usize,
    pub binding: &'o Binding,
    /// The object that is the binding.
    pub object: &'o Object<'o>,
}

impl<'a> Object<'a> {
    /// What a role holds.
    pub fn role(&self) -> Option<&Role> {
        match &self.body {
            Body::Role(role) => Some(role),
            _ => None,
        }
    }

    /// Whose rules a ClusterRole is made of, if of others. In a Role the field means nothing.
    pub fn aggregation(&self) -> Option<&AggregationRule> {
        self.role().filter(|_| self.kind == Kind::ClusterRole)?.aggregation_rule.as_ref()
    }

    /// The rules of a role. The only loop over them in the program.
    pub fn rules(&self) -> impl Iterator<Item = RuleAt<'_>> {
        let rules = self.role().map_or(&[][..], |role| &role.rules);
        rules.iter().enumerate().map(|(position, rule)| RuleAt { rule, position, role: self })
    }

    /// The subjects of a binding. The only loop over them in the program.
    pub fn subjects(&self) -> impl Iterator<Item = SubjectAt<'_>> {
        let binding = match &self.body {
            Body::Binding(binding) => Some(binding),
            _ => None,
        };
        binding.into_iter().flat_map(move |binding| {
            binding.subjects.iter().enumerate().map(move |(position, subject)| SubjectAt {
                subject,
                position,
                binding,
                object: self,
            })
        })
    }
}

impl RuleAt<'_> {
    /// The rule itself. Its key names no rule: what a role grants is the same in whatever rule it stands, so that
    /// reordering and splitting change nothing.
    pub fn place(&self) -> Place {
        let mut place = Place::of("rules");
        place.path.push_str(&format!("[{}]", self.position));
        place
    }
}

impl<'o> SubjectAt<'o> {
    /// The subject itself.
    pub fn place(&self) -> Place {
        let Subject { kind, name, .. } = self.subject;
        let account = if *self.subject.kind == *"ServiceAccount" { self.namespace() } else { "" };
        let slash = if account.is_empty() { "" } else { "/" };
        Place::default().item("subjects", self.position, &format!("{kind}/{account}{slash}{name}"))
    }

    /// Whether it is the group of this name.
    pub fn is_group(&self, name: &str) -> bool {
        *self.subject.kind == *"Group" && *self.subject.name == *name
    }

    /// The namespace and name of the service account that it is, also where the binding names the account's user.
    pub fn service_account(&self) -> Option<(&'o str, &'o str)> {
        match &*self.subject.kind {
            "ServiceAccount" => Some((self.namespace(), &self.subject.name)),
            "User" => service_account(&self.subject.name),
            _ => None,
        }
    }

    /// The namespace of a service account: in a RoleBinding an empty one means the binding's own.
    pub fn namespace(&self) -> &'o str {
        if self.subject.namespace.is_empty() {
            &self.object.metadata.namespace
        } else {
            &self.subject.namespace
        }
    }
}
