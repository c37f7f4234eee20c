//! Asks that whoever gets much power got it from somebody, for a reason, until a day.

use jiff::civil::Date;
use regex::Regex;
use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Reference, Report, lasts_longer,
        moment, quoted,
    },
    checks::cc6_3_privilege::{self as privilege, kubernetes},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Object, Place, RoleRef},
};

pub(in crate::checks) const CHECK: Check = Check {
    id: "unapproved-privileged-binding",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::supporting(Criterion::CC6_2, "who gets privileged access was authorized and is reviewed"),
        Support::direct(Criterion::CC6_3, "privileged access has an approval, an owner and an end"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::Roles)],
    title: "privileged binding without approval",
    why: "Privileged access that nobody asked for in writing, that nobody answers for and that never ends is what an \
          access review looks for first. The annotations make the review a list.",
    fix: "Annotate the binding with its ticket, its owner and the day of its next review.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: on-call, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: on-call}]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: on-call
  namespace: shop
  annotations: {soc2gate.io/ticket: OPS-17, soc2gate.io/owner: shop-leads, soc2gate.io/review-by: '2026-08-31'}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: on-call}]
",
    ),
    examine: Examine::Configured(Kinds::Bindings, configure),
};

/// ClusterRoles that are privileged whatever else is known.
const PRIVILEGED: [&str; 3] = ["cluster-admin", "admin", "edit"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// The annotations that say who asked for it, who answers for it and when it is looked at again.
    ticket: String,
    owner: String,
    review_by: String,
    /// A regular expression that the whole ticket must fit.
    ticket_pattern: Option<String>,
    /// How far ahead the next review may lie, in days.
    max_review_days: u16,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            ticket: "soc2gate.io/ticket".to_owned(),
            owner: "soc2gate.io/owner".to_owned(),
            review_by: "soc2gate.io/review-by".to_owned(),
            ticket_pattern: None,
            max_review_days: 90,
        }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    let Parameters { ticket, owner, review_by, ticket_pattern, max_review_days } = &parameters;
    for (field, key) in [("ticket", ticket), ("owner", owner), ("reviewBy", review_by)] {
        if key.trim().is_empty() {
            return Err(params.refuse(format!("`{field}` is empty: name the annotation")));
        }
    }
    if ticket == owner || owner == review_by || review_by == ticket {
        return Err(params.refuse("`ticket`, `owner` and `reviewBy` must be three annotations"));
    }
    if *max_review_days == 0 {
        return Err(params.refuse("`maxReviewDays` is 0: no day would do"));
    }
    let pattern = |text: &String| {
        Regex::new(&format!("^(?:{text})$"))
            .map_err(|_| params.refuse(format!("`ticketPattern` is no regular expression: {}", quoted(text))))
    };
    let pattern = ticket_pattern.as_ref().map(pattern).transpose()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(pattern.as_ref(), ask, report))))
}

impl Parameters {
    fn examine(&self, pattern: Option<&Regex>, ask: &Ask<'_>, report: &mut Report) {
        let Some(object) = ask.object else { return };
        let Body::Binding(binding) = &object.body else { return };
        if binding.subjects.is_empty() || is_own(object, ask) {
            return;
        }
        let Some(power) = power(&binding.role_ref, object, ask) else { return };
        let mut missing = |key: &str, value: &str, what: &str| {
            let place = Place::of("metadata").entry("annotations", key);
            report.violation_of(place, value, format!("{what}, but {power}"));
        };
        let annotation =
            |key: &str| object.metadata.annotations.get(key).map(str::trim).filter(|text| !text.is_empty());
        match annotation(&self.ticket) {
            None => missing(&self.ticket, "", "names no ticket"),
            Some(ticket) if pattern.is_some_and(|pattern| !pattern.is_match(ticket)) => {
                missing(&self.ticket, ticket, &format!("is {}, which is no ticket", quoted(ticket)));
            }
            Some(_) => {}
        }
        if annotation(&self.owner).is_none() {
            missing(&self.owner, "", "names no owner");
        }
        let Some(day) = annotation(&self.review_by) else {
            return missing(&self.review_by, "", "names no day of review");
        };
        // A day is meant whole: it has passed when the next one begins.
        let what = match moment(day, Date::tomorrow) {
            None => "which is no date (`2027-01-31`)".to_owned(),
            Some(due) if due <= ask.now => "which has passed".to_owned(),
            Some(due) if lasts_longer(ask.now, due, self.max_review_days) => {
                format!("which is more than {} days ahead", self.max_review_days)
            }
            Some(_) => return,
        };
        missing(&self.review_by, day, &format!("is {}, {what}", quoted(day)));
    }
}

/// Whether Kubernetes itself makes the binding, for nobody but its own parts.
fn is_own(object: &Object<'_>, ask: &Ask<'_>) -> bool {
    kubernetes::is_own(object, ask.request) && object.subjects().all(|at| kubernetes::is_own_subject(&at))
}

/// Why the binding is privileged, if it is.
fn power(role: &RoleRef, object: &Object<'_>, ask: &Ask<'_>) -> Option<String> {
    let is_cluster_wide = object.kind == Kind::ClusterRoleBinding;
    let name = quoted(&role.name);
    if *role.kind == *"ClusterRole" && PRIVILEGED.contains(&&*role.name) {
        return Some(format!("the binding gives ClusterRole {name}"));
    }
    let roles = ask.inventory.roles.ready()?;
    let known = roles.referred(role, &object.metadata.namespace)?;
    let check = roles.rules(known).into_iter().find_map(|rule| privilege::broken(rule, is_cluster_wide))?;
    Some(format!("the binding gives {name}, which breaks {check}"))
}
