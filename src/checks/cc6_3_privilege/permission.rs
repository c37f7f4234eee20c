//! A permission that a check looks for in rules, found by RBAC's own matching.

mod table;

use super::grant::{self, Before, Grant, Granted, MOST_GRANTS};
use crate::{
    check::{Ask, Params, Report},
    installation,
    manifest::Unusable,
    object::{Kind, Object, PolicyRule, RuleAt, Word},
};

pub(super) use table::{
    ADMISSION_CONTROL, ALL, CERTIFICATE_APPROVAL, ESCALATION, EXEC, IMPERSONATION, NAMESPACE_LABELS,
    NODE_PROXY, PERSISTENT_VOLUMES, SECRET_READING, TOKEN_CREATION, WEBHOOK_ATTESTATION, WORKLOAD_CREATION,
};

/// What one check looks for in a rule.
pub(in crate::checks) struct Permission {
    /// The check.
    pub(in crate::checks) id: &'static str,
    targets: &'static [Target],
    /// The names that do not excuse where others do, as by the default parameters.
    names: &'static [&'static str],
}

/// Verbs on resources of one API group.
struct Target {
    group: &'static str,
    /// By name, or with a `*` at the end by their beginning.
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    names: Names,
    /// Whether it counts only where it holds in every namespace.
    is_cluster_wide: bool,
}

/// What it means that a rule is bound to names.
#[derive(Clone, Copy)]
enum Names {
    /// Nothing: it is as bad for one as for all.
    Count,
    /// It excuses.
    Excuse,
    /// It excuses unless one of these is among them.
    ExcuseBut(&'static [&'static str]),
    /// It excuses unless one of those that the parameters list is among them.
    ExcuseButListed,
}

const fn on(
    group: &'static str,
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    names: Names,
) -> Target {
    Target { group, resources, verbs, names, is_cluster_wide: false }
}

impl Target {
    const fn cluster_wide(self) -> Self {
        Self { is_cluster_wide: true, ..self }
    }
}

impl Permission {
    /// Reports what a rule grants of it.
    pub(super) fn examine(&self, at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
        self.examine_counting(at, ask, report, &|_| true);
    }

    /// The same where the parameters say which names are listed.
    pub(super) fn examine_listing(
        &self,
        at: &RuleAt<'_>,
        ask: &Ask<'_>,
        report: &mut Report,
        is_listed: &dyn Fn(&str) -> bool,
    ) {
        self.examine_both(at, ask, report, is_listed, &|_| true);
    }

    /// The same where the parameters say which grants count.
    pub(super) fn examine_counting(
        &self,
        at: &RuleAt<'_>,
        ask: &Ask<'_>,
        report: &mut Report,
        counts: &dyn Fn(&Grant<'_>) -> bool,
    ) {
        self.examine_both(at, ask, report, &|name| self.lists(name), counts);
    }

    fn examine_both(
        &self,
        at: &RuleAt<'_>,
        ask: &Ask<'_>,
        report: &mut Report,
        is_listed: &dyn Fn(&str) -> bool,
        counts: &dyn Fn(&Grant<'_>) -> bool,
    ) {
        if grant::is_excused(at.role, ask) || is_own(at, ask) {
            return;
        }
        let mut grants = self.grants_but(at.rule, &|| is_cluster_wide(at.role, ask), is_listed);
        grants.retain(|grant| counts(grant));
        grant::report(at, grants, Before::of(ask), report, |grants| {
            format!("grants {}", grant::told(grants))
        });
    }

    /// What a rule grants of it, by the default parameters.
    pub(in crate::checks) fn grants<'r>(
        &self,
        rule: &'r PolicyRule,
        is_cluster_wide: &dyn Fn() -> bool,
    ) -> Vec<Grant<'r>> {
        self.grants_but(rule, is_cluster_wide, &|name| self.lists(name))
    }

    fn grants_but<'r>(
        &self,
        rule: &'r PolicyRule,
        is_cluster_wide: &dyn Fn() -> bool,
        is_listed: &dyn Fn(&str) -> bool,
    ) -> Vec<Grant<'r>> {
        let mut grants = Vec::new();
        for target in self.targets {
            let found = target.grants(rule, is_listed);
            if !found.is_empty() && (!target.is_cluster_wide || is_cluster_wide()) {
                grants.extend(found);
            }
        }
        grants
    }

    fn lists(&self, name: &str) -> bool {
        self.names.iter().any(|listed| fits(listed, name))
    }

    /// The names by default, for parameters.
    pub(super) fn names(&self) -> Vec<String> {
        self.names.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// Whether the gate itself is installed with this rule, to the letter.
fn is_own(at: &RuleAt<'_>, ask: &Ask<'_>) -> bool {
    ask.request.kind == Kind::ClusterRole
        && installation::is_own_role_rule(ask.request.object_name(), at.rule)
}

impl Target {
    fn grants<'r>(&self, rule: &'r PolicyRule, is_listed: &dyn Fn(&str) -> bool) -> Vec<Grant<'r>> {
        let mut grants = Vec::new();
        if !rule.has_group(self.group) {
            return grants;
        }
        let verbs: Vec<_> = self.verbs.iter().flat_map(|verb| verbs(verb, rule)).collect();
        let resources = self.resources.iter().flat_map(|resource| resources(resource, rule));
        for resource in resources {
            for verb in &verbs {
                let grant =
                    |name| Grant { verb, group: self.group, object: Granted::Resource(resource), name };
                let bounds = rule.bounds(verb, resource);
                let all = bounds.is_empty().then(|| grant(None));
                let named = bounds.iter().filter(|name| self.counts(name, is_listed));
                grants.extend(all.into_iter().chain(named.map(|name| grant(Some(name)))));
                if grants.len() > MOST_GRANTS {
                    return grants;
                }
            }
        }
        grants
    }

    fn counts(&self, name: &str, is_listed: &dyn Fn(&str) -> bool) -> bool {
        match self.names {
            Names::Count => true,
            Names::Excuse => false,
            Names::ExcuseBut(names) => names.contains(&name),
            Names::ExcuseButListed => is_listed(name),
        }
    }
}

/// The verbs of a rule that a wanted one stands for. An API verb is written in small letters, or means nothing.
fn verbs<'r>(wanted: &'static str, rule: &'r PolicyRule) -> Vec<&'r str> {
    let Some(start) = wanted.strip_suffix('*') else {
        return rule.has_verb(wanted).then_some(wanted).into_iter().collect();
    };
    let is_wanted = |verb: &str| verb.starts_with(start) && !verb.contains(|c: char| c.is_ascii_uppercase());
    distinct(&rule.verbs, |verb| match verb {
        "*" => Some(wanted),
        _ => is_wanted(verb).then_some(verb),
    })
}

/// The resources of a rule that a wanted one stands for.
fn resources<'r>(wanted: &'static str, rule: &'r PolicyRule) -> Vec<&'r str> {
    let Some(start) = wanted.strip_suffix('*') else {
        return rule.has_resource(wanted).then_some(wanted).into_iter().collect();
    };
    let is_subresource_of_all = |resource: &str| start.ends_with('/') && resource.starts_with("*/");
    distinct(&rule.resources, |resource| match resource {
        "*" => Some(wanted),
        _ => (resource.starts_with(start) || is_subresource_of_all(resource)).then_some(resource),
    })
}

fn distinct<'r>(words: &'r [Word], wanted: impl Fn(&'r str) -> Option<&'r str>) -> Vec<&'r str> {
    let mut found: Vec<_> = words.iter().filter_map(|word| wanted(word)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Refuses a list of names in which one could only be a mistake.
pub(super) fn refuse_unusable(
    params: &Params<'_>,
    parameter: &str,
    names: &[String],
) -> Result<(), Unusable> {
    let is_usable =
        |name: &str| !name.trim_end_matches('*').is_empty() && !name.trim_end_matches('*').contains('*');
    match names.iter().find(|name| !is_usable(name)) {
        Some(name) => Err(params.refuse(format!(
            "`{name}` in `{parameter}` is no name: write it in full, or its beginning with a `*` after it"
        ))),
        None => Ok(()),
    }
}

/// Whether a name is the listed one, or begins as one that ends in `*`. A `*` alone is the name `*`.
pub(super) fn fits(listed: &str, name: &str) -> bool {
    match listed.strip_suffix('*') {
        Some(start) if !start.is_empty() => name.starts_with(start),
        _ => listed == name,
    }
}

/// Whether a role holds in every namespace, as far as is known: a ClusterRole that RoleBindings alone refer to does not.
fn is_cluster_wide(role: &Object<'_>, ask: &Ask<'_>) -> bool {
    let is_namespaced = || {
        let metadata = &role.metadata;
        let roles = ask.inventory.roles.ready();
        roles.is_some_and(|roles| roles.is_namespaced(&metadata.name, |key| metadata.labels.get(key)))
    };
    role.kind == Kind::ClusterRole && !is_namespaced()
}
