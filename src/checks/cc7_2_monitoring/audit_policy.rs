//! An audit policy as the API server reads it, and what it makes of a request.

use serde::Deserialize;

use crate::object::{List, Word};

/// A policy of `audit.k8s.io`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AuditPolicy {
    pub(super) rules: List<Rule>,
    /// For every rule, beside the rule's own.
    pub(super) omit_stages: List<Word>,
}

/// One rule. An empty list of any sort means no condition of that sort.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rule {
    pub(super) level: Word,
    pub(super) users: List<Word>,
    pub(super) user_groups: List<Word>,
    pub(super) verbs: List<Word>,
    pub(super) resources: List<GroupResources>,
    /// The empty name means resources outside namespaces.
    pub(super) namespaces: List<Word>,
    #[serde(rename = "nonResourceURLs")]
    pub(super) non_resource_urls: List<Word>,
    pub(super) omit_stages: List<Word>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct GroupResources {
    pub(super) group: Word,
    /// None means all resources of the group, with their subresources.
    pub(super) resources: List<Word>,
    pub(super) resource_names: List<Word>,
}

/// How much of a request is recorded, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    None,
    Metadata,
    Request,
    RequestResponse,
}

/// When a record is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The only one of a failed authentication, and the first of a connection that goes on.
    ResponseStarted,
    ResponseComplete,
}

/// A request, as the audit of the API server sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attributes<'a> {
    /// Nobody, where authentication failed.
    pub(super) user: Option<User<'a>>,
    pub(super) verb: &'a str,
    pub(super) target: Target<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct User<'a> {
    pub(super) name: &'a str,
    pub(super) groups: &'a [&'a str],
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Target<'a> {
    Resource { group: &'a str, resource: &'a str, subresource: &'a str, namespace: &'a str, name: &'a str },
    Path(&'a str),
}

impl Level {
    pub(super) fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Metadata, Self::Request, Self::RequestResponse]
            .into_iter()
            .find(|level| level.id() == text)
    }

    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

impl Stage {
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::ResponseStarted => "ResponseStarted",
            Self::ResponseComplete => "ResponseComplete",
        }
    }
}

impl AuditPolicy {
    /// The first rule that matches, with its position. Without one nothing is recorded.
    pub(super) fn rule_for(&self, request: &Attributes<'_>) -> Option<(usize, &Rule)> {
        self.rules.iter().enumerate().find(|(_, rule)| rule.matches(request))
    }

    /// Whether a rule, or the whole policy, leaves out a stage.
    pub(super) fn omits(&self, rule: &Rule, stage: Stage) -> bool {
        self.omit_stages.iter().chain(rule.omit_stages.iter()).any(|own| **own == *stage.id())
    }
}

impl Rule {
    /// Whether it applies to a request: every sort of condition that it has must hold.
    pub(super) fn matches(&self, request: &Attributes<'_>) -> bool {
        let is_user = |user: User<'_>| lists(&self.users, user.name);
        let is_in_group = |user: User<'_>| user.groups.iter().any(|group| lists(&self.user_groups, group));
        // Where authentication failed there is nobody who could be listed.
        (self.users.is_empty() || request.user.is_some_and(is_user))
            && (self.user_groups.is_empty() || request.user.is_some_and(is_in_group))
            && (self.verbs.is_empty() || lists(&self.verbs, request.verb))
            && self.matches_target(&request.target)
    }

    fn matches_target(&self, target: &Target<'_>) -> bool {
        let of_resources = !self.namespaces.is_empty() || !self.resources.is_empty();
        match target {
            Target::Path(path) => {
                let is_any = self.non_resource_urls.is_empty();
                !of_resources && (is_any || self.non_resource_urls.iter().any(|url| is_path(url, path)))
            }
            Target::Resource { namespace, .. } if of_resources => {
                (self.namespaces.is_empty() || lists(&self.namespaces, namespace))
                    && (self.resources.is_empty() || self.resources.iter().any(|own| own.matches(target)))
            }
            Target::Resource { .. } => self.non_resource_urls.is_empty(),
        }
    }

    /// Whether it has no condition at all.
    pub(super) fn is_catch_all(&self) -> bool {
        let bare =
            Self { level: self.level.clone(), omit_stages: self.omit_stages.clone(), ..Self::default() };
        *self == bare
    }
}

impl GroupResources {
    fn matches(&self, target: &Target<'_>) -> bool {
        let Target::Resource { group, resource, subresource, name, .. } = *target else { return false };
        if *self.group != *group {
            return false;
        }
        // Without resources the names are not looked at.
        self.resources.is_empty()
            || ((self.resource_names.is_empty() || lists(&self.resource_names, name))
                && self.resources.iter().any(|own| is_resource(own, resource, subresource)))
    }
}

/// `*` is everything, `pods/*` pods and all beneath, `*/scale` every subresource of that name.
fn is_resource(pattern: &str, resource: &str, subresource: &str) -> bool {
    match pattern.split_once('/') {
        None => pattern == "*" || (pattern == resource && subresource.is_empty()),
        Some((own, "*")) => own == resource,
        Some((own, sub)) => !subresource.is_empty() && sub == subresource && (own == resource || own == "*"),
    }
}

/// A `*` at the end stands for anything.
fn is_path(pattern: &str, path: &str) -> bool {
    pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}

fn lists(list: &[Word], text: &str) -> bool {
    list.iter().any(|own| **own == *text)
}
