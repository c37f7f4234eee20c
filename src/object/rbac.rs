//! Roles and bindings, with the matching that Kubernetes' RBAC authorizer does.

use serde::Deserialize;

use super::{owned::Word, selector::Selector, text::List};

/// A Role or ClusterRole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    pub rules: List<PolicyRule>,
    pub aggregation_rule: Option<AggregationRule>,
}

/// Whose rules a ClusterRole is made of; its own are then written by the aggregation controller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AggregationRule {
    pub cluster_role_selectors: List<Selector>,
}

/// One rule of a role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyRule {
    pub verbs: List<Word>,
    pub api_groups: List<Word>,
    pub resources: List<Word>,
    /// Empty means every name.
    pub resource_names: List<Word>,
    #[serde(rename = "nonResourceURLs")]
    pub non_resource_urls: List<Word>,
}

/// A RoleBinding or ClusterRoleBinding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    pub subjects: List<Subject>,
    pub role_ref: RoleRef,
}

/// Whom a binding gives its role to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: Word,
    pub api_group: Word,
    pub name: Word,
    pub namespace: Word,
}

/// The role that a binding gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoleRef {
    pub api_group: Word,
    pub kind: Word,
    pub name: Word,
}

/// The namespace and name of the service account that a user name stands for.
pub fn service_account(username: &str) -> Option<(&str, &str)> {
    username.strip_prefix("system:serviceaccount:")?.split_once(':')
}

impl PolicyRule {
    /// Whether the rule has this verb, or all.
    pub fn has_verb(&self, verb: &str) -> bool {
        has_or_all(&self.verbs, verb)
    }

    /// Whether the rule is about this API group, or all.
    pub fn has_group(&self, group: &str) -> bool {
        has_or_all(&self.api_groups, group)
    }

    /// Whether the rule is about this resource (`pods`, `pods/exec`): by name, by `*`, or for a subresource by
    /// `*/exec`. `pods/*` means nothing to Kubernetes.
    pub fn has_resource(&self, resource: &str) -> bool {
        let any_of_subresource = |listed: &str| {
            listed
                .strip_prefix("*/")
                .is_some_and(|sub| resource.split_once('/').is_some_and(|(_, s)| s == sub))
        };
        self.resources
            .iter()
            .any(|listed| **listed == *"*" || **listed == *resource || any_of_subresource(listed))
    }

    /// Whether the rule grants a verb on a resource, be it for some names only.
    pub fn grants(&self, verb: &str, group: &str, resource: &str) -> bool {
        self.has_verb(verb) && self.has_group(group) && self.has_resource(resource)
    }

    /// Whether the rule holds for every name.
    pub fn is_for_all_names(&self) -> bool {
        self.resource_names.is_empty()
    }
}

fn has_or_all(list: &[Word], wanted: &str) -> bool {
    list.iter().any(|listed| **listed == *"*" || **listed == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> PolicyRule {
        let list = |texts: &[&str]| List(texts.iter().map(|text| Word::from(*text)).collect());
        PolicyRule {
            api_groups: list(groups),
            resources: list(resources),
            verbs: list(verbs),
            ..PolicyRule::default()
        }
    }

    #[test]
    fn resources_match_as_the_authorizer_matches_them() {
        for (listed, resource, matches) in [
            ("pods", "pods", true),
            ("pods", "pods/exec", false),
            ("pods/exec", "pods/exec", true),
            ("*", "pods", true),
            ("*", "pods/exec", true),
            ("*/exec", "pods/exec", true),
            ("*/exec", "pods", false),
            ("*/exec", "pods/log", false),
            ("pods/*", "pods/exec", false),
            ("pods/*", "pods", false),
            ("Pods", "pods", false),
        ] {
            assert_eq!(
                rule(&[""], &[listed], &["get"]).has_resource(resource),
                matches,
                "{listed} {resource}"
            );
        }
    }

    #[test]
    fn a_grant_takes_verb_group_and_resource_of_one_rule() {
        let rule = rule(&["", "apps"], &["pods"], &["get", "list"]);
        assert!(rule.grants("get", "apps", "pods"));
        assert!(!rule.grants("watch", "", "pods"));
        assert!(!rule.grants("get", "batch", "pods"));
        assert!(!self::rule(&[], &["*"], &["*"]).grants("get", "", "pods"));
        assert!(self::rule(&["*"], &["*"], &["*"]).grants("escalate", "rbac.authorization.k8s.io", "roles"));
    }
}
