//! Asks that a service mesh says who may call whom.

use serde::Deserialize;
use serde_json::Value;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{AuthorizationPolicy, Body, Cidr, Family, Intervals, Kind, Metadata, Place},
};

pub(super) const CHECK: Check = Check {
    id: "allow-all-authorization-policy",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "a workload is called only by those whom somebody has chosen"),
        Support::supporting(Criterion::CC6_1, "workloads are told apart by identity before they get in"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::AuthorizationPolicies), Need::Optional(Part::Namespaces)],
    title: "service mesh that lets everybody call",
    why: "A rule without a condition fits every request, from inside and outside the mesh, with and without an identity; \
          and where no policy is, the mesh lets everything through. The mutual TLS around it then protects nothing.",
    fix: "Name the callers in `from`, and what they may call in `to`; start from a policy without rules.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  action: ALLOW
  rules: [{}]
",
        "
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec:
  action: ALLOW
  rules:
  - from:
    - source: {principals: [cluster.local/ns/ingress/sa/gateway]}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::AuthorizationPolicy, Kind::Namespace]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// The mesh's root namespace, whose policies hold everywhere.
    root_namespace: String,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { root_namespace: "istio-system".to_owned() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { root_namespace } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some(object) = ask.object else { return };
        match &object.body {
            Body::AuthorizationPolicy(policy) => examine(policy, report),
            // Only at rest: a change of the namespace itself lets nobody call anything.
            _ if ask.request.operation.is_none() => unguarded(ask, &object.metadata, &root_namespace, report),
            _ => {}
        }
    })))
}

fn examine(policy: &AuthorizationPolicy, report: &mut Report) {
    if !matches!(&*policy.action, "" | "ALLOW") {
        return;
    }
    for (position, rule) in policy.rules.iter().enumerate() {
        if fits_everything(rule) {
            let place = Place::of("spec").item("rules", position, "everything");
            report.violation_of(place, "everything", "allows every request");
        }
    }
}

/// A namespace of the mesh that runs something, where neither it nor the root namespace has a policy.
fn unguarded(ask: &Ask<'_>, namespace: &Metadata<'_>, root: &str, report: &mut Report) {
    let label = |key: &str| namespace.labels.get(key);
    let is_in_mesh = label("istio-injection") == Some("enabled")
        || label("istio.io/dataplane-mode") == Some("ambient")
        || label("istio.io/rev").is_some_and(|revision| !revision.is_empty());
    let inventory = ask.inventory;
    let (Some(policies), Some(occupied)) =
        (inventory.authorization_policies.ready(), inventory.workload_namespaces.ready())
    else {
        return;
    };
    let name = &*namespace.name;
    let has_policy = [name, root].into_iter().any(|of| policies.get(of).is_some_and(|all| !all.is_empty()));
    if is_in_mesh && occupied.contains_key(name) && !has_policy {
        let what = format!("is {}, where no AuthorizationPolicy says who may call", quoted(name));
        report.violation_of(Place::of("metadata.name"), name, what);
    }
}

/// Whether every part of a rule that is there fits every request.
fn fits_everything(rule: &Value) -> bool {
    let of = |list: &str, item: &str, fits: fn(&str, &[&str]) -> bool| {
        let entries = list_of(rule.get(list));
        // One entry that fits is enough: they are alternatives.
        entries.is_empty() || entries.iter().any(|entry| fields_fit(entry.get(item), fits))
    };
    of("from", "source", source_fits)
        && of("to", "operation", operation_fits)
        && list_of(rule.get("when")).is_empty()
}

fn list_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether every field of a source or an operation that says anything fits every request.
fn fields_fit(value: Option<&Value>, fits: fn(&str, &[&str]) -> bool) -> bool {
    let fields = value.and_then(Value::as_object).into_iter().flatten();
    fields.filter(|(_, list)| !list_of(Some(list)).is_empty()).all(|(field, list)| {
        let values: Vec<_> = list_of(Some(list)).iter().filter_map(Value::as_str).collect();
        fits(field, &values)
    })
}

/// Addresses can be everybody's; an identity, even `*`, is one that the caller must have.
fn source_fits(field: &str, values: &[&str]) -> bool {
    let blocks = || values.iter().filter_map(|text| Cidr::parse(text));
    let covers = |family: Family| {
        let own = blocks().filter(|cidr| cidr.first.family == family).map(|cidr| cidr.range());
        own.collect::<Intervals>().covers(&family.every())
    };
    matches!(field, "ipBlocks" | "remoteIpBlocks") && Family::ALL.into_iter().any(covers)
}

fn operation_fits(field: &str, values: &[&str]) -> bool {
    match field {
        "paths" => values.iter().any(|path| matches!(*path, "*" | "/*" | "/{**}")),
        "hosts" | "methods" => values.contains(&"*"),
        _ => false,
    }
}
