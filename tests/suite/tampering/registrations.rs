//! Registrations of the gate that are weaker than the shipped one.

use serde_json::{Value, json};
use soc2gate::manifest;

use super::denied;
use crate::library::{Sent, in_file, refusal};

const CHECK: &str = "weakened-gate-registration";

/// A shipped manifest of this kind.
fn shipped(kind: &str) -> Value {
    let texts = [
        include_str!("../../../manifests/base/40-webhook.yaml"),
        include_str!("../../../manifests/base/50-guard.yaml"),
    ];
    let documents = texts.into_iter().flat_map(|text| manifest::parse("m.yaml", text).unwrap());
    let values = documents.map(|document| serde_json::from_str::<Value>(&document.to_json_text()).unwrap());
    values.into_iter().find(|value| value["kind"] == kind).unwrap()
}

/// What is weaker after a change of a shipped manifest.
fn weaker(kind: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut manifest = shipped(kind);
    change(&mut manifest);
    in_file(CHECK, "", &manifest.to_string()).0
}

/// The same for the webhook of this position, without its name.
fn weaker_webhook(position: usize, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let entry = ["workloads", "config", "access", "guard"][position];
    let found = weaker(WEBHOOKS, |manifest| change(&mut manifest["webhooks"][position]));
    let prefix = format!("webhooks[name={entry}.soc2gate.io].");
    found.iter().map(|key| key.strip_prefix(&prefix).unwrap_or(key).to_owned()).collect()
}

const WEBHOOKS: &str = "ValidatingWebhookConfiguration";
const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";

const NONE: [&str; 0] = [];

#[test]
fn what_is_shipped_is_not_weaker_than_itself() {
    for kind in [WEBHOOKS, POLICY, BINDING] {
        assert_eq!(weaker(kind, |_| {}), NONE, "{kind}");
    }
}

#[test]
fn what_the_api_server_fills_in_is_no_change() {
    let filled = weaker(WEBHOOKS, |manifest| {
        for webhook in manifest["webhooks"].as_array_mut().unwrap() {
            webhook["objectSelector"] = json!({});
            webhook["clientConfig"]["caBundle"] = json!("Q0E=");
            if webhook["namespaceSelector"].is_null() {
                webhook["namespaceSelector"] = json!({});
            }
            for rule in webhook["rules"].as_array_mut().unwrap() {
                rule["scope"] = json!("*");
            }
            webhook["clientConfig"]["service"].as_object_mut().unwrap().remove("port");
        }
        manifest["metadata"]["annotations"] = json!({"cert-manager.io/inject-ca-from": "soc2gate/soc2gate"});
    });
    assert_eq!(filled, NONE);
}

#[test]
fn what_is_stronger_is_no_change() {
    let stronger = weaker(WEBHOOKS, |manifest| {
        for webhook in manifest["webhooks"].as_array_mut().unwrap() {
            webhook["failurePolicy"] = json!("Fail");
            webhook["timeoutSeconds"] = json!(10);
            webhook.as_object_mut().unwrap().remove("matchConditions");
            webhook.as_object_mut().unwrap().remove("namespaceSelector");
            webhook.as_object_mut().unwrap().remove("matchPolicy");
            webhook["rules"] = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]);
        }
        let another = json!({"name": "more.example.com"});
        manifest["webhooks"].as_array_mut().unwrap().insert(0, another);
    });
    assert_eq!(stronger, NONE);
}

#[test]
fn every_entry_stands() {
    assert_eq!(
        weaker(WEBHOOKS, |manifest| {
            manifest["webhooks"].as_array_mut().unwrap().remove(2);
        }),
        ["webhooks[name=access.soc2gate.io]"]
    );
    assert_eq!(weaker(WEBHOOKS, |manifest| manifest["webhooks"] = Value::Null).len(), 4);
    assert_eq!(weaker(WEBHOOKS, |manifest| manifest["webhooks"] = json!("none")), ["metadata.name"]);
    assert_eq!(
        weaker(WEBHOOKS, |manifest| manifest["webhooks"][3]["name"] = json!("Guard.soc2gate.io")).len(),
        1
    );
}

#[test]
fn an_entry_asks_about_no_less() {
    let rule = |position: usize, field: &'static str, value: Value| {
        weaker_webhook(0, move |webhook| webhook["rules"][position][field] = value)
    };
    // Of apps: deployments, statefulsets, daemonsets and replicasets.
    for (what, field, value, expected) in [
        ("fewer resources", "resources", json!(["deployments", "statefulsets"]), 2),
        ("all resources", "resources", json!(["*"]), 0),
        ("all and their subresources", "resources", json!(["*/*"]), 0),
        (
            "each with its subresources",
            "resources",
            json!(["deployments/*", "statefulsets/*", "daemonsets/*", "replicasets/*"]),
            0,
        ),
        ("subresources alone", "resources", json!(["*/scale"]), 4),
        ("fewer operations", "operations", json!(["CREATE"]), 4),
        ("all operations", "operations", json!(["*"]), 0),
        ("another group", "apiGroups", json!(["extensions"]), 4),
        ("every group", "apiGroups", json!(["*"]), 0),
        ("another version", "apiVersions", json!(["v1beta1"]), 4),
        ("a narrower scope", "scope", json!("Cluster"), 4),
        ("some names only", "resourceNames", json!(["web"]), 4),
        ("no list at all", "resources", Value::Null, 4),
    ] {
        assert_eq!(rule(1, field, value), vec!["rules"; expected], "{what}");
    }
    let gone = weaker_webhook(0, |webhook| webhook["rules"] = json!([]));
    assert_eq!(gone.len(), 15, "one for each resource: {gone:?}");
    // `*` takes in no subresource.
    let ephemeral = rule(3, "resources", json!(["*"]));
    assert_eq!(ephemeral, ["rules", "rules", "rules"]);
}

#[test]
fn an_entry_leaves_out_no_more() {
    let selector = |values: Value| json!({"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": values}]});
    for (what, position, field, value, expected) in [
        ("another namespace", 0, "namespaceSelector", selector(json!(["soc2gate", "shop"])), true),
        ("no namespace", 0, "namespaceSelector", selector(json!([])), false),
        ("a label", 0, "namespaceSelector", json!({"matchLabels": {"a": "b"}}), true),
        ("the gate's, where none may", 3, "namespaceSelector", selector(json!(["soc2gate"])), true),
        (
            "an operator that nobody knows",
            0,
            "namespaceSelector",
            json!({"matchExpressions": [{"key": "a", "operator": "Gt"}]}),
            true,
        ),
        (
            "any object selector",
            2,
            "objectSelector",
            json!({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}),
            true,
        ),
        ("an empty one", 2, "objectSelector", json!({}), false),
        ("one more condition", 3, "matchConditions", json!([{"name": "x", "expression": "false"}]), true),
        ("no condition", 3, "matchConditions", json!([]), false),
        ("exact versions", 1, "matchPolicy", json!("Exact"), true),
        ("no time", 1, "timeoutSeconds", json!(1), true),
        ("little time", 1, "timeoutSeconds", json!(2), false),
        ("side effects", 1, "sideEffects", json!("Unknown"), true),
        ("none", 1, "sideEffects", json!("None"), false),
        ("another version of reviews", 1, "admissionReviewVersions", json!(["v1beta1"]), true),
    ] {
        let found = weaker_webhook(position, |webhook| webhook[field] = value);
        assert_eq!(found, if expected { vec![field] } else { vec![] }, "{what}");
    }
    let condition = weaker_webhook(1, |webhook| {
        webhook["matchConditions"][0]["expression"] = json!("request.userInfo.username != \"ann\"");
    });
    assert_eq!(condition, ["matchConditions"], "under the name of another");
}

#[test]
fn an_entry_calls_the_gate() {
    for (what, config, expected) in [
        ("a URL", json!({"url": "https://elsewhere.example.com/validate"}), true),
        (
            "a URL beside",
            json!({"url": "https://x", "service": {"namespace": "soc2gate", "name": "soc2gate", "path": "/validate"}}),
            true,
        ),
        (
            "another service",
            json!({"service": {"namespace": "soc2gate", "name": "other", "path": "/validate"}}),
            true,
        ),
        (
            "another path",
            json!({"service": {"namespace": "soc2gate", "name": "soc2gate", "path": "/allow"}}),
            true,
        ),
        (
            "another port",
            json!({"service": {"namespace": "soc2gate", "name": "soc2gate", "path": "/validate", "port": 8443}}),
            true,
        ),
        ("nobody", Value::Null, true),
        (
            "the gate",
            json!({"service": {"namespace": "soc2gate", "name": "soc2gate", "path": "/validate"}}),
            false,
        ),
    ] {
        let found = weaker_webhook(0, |webhook| webhook["clientConfig"] = config);
        assert_eq!(found, if expected { vec!["clientConfig"] } else { vec![] }, "{what}");
    }
}

#[test]
fn the_admission_policy_and_its_binding_hold_no_less() {
    let spec = |change: fn(&mut Value)| weaker(POLICY, |manifest| change(&mut manifest["spec"]));
    assert_eq!(spec(|spec| spec["failurePolicy"] = json!("Ignore")), ["spec.failurePolicy"]);
    assert_eq!(
        spec(|spec| {
            spec.as_object_mut().unwrap().remove("failurePolicy");
        }),
        NONE
    );
    assert_eq!(spec(|spec| spec["validations"] = json!([{"expression": "true"}])), ["spec.validations"]);
    assert_eq!(spec(|spec| spec["variables"][0]["expression"] = json!("true")), ["spec.variables"]);
    assert_eq!(spec(|spec| spec["paramKind"] = json!({"kind": "ConfigMap"})), ["spec.paramKind"]);
    assert_eq!(
        spec(|spec| spec["matchConditions"][1]["expression"] = json!("false")),
        ["spec.matchConditions"]
    );
    assert_eq!(
        spec(|spec| spec["matchConstraints"]["resourceRules"][0]["resourceNames"] = json!(["other"])),
        ["spec.matchConstraints.resourceRules"]
    );
    assert_eq!(
        spec(|spec| spec["matchConstraints"]["excludeResourceRules"] = json!([{"resources": ["*"]}])),
        ["spec.matchConstraints.excludeResourceRules"]
    );
    assert_eq!(
        spec(|spec| spec["matchConstraints"]["namespaceSelector"] = json!({"matchLabels": {"a": "b"}})),
        ["spec.matchConstraints.namespaceSelector"]
    );
    assert!(spec(|spec| spec["matchConstraints"] = Value::Null).len() > 10);
    let bound = |change: fn(&mut Value)| weaker(BINDING, |manifest| change(&mut manifest["spec"]));
    assert_eq!(
        bound(|spec| spec["validationActions"] = json!(["Warn", "Audit"])),
        ["spec.validationActions"]
    );
    assert_eq!(bound(|spec| spec["validationActions"] = json!(["Audit", "Deny"])), NONE);
    assert_eq!(bound(|spec| spec["policyName"] = json!("other")), ["spec.policyName"]);
    assert_eq!(bound(|spec| spec["matchResources"] = json!({"resourceRules": []})), ["spec.matchResources"]);
    assert_eq!(bound(|spec| spec["paramRef"] = json!({"name": "p"})), ["spec.paramRef"]);
}

#[test]
fn only_what_bears_the_gates_name_is_its_registration() {
    let other = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": WEBHOOKS, "metadata": {"name": "other"}, "webhooks": []
    });
    assert_eq!(in_file(CHECK, "", &other.to_string()), (vec![], vec![]));
    assert_eq!(in_file(CHECK, "{names: [soc2gate, other]}", &other.to_string()).0.len(), 4);
    for (params, words) in [
        ("{names: []}", "full names"),
        ("{names: ['soc2*']}", "full names"),
        ("{namespace: ''}", "name of the gate's namespace"),
        ("{namespace: 'a\"b'}", "name of the gate's namespace"),
    ] {
        assert!(refusal(CHECK, params).contains(words), "{params}");
    }
}

#[test]
fn a_gate_in_another_namespace_is_registered_for_that_one() {
    let moved = |kind: &str| {
        let text = shipped(kind).to_string();
        text.replace("\"namespace\":\"soc2gate\"", "\"namespace\":\"security\"")
            .replace("\"values\":[\"soc2gate\"]", "\"values\":[\"security\"]")
            .replace("metadata.name\":\"soc2gate\"", "metadata.name\":\"security\"")
            .replace("serviceaccount:soc2gate:", "serviceaccount:security:")
    };
    for kind in [WEBHOOKS, POLICY, BINDING] {
        assert_eq!(in_file(CHECK, "{namespace: security}", &moved(kind)).0, NONE, "{kind}");
    }
    assert!(in_file(CHECK, "", &moved(WEBHOOKS)).0.len() >= 4);
    assert!(in_file(CHECK, "{namespace: security}", &shipped(WEBHOOKS).to_string()).0.len() >= 4);
}

#[test]
fn a_registration_is_taken_away_by_its_installer_alone() {
    let own = shipped(BINDING).to_string();
    assert!(denied(CHECK, "", &Sent::delete(&own)));
    assert!(denied(CHECK, "", &Sent::delete(&own).set("name", json!(""))));
    let installers = "{installers: [{kind: Group, name: 'soc2gate:installers'}]}";
    assert!(!denied(CHECK, installers, &Sent::delete(&own).by("ann", &["soc2gate:installers"])));
}
