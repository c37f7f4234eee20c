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

    /// The names that bound a verb on a resource; none means every name. RBAC decides `create` and `deletecollection`
    /// before it knows a name, except of a token, whose account stands in the URL.
    pub fn bounds(&self, verb: &str, resource: &str) -> &[Word] {
        let is_nameless =
            verb == "deletecollection" || (verb == "create" && resource != "serviceaccounts/token");
        // An empty name is the one that a request for a whole list asks with.
        if is_nameless || self.resource_names.iter().any(|name| name.is_empty()) {
            return &[];
        }
        &self.resource_names
    }

    /// Whether the rule is about this path of the API server: by name, or by a prefix that ends in `*`.
    pub fn has_url(&self, url: &str) -> bool {
        self.non_resource_urls.iter().any(|listed| {
            **listed == *url || listed.strip_suffix('*').is_some_and(|start| url.starts_with(start))
        })
    }

    /// Whether the rule grants everything on every resource.
    pub fn is_everything(&self) -> bool {
        self.grants("*", "*", "*") && self.resource_names.is_empty()
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
    fn names_bound_only_what_is_decided_with_a_name() {
        let named = |names: &[&str]| PolicyRule {
            resource_names: List(names.iter().map(|name| Word::from(*name)).collect()),
            ..rule(&[""], &["*"], &["*"])
        };
        for (verb, resource, bounded) in [
            ("get", "secrets", true),
            ("list", "secrets", true),
            ("create", "serviceaccounts/token", true),
            ("create", "secrets", false),
            ("create", "pods/exec", false),
            ("deletecollection", "secrets", false),
        ] {
            assert_eq!(!named(&["a"]).bounds(verb, resource).is_empty(), bounded, "{verb} {resource}");
            assert!(named(&["a", ""]).bounds(verb, resource).is_empty(), "{verb} {resource}");
        }
    }

    #[test]
    fn everything_is_every_verb_on_every_resource_of_every_group_by_every_name() {
        let all = ["*"].as_slice();
        assert!(rule(all, all, &["get", "*"]).is_everything());
        for (groups, resources, verbs) in
            [(&["", "apps"][..], all, all), (all, &["pods", "*/scale"], all), (all, all, &["get", "create"])]
        {
            assert!(!rule(groups, resources, verbs).is_everything());
        }
        let named = PolicyRule { resource_names: List(vec!["a".into()]), ..rule(all, all, all) };
        assert!(!named.is_everything());
    }

    #[test]
    fn urls_match_as_the_authorizer_matches_them() {
        for (listed, url, matches) in [
            ("*", "/metrics", true),
            ("/*", "/metrics", true),
            ("/metrics", "/metrics", true),
            ("/metrics", "/metrics/slis", false),
            ("/metrics/*", "/metrics/slis", true),
            ("/metrics", "/*", false),
            ("*", "*", true),
        ] {
            let rule = PolicyRule { non_resource_urls: List(vec![listed.into()]), ..PolicyRule::default() };
            assert_eq!(rule.has_url(url), matches, "{listed} {url}");
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
