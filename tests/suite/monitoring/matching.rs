//! How rules of an audit policy match, tried through what a single rule before a sound policy changes.

use crate::library::told;

/// Whether a rule catches what somebody asks of a resource: the rule drops it, and the finding says so.
fn catches(rule: &str, what: &str) -> bool {
    let policy = format!(
        "
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- {{level: None, {rule}}}
- level: Metadata
  resources: [{{group: '', resources: [secrets, configmaps, serviceaccounts/token]}}, {{group: authentication.k8s.io}}]
- {{level: Request}}
"
    );
    told("blind-audit-policy", "", &policy)
        .iter()
        .any(|line| line.starts_with("rules[0].level is None for `") && line.contains(what))
}

const EXEC: &str = ": ways into containers and nodes";
const SECRETS: &str = ": requests for Secrets";
const WORKLOADS: &str = ": changes of workloads";
const FAILED: &str = ": failed authentications";
const NAMESPACES: &str = "create namespaces";

#[test]
fn a_resource_matches_by_name_by_star_and_by_either_half() {
    for (resources, what, expected) in [
        ("[{group: '', resources: [pods]}]", EXEC, false),
        ("[{group: '', resources: [pods]}]", WORKLOADS, true),
        ("[{group: '', resources: [pods/exec]}]", EXEC, true),
        ("[{group: '', resources: [pods/exec]}]", WORKLOADS, false),
        ("[{group: '', resources: ['pods/*']}]", EXEC, true),
        // Beside what lies beneath, the API server takes it for the pods themselves.
        ("[{group: '', resources: ['pods/*']}]", WORKLOADS, true),
        ("[{group: '', resources: ['*/exec']}]", EXEC, true),
        ("[{group: '', resources: ['*/exec']}]", WORKLOADS, false),
        ("[{group: '', resources: ['*/scale']}]", EXEC, false),
        ("[{group: '', resources: ['*']}]", EXEC, true),
        ("[{group: '', resources: ['*/*']}]", EXEC, false),
        ("[{group: '', resources: ['*/*']}]", WORKLOADS, false),
        ("[{group: '', resources: [pods/]}]", WORKLOADS, false),
        ("[{group: '', resources: []}]", EXEC, true),
        ("[{group: ''}]", EXEC, true),
        ("[{resources: [pods/exec]}]", EXEC, true),
        ("[{group: '*', resources: [pods/exec]}]", EXEC, false),
        ("[{group: core, resources: [pods/exec]}]", EXEC, false),
        ("[{group: apps}]", WORKLOADS, true),
        ("[{group: apps}, {group: '', resources: [pods/exec]}]", EXEC, true),
        ("[]", EXEC, true),
        ("null", EXEC, true),
    ] {
        assert_eq!(catches(&format!("resources: {resources}"), what), expected, "{resources} {what}");
    }
}

#[test]
fn a_resource_name_bounds_what_names_an_object_and_nothing_else() {
    for (verb, expected) in
        [("get", true), ("delete", true), ("list", false), ("create", false), ("deletecollection", false)]
    {
        let rule = format!(
            "verbs: [{verb}], resources: [{{group: '', resources: [secrets], resourceNames: [root]}}]"
        );
        assert_eq!(catches(&rule, SECRETS), expected, "{verb}");
    }
    // Without resources the names are not looked at.
    assert!(catches("verbs: [list], resources: [{group: '', resourceNames: [root]}]", SECRETS));
}

#[test]
fn a_namespace_bounds_a_rule_and_the_empty_one_means_what_has_none() {
    assert!(catches("namespaces: [shop]", SECRETS));
    assert!(catches("namespaces: [prod]", SECRETS));
    assert!(catches("namespaces: ['']", NAMESPACES));
    assert!(!catches("namespaces: [shop]", NAMESPACES));
    // Lists over all namespaces have none.
    assert!(catches("namespaces: ['']", "list secrets"));
    assert!(!catches("namespaces: ['']", "get secrets"));
    assert!(!catches("namespaces: ['*']", "get secrets in shop"));
    assert!(!catches("namespaces: [shop]", "/api"));
}

#[test]
fn verbs_users_and_groups_match_exactly_and_all_at_once() {
    for (rule, what, expected) in [
        ("verbs: [create]", EXEC, true),
        ("verbs: ['*']", EXEC, false),
        ("verbs: [CREATE]", EXEC, false),
        ("users: [ann]", EXEC, true),
        ("users: ['*']", EXEC, false),
        ("users: ['system:serviceaccount:shop:*']", EXEC, false),
        ("userGroups: ['system:serviceaccounts:shop']", EXEC, true),
        ("userGroups: ['system:masters', other]", EXEC, true),
        ("users: [ann], userGroups: ['system:masters']", EXEC, false),
        ("users: [ann], userGroups: ['system:authenticated']", EXEC, true),
        ("users: [ann], verbs: [watch]", EXEC, false),
    ] {
        assert_eq!(catches(rule, what), expected, "{rule}");
    }
}

#[test]
fn nobody_is_in_no_list_of_users() {
    assert!(catches("verbs: [list]", FAILED));
    assert!(catches("nonResourceURLs: ['/api*']", FAILED));
    for rule in [
        "users: ['']",
        "users: ['system:anonymous']",
        "userGroups: ['system:unauthenticated']",
        "userGroups: ['system:authenticated'], nonResourceURLs: ['/api*']",
    ] {
        assert!(!catches(rule, FAILED), "{rule}");
    }
}

#[test]
fn a_path_matches_exactly_or_by_what_stands_before_its_last_star() {
    for (urls, expected) in [
        ("['*']", true),
        ("['/*']", true),
        ("['/pro*']", true),
        ("[/probe]", true),
        ("['/probe*']", true),
        ("['/probe/*']", false),
        ("[/prob]", false),
        ("['/*be']", false),
    ] {
        assert_eq!(catches(&format!("nonResourceURLs: {urls}"), "get /probe"), expected, "{urls}");
    }
    // A rule about paths is about nothing else, and a rule about resources about no path.
    assert!(!catches("nonResourceURLs: ['*']", EXEC));
    assert!(!catches("resources: [{group: example.com}]", "get /probe"));
    assert!(!catches("resources: [{group: x}], nonResourceURLs: ['*']", "get /probe"));
}
