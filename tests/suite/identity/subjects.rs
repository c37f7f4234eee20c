//! Rights for nobody, for everybody, and for accounts that nobody chose.

use super::{NONE, about, cannot_tell, refusal, said};
use crate::library::Sent;

/// A binding `kind/namespace/name` to `role_kind/role` with these subjects.
fn binding(who: &str, role: &str, subjects: &str) -> String {
    let mut parts = who.split('/');
    let (kind, namespace, name) =
        (parts.next().unwrap(), parts.next().unwrap_or_default(), parts.next().unwrap_or("b"));
    let (role_kind, role) = role.split_once('/').unwrap();
    format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: '{name}', namespace: '{namespace}'}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {role_kind}, name: '{role}'}}, subjects: {subjects}}}"
    )
}

fn group(name: &str) -> String {
    format!("[{{apiGroup: rbac.authorization.k8s.io, kind: Group, name: '{name}'}}]")
}

fn user(name: &str) -> String {
    format!("[{{apiGroup: rbac.authorization.k8s.io, kind: User, name: '{name}'}}]")
}

const CLUSTER: &str = "ClusterRoleBinding";
const SHOP: &str = "RoleBinding/shop";
const VIEW: &str = "ClusterRole/view";

#[test]
fn nobody_without_a_name_is_given_a_role() {
    let check = "anonymous-subject";
    let of_group = binding(CLUSTER, VIEW, &group("system:unauthenticated"));
    assert_eq!(
        said(check, "", &of_group),
        ["subjects[0] is Group `system:unauthenticated`, bound to ClusterRole `view`"]
    );
    let of_user = binding(SHOP, "Role/reader", &user("system:anonymous"));
    assert_eq!(said(check, "", &of_user), ["subjects[0] is User `system:anonymous`, bound to Role `reader`"]);
    for subjects in [
        group("system:anonymous"),
        user("system:unauthenticated"),
        group("system:authenticated"),
        group("System:Unauthenticated"),
        "[{kind: ServiceAccount, name: 'system:anonymous', namespace: shop}]".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "[null]".to_owned(),
        "[{kind: null, name: null}]".to_owned(),
    ] {
        assert_eq!(said(check, "", &binding(CLUSTER, VIEW, &subjects)), NONE, "{subjects}");
    }
}

#[test]
fn what_a_cluster_shows_before_anybody_signed_in_stays_open_and_nothing_that_only_looks_like_it() {
    let check = "anonymous-subject";
    let info = "kubeadm:bootstrap-signer-clusterinfo";
    for (who, role, is_open) in [
        (CLUSTER.to_owned(), "ClusterRole/system:public-info-viewer".to_owned(), true),
        (SHOP.to_owned(), "ClusterRole/system:public-info-viewer".to_owned(), true),
        (SHOP.to_owned(), "Role/system:public-info-viewer".to_owned(), false),
        (CLUSTER.to_owned(), "ClusterRole/system:discovery".to_owned(), false),
        (format!("RoleBinding/kube-public/{info}"), format!("Role/{info}"), true),
        (format!("RoleBinding/shop/{info}"), format!("Role/{info}"), false),
        (format!("RoleBinding/kube-public/{info}"), format!("ClusterRole/{info}"), false),
        ("RoleBinding/kube-public/mine".to_owned(), format!("Role/{info}"), false),
        (format!("RoleBinding/kube-public/{info}"), "Role/mine".to_owned(), false),
        (format!("ClusterRoleBinding/kube-public/{info}"), format!("Role/{info}"), false),
    ] {
        for subject in [group("system:unauthenticated"), user("system:anonymous")] {
            let found = said(check, "", &binding(&who, &role, &subject));
            assert_eq!(found.is_empty(), is_open, "{who} {role}");
        }
    }
}

#[test]
fn an_anonymous_role_is_allowed_by_namespace_and_role() {
    let check = "anonymous-subject";
    let params = "allow: [{namespace: shop, roleRef: {kind: Role, name: status}}, \
                  {roleRef: {kind: ClusterRole, name: status}}]";
    for (who, role, is_allowed) in [
        (SHOP, "Role/status", true),
        (SHOP, "Role/other", false),
        (SHOP, "ClusterRole/status", false),
        ("RoleBinding/other", "Role/status", false),
        ("RoleBinding/", "ClusterRole/status", false),
        (CLUSTER, "ClusterRole/status", true),
        ("ClusterRoleBinding/shop", "Role/status", false),
    ] {
        let found = said(check, params, &binding(who, role, &user("system:anonymous")));
        assert_eq!(found.is_empty(), is_allowed, "{who} {role}");
    }
    for params in [
        "{allow: [{namespace: shop}]}",
        "{allow: [{roleRef: {kind: Role}}]}",
        "{allow: [{roleRef: {kind: Role, name: ''}}]}",
        "{allow: [{roleRef: {kind: Role, name: '*'}}]}",
        "{allow: [{roleRef: {kind: role, name: a}}]}",
        "{allow: [{roleRef: {kind: Role, name: a}, user: b}]}",
        "{allowed: []}",
    ] {
        assert!(refusal(check, params).contains("p0.yaml:"), "{params}");
    }
}

#[test]
fn nothing_is_given_to_everybody() {
    let check = "catch-all-subject";
    for name in [
        "system:authenticated",
        "system:serviceaccounts",
        "system:serviceaccounts:shop",
        "system:serviceaccounts:",
    ] {
        let found = said(check, "", &binding(CLUSTER, VIEW, &group(name)));
        assert_eq!(found, [format!("subjects[0] is Group `{name}`, bound to ClusterRole `view`")]);
        assert_eq!(said(check, "", &binding(CLUSTER, VIEW, &user(name))), NONE, "{name} as a user is nobody");
    }
    for name in
        ["system:masters", "system:nodes", "system:serviceaccountsx", "system:unauthenticated", "dev", ""]
    {
        assert_eq!(said(check, "", &binding(CLUSTER, VIEW, &group(name))), NONE, "{name}");
    }
}

#[test]
fn what_kubernetes_gives_to_everybody_is_a_parameter() {
    let check = "catch-all-subject";
    let everybody = group("system:authenticated");
    for role in ["basic-user", "discovery", "public-info-viewer", "service-account-issuer-discovery"]
        .map(|r| format!("system:{r}"))
    {
        assert_eq!(said(check, "", &binding(CLUSTER, &format!("ClusterRole/{role}"), &everybody)), NONE);
        assert_eq!(said(check, "", &binding(SHOP, &format!("Role/{role}"), &everybody)).len(), 1, "{role}");
    }
    let params = "allowRoles: [view]";
    assert_eq!(said(check, params, &binding(CLUSTER, VIEW, &everybody)), NONE);
    assert_eq!(said(check, params, &binding(CLUSTER, "ClusterRole/system:discovery", &everybody)).len(), 1);
    for params in
        ["{allowRoles: ['*']}", "{allowRoles: ['']}", "{allowRoles: view}", "{allowOwnNamespace: maybe}"]
    {
        assert!(!refusal(check, params).is_empty());
    }
}

#[test]
fn a_namespace_may_trust_all_its_own_accounts_if_the_policy_says_so() {
    let check = "catch-all-subject";
    let own = group("system:serviceaccounts:shop");
    for (params, who, count) in [
        ("", SHOP, 1),
        ("allowOwnNamespace: true", SHOP, 0),
        ("allowOwnNamespace: true", "RoleBinding/other", 1),
        ("allowOwnNamespace: true", "RoleBinding/", 1),
        ("allowOwnNamespace: true", "ClusterRoleBinding/shop", 1),
    ] {
        assert_eq!(said(check, params, &binding(who, VIEW, &own)).len(), count, "{params} {who}");
    }
    let all = binding(SHOP, VIEW, &group("system:serviceaccounts"));
    assert_eq!(said(check, "allowOwnNamespace: true", &all).len(), 1);
}

#[test]
fn no_binding_names_the_masters_but_the_one_that_every_cluster_has() {
    let check = "system-masters-identity";
    let masters = group("system:masters");
    let found = said(check, "", &binding(SHOP, VIEW, &masters));
    assert_eq!(found, ["subjects[0] is Group `system:masters`, bound to ClusterRole `view`"]);
    for (who, role, count) in [
        ("ClusterRoleBinding//cluster-admin", "ClusterRole/cluster-admin", 0),
        ("RoleBinding/shop/cluster-admin", "ClusterRole/cluster-admin", 1),
        ("ClusterRoleBinding//mine", "ClusterRole/cluster-admin", 1),
        ("ClusterRoleBinding//cluster-admin", "ClusterRole/view", 1),
    ] {
        assert_eq!(said(check, "", &binding(who, role, &masters)).len(), count, "{who} {role}");
    }
    assert_eq!(said(check, "", &binding(CLUSTER, VIEW, &user("system:masters"))), NONE);
}

#[test]
fn the_default_account_is_bound_by_no_name_it_goes_by() {
    let check = "default-service-account-binding";
    for (who, subject, account) in [
        (SHOP, "{kind: ServiceAccount, name: default}", Some("ServiceAccount `shop/default`")),
        (SHOP, "{kind: ServiceAccount, name: default, namespace: ci}", Some("ServiceAccount `ci/default`")),
        (
            CLUSTER,
            "{kind: ServiceAccount, name: default, namespace: ci}",
            Some("ServiceAccount `ci/default`"),
        ),
        (
            CLUSTER,
            "{kind: User, name: 'system:serviceaccount:ci:default'}",
            Some("User `system:serviceaccount:ci:default`"),
        ),
        (SHOP, "{kind: ServiceAccount, name: Default}", None),
        (SHOP, "{kind: ServiceAccount, name: default-2}", None),
        (SHOP, "{kind: User, name: default}", None),
        (SHOP, "{kind: Group, name: default}", None),
    ] {
        let found = said(check, "", &binding(who, "Role/web", &format!("[{subject}]")));
        let expected = account.map(|account| format!("subjects[0] is {account}, bound to Role `web`"));
        assert_eq!(found, Vec::from_iter(expected), "{who} {subject}");
    }
}

#[test]
fn a_namespace_gives_rights_to_its_own_accounts() {
    let check = "foreign-account-binding";
    let runner = "[{kind: ServiceAccount, name: runner, namespace: ci}]";
    let found = said(check, "", &binding(SHOP, "ClusterRole/edit", runner));
    assert_eq!(found, ["subjects[0] is ServiceAccount `ci/runner`, bound to ClusterRole `edit`"]);
    let as_user = binding(SHOP, VIEW, &user("system:serviceaccount:ci:runner"));
    assert_eq!(said(check, "", &as_user).len(), 1);
    for subjects in [
        "[{kind: ServiceAccount, name: runner, namespace: shop}]".to_owned(),
        "[{kind: ServiceAccount, name: runner}]".to_owned(),
        user("system:serviceaccount:shop:runner"),
        user("ann"),
        group("ci"),
    ] {
        assert_eq!(said(check, "", &binding(SHOP, VIEW, &subjects)), NONE, "{subjects}");
    }
    assert!(cannot_tell(check, "", &binding("RoleBinding/", VIEW, runner)), "kubectl chooses the namespace");
    let signer = "RoleBinding/kube-public/system:controller:bootstrap-signer";
    let own = "[{kind: ServiceAccount, name: bootstrap-signer, namespace: kube-system}]";
    assert_eq!(said(check, "", &binding(signer, "Role/system:controller:bootstrap-signer", own)), NONE);
    assert_eq!(said(check, "", &binding(signer, "Role/mine", own)).len(), 1);
}

#[test]
fn a_tool_that_works_across_namespaces_is_named_in_the_policy() {
    let check = "foreign-account-binding";
    let params = "allow: [{kind: ServiceAccount, namespace: argocd, name: 'argocd-*'}]";
    let of = |account: &str| {
        let (namespace, name) = account.split_once('/').unwrap();
        binding(SHOP, VIEW, &format!("[{{kind: ServiceAccount, name: {name}, namespace: {namespace}}}]"))
    };
    assert_eq!(said(check, params, &of("argocd/argocd-server")), NONE);
    assert_eq!(said(check, params, &of("argocd/other")).len(), 1);
    assert_eq!(said(check, params, &of("argocd-2/argocd-server")).len(), 1);
    assert!(refusal(check, "{allow: [{kind: User, name: ann}]}").contains("only service accounts"));
}

#[test]
fn a_subject_that_was_there_before_is_reported_and_a_new_one_is_denied() {
    let check = "anonymous-subject";
    let subjects = |all: &[&str]| {
        let all: Vec<_> = all.iter().map(|name| format!("{{kind: Group, name: '{name}'}}")).collect();
        binding(CLUSTER, VIEW, &format!("[{}]", all.join(", ")))
    };
    let old = subjects(&["system:unauthenticated"]);
    let moved = Sent::update(&old, &subjects(&["dev", "system:unauthenticated"]));
    assert_eq!(
        about(&moved, check, ""),
        ["pre-existing subjects[1] is Group `system:unauthenticated`, bound to ClusterRole `view`"]
    );
    let added = Sent::update(&subjects(&["dev"]), &old);
    assert_eq!(
        about(&added, check, ""),
        ["new subjects[0] is Group `system:unauthenticated`, bound to ClusterRole `view`"]
    );
    assert_eq!(about(&Sent::delete(&old), check, ""), NONE, "what goes is no harm");
}

#[test]
fn names_that_somebody_wrote_are_quoted_and_made_printable() {
    let subject = "[{kind: ServiceAccount, name: default, namespace: \"a\\u202eb\"}]";
    let sent = Sent::create(&binding(SHOP, "Role/x\u{200b}y", subject));
    assert_eq!(
        about(&sent, "default-service-account-binding", ""),
        ["new subjects[0] is ServiceAccount `a\\u{202e}b/default`, bound to Role `x\\u{200b}y`"]
    );
}
