//! Bindings that make administrators, and those that nobody has approved.

use serde_json::{Value, json};
use soc2gate::{decision::Outcome, inventory::Inventory};

use super::{policy, refusal, role, violations};
use crate::library::{self, Sent, found};

/// A ClusterRoleBinding `binding`, or a RoleBinding of that name in `shop`, of `User/ann` and the like.
fn binding(kind: &str, role: &str, subjects: &[&str]) -> Value {
    let mut metadata = json!({"name": "binding"});
    if kind == "RoleBinding" {
        metadata["namespace"] = "shop".into();
    }
    let (role_kind, role) = role.split_once('/').unwrap();
    let subject = |text: &&str| {
        let parts: Vec<_> = text.split('/').collect();
        match parts[..] {
            [kind, namespace, name] => json!({"kind": kind, "namespace": namespace, "name": name}),
            [kind, name] => json!({"kind": kind, "name": name}),
            _ => panic!("{text}"),
        }
    };
    let subjects: Vec<_> = subjects.iter().map(subject).collect();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role_kind, "name": role}, "subjects": subjects,
    })
}

/// A world with ClusterRole and Role `role`, each with these rules.
fn knowing(rules: &[&str]) -> Inventory {
    let roles = ["ClusterRole", "Role"].map(|kind| format!("---\n{}\n", role(kind, rules)));
    library::world(&roles.concat())
}

fn admins(params: &str, inventory: Inventory, binding: &Value) -> Vec<String> {
    violations("cluster-admin-binding", params, inventory, binding)
}

#[test]
fn an_administrators_role_is_found_by_name_and_by_what_it_grants() {
    let everything = "which allows everything";
    let here = "which allows everything in the namespace";
    for (kind, role, rules, expected) in [
        ("ClusterRoleBinding", "ClusterRole/cluster-admin", &[][..], everything),
        ("RoleBinding", "ClusterRole/cluster-admin", &[], here),
        ("RoleBinding", "Role/cluster-admin", &[], ""),
        (
            "ClusterRoleBinding",
            "ClusterRole/admin",
            &[],
            "which administers every namespace when bound in all",
        ),
        ("RoleBinding", "ClusterRole/admin", &[], ""),
        ("ClusterRoleBinding", "ClusterRole/edit", &[], ""),
        ("ClusterRoleBinding", "ClusterRole/role", &["* | * | *"], everything),
        ("RoleBinding", "ClusterRole/role", &["get | pods | core", "get * | * | apps *"], here),
        ("RoleBinding", "Role/role", &["* | * | *"], here),
        ("ClusterRoleBinding", "ClusterRole/role", &["* | * | * | one"], ""),
        ("ClusterRoleBinding", "ClusterRole/role", &["* | * | apps", "* | pods | *", "get | * | *"], ""),
        ("ClusterRoleBinding", "ClusterRole/unknown", &["* | * | *"], ""),
    ] {
        let found = admins("", knowing(rules), &binding(kind, role, &["User/ann"]));
        let (role_kind, name) = role.split_once('/').unwrap();
        let expected = format!("subjects[0] gets {role_kind} `{name}`, {expected}");
        let expected = if expected.ends_with(' ') { vec![] } else { vec![expected] };
        assert_eq!(found, expected, "{kind} {role} {rules:?}");
    }
    let unknown = binding("ClusterRoleBinding", "ClusterRole/role", &["User/ann"]);
    assert!(admins("", Inventory::default(), &unknown).is_empty());
}

#[test]
fn a_role_made_of_others_grants_what_they_grant() {
    let world = library::world(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: all}}]}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: middle, labels: {to: all}}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: middle}}, {matchLabels: {to: all}}]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: part, labels: {to: middle}}
rules: [{verbs: ['*'], apiGroups: ['*'], resources: ['*']}]
",
    );
    let bound = |role: &str| binding("ClusterRoleBinding", &format!("ClusterRole/{role}"), &["User/ann"]);
    for role in ["all", "middle", "part"] {
        assert_eq!(admins("", world.clone(), &bound(role)).len(), 1, "{role}");
    }
}

#[test]
fn every_subject_of_its_own_and_administrators_by_parameter() {
    let subjects = [
        "User/ann",
        "Group/ops",
        "ServiceAccount/shop/web",
        "User/system:serviceaccount:shop:web",
        "Group/system:masters",
        "Group/kubeadm:cluster-admins",
    ];
    let all = binding("ClusterRoleBinding", "ClusterRole/cluster-admin", &subjects);
    let paths = |params: &str| -> String {
        let found = admins(params, Inventory::default(), &all);
        found
            .iter()
            .map(|text| text.trim_start_matches("subjects[").split(']').next().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(paths(""), "0 1 2 3 4");
    assert_eq!(paths("allowSubjects: []"), "0 1 2 3 4 5");
    assert_eq!(paths("allowSubjects: [{kind: User, name: ann}, {kind: Group, name: ops}]"), "2 3 4 5");
    assert_eq!(paths("allowSubjects: [{kind: ServiceAccount, namespace: shop, name: '*'}]"), "0 1 4 5");
    // A group is not the user of its name, nor the other way round.
    assert_eq!(paths("allowSubjects: [{kind: User, name: ops}, {kind: Group, name: ann}]"), "0 1 2 3 4 5");
    assert_eq!(paths("{roles: [], clusterWide: []}"), "");
    let nobody = binding("ClusterRoleBinding", "ClusterRole/cluster-admin", &[]);
    assert!(admins("", Inventory::default(), &nobody).is_empty());
    let mut null = nobody;
    null["subjects"] = json!(null);
    assert!(admins("", Inventory::default(), &null).is_empty());
    for params in ["roles: ['*']", "clusterWide: ['']"] {
        assert!(refusal("cluster-admin-binding", params).contains("is no name"), "{params}");
    }
    assert!(
        refusal("cluster-admin-binding", "allowSubjects: [{kind: Group, name: '*'}]").contains("everybody")
    );
}

#[test]
fn an_account_without_a_namespace_is_of_the_bindings_own() {
    let bound = binding("RoleBinding", "ClusterRole/cluster-admin", &["ServiceAccount/web"]);
    let allowed = |namespace: &str| {
        let params = format!("allowSubjects: [{{kind: ServiceAccount, namespace: {namespace}, name: web}}]");
        admins(&params, Inventory::default(), &bound).is_empty()
    };
    assert!(allowed("shop") && !allowed("other"));
}

#[test]
fn a_subject_that_joins_an_old_binding_is_new_by_itself() {
    let manifest =
        |subjects: &[&str]| binding("ClusterRoleBinding", "ClusterRole/cluster-admin", subjects).to_string();
    let policies = policy("cluster-admin-binding", "enforce", "");
    let update = |old: &[&str], new: &[&str]| Sent::update(&manifest(old), &manifest(new)).decide(&policies);
    let joined = update(&["User/ann"], &["User/ben", "User/ann"]);
    assert_eq!(joined.outcome, Outcome::Deny);
    assert_eq!(
        found(&joined),
        [
            "new cluster-admin-binding subjects[User/ben]",
            "pre-existing cluster-admin-binding subjects[User/ann]"
        ]
    );
    assert!(update(&["User/ann", "User/ben"], &["User/ben"]).outcome.admits());
}

const APPROVED: &str =
    "{soc2gate.io/ticket: OPS-1, soc2gate.io/owner: ops, soc2gate.io/review-by: '2026-09-01'}";

/// What is said of a binding to `edit` with these annotations, at noon of 2026-06-15.
fn approval(params: &str, annotations: &str) -> Vec<String> {
    let mut binding = binding("RoleBinding", "ClusterRole/edit", &["User/ann"]);
    binding["metadata"]["annotations"] =
        serde_json::from_str(&library::document(annotations).to_json_text()).unwrap();
    let found = violations("unapproved-privileged-binding", params, Inventory::default(), &binding);
    let short = |text: &String| {
        text.replace("metadata.annotations", "").replace(", but the binding gives ClusterRole `edit`", "")
    };
    found.iter().map(short).collect()
}

#[test]
fn a_privileged_binding_has_a_ticket_an_owner_and_a_day_of_review() {
    assert_eq!(approval("", APPROVED), Vec::<String>::new());
    let none = [
        "[soc2gate.io/ticket] names no ticket",
        "[soc2gate.io/owner] names no owner",
        "[soc2gate.io/review-by] names no day of review",
    ];
    assert_eq!(approval("", "{}"), none);
    let blank = "{soc2gate.io/ticket: ' ', soc2gate.io/owner: '', soc2gate.io/review-by: null}";
    assert_eq!(approval("", blank), none);
    for (day, expected) in [
        ("2026-06-15", ""),
        ("2026-06-14", "`2026-06-14`, which has passed"),
        ("2026-06-15T12:00:00Z", "`2026-06-15T12:00:00Z`, which has passed"),
        ("2026-06-15T16:00:00+02:00", ""),
        ("2026-09-13", ""),
        ("2026-09-15", "`2026-09-15`, which is more than 90 days ahead"),
        ("soon", "`soon`, which is no date (`2027-01-31`)"),
        ("15.06.2026", "`15.06.2026`, which is no date (`2027-01-31`)"),
    ] {
        let found = approval("", &APPROVED.replace("2026-09-01", day));
        let expected =
            if expected.is_empty() { vec![] } else { vec![format!("[soc2gate.io/review-by] is {expected}")] };
        assert_eq!(found, expected, "{day}");
    }
    assert_eq!(approval("maxReviewDays: 7", APPROVED).len(), 1);
    let pattern = "ticketPattern: 'OPS-[0-9]+'";
    assert_eq!(approval(pattern, APPROVED), Vec::<String>::new());
    for ticket in ["OPS-", "XOPS-1", "OPS-1 or so"] {
        let found = approval(pattern, &APPROVED.replace("OPS-1", ticket));
        assert_eq!(found, [format!("[soc2gate.io/ticket] is `{ticket}`, which is no ticket")]);
    }
    let own = "{ticket: acme.com/change, owner: acme.com/team, reviewBy: acme.com/until}";
    let found = approval(own, "{acme.com/change: C1, acme.com/team: t, acme.com/until: '2026-07-01'}");
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_binding_is_privileged_by_name_or_by_what_its_role_grants() {
    let gives = "but the binding gives";
    for (kind, role, rules, expected) in [
        ("RoleBinding", "ClusterRole/admin", &[][..], "ClusterRole `admin`"),
        ("ClusterRoleBinding", "ClusterRole/cluster-admin", &[], "ClusterRole `cluster-admin`"),
        ("RoleBinding", "Role/edit", &[], ""),
        ("RoleBinding", "ClusterRole/view", &[], ""),
        ("RoleBinding", "Role/role", &["create | pods/exec | core"], "`role`, which breaks exec-permission"),
        (
            "RoleBinding",
            "ClusterRole/role",
            &["* | orders | shop.example.com"],
            "`role`, which breaks wildcard-rule",
        ),
        ("RoleBinding", "ClusterRole/role", &["* | * | *"], "`role`, which breaks escalation-verb"),
        // In one namespace these are no such power.
        ("RoleBinding", "ClusterRole/role", &["get | secrets | core", "create | pods | core"], ""),
        (
            "ClusterRoleBinding",
            "ClusterRole/role",
            &["get | secrets | core"],
            "`role`, which breaks secret-read-permission",
        ),
        (
            "ClusterRoleBinding",
            "ClusterRole/role",
            &["create | pods | core"],
            "`role`, which breaks workload-creation-permission",
        ),
        ("ClusterRoleBinding", "ClusterRole/role", &["read | pods | core"], ""),
    ] {
        let bound = binding(kind, role, &["Group/ops"]);
        let found = violations("unapproved-privileged-binding", "", knowing(rules), &bound);
        assert_eq!(
            found.len(),
            if expected.is_empty() { 0 } else { 3 },
            "{kind} {role} {rules:?}: {found:?}"
        );
        assert!(found.iter().all(|text| text.ends_with(&format!("{gives} {expected}"))), "{found:?}");
    }
    let nobody = binding("RoleBinding", "ClusterRole/edit", &[]);
    assert!(violations("unapproved-privileged-binding", "", Inventory::default(), &nobody).is_empty());
}

#[test]
fn parameters_of_approval_that_make_no_sense_are_refused() {
    for (params, reason) in [
        ("ticket: ''", "`ticket` is empty"),
        ("reviewBy: ' '", "`reviewBy` is empty"),
        ("owner: soc2gate.io/ticket", "must be three annotations"),
        ("maxReviewDays: 0", "no day would do"),
        ("ticketPattern: '['", "no regular expression"),
        ("tickets: x", "unknown field"),
    ] {
        let refused = refusal("unapproved-privileged-binding", params);
        assert!(refused.contains(reason), "{params}: {refused}");
    }
}
