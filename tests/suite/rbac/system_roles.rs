//! Kubernetes' own roles and bindings are changed by the API server alone.

use serde_json::{Value, json};
use soc2gate::{
    decision::{Decision, Outcome},
    policy::PolicySet,
};

use super::{policy, refusal, report, role, rule};
use crate::library::{Sent, found};

const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

fn check() -> PolicySet {
    policy("changed-system-role", "enforce", "")
}

/// A ClusterRole of this name that may read pods; labelled as the API server labels its own.
fn system(name: &str) -> Value {
    let mut role = role("ClusterRole", &["read | pods | core"]);
    role["metadata"]["name"] = name.into();
    role["metadata"]["labels"] = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    role
}

/// A system role with one field changed.
fn but(pointer: &str, value: Value) -> Value {
    let mut role = system("system:x");
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    role.pointer_mut(parent).unwrap()[field] = value;
    role
}

fn update(old: &Value, new: &Value, user: &str) -> Decision {
    Sent::update(&old.to_string(), &new.to_string()).by(user, &["system:masters"]).decide(&check())
}

#[test]
fn what_an_update_changes_is_named_and_denied_although_the_role_was_there() {
    let old = system("system:x");
    let bootstrap = "kubernetes.io/bootstrapping";
    for (new, changed) in [
        (but("/rules", json!([rule("* | * | *")])), &["rules"][..]),
        (but("/rules", json!(null)), &["rules"]),
        (but("/aggregationRule", json!({"clusterRoleSelectors": [{}]})), &["aggregationRule"]),
        (but("/metadata/labels", json!({})), &["metadata.labels"]),
        (but("/metadata/labels", json!({bootstrap: "rbac-defaults", "team": "shop"})), &["metadata.labels"]),
        (
            but("/metadata/annotations", json!({AUTOUPDATE: "false"})),
            &["metadata.annotations[rbac.authorization.kubernetes.io/autoupdate]"],
        ),
        // Nothing that the role grants, nor by what it is found.
        (but("/metadata/annotations", json!({"note": "x", AUTOUPDATE: "true"})), &[]),
        (but("/metadata/finalizers", json!(["x"])), &[]),
        (old.clone(), &[]),
    ] {
        let decision = update(&old, &new, "ann");
        let keys: Vec<_> = changed.iter().map(|key| format!("new changed-system-role {key}")).collect();
        assert_eq!(found(&decision), keys, "{new}");
        assert_eq!(decision.outcome == Outcome::Deny, !changed.is_empty(), "{new}");
        assert_eq!(update(&old, &new, "system:apiserver").findings.len(), 0, "{new}");
    }
    let stopped = but("/metadata/annotations", json!({AUTOUPDATE: "false"}));
    assert_eq!(update(&stopped, &stopped, "ann").outcome, Outcome::Warn, "it was so before");
}

#[test]
fn subjects_of_a_system_binding_are_not_added() {
    let binding = |subjects: &str| {
        format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: 'system:node'}}, \
             roleRef: {{kind: ClusterRole, name: 'system:node'}}, subjects: {subjects}}}"
        )
    };
    let decision =
        Sent::update(&binding("null"), &binding("[{kind: Group, name: 'system:nodes'}]")).decide(&check());
    assert_eq!(found(&decision), ["new changed-system-role subjects"]);
    let same = Sent::update(&binding("null"), &binding("[]")).decide(&check());
    assert_eq!(found(&same), Vec::<String>::new());
}

#[test]
fn a_system_role_is_told_by_name_or_label_and_is_none_of_an_add_ons() {
    for (name, label, params, is_found) in [
        ("system:x", false, "", true),
        ("system::x", false, "", true),
        ("mine", true, "", true),
        ("mine", false, "", false),
        ("systemx", false, "", false),
        ("kubeadm:x", false, "", false),
        ("system:coredns", true, "", false),
        ("system:metrics-server", false, "", false),
        ("system:coredns", true, "addOns: []", true),
        ("system:acme-x", false, "addOns: ['system:acme-*']", false),
        ("system:x", false, "allow: [{kind: User, name: ann}]", false),
        ("system:x", false, "allow: [{kind: User, name: ben}]", true),
    ] {
        for kind in ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"] {
            let mut object = system(name);
            object["kind"] = kind.into();
            if !label {
                object["metadata"]["labels"] = json!(null);
            }
            let policies = policy("changed-system-role", "enforce", params);
            for sent in [Sent::create(&object.to_string()), Sent::delete(&object.to_string())] {
                assert_eq!(
                    !sent.decide(&policies).findings.is_empty(),
                    is_found,
                    "{kind} {name} {label} {params}"
                );
            }
        }
    }
    assert!(refusal("changed-system-role", "addOns: ['*']").contains("is no name"));
}

#[test]
fn what_is_to_be_named_later_and_what_goes_with_many_is_judged_too() {
    let mut generated = system("");
    generated["metadata"] = json!({"generateName": "system:x-"});
    assert_eq!(Sent::create(&generated.to_string()).decide(&check()).outcome, Outcome::Deny);
    // In a deletecollection the review of each item has no name.
    let sent = Sent::delete(&system("system:x").to_string()).set("name", json!(null));
    assert_eq!(found(&sent.decide(&check())), ["new changed-system-role metadata.name"]);
}

#[test]
fn controllers_delete_with_the_namespace_and_the_aggregation_controller_copies_rules() {
    let role = system("system:x");
    let delete = |user: &str| Sent::delete(&role.to_string()).by(user, &[]).decide(&check()).outcome;
    assert_eq!(delete("system:serviceaccount:kube-system:namespace-controller"), Outcome::Allow);
    assert_eq!(delete("system:serviceaccount:kube-system:mine"), Outcome::Deny);
    let aggregator = "system:serviceaccount:kube-system:clusterrole-aggregation-controller";
    let aggregation = json!({"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]});
    let old = but("/aggregationRule", aggregation);
    let mut new = old.clone();
    new["rules"] = json!([rule("* | * | *")]);
    assert_eq!(update(&old, &new, aggregator).outcome, Outcome::Allow);
    assert_eq!(update(&old, &new, "ann").outcome, Outcome::Deny);
    let plain = but("/rules", json!([]));
    assert_eq!(
        update(&system("system:x"), &plain, aggregator).outcome,
        Outcome::Deny,
        "it copies nothing there"
    );
    new["metadata"]["labels"] = json!({});
    assert_eq!(found(&update(&old, &new, aggregator)), ["new changed-system-role metadata.labels"]);
}

#[test]
fn a_file_does_not_say_who_applies_it() {
    let file =
        |object: &Value| report("changed-system-role", "", soc2gate::inventory::Inventory::default(), object);
    let unknown = file(&system("system:x"));
    assert!(unknown.violations.is_empty());
    assert_eq!(unknown.missing[0].reason(), "who applies it is not known, and only the API server may");
    let stopped = file(&but("/metadata/annotations", json!({AUTOUPDATE: "false"})));
    assert_eq!(stopped.violations.len(), 1, "this is wrong whoever applies it");
    let mine = file(&role("ClusterRole", &["read | pods | core"]));
    assert!(mine.violations.is_empty() && mine.missing.is_empty());
}
