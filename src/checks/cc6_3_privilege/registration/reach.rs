//! Which requests a webhook or an admission policy is asked about, and in what one reaches less than the other.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    check::{Report, quoted},
    object::{List, Operator, Place, Requirement, Selector, Word},
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rule {
    api_groups: List<Word>,
    api_versions: List<Word>,
    operations: List<Word>,
    resources: List<Word>,
    /// Only in admission policies, where it narrows.
    resource_names: List<Word>,
    scope: Word,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    pub(super) name: Word,
    pub(super) expression: Word,
}

impl Condition {
    pub(super) fn is_among(&self, others: &[Self]) -> bool {
        others.iter().any(|other| other.expression == *self.expression && other.name == *self.name)
    }
}

/// Which requests something is asked about, and what happens if it cannot be.
pub(super) struct Reach<'o> {
    pub(super) rules: &'o [Rule],
    pub(super) namespace_selector: Option<&'o Selector>,
    pub(super) object_selector: Option<&'o Selector>,
    pub(super) match_conditions: &'o [Condition],
    pub(super) match_policy: &'o str,
    pub(super) failure_policy: &'o str,
}

impl Reach<'_> {
    pub(super) fn compare(&self, wanted: &Self, at: &dyn Fn(&str) -> Place, report: &mut Report) {
        for ((group, resource), operations) in lost(self.rules, wanted.rules) {
            let name = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
            let operations = operations.join(", ");
            let what = format!("no longer ask about {operations} of {name}");
            report.violation_of(at("rules"), &format!("{operations} {name}"), what);
        }
        for (field, found, wanted) in [
            ("namespaceSelector", self.namespace_selector, wanted.namespace_selector),
            ("objectSelector", self.object_selector, wanted.object_selector),
        ] {
            if !selects_no_less(found, wanted) {
                report.violation(at(field), "leaves out more than it should");
            }
        }
        for condition in self.match_conditions {
            if !wanted.match_conditions.iter().any(|one| one.expression == *condition.expression) {
                let what = format!("leaves out more than it should: {}", quoted(&condition.expression));
                report.violation_of(at("matchConditions"), &condition.expression, what);
            }
        }
        if self.match_policy == "Exact" && wanted.match_policy != "Exact" {
            report
                .violation(at("matchPolicy"), "is `Exact`, so that another version of the API goes past it");
        }
        // Absent means Fail.
        if self.failure_policy == "Ignore" && wanted.failure_policy != "Ignore" {
            report.violation(at("failurePolicy"), "is `Ignore`, so that what cannot be asked about passes");
        }
    }
}

/// The operations that rules should ask about and do not, by group and resource.
fn lost<'w>(found: &[Rule], wanted: &'w [Rule]) -> BTreeMap<(&'w str, &'w str), Vec<&'w str>> {
    let mut lost: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for rule in wanted {
        for (group, version, resource, operation) in rule.requests() {
            let is_asked =
                found.iter().any(|other| other.covers([group, version, resource, operation], &rule.scope));
            let of_resource = lost.entry((group, resource)).or_default();
            if !is_asked && !of_resource.contains(&operation) {
                of_resource.push(operation);
            }
        }
    }
    lost.retain(|_, operations| !operations.is_empty());
    lost
}

impl Rule {
    fn requests(&self) -> impl Iterator<Item = (&str, &str, &str, &str)> {
        self.api_groups.iter().flat_map(move |group| {
            self.api_versions.iter().flat_map(move |version| {
                self.resources.iter().flat_map(move |resource| {
                    self.operations
                        .iter()
                        .map(move |operation| (&**group, &**version, &**resource, &**operation))
                })
            })
        })
    }

    fn covers(&self, [group, version, resource, operation]: [&str; 4], scope: &str) -> bool {
        let has = |list: &List<Word>, one: &str| list.iter().any(|item| *item == "*" || **item == *one);
        has(&self.api_groups, group)
            && has(&self.api_versions, version)
            && has(&self.operations, operation)
            && self.resource_names.is_empty()
            && (["", "*"].contains(&&*self.scope) || *self.scope == *scope)
            && self.resources.iter().any(|own| covers_resource(own, resource))
    }
}

/// Whether one resource of a rule takes in another: `*` has no subresources, `pods/*` has all of them and pods.
fn covers_resource(own: &str, other: &str) -> bool {
    let [(own, own_sub), (other, other_sub)] =
        [own, other].map(|resource| resource.split_once('/').unwrap_or((resource, "")));
    (own == "*" || own == other) && (own_sub == "*" || own_sub == other_sub)
}

/// Whether a selector selects everything that another one does: each of its requirements stands there too, or is wider.
fn selects_no_less(found: Option<&Selector>, wanted: Option<&Selector>) -> bool {
    let Some(found) = found else { return true };
    let all = Selector::default();
    let wanted = wanted.unwrap_or(&all);
    let implied = |one: &Requirement| {
        wanted.match_expressions.iter().any(|other| {
            let within = |these: &Requirement, those: &Requirement| {
                these.values.iter().all(|v| those.values.contains(v))
            };
            one.key == *other.key
                && one.operator == other.operator
                && match one.operator {
                    Operator::In => within(other, one),
                    Operator::NotIn => within(one, other),
                    Operator::Exists | Operator::DoesNotExist => true,
                    Operator::Unknown => false,
                }
        })
    };
    found.match_labels.iter().all(|(key, value)| wanted.match_labels.get(key) == Some(value))
        && found.match_expressions.iter().all(implied)
}
