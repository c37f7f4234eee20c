//! Refuses rules that slip into the roles of many by a label.

use super::{
    grant::{self, Before},
    kubernetes, permission,
    wildcard_rule::{self, OwnGroups},
};
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Object, Place},
};

pub(super) const CHECK: Check = Check {
    id: "aggregated-privilege",
    criterion: Criterion::CC6_3,
    tsc: &[Support::direct(
        Criterion::CC6_3,
        "a role that many hold does not grow by what nobody approved for it",
    )],
    severity: Severity::High,
    needs: &[Need::OldObject, Need::Optional(Part::Roles)],
    title: "dangerous rule in an aggregated role",
    why: "The label adds the rules to a role that people hold already: everybody with view, edit or admin gets them at \
          once, in every namespace where it is bound, and no binding shows it.",
    fix: "Remove the label and bind the role where it is needed, or remove the dangerous rules.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-viewer, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}
rules:
- apiGroups: ['']
  resources: [secrets]
  verbs: [list]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: shop-viewer, labels: {rbac.authorization.k8s.io/aggregate-to-view: 'true'}}
rules:
- apiGroups: [shop.example.com]
  resources: [orders]
  verbs: [list]
",
    ),
    examine: Examine::Configured(Kinds::Roles, configure),
};

/// Kubernetes' own roles that take in the rules of others, each by the label that asks for it.
const BUILT_IN: [(&str, &str); 3] = [
    ("rbac.authorization.k8s.io/aggregate-to-admin", "admin"),
    ("rbac.authorization.k8s.io/aggregate-to-edit", "edit"),
    ("rbac.authorization.k8s.io/aggregate-to-view", "view"),
];

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let own = OwnGroups::read(params)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let role = ask.object.filter(|object| object.kind == Kind::ClusterRole);
        if let Some(role) = role.filter(|role| !kubernetes::is_own(role, ask.request)) {
            selects_everything(role, report);
            if !kubernetes::has_copied_rules(role, ask.request) {
                adds(role, &own, ask, report);
            }
        }
    })))
}

fn selects_everything(role: &Object<'_>, report: &mut Report) {
    let selectors = role.aggregation().map_or(&[][..], |aggregation| &aggregation.cluster_role_selectors);
    for (position, _) in selectors.iter().enumerate().filter(|(_, selector)| selector.is_empty()) {
        let place = Place::default().field("aggregationRule").item("clusterRoleSelectors", position, "{}");
        report.violation(place, "is empty and takes in the rules of every ClusterRole");
    }
}

/// Reports the rules that would be added to the roles of others.
fn adds(role: &Object<'_>, own: &OwnGroups, ask: &Ask<'_>, report: &mut Report) {
    let into = targets(role, ask);
    let Some(first) = into.first() else { return };
    let more = into.len() - 1;
    let into_words = if more > 0 { format!("{} and {more} more", quoted(first)) } else { quoted(first) };
    // What is added to one more role is new there, whatever the rules were before.
    let was_added = ask.old.is_some_and(|old| {
        let before = targets(old, ask);
        into.iter().all(|target| before.contains(target))
    });
    let before = if was_added { Before::of(ask) } else { Before::NOTHING };
    for at in role.rules() {
        let mut grants = wildcard_rule::grants(at.rule, own);
        // Everybody with edit or admin may run workloads where these are bound.
        let permissions = permission::ALL.iter().filter(|one| one.id != "workload-creation-permission");
        grants.extend(permissions.flat_map(|permission| permission.grants(at.rule, &|| true)));
        grant::report(&at, grants, before, report, |grants| {
            format!("adds {} to ClusterRole {into_words}", grant::told(grants))
        });
    }
}

/// The roles that the rules of this one are added to.
fn targets<'a>(role: &Object<'_>, ask: &Ask<'a>) -> Vec<&'a str> {
    let label = |key: &str| role.metadata.labels.get(key);
    let by_label = BUILT_IN.iter().filter(|(key, _)| label(key) == Some("true")).map(|(_, name)| *name);
    let mut targets: Vec<&str> = by_label.collect();
    if let Some(roles) = ask.inventory.roles.ready() {
        let others = roles.aggregators(label).filter(|name| *name != &*role.metadata.name);
        targets.extend(others);
    }
    targets.sort_unstable();
    targets.dedup();
    targets
}
