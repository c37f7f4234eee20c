//! Asks that roles name what they are for.

use serde::Deserialize;

use super::grant::{self, Before, Grant, Granted, MOST_GRANTS};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{PolicyRule, Word},
};

pub(super) const CHECK: Check = Check {
    id: "wildcard-rule",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "a role gives what its work needs and nothing that comes later"),
        Support::supporting(Criterion::CC6_1, "rights are written down in full and can be reviewed"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "rule without limits",
    why: "A `*` gives every verb, resource or API group that exists, and every one that is installed later. Nobody who \
          reviews the role can tell what it comes to.",
    fix: "Write out the verbs, resources and API groups that are needed; your own API groups can be listed in `ownGroups`.",
    references: &[Reference::Cis("5.1.3"), Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules:
- apiGroups: ['']
  resources: ['*']
  verbs: [get, list]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web, namespace: shop}
rules:
- apiGroups: ['']
  resources: [configmaps, services]
  verbs: [get, list]
",
    ),
    examine: Examine::Configured(Kinds::Roles, configure),
};

/// API groups whose resources are one's own: `*` says no more there than their operator knows.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct OwnGroups {
    own_groups: Vec<String>,
}

impl OwnGroups {
    /// Reads them from a policy.
    ///
    /// # Errors
    /// The group that could only be a mistake.
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Unusable> {
        let own: Self = params.read()?;
        match own.own_groups.iter().find(|group| group.is_empty() || group.contains('*')) {
            Some(group) => Err(params.refuse(format!(
                "`ownGroups` has {}: write each API group of your own in full, as in `shop.example.com`",
                quoted(group)
            ))),
            None => Ok(own),
        }
    }

    fn hold_all(&self, groups: &[Word]) -> bool {
        !groups.is_empty() && groups.iter().all(|group| self.own_groups.iter().any(|own| **group == **own))
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let own = OwnGroups::read(params)?;
    Ok(Examiner::Rule(Box::new(move |at, ask, report| {
        if !grant::is_excused(at.role, ask) {
            let grants = grants(at.rule, &own);
            grant::report(at, grants, Before::of(ask), report, |grants| {
                format!("grants {}", reach(at.rule, grants))
            });
        }
    })))
}

/// What a rule grants by a `*`.
pub(in crate::checks) fn grants<'r>(rule: &'r PolicyRule, own: &OwnGroups) -> Vec<Grant<'r>> {
    // Where a list has a `*` the rest of it says nothing.
    let verbs = widest(&rule.verbs);
    let (groups, resources) = (widest(&rule.api_groups), widest(&rule.resources));
    let is_wide = [&verbs, &groups, &resources].into_iter().any(|list| list.contains(&"*"));
    let mut grants = Vec::new();
    if is_wide && !own.hold_all(&rule.api_groups) {
        let names: Vec<_> = if rule.resource_names.is_empty() {
            vec![None]
        } else {
            rule.resource_names.iter().map(|name| Some(&**name)).collect()
        };
        let each = verbs.iter().flat_map(|verb| groups.iter().map(move |group| (*verb, *group)));
        let each = each.flat_map(|(verb, group)| resources.iter().map(move |on| (verb, group, *on)));
        let each = each.flat_map(|(verb, group, on)| names.iter().map(move |name| (verb, group, on, *name)));
        let grant = |(verb, group, on, name)| Grant { verb, group, object: Granted::Resource(on), name };
        grants.extend(each.map(grant).take(MOST_GRANTS + 1));
    }
    let wide_urls = rule.non_resource_urls.iter().map(|url| &**url).filter(|url| ["*", "/*"].contains(url));
    let of_urls = wide_urls.flat_map(|url| {
        let grant = move |verb: &&'r str| Grant { verb, group: "", object: Granted::Url(url), name: None };
        verbs.iter().map(grant).collect::<Vec<_>>()
    });
    grants.extend(of_urls.take(MOST_GRANTS + 1));
    grants
}

fn widest(words: &[Word]) -> Vec<&str> {
    if words.iter().any(|word| **word == *"*") {
        return vec!["*"];
    }
    words.iter().map(|word| &**word).collect()
}

/// What a rule comes to, in the middle of a sentence.
fn reach(rule: &PolicyRule, grants: &[Grant<'_>]) -> String {
    let part = |words: &[Word], all: &str| match widest(words)[..] {
        ["*"] => all.to_owned(),
        [] => "nothing".to_owned(),
        [one] => named(one),
        [one, another] => format!("{} and {}", named(one), named(another)),
        [one, ref more @ ..] => format!("{} and {} more", named(one), more.len()),
    };
    let verbs = part(&rule.verbs, "every verb");
    if grants.iter().all(|grant| matches!(grant.object, Granted::Url(_))) {
        return format!("{verbs} on every path of the API server");
    }
    let resources = part(&rule.resources, "every resource");
    format!("{verbs} on {resources} of {}", part(&rule.api_groups, "every API group"))
}

/// A word of a rule; the empty one is the core API group.
fn named(word: &str) -> String {
    if word.is_empty() { "the core API group".to_owned() } else { quoted(word) }
}
