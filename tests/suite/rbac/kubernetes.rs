//! What a stock cluster makes for itself: nothing of it is refused, and from anybody else all of it is.

use std::fs;

use serde_json::{Value, json};
use soc2gate::{
    decision::{Decision, Outcome},
    policy::Mode,
};

use super::{SHIPPED, role, rule};
use crate::{gate::fixtures, library, library::Sent};

const API_SERVER: (&str, &[&str]) = ("system:apiserver", &["system:masters", "system:authenticated"]);
const AGGREGATOR: (&str, &[&str]) =
    ("system:serviceaccount:kube-system:clusterrole-aggregation-controller", &["system:serviceaccounts"]);

fn object(kind: &str, namespace: &str, name: &str) -> Value {
    let mut metadata = json!({
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    });
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata})
}

fn binding(kind: &str, namespace: &str, name: &str, role_kind: &str, subjects: &[Value]) -> Value {
    let mut binding = object(kind, namespace, name);
    // The one binding whose name is not its role's.
    let role = name.replace("system::extension-", "extension-");
    binding["roleRef"] = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role});
    let subject = |subject: &Value| {
        let (kind, name) = subject.as_str().unwrap().split_once('/').unwrap();
        match kind {
            "ServiceAccount" => json!({"kind": kind, "name": name, "namespace": "kube-system"}),
            _ => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}),
        }
    };
    binding["subjects"] = subjects.iter().map(subject).collect();
    binding
}

/// Everything in the fixture, as the API server makes it.
fn stock_cluster() -> Vec<Value> {
    let text = fs::read_to_string(fixtures().join("rbac/kubernetes.yaml")).unwrap();
    let fixture: Value = serde_json::from_str(&library::document(&text).to_json_text()).unwrap();
    let entries = |part: &str| fixture[part].as_object().unwrap_or_else(|| panic!("no {part}")).clone();
    let with_rules = |mut role: Value, rules: &Value| {
        role["rules"] = rules.as_array().unwrap().iter().map(|text| rule(text.as_str().unwrap())).collect();
        role
    };
    let label = |key: &Value| format!("rbac.authorization.k8s.io/{}", key.as_str().unwrap());
    let mut objects = Vec::new();
    for (name, rules) in entries("clusterRoles") {
        objects.push(with_rules(object("ClusterRole", "", &name), &rules));
    }
    for (name, key) in entries("aggregating") {
        let mut role = object("ClusterRole", "", &name);
        role["rules"] = Value::Null;
        role["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {label(&key): "true"}}]});
        objects.push(role);
    }
    for (name, key) in entries("aggregated") {
        let role = objects.iter_mut().find(|role| role["metadata"]["name"] == name.as_str()).unwrap();
        role["metadata"]["labels"][label(&key)] = "true".into();
    }
    for (controller, rules) in entries("controllers") {
        let name = format!("system:controller:{controller}");
        let account = json!(format!("ServiceAccount/{controller}"));
        objects.push(with_rules(object("ClusterRole", "", &name), &rules));
        objects.push(binding("ClusterRoleBinding", "", &name, "ClusterRole", &[account]));
    }
    for (name, subjects) in entries("clusterRoleBindings") {
        objects.push(binding("ClusterRoleBinding", "", &name, "ClusterRole", subjects.as_array().unwrap()));
    }
    for (name, rules) in entries("roles") {
        let (namespace, name) = name.split_once('/').unwrap();
        objects.push(with_rules(object("Role", namespace, name), &rules));
    }
    for (name, subjects) in entries("roleBindings") {
        let (namespace, name) = name.split_once('/').unwrap();
        objects.push(binding("RoleBinding", namespace, name, "Role", subjects.as_array().unwrap()));
    }
    objects
}

fn world(objects: &[Value]) -> soc2gate::inventory::Inventory {
    library::world(&objects.iter().map(|object| format!("---\n{object}\n")).collect::<String>())
}

/// What an enforced check found, whether or not it denies.
fn enforced(decision: &Decision) -> Vec<String> {
    let enforced = decision.findings.iter().filter(|finding| finding.mode == Mode::Enforce);
    enforced.map(soc2gate::decision::Finding::line).collect()
}

#[test]
fn the_fixture_holds_every_kind_in_earnest() {
    let objects = stock_cluster();
    let count = |kind: &str| objects.iter().filter(|object| object["kind"] == kind).count();
    assert_eq!(
        (count("ClusterRole"), count("ClusterRoleBinding"), count("Role"), count("RoleBinding")),
        (76, 57, 7, 7)
    );
}

#[test]
fn nothing_that_the_api_server_makes_for_itself_breaks_an_enforced_check() {
    let objects = stock_cluster();
    let world = world(&objects);
    for object in &objects {
        for inventory in [soc2gate::inventory::Inventory::default(), world.clone()] {
            let sent = Sent::create(&object.to_string()).by(API_SERVER.0, API_SERVER.1).amid(inventory);
            let decision = sent.decide(&SHIPPED);
            assert_eq!(enforced(&decision), Vec::<String>::new(), "{}", object["metadata"]["name"]);
            assert!(decision.outcome.admits());
        }
    }
}

#[test]
fn nothing_of_a_stock_cluster_breaks_an_enforced_check_where_nobody_knows_who_wrote_it() {
    let objects = stock_cluster();
    let world = world(&objects);
    for object in &objects {
        for inventory in [&soc2gate::inventory::Inventory::default(), &world] {
            let decision = library::decide_manifest_amid(inventory, &SHIPPED, &object.to_string());
            assert_eq!(enforced(&decision), Vec::<String>::new(), "{}", object["metadata"]["name"]);
        }
    }
}

#[test]
fn none_of_it_may_be_made_or_deleted_by_a_person() {
    for object in stock_cluster() {
        let manifest = object.to_string();
        for sent in [Sent::create(&manifest), Sent::delete(&manifest)] {
            let decision = sent.by("ann", &["system:masters"]).decide(&SHIPPED);
            assert_eq!(decision.outcome, Outcome::Deny, "{manifest}");
            let found: Vec<_> = decision.denials().map(|finding| finding.check.id).collect();
            assert!(found.contains(&"changed-system-role"), "{manifest}: {found:?}");
        }
    }
}

#[test]
fn what_kubernetes_holds_by_right_is_held_against_a_person() {
    for (name, check) in [
        ("cluster-admin", "escalation-verb"),
        ("system:aggregate-to-edit", "aggregated-privilege"),
        ("system:kubelet-api-admin", "node-proxy-permission"),
        ("system:controller:certificate-controller", "certificate-approval-permission"),
        ("system:controller:clusterrole-aggregation-controller", "escalation-verb"),
    ] {
        let objects = stock_cluster();
        let role = objects.iter().find(|object| object["metadata"]["name"] == name).unwrap();
        let decision = Sent::create(&role.to_string()).by("ann", &["system:masters"]).decide(&SHIPPED);
        assert!(decision.denials().any(|finding| finding.check.id == check), "{name}");
    }
    let objects = stock_cluster();
    let masters = objects.iter().find(|object| object["subjects"][0]["name"] == "system:masters").unwrap();
    let decision = Sent::create(&masters.to_string()).by("ann", &["system:masters"]).decide(&SHIPPED);
    assert!(decision.denials().any(|finding| finding.check.id == "cluster-admin-binding"));
}

#[test]
fn a_role_is_kubernetes_own_by_name_and_label_and_writer_and_by_none_of_them_alone() {
    let god = |name: &str, label: bool| {
        let mut role = role("ClusterRole", &["* | * | *"]);
        role["metadata"]["name"] = name.into();
        if label {
            role["metadata"]["labels"] = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
        }
        role.to_string()
    };
    let is_found = |decision: &Decision| {
        decision.findings.iter().any(|finding| finding.check.id == "impersonate-permission")
    };
    for (name, label, user, found) in [
        ("cluster-admin", true, "system:apiserver", false),
        ("system:of-a-later-version", true, "system:apiserver", false),
        ("cluster-admin", false, "system:apiserver", true),
        ("god", true, "system:apiserver", true),
        ("cluster-admin", true, "ann", true),
        ("cluster-admin", true, "system:kube-controller-manager", true),
        ("cluster-admin", true, "", true),
    ] {
        let decision = Sent::create(&god(name, label)).by(user, &["system:masters"]).decide(&SHIPPED);
        assert_eq!(is_found(&decision), found, "{name} {label} {user}");
    }
    for (name, label, found) in [
        ("cluster-admin", true, false),
        ("cluster-admin", false, true),
        ("system:of-a-later-version", true, true),
        ("system:controller:mine", true, true),
        ("god", true, true),
    ] {
        assert_eq!(is_found(&library::decide_manifest(&SHIPPED, &god(name, label))), found, "{name} {label}");
    }
}

#[test]
fn a_subject_added_to_the_file_of_kubernetes_own_binding_is_found() {
    let mut binding = binding(
        "ClusterRoleBinding",
        "",
        "cluster-admin",
        "ClusterRole",
        &[json!("Group/system:masters"), json!("User/ann")],
    );
    let found = |binding: &Value| {
        let decision = library::decide_manifest(&SHIPPED, &binding.to_string());
        let of = |id: &str| {
            let found = decision.findings.iter().filter(|finding| finding.check.id == id);
            found.map(|finding| finding.violation.place.path.clone()).collect::<Vec<_>>()
        };
        (of("cluster-admin-binding"), of("unapproved-privileged-binding").len())
    };
    assert_eq!(found(&binding), (vec!["subjects[1]".to_owned()], 3));
    binding["subjects"].as_array_mut().unwrap().pop();
    assert_eq!(found(&binding), (vec![], 0));
}

/// Roles and bindings that kubeadm makes with an administrator's certificate, and those of the add-ons it installs.
const KUBEADM: &str = "
- {kind: ClusterRole, name: 'kubeadm:get-nodes', rules: [get | nodes | core]}
- {kind: Role, namespace: kube-system, name: 'kubeadm:kubelet-config', rules: [get | configmaps | core | kubelet-config]}
- {kind: Role, namespace: kube-system, name: 'kubeadm:nodes-kubeadm-config', rules: [get | configmaps | core | kubeadm-config]}
- {kind: Role, namespace: kube-public, name: 'kubeadm:bootstrap-signer-clusterinfo', rules: [get | configmaps | core | cluster-info]}
- {kind: Role, namespace: kube-system, name: kube-proxy, rules: [get | configmaps | core | kube-proxy]}
- {kind: ClusterRole, name: 'system:coredns', rules: [list watch | endpoints services pods namespaces | core, list watch | endpointslices | discovery.k8s.io]}
- {kind: ClusterRoleBinding, name: 'kubeadm:cluster-admins', role: ClusterRole/cluster-admin, to: ['Group/kubeadm:cluster-admins']}
- {kind: ClusterRoleBinding, name: 'kubeadm:get-nodes', role: 'ClusterRole/kubeadm:get-nodes', to: ['Group/system:bootstrappers:kubeadm:default-node-token']}
- {kind: ClusterRoleBinding, name: 'kubeadm:kubelet-bootstrap', role: 'ClusterRole/system:node-bootstrapper', to: ['Group/system:bootstrappers:kubeadm:default-node-token']}
- {kind: ClusterRoleBinding, name: 'kubeadm:node-autoapprove-bootstrap', role: 'ClusterRole/system:certificates.k8s.io:certificatesigningrequests:nodeclient', to: ['Group/system:bootstrappers:kubeadm:default-node-token']}
- {kind: ClusterRoleBinding, name: 'kubeadm:node-autoapprove-certificate-rotation', role: 'ClusterRole/system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', to: ['Group/system:nodes']}
- {kind: ClusterRoleBinding, name: 'kubeadm:node-proxier', role: 'ClusterRole/system:node-proxier', to: [ServiceAccount/kube-proxy]}
- {kind: ClusterRoleBinding, name: 'system:coredns', role: 'ClusterRole/system:coredns', to: [ServiceAccount/coredns]}
- {kind: RoleBinding, namespace: kube-system, name: 'kubeadm:kubelet-config', role: 'Role/kubeadm:kubelet-config', to: ['Group/system:nodes', 'Group/system:bootstrappers:kubeadm:default-node-token']}
- {kind: RoleBinding, namespace: kube-system, name: 'kubeadm:nodes-kubeadm-config', role: 'Role/kubeadm:nodes-kubeadm-config', to: ['Group/system:bootstrappers:kubeadm:default-node-token', 'Group/system:nodes']}
- {kind: RoleBinding, namespace: kube-public, name: 'kubeadm:bootstrap-signer-clusterinfo', role: 'Role/kubeadm:bootstrap-signer-clusterinfo', to: ['User/system:anonymous']}
- {kind: RoleBinding, namespace: kube-system, name: kube-proxy, role: Role/kube-proxy, to: ['Group/system:bootstrappers:kubeadm:default-node-token']}
";

fn kubeadm() -> Vec<Value> {
    let entries: Value = serde_json::from_str(&library::document(KUBEADM).to_json_text()).unwrap();
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let made = |entry: &Value| {
        let (kind, namespace, name) = (text(entry, "kind"), text(entry, "namespace"), text(entry, "name"));
        let mut made = object(&kind, &namespace, &name);
        if let Some(subjects) = entry["to"].as_array() {
            let role = text(entry, "role");
            let (role_kind, role) = role.split_once('/').unwrap();
            made = binding(&kind, &namespace, &name, role_kind, subjects);
            made["roleRef"]["name"] = role.into();
        } else {
            made["rules"] =
                entry["rules"].as_array().unwrap().iter().map(|r| rule(r.as_str().unwrap())).collect();
        }
        // Of all this the API server labels nothing; the manifests of CoreDNS bear its label all the same.
        if name != "system:coredns" {
            made["metadata"]
                .as_object_mut()
                .unwrap()
                .retain(|field, _| field == "name" || field == "namespace");
        }
        made
    };
    entries.as_array().unwrap().iter().map(made).collect()
}

#[test]
fn nothing_that_kubeadm_makes_breaks_an_enforced_check() {
    let objects = kubeadm();
    let everything: Vec<_> = stock_cluster().into_iter().chain(objects.clone()).collect();
    let world = world(&everything);
    for object in &objects {
        let manifest = object.to_string();
        for inventory in [soc2gate::inventory::Inventory::default(), world.clone()] {
            let sent = Sent::create(&manifest).amid(inventory.clone());
            let decision = sent.by("kubernetes-admin", &["kubeadm:cluster-admins"]).decide(&SHIPPED);
            assert_eq!(enforced(&decision), Vec::<String>::new(), "{manifest}");
            let upgraded = Sent::update(&manifest, &manifest).amid(inventory.clone());
            let upgraded = upgraded.by("kubernetes-admin", &["kubeadm:cluster-admins"]).decide(&SHIPPED);
            assert_eq!(enforced(&upgraded), Vec::<String>::new(), "{manifest}");
            let file = library::decide_manifest_amid(&inventory, &SHIPPED, &manifest);
            assert_eq!(enforced(&file), Vec::<String>::new(), "{manifest}");
        }
    }
}

/// ClusterRole `edit` with the rules that the aggregation controller has copied into it.
fn edit(rules: bool) -> String {
    let objects = stock_cluster();
    let named = |name: &str| objects.iter().find(|object| object["metadata"]["name"] == name).unwrap();
    let mut edit = named("edit").clone();
    if rules {
        edit["rules"] = named("system:aggregate-to-edit")["rules"].clone();
    }
    edit.to_string()
}

#[test]
fn rules_that_the_aggregation_controller_copies_are_held_against_the_role_that_they_come_from() {
    let mut mine = role("ClusterRole", &[]);
    mine["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {"mine": "true"}}]});
    let empty = mine.to_string();
    mine["rules"] = json!([rule("* | * | *")]);
    let filled = mine.to_string();
    for (old, new) in [(edit(false), edit(true)), (empty.clone(), filled.clone())] {
        for user in [AGGREGATOR.0, "system:kube-controller-manager"] {
            let decision = Sent::update(&old, &new).by(user, AGGREGATOR.1).decide(&SHIPPED);
            assert_eq!(crate::library::found(&decision), Vec::<String>::new(), "{user}: {new}");
        }
        // So stands it in a dump of the cluster.
        assert_eq!(enforced(&library::decide_manifest(&SHIPPED, &new)), Vec::<String>::new());
        let person = Sent::update(&old, &new).by("ann", &[]).decide(&SHIPPED);
        assert_eq!(person.outcome, Outcome::Deny, "until the controller comes by it holds");
    }
    let plain = filled.replace("aggregationRule", "other");
    let decision = Sent::create(&plain).by(AGGREGATOR.0, AGGREGATOR.1).decide(&SHIPPED);
    assert_eq!(decision.outcome, Outcome::Deny, "the controller makes no roles");
    let elsewhere = AGGREGATOR.0.replace("kube-system", "shop");
    let decision = Sent::update(&empty, &filled).by(&elsewhere, AGGREGATOR.1).decide(&SHIPPED);
    assert_eq!(decision.outcome, Outcome::Deny);
}
