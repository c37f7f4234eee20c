//! What the API server is told to ask about: everything that a check judges, and nothing that would bring a cluster down.

use std::collections::BTreeSet;

use serde_json::Value;
use soc2gate::{
    check::{Check, Kinds},
    checks, manifest,
    object::Kind,
    request::Requester,
};

/// The documents of a manifest.
fn documents(text: &str) -> Vec<Value> {
    let documents = manifest::parse("manifest.yaml", text).unwrap();
    documents.iter().map(|document| serde_json::from_str(&document.to_json_text()).unwrap()).collect()
}

/// What the API server asks about, entry by entry.
pub(crate) fn webhooks() -> Vec<Value> {
    let [configuration] = &documents(include_str!("../../manifests/base/40-webhook.yaml"))[..] else {
        panic!()
    };
    configuration["webhooks"].as_array().unwrap().clone()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap()).collect()
}

/// What an entry asks about: operation, group and resource.
fn asked(rules: &Value) -> BTreeSet<(String, String, String)> {
    let mut asked = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        for operation in strings(&rule["operations"]) {
            for group in strings(&rule["apiGroups"]) {
                for resource in strings(&rule["resources"]) {
                    asked.insert((operation.to_owned(), group.to_owned(), resource.to_owned()));
                }
            }
        }
    }
    asked
}

/// What all entries together ask about.
fn asked_in_all() -> BTreeSet<(String, String, String)> {
    webhooks().iter().flat_map(|webhook| asked(&webhook["rules"])).collect()
}

/// Kinds about which the API server asks no webhook, or need not be asked.
const NOT_ASKED_ABOUT: [(Kind, &str); 9] = [
    (Kind::AuditPolicy, "a file of the control plane"),
    (Kind::AuthenticationConfiguration, "a file of the control plane"),
    (Kind::EncryptionConfiguration, "a file of the control plane"),
    (Kind::EncryptionConfig, "a file of the control plane"),
    (Kind::ValidatingWebhookConfiguration, "no webhook is asked about it"),
    (Kind::ValidatingAdmissionPolicy, "no webhook is asked about it"),
    (Kind::ValidatingAdmissionPolicyBinding, "no webhook is asked about it"),
    (Kind::XListenerSet, "experimental, and in files only"),
    (Kind::EndpointSlice, "judged in the gate's namespace alone, by the admission policy"),
];

fn kinds_of(check: &Check) -> Vec<Kind> {
    match check.examine.kinds() {
        // It has no kind of its own: it looks at what the others are asked about.
        Kinds::Any => Vec::new(),
        kinds => Kind::ALL.into_iter().filter(|kind| kinds.contains(*kind)).collect(),
    }
}

fn operations_on(kind: Kind) -> BTreeSet<String> {
    let group = match kind {
        Kind::Scale => "apps",
        // A subresource of accounts.
        Kind::TokenRequest => "",
        _ => kind.group(),
    };
    let of_kind =
        |(_, of_group, resource): &(String, String, String)| of_group == group && resource == kind.resource();
    asked_in_all().into_iter().filter(of_kind).map(|(operation, ..)| operation).collect()
}

#[test]
fn every_kind_that_a_check_judges_is_asked_about() {
    for check in checks::all() {
        for kind in kinds_of(check) {
            let is_left_out = NOT_ASKED_ABOUT.iter().any(|(other, _)| *other == kind);
            let is_asked = !operations_on(kind).is_empty();
            assert_ne!(is_asked, is_left_out, "{}: {kind:?}", check.id);
        }
    }
}

#[test]
fn every_operation_that_a_check_judges_is_asked_about() {
    let asked = |kind: Kind, operation: &str| operations_on(kind).contains(operation);
    // Deletions of what these judge are changes too.
    for check in ["direct-production-change", "cluster-identity-change", "loosened-policy"] {
        for kind in kinds_of(checks::find(check).unwrap()) {
            if NOT_ASKED_ABOUT.iter().any(|(other, _)| *other == kind) {
                continue;
            }
            for operation in ["CREATE", "UPDATE", "DELETE"] {
                assert!(asked(kind, operation), "{check}: {operation} of {kind:?}");
            }
        }
    }
    for kind in Kind::ALL.into_iter().filter(|kind| kind.name().ends_with("Options")) {
        assert_eq!(operations_on(kind), BTreeSet::from(["CONNECT".to_owned()]), "{kind:?}");
    }
    for (operation, group, resource) in [
        ("UPDATE", "", "pods/ephemeralcontainers"),
        ("UPDATE", "", "pods/resize"),
        ("UPDATE", "", "replicationcontrollers/scale"),
        ("UPDATE", "apps", "deployments/scale"),
        ("UPDATE", "apps", "statefulsets/scale"),
        ("UPDATE", "apps", "replicasets/scale"),
        ("CREATE", "", "serviceaccounts/token"),
        ("CREATE", "certificates.k8s.io", "certificatesigningrequests"),
        ("UPDATE", "certificates.k8s.io", "certificatesigningrequests/approval"),
        ("UPDATE", "", "services/status"),
        // Their strategies reset everything but the labels.
        ("UPDATE", "", "namespaces/status"),
        ("UPDATE", "", "namespaces/finalize"),
        ("DELETE", "", "namespaces"),
        ("DELETE", "networking.k8s.io", "networkpolicies"),
        ("DELETE", "apiextensions.k8s.io", "customresourcedefinitions"),
    ] {
        let one = (operation.to_owned(), group.to_owned(), resource.to_owned());
        assert!(asked_in_all().contains(&one), "{one:?}");
    }
}

#[test]
fn nothing_is_asked_about_that_the_cluster_needs_to_live() {
    let forbidden = [
        "nodes",
        "nodes/status",
        "leases",
        "events",
        "endpoints",
        "endpointslices",
        "pods/status",
        "pods/binding",
        "tokenreviews",
        "selfsubjectreviews",
        "subjectaccessreviews",
        "selfsubjectaccessreviews",
        "localsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "componentstatuses",
    ];
    for (operation, group, resource) in asked_in_all() {
        assert!(!forbidden.contains(&&*resource), "{operation} {group}/{resource}");
        assert!(
            !resource.contains('*') && group != "*" && operation != "*",
            "{operation} {group}/{resource}"
        );
        assert!(
            !["admissionregistration.k8s.io", "authorization.k8s.io", "coordination.k8s.io", "events.k8s.io"]
                .contains(&&*group)
        );
    }
}

#[test]
fn nothing_is_asked_about_twice() {
    let each: usize = webhooks().iter().map(|webhook| asked(&webhook["rules"]).len()).sum();
    assert_eq!(each, asked_in_all().len());
}

#[test]
fn each_entry_waits_briefly_and_stops_nothing() {
    let names: Vec<_> = webhooks().iter().map(|webhook| webhook["name"].clone()).collect();
    assert_eq!(
        names,
        ["workloads.soc2gate.io", "config.soc2gate.io", "access.soc2gate.io", "guard.soc2gate.io"]
    );
    for webhook in webhooks() {
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert_eq!(webhook["timeoutSeconds"], 3);
        assert_eq!(webhook["matchPolicy"], "Equivalent");
        assert_eq!(webhook["sideEffects"], "NoneOnDryRun");
    }
}

#[test]
fn selectors_leave_out_the_gates_namespace_by_name_and_nothing_where_they_would_blind() {
    let own = serde_json::json!({
        "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["soc2gate"]}]
    });
    let [workloads, config, access, guard] = &webhooks()[..] else { panic!() };
    for webhook in [workloads, config, access, guard] {
        assert!(webhook["objectSelector"].is_null(), "{}", webhook["name"]);
    }
    assert_eq!((&workloads["namespaceSelector"], &config["namespaceSelector"]), (&own, &own));
    assert!(access["namespaceSelector"].is_null() && guard["namespaceSelector"].is_null());
    for webhook in [config, access, guard] {
        let conditions = webhook["matchConditions"].to_string();
        assert!(conditions.contains("system:apiserver"), "{}", webhook["name"]);
    }
}

/// The admission policy and its binding.
fn guard() -> (Value, Value) {
    let [policy, binding] = &documents(include_str!("../../manifests/base/50-guard.yaml"))[..] else {
        panic!()
    };
    (policy["spec"].clone(), binding["spec"].clone())
}

#[test]
fn the_admission_policy_guards_what_no_webhook_is_asked_about() {
    let (policy, binding) = guard();
    let asked = asked(&policy["matchConstraints"]["resourceRules"]);
    let check = checks::find("gate-namespace-change").unwrap();
    for kind in kinds_of(check).into_iter().filter(|kind| *kind != Kind::Namespace) {
        let group = if kind == Kind::Scale { "apps" } else { kind.group() };
        for operation in ["CREATE", "UPDATE", "DELETE"] {
            let one = (operation.to_owned(), group.to_owned(), kind.resource().to_owned());
            assert!(asked.contains(&one), "{one:?}");
        }
    }
    for (operation, group, resource) in [
        ("UPDATE", "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("DELETE", "admissionregistration.k8s.io", "validatingwebhookconfigurations"),
        ("DELETE", "apiextensions.k8s.io", "customresourcedefinitions"),
        ("UPDATE", "", "namespaces"),
        ("DELETE", "", "namespaces"),
    ] {
        let one = (operation.to_owned(), group.to_owned(), resource.to_owned());
        assert!(asked.contains(&one), "{one:?}");
    }
    assert_eq!(binding["policyName"], "soc2gate");
    assert!(strings(&binding["validationActions"]).contains(&"Deny"));
    assert_eq!(policy["failurePolicy"], "Fail");
}

#[test]
fn the_admission_policy_takes_nobody_for_the_cluster_whom_the_check_does_not() {
    let (policy, _) = guard();
    let conditions = policy["matchConditions"].as_array().unwrap();
    let of_cluster = conditions.iter().find(|condition| condition["name"] == "not-the-cluster").unwrap();
    let expression = of_cluster["expression"].as_str().unwrap();
    let users: Vec<_> = expression.split('"').skip(1).step_by(2).collect();
    assert!(users.len() > 10, "{users:?}");
    for user in users.into_iter().filter(|user| *user != "system:serviceaccount:soc2gate:soc2gate") {
        let requester = Requester { username: Some(user.into()), ..Requester::default() };
        assert!(requester.is_component(), "{user}");
    }
}
