//! What each check of rules finds, told by RBAC's own matching.

use serde_json::{Value, json};
use soc2gate::inventory::Inventory;

use super::{refusal, role, violations};
use crate::library;

const RBAC: &str = "rbac.authorization.k8s.io";
const AUTHN: &str = "authentication.k8s.io";
const CERTS: &str = "certificates.k8s.io";

/// What a check says of a role with one rule: without its place, or nothing.
fn said(kind: &str, id: &str, params: &str, rule: &str) -> String {
    let found = violations(id, params, Inventory::default(), &role(kind, &[rule]));
    found.join("; ").replace("rules[0] ", "")
}

/// The same of ClusterRoles by default, for a table of rules and what is said of each.
fn say(id: &str, cases: &[(&str, &str)]) {
    for (rule, expected) in cases {
        let rule = rule.replace("RBAC", RBAC).replace("AUTHN", AUTHN).replace("CERTS", CERTS);
        let expected = if expected.is_empty() { String::new() } else { format!("grants {expected}") };
        assert_eq!(said("ClusterRole", id, "", &rule), expected, "{id}: {rule}");
    }
}

#[test]
fn a_wildcard_is_found_in_verbs_resources_groups_and_paths() {
    say(
        "wildcard-rule",
        &[
            ("* | * | *", "every verb on every resource of every API group"),
            ("* | pods | core", "every verb on `pods` of the core API group"),
            ("get list watch | * | apps batch", "`get` and 2 more on every resource of `apps` and `batch`"),
            ("get | pods | *", "`get` on `pods` of every API group"),
            ("get | * | core | one", "`get` on every resource of the core API group"),
            ("get pods * | pods | core", "every verb on `pods` of the core API group"),
            ("get | * | paths", "`get` on every path of the API server"),
            ("* | /* | paths", "every verb on every path of the API server"),
            ("get | /metrics/* /healthz | paths", ""),
            ("get | */scale pods/* | core", ""),
            ("get | pods | core | *", ""),
            ("read | pods | core", ""),
        ],
    );
}

#[test]
fn a_wildcard_over_own_groups_alone_is_fine() {
    let own = "ownGroups: [shop.example.com]";
    for (rule, is_found) in [
        ("* | * | shop.example.com", false),
        ("* | orders | shop.example.com", false),
        ("* | * | shop.example.com apps", true),
        ("* | * | *", true),
        // Without an API group it grants nothing.
        ("* | * |", false),
        ("get | * | paths", true),
        ("* | * | example.com", true),
    ] {
        assert_eq!(!said("Role", "wildcard-rule", own, rule).is_empty(), is_found, "{rule}");
    }
    for params in ["ownGroups: ['']", "ownGroups: ['*']", "ownGroups: ['*.example.com']"] {
        assert!(refusal("wildcard-rule", params).contains("API group of your own"), "{params}");
        assert!(refusal("aggregated-privilege", params).contains("API group of your own"), "{params}");
    }
}

#[test]
fn escalate_is_found_whatever_it_is_bound_to_and_bind_by_the_roles_it_hands_out() {
    say(
        "escalation-verb",
        &[
            ("escalate | roles | RBAC", "`escalate` on `roles`"),
            ("escalate | clusterroles | RBAC | mine", "`escalate` on `clusterroles` `mine`"),
            ("bind | roles clusterroles | RBAC", "`bind` on `clusterroles` and `bind` on `roles`"),
            ("bind | clusterroles | RBAC | view tenant", ""),
            ("bind | clusterroles | RBAC | view edit", "`bind` on `clusterroles` `edit`"),
            ("bind | clusterroles | RBAC | system:node", "`bind` on `clusterroles` `system:node`"),
            ("* | clusterroles | RBAC", "`escalate` on `clusterroles` and `bind` on `clusterroles`"),
            ("* | * | RBAC", "`escalate` on `clusterroles` and 3 more"),
            // Verbs, resources and groups are told by every letter.
            ("Escalate BIND | roles clusterroles | RBAC", ""),
            ("escalate bind | rolebindings clusterrolebindings | RBAC", ""),
            ("escalate bind | roles | core", ""),
            ("escalate | roles |", ""),
            ("escalate | roles/* ClusterRoles | RBAC", ""),
            ("create update | roles rolebindings | RBAC", ""),
        ],
    );
    let params = "privileged: ['tenant-*']";
    let bind =
        |name: &str| said("Role", "escalation-verb", params, &format!("bind | roles | {RBAC} | {name}"));
    assert!(bind("edit").is_empty() && !bind("tenant-admin").is_empty());
    for params in ["privileged: ['*']", "privileged: ['']", "privileged: ['a*b']"] {
        assert!(refusal("escalation-verb", params).contains("is no name"), "{params}");
    }
}

#[test]
fn impersonation_is_found_old_and_constrained_by_whom_it_is_bound_to() {
    say(
        "impersonate-permission",
        &[
            ("impersonate | users | core", "`impersonate` on `users`"),
            ("impersonate | users groups serviceaccounts | core", "`impersonate` on `users` and 2 more"),
            ("impersonate | uids | AUTHN", "`impersonate` on `uids`"),
            ("impersonate | userextras/scopes | AUTHN", "`impersonate` on `userextras/scopes`"),
            ("impersonate | */scopes | AUTHN", "`impersonate` on `*/scopes`"),
            ("impersonate | users | core | ann ben", ""),
            ("impersonate | users | core | ann system:admin", "`impersonate` on `users` `system:admin`"),
            ("impersonate | groups | core | system:masters", "`impersonate` on `groups` `system:masters`"),
            ("impersonate:user-info | users | AUTHN", "`impersonate:user-info` on `users`"),
            ("impersonate:serviceaccount | serviceaccounts | AUTHN | web", ""),
            ("impersonate:arbitrary-node | nodes | AUTHN | n1", ""),
            (
                "impersonate:associated-node | nodes | AUTHN | *",
                "`impersonate:associated-node` on `nodes` `*`",
            ),
            ("impersonate:of-tomorrow | users | AUTHN", "`impersonate:of-tomorrow` on `users`"),
            ("impersonate-on:user-info:list | users | AUTHN", "`impersonate-on:user-info:list` on `users`"),
            // What is done in another's name is bounded by this; by itself it gives nothing.
            ("impersonate-on:user-info:list | pods | core", ""),
            ("impersonate:user-info | users | core", ""),
            ("Impersonate impersonateX | users | core AUTHN", ""),
            ("impersonate | pods | core", ""),
            ("get | users | core", ""),
        ],
    );
    let allowed = |verb: &str| {
        let rule = format!("{verb} | nodes users | {AUTHN}");
        said("ClusterRole", "impersonate-permission", "allowModes: [associated-node]", &rule)
    };
    assert_eq!(allowed("impersonate:associated-node impersonate-on:associated-node:list"), "");
    assert_ne!(allowed("impersonate:user-info"), "");
    assert_ne!(allowed("*"), "");
    assert!(refusal("impersonate-permission", "allowModes: [node]").contains("no mode `node`"));
}

#[test]
fn secrets_are_read_by_list_and_watch_and_across_namespaces_by_get() {
    say(
        "secret-read-permission",
        &[
            ("get | secrets | core", "`get` on `secrets`"),
            ("read | secrets configmaps | core", "`list` on `secrets` and 2 more"),
            ("* | * | core", "`list` on `secrets` and 2 more"),
            ("read | secrets | core | web-tls", ""),
            // The empty name is what a request for the whole list asks with.
            ("GET LIST | secrets | core", ""),
            ("list | secrets | apps", ""),
            ("create update | secrets | core", ""),
        ],
    );
    let role = |rule: &str| said("Role", "secret-read-permission", "", rule);
    assert_eq!(role("get | secrets | core"), "");
    assert_eq!(role("list | secrets | core"), "grants `list` on `secrets`");
    let mut nameless = super::role("ClusterRole", &["list | secrets | core | web"]);
    nameless["rules"][0]["resourceNames"] = json!(["web", ""]);
    let found = |role: &Value| violations("secret-read-permission", "", Inventory::default(), role).len();
    assert_eq!(found(&nameless), 1);
    nameless["rules"][0]["resourceNames"] = json!([null]);
    assert_eq!(found(&nameless), 1);
}

#[test]
fn a_cluster_role_that_holds_in_namespaces_only_is_judged_as_a_role() {
    let binding = |kind: &str, namespace: &str| {
        format!(
            "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: {kind}, metadata: {{name: b, namespace: \
             '{namespace}'}}, roleRef: {{kind: ClusterRole, name: role}}}}\n"
        )
    };
    let aggregator = "---\n{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: all}, \
                      aggregationRule: {clusterRoleSelectors: [{matchLabels: {part: 'yes'}}]}}\n";
    let in_shop = binding("RoleBinding", "shop");
    let mut role = role("ClusterRole", &["get | secrets | core", "create | pods | core"]);
    role["metadata"]["labels"] = json!({"part": "yes"});
    for (world, found) in [
        (String::new(), 1),
        (in_shop.clone(), 0),
        (in_shop.clone() + &binding("ClusterRoleBinding", ""), 1),
        (in_shop.clone() + aggregator, 1),
        (in_shop.replace("ClusterRole, name: role", "Role, name: role"), 1),
        (in_shop.replace("name: role", "name: other"), 1),
    ] {
        for check in ["secret-read-permission", "workload-creation-permission"] {
            let violations = violations(check, "", library::world(&world), &role);
            assert_eq!(violations.len(), found, "{check}: {world}");
        }
    }
    let listing = super::role("ClusterRole", &["list | secrets | core"]);
    assert_eq!(violations("secret-read-permission", "", library::world(&in_shop), &listing).len(), 1);
}

#[test]
fn ways_into_pods_are_found_by_subresource() {
    say(
        "exec-permission",
        &[
            ("create | pods/exec | core", "`create` on `pods/exec`"),
            ("get | pods/exec | core", "`get` on `pods/exec`"),
            ("get | */exec | core", "`get` on `pods/exec`"),
            ("create | pods/exec | core | web", "`create` on `pods/exec`"),
            ("get | pods/exec | core | web", "`get` on `pods/exec` `web`"),
            ("get create | pods/attach pods/portforward | core", "`create` on `pods/attach` and 3 more"),
            ("get | pods/proxy services/proxy | core", "`get` on `pods/proxy` and `get` on `services/proxy`"),
            (
                "patch update | pods/ephemeralcontainers | core",
                "`update` on `pods/ephemeralcontainers` and `patch` on `pods/ephemeralcontainers`",
            ),
            ("create get | pods/* | core", ""),
            ("create get | pods pods/log | core", ""),
            ("GET Create | pods/exec | core", ""),
            ("list watch update | pods/exec | core", ""),
            ("create | pods/exec | apps", ""),
            ("create get | nodes/proxy | core", ""),
        ],
    );
}

#[test]
fn any_verb_reaches_a_kubelet() {
    say(
        "node-proxy-permission",
        &[
            ("get | nodes/proxy | core", "`get` on `nodes/proxy`"),
            ("delete get | nodes/proxy | core", "`delete` on `nodes/proxy` and `get` on `nodes/proxy`"),
            ("* | nodes/proxy | core", "`*` on `nodes/proxy`"),
            ("get | * | core", "`get` on `nodes/proxy`"),
            ("get | */proxy | core", "`get` on `nodes/proxy`"),
            ("get | nodes/proxy | core | n1", "`get` on `nodes/proxy` `n1`"),
            ("create | nodes/proxy | core | n1", "`create` on `nodes/proxy`"),
            ("GET | nodes/proxy | core", ""),
            ("* | nodes nodes/metrics nodes/stats nodes/* | core", ""),
            ("get | nodes/proxy | metrics.k8s.io", ""),
            (" | nodes/proxy | core", ""),
        ],
    );
}

#[test]
fn tokens_are_bound_by_their_account_although_they_are_created() {
    say(
        "token-creation-permission",
        &[
            ("create | serviceaccounts/token | core", "`create` on `serviceaccounts/token`"),
            ("* | serviceaccounts/token | core", "`create` on `serviceaccounts/token`"),
            ("create | */token | *", "`create` on `serviceaccounts/token`"),
            ("create | serviceaccounts/token | core | vault", ""),
            ("create | serviceaccounts | core", ""),
            ("get | serviceaccounts/token | core", ""),
            ("create | serviceaccounts/token | AUTHN", ""),
        ],
    );
}

#[test]
fn certificates_are_approved_by_either_half_of_the_permission() {
    say(
        "certificate-approval-permission",
        &[
            (
                "update | certificatesigningrequests/approval | CERTS",
                "`update` on `certificatesigningrequests/approval`",
            ),
            (
                "patch | certificatesigningrequests/status | CERTS | a",
                "`patch` on `certificatesigningrequests/status` `a`",
            ),
            ("approve sign | signers | CERTS", "`approve` on `signers` and `sign` on `signers`"),
            (
                "sign | signers | CERTS | kubernetes.io/kube-apiserver-client",
                "`sign` on `signers` `kubernetes.io/kube-apiserver-client`",
            ),
            ("approve | signers | CERTS | kubernetes.io/*", "`approve` on `signers` `kubernetes.io/*`"),
            ("approve | signers | CERTS | kubernetes.io/kubelet-serving", ""),
            ("approve sign | signers | CERTS | example.com/mine", ""),
            ("attest | signers | CERTS", ""),
            ("create get | certificatesigningrequests | CERTS", ""),
            ("update | certificatesigningrequests | CERTS", ""),
        ],
    );
}

#[test]
fn control_of_admission_is_bounded_by_names_that_are_not_the_gates_own() {
    let hooks = "validatingwebhookconfigurations | admissionregistration.k8s.io";
    let crds = "customresourcedefinitions | apiextensions.k8s.io";
    for (rule, is_found) in [
        (format!("update | {hooks}"), true),
        (format!("read | {hooks}"), false),
        (format!("patch | {hooks} | cert-manager-webhook"), false),
        (format!("patch | {hooks} | cert-manager-webhook soc2gate"), true),
        (format!("delete | {hooks} | soc2gate-workloads"), true),
        // A name bounds neither of these.
        (format!("create | {hooks} | cert-manager-webhook"), true),
        (format!("deletecollection | {hooks} | cert-manager-webhook"), true),
        (format!("update | {crds} | orders.shop.example.com"), false),
        (format!("delete | {crds} | exemptions.soc2gate.io"), true),
        ("update | customresourcedefinitions/status | apiextensions.k8s.io".to_owned(), false),
        ("patch | mutatingadmissionpolicybindings | admissionregistration.k8s.io".to_owned(), true),
        ("delete | apiservices | apiregistration.k8s.io".to_owned(), true),
        ("update | exemptions | soc2gate.io".to_owned(), true),
        ("update | exemptions | soc2gate.io | mine".to_owned(), true),
        ("create | of-tomorrow | soc2gate.io".to_owned(), true),
        ("read | exemptions controlpolicies | soc2gate.io".to_owned(), false),
        ("update | exemptions | example.com".to_owned(), false),
    ] {
        let found = said("ClusterRole", "admission-control-permission", "", &rule);
        assert_eq!(!found.is_empty(), is_found, "{rule}: {found}");
    }
    let own = |name: &str| {
        let rule = format!("patch | {hooks} | {name}");
        !said("ClusterRole", "admission-control-permission", "own: [gate]", &rule).is_empty()
    };
    assert!(own("gate") && !own("soc2gate") && !own("gate-2"));
    assert!(refusal("admission-control-permission", "own: ['*']").contains("is no name"));
}

#[test]
fn the_rest_is_found_by_its_one_resource() {
    say(
        "namespace-label-permission",
        &[
            ("patch | namespaces | core", "`patch` on `namespaces`"),
            ("update | namespaces | core | shop", "`update` on `namespaces` `shop`"),
            ("get create delete | namespaces | core", ""),
            ("update | namespaces/status namespaces/finalize | core", ""),
        ],
    );
    say(
        "persistent-volume-permission",
        &[
            ("create | persistentvolumes | core", "`create` on `persistentvolumes`"),
            ("create | persistentvolumes | core | a", "`create` on `persistentvolumes`"),
            ("update | persistentvolumes | core", ""),
            ("create | persistentvolumeclaims | core", ""),
        ],
    );
    say(
        "webhook-attestation-permission",
        &[
            ("attest | admissionReviewAPIGroups | AUTHN", "`attest` on `admissionReviewAPIGroups`"),
            (
                "attest | admissionReviewAPIGroups | AUTHN | apps",
                "`attest` on `admissionReviewAPIGroups` `apps`",
            ),
            ("attest | signers | CERTS", ""),
        ],
    );
    say(
        "workload-creation-permission",
        &[
            ("create | pods | core", "`create` on `pods`"),
            ("update | statefulsets | apps", "`update` on `statefulsets`"),
            ("patch | statefulsets | apps | web", ""),
            ("create | pods/exec | core", ""),
            ("delete get | pods | core", ""),
        ],
    );
    assert_eq!(said("Role", "workload-creation-permission", "", "create | pods | core"), "");
}

#[test]
fn null_lists_and_absent_fields_grant_nothing() {
    for rules in [
        json!(null),
        json!([]),
        json!([null]),
        json!([{}]),
        json!([{"verbs": null, "apiGroups": null, "resources": null}]),
        json!([{"verbs": ["escalate", "get"], "resources": ["roles", "nodes/proxy", "secrets"]}]),
        json!([{"apiGroups": ["", RBAC], "resources": ["roles", "nodes/proxy"]}]),
    ] {
        for kind in ["Role", "ClusterRole"] {
            let mut role = role(kind, &[]);
            role["rules"] = rules.clone();
            let decision = library::decide_manifest(&super::OF_ACCESS, &role.to_string());
            assert_eq!(library::found(&decision), Vec::<String>::new(), "{rules}");
        }
    }
}
