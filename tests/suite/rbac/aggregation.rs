//! Rules that a label adds to the roles of others.

use serde_json::{Value, json};
use soc2gate::{decision::Outcome, inventory::Inventory};

use super::{policy, role, violations};
use crate::library::{self, Sent, found};

/// ClusterRole `role` with these labels.
fn labelled(labels: Value, rules: &[&str]) -> Value {
    let mut role = role("ClusterRole", rules);
    role["metadata"]["labels"] = labels;
    role
}

fn to(role: &str) -> Value {
    json!({format!("rbac.authorization.k8s.io/aggregate-to-{role}"): "true"})
}

fn say(manifest: &Value) -> Vec<String> {
    violations("aggregated-privilege", "", Inventory::default(), manifest)
}

#[test]
fn a_dangerous_rule_is_found_by_the_label_that_adds_it() {
    let secrets = &["get | pods | core", "list | secrets | core"];
    for (labels, expected) in [
        (to("view"), "rules[1] adds `list` on `secrets` to ClusterRole `view`"),
        (to("edit"), "rules[1] adds `list` on `secrets` to ClusterRole `edit`"),
        (to("admin"), "rules[1] adds `list` on `secrets` to ClusterRole `admin`"),
        (json!({"rbac.authorization.k8s.io/aggregate-to-view": "false"}), ""),
        (json!({"rbac.authorization.k8s.io/aggregate-to-view": "True"}), ""),
        (json!({"aggregate-to-view": "true"}), ""),
        (json!(null), ""),
    ] {
        assert_eq!(say(&labelled(labels.clone(), secrets)).join("; "), expected, "{labels}");
    }
    let mut both = to("view");
    both["rbac.authorization.k8s.io/aggregate-to-edit"] = "true".into();
    let added = say(&labelled(both, &["* | * | *"]));
    assert!(added.len() == 1 && added[0].starts_with("rules[0] adds `*` on `*` and "), "{added:?}");
    assert!(added[0].ends_with(" more to ClusterRole `edit` and 1 more"), "{added:?}");
    let mut namespaced = labelled(to("view"), secrets);
    namespaced["kind"] = "Role".into();
    assert!(say(&namespaced).is_empty(), "Roles do not aggregate");
}

#[test]
fn what_edit_and_admin_allow_anyway_and_what_is_ones_own_may_be_added() {
    assert!(say(&labelled(to("edit"), &["write | deployments | apps", "create | pods | core"])).is_empty());
    assert!(say(&labelled(to("view"), &["read | orders | shop.example.com"])).is_empty());
    let own = labelled(to("admin"), &["* | * | shop.example.com"]);
    let under = |params: &str| violations("aggregated-privilege", params, Inventory::default(), &own).len();
    assert_eq!((under(""), under("ownGroups: [shop.example.com]")), (1, 0));
}

#[test]
fn a_label_counts_that_any_aggregation_known_here_asks_for() {
    let aggregator = |selector: &str| {
        library::world(&format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{name: all}}, aggregationRule: \
             {{clusterRoleSelectors: [{selector}]}}}}"
        ))
    };
    let exec = labelled(json!({"part": "yes"}), &["create | pods/exec | core"]);
    for (selector, is_found) in [
        ("{matchLabels: {part: 'yes'}}", true),
        ("{matchExpressions: [{key: part, operator: Exists}]}", true),
        ("{matchLabels: {part: 'no'}}", false),
        ("{}", true),
    ] {
        let found = violations("aggregated-privilege", "", aggregator(selector), &exec);
        let expected = "rules[0] adds `create` on `pods/exec` to ClusterRole `all`";
        assert_eq!(found.first().map(String::as_str), is_found.then_some(expected), "{selector}");
    }
    let mut itself = exec.clone();
    itself["metadata"]["name"] = "all".into();
    assert!(violations("aggregated-privilege", "", aggregator("{}"), &itself).is_empty());
}

#[test]
fn an_empty_selector_takes_in_everything() {
    for (selectors, found) in [
        (json!([{}]), 1),
        (json!([{"matchLabels": {"a": "b"}}, {"matchLabels": {}, "matchExpressions": null}]), 1),
        (json!([null]), 1),
        (json!([{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]), 0),
        (json!([]), 0),
        (json!(null), 0),
    ] {
        let mut role = role("ClusterRole", &[]);
        role["aggregationRule"] = json!({"clusterRoleSelectors": selectors});
        assert_eq!(say(&role).len(), found, "{selectors}");
        role["kind"] = "Role".into();
        assert!(say(&role).is_empty(), "Roles do not aggregate");
    }
}

#[test]
fn a_label_that_adds_old_rules_to_one_more_role_is_new() {
    let policies = policy("aggregated-privilege", "enforce", "");
    let exec = &["create | pods/exec | core"][..];
    let more = &["create list | pods/exec pods/log | core"][..];
    let worse = &["create | pods/exec pods/attach | core"][..];
    let mut both = to("view");
    both["rbac.authorization.k8s.io/aggregate-to-edit"] = "true".into();
    for (old, new, outcome) in [
        ((to("view"), exec), (to("view"), exec), Outcome::Warn),
        ((to("view"), exec), (to("view"), more), Outcome::Warn),
        ((both.clone(), exec), (to("view"), exec), Outcome::Warn),
        ((to("view"), exec), (json!(null), exec), Outcome::Allow),
        ((json!(null), exec), (to("view"), exec), Outcome::Deny),
        ((to("edit"), exec), (to("view"), exec), Outcome::Deny),
        ((to("view"), exec), (both, exec), Outcome::Deny),
        ((to("view"), exec), (to("view"), worse), Outcome::Deny),
    ] {
        let manifest = |(labels, rules): &(Value, &[&str])| labelled(labels.clone(), rules).to_string();
        let decision = Sent::update(&manifest(&old), &manifest(&new)).decide(&policies);
        assert_eq!(decision.outcome, outcome, "{old:?} -> {new:?}: {:?}", found(&decision));
    }
}
