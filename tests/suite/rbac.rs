//! Roles and bindings: what each check finds in them, and what it leaves alone.

mod aggregation;
mod bindings;
mod folding;
mod kubernetes;
mod paths;
mod permissions;
mod ratchet;
mod system_roles;

use std::sync::LazyLock;

use serde_json::{Value, json};
use soc2gate::{
    check::{Report, Version},
    checks,
    criterion::Criterion,
    inventory::Inventory,
    policy::{Choice, Loaded, PolicySet, Settings},
};

use crate::{library, surroundings};

static SHIPPED: LazyLock<PolicySet> =
    LazyLock::new(|| Loaded::shipped().unwrap().bind(&Settings::default()).unwrap());

/// Of these, the checks of access alone.
static OF_ACCESS: LazyLock<PolicySet> = LazyLock::new(|| {
    let criteria = [Criterion::CC6_1, Criterion::CC6_2, Criterion::CC6_3].map(Choice::Criterion);
    Loaded::shipped().unwrap().bind(&Settings::default()).unwrap().narrow(&criteria)
});

/// A policy with one check in this mode, whatever its criterion.
fn policy(id: &str, mode: &str, params: &str) -> PolicySet {
    let params = if params.is_empty() { String::new() } else { format!(", params: {{{params}}}") };
    library::policies(&[&format!(
        "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: p}}\nspec:\n  criterion: {}\n  control: \
         Tested.\n  checks: [{{id: {id}, mode: {mode}{params}}}]\n",
        checks::find(id).unwrap().criterion
    )])
}

/// A rule written as `verbs | resources | API groups | resource names`, words by spaces, as the fixtures have it.
fn rule(text: &str) -> Value {
    if text == "events" {
        return rule("create patch update | events | core events.k8s.io");
    }
    let expand = |word: &str| -> Vec<String> {
        let words: &[&str] = match word {
            "read" => &["get", "list", "watch"],
            "write" => &["create", "delete", "deletecollection", "patch", "update"],
            "core" => &[""],
            other => return vec![other.to_owned()],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    let words = |part: &str| part.split_whitespace().flat_map(expand).collect::<Vec<_>>();
    let parts: Vec<_> = text.split('|').map(words).collect();
    let part = |number: usize| parts.get(number).cloned().unwrap_or_default();
    if part(2) == ["paths"] {
        return json!({"verbs": part(0), "nonResourceURLs": part(1)});
    }
    let mut rule = json!({"verbs": part(0), "resources": part(1), "apiGroups": part(2)});
    if !part(3).is_empty() {
        rule["resourceNames"] = part(3).into();
    }
    rule
}

/// A ClusterRole `role`, or a Role of that name in `shop`.
fn role(kind: &str, rules: &[&str]) -> Value {
    let mut metadata = json!({"name": "role"});
    if kind == "Role" {
        metadata["namespace"] = "shop".into();
    }
    let rules: Vec<_> = rules.iter().map(|text| rule(text)).collect();
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata, "rules": rules})
}

/// What a check reports under these parameters, in this inventory.
fn report(id: &str, params: &str, inventory: Inventory, manifest: &Value) -> Report {
    let around = (inventory, surroundings::now());
    let check = checks::find(id).unwrap_or_else(|| panic!("no check {id}"));
    library::examine_amid(around, check, params, Version::NEWEST, &manifest.to_string())
}

/// The violations among it, each as its path and what is wrong.
fn violations(id: &str, params: &str, inventory: Inventory, manifest: &Value) -> Vec<String> {
    let report = report(id, params, inventory, manifest);
    report.violations.iter().map(|one| format!("{} {}", one.place.path, one.what)).collect()
}

/// Whether a policy with these parameters of a check is refused, and why.
fn refusal(id: &str, params: &str) -> String {
    let check = checks::find(id).unwrap();
    let document = library::document(params);
    let refused = check.examine.configure(&soc2gate::check::Params::of(&document.root));
    refused.err().map_or_else(|| panic!("{id} takes {params}"), |error| error.message)
}
