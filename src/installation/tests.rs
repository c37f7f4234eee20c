//! What is rendered for whom.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{field::text, *};

fn wanted(change: impl FnOnce(&mut Wanted)) -> Wanted {
    let mut wanted = Wanted::default();
    change(&mut wanted);
    wanted
}

fn rendered(change: impl FnOnce(&mut Wanted)) -> Vec<Value> {
    render(&wanted(change)).unwrap()
}

fn one<'o>(objects: &'o [Value], kind: &str) -> &'o Value {
    objects.iter().find(|object| text(object, "kind") == kind).unwrap()
}

/// Every text of an object, with the path to it.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| leaves(value, &format!("{path}/{at}"), found));
        }
        other => {
            found.push((path.to_owned(), other.as_str().map_or_else(|| other.to_string(), str::to_owned)))
        }
    }
}

fn all_leaves(objects: &[Value]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for object in objects {
        let id = format!("{} {}", text(object, "kind"), text(object, "metadata.name"));
        leaves(object, &id, &mut found);
    }
    found
}

#[test]
fn the_chosen_namespace_reaches_every_place_that_means_it() {
    let everything = |namespace: &str| {
        rendered(|wanted| {
            wanted.namespace = namespace.to_owned();
            wanted.cert_manager = true;
            wanted.monitoring = true;
        })
    };
    let own_certificate = |namespace: &str| rendered(|wanted| wanted.namespace = namespace.to_owned());
    for objects in [everything("gate"), own_certificate("gate")] {
        // What is defined for the whole cluster knows no namespace.
        let here = |(path, _): &(String, String)| !path.starts_with("CustomResourceDefinition");
        for (path, value) in all_leaves(&objects).into_iter().filter(here) {
            // What is called soc2gate, wherever it runs.
            let last = path.rsplit('/').next().unwrap();
            let is_name = (last == "name" && path != "Namespace soc2gate/metadata/name")
                || [
                    "part-of",
                    "secretName",
                    "commonName",
                    "app.kubernetes.io/name",
                    "policyName",
                    "serviceAccountName",
                ]
                .iter()
                .any(|name| last.contains(name));
            let is_listed = path.contains("/resourceNames/");
            assert!(value != "soc2gate" || is_name || is_listed, "{path}");
            for old in ["soc2gate.soc2gate", "serviceaccount:soc2gate:", "soc2gate/soc2gate"] {
                assert!(!value.contains(old), "{path}: {value}");
            }
        }
    }
    let moved = everything("gate");
    let count = |what: &str| all_leaves(&moved).iter().filter(|(_, value)| value.contains(what)).count();
    assert!(count("serviceaccount:gate:soc2gate") > 0 && count("soc2gate.gate.svc") == 2);
    for object in &moved {
        let namespace = text(object, "metadata.namespace");
        assert!(namespace.is_empty() || namespace == "gate", "{object}");
    }
    // Moved and moved back nothing else has changed.
    let back = |text: &str| text.replace("gate", "").replace("soc2", "");
    let [here, there] = [everything("soc2gate"), everything("gate")].map(|objects| all_leaves(&objects));
    assert_eq!(here.len(), there.len());
    assert!(here.iter().zip(&there).all(|((_, a), (_, b))| back(a) == back(b)));
}

#[test]
fn the_default_is_what_the_manifests_say() {
    let objects = rendered(|_| {});
    assert_eq!(text(objects.first().unwrap(), "kind"), "Namespace");
    assert_eq!(text(objects.last().unwrap(), "kind"), "ValidatingAdmissionPolicyBinding");
    let labelled = |object: &Value| object["metadata"]["labels"][PART_OF.0] == PART_OF.1;
    assert!(objects.iter().all(labelled));
    let webhooks = one(&objects, "ValidatingWebhookConfiguration")["webhooks"].as_array().unwrap();
    assert!(webhooks.iter().all(|webhook| webhook["failurePolicy"] == "Ignore"));
}

#[test]
fn each_choice_changes_what_it_says() {
    let objects = rendered(|wanted| {
        wanted.ceiling = "warn";
        wanted.image = Some("registry.example.com/gate:2".into());
        wanted.replicas = 3;
        wanted.fail_closed = BTreeSet::from([Entry::Guard, Entry::Access]);
        wanted.exclude_namespaces = vec!["sandbox".into(), "soc2gate".into()];
        wanted.installers = vec!["a \"b\" \\ c".into(), "flux".into()];
    });
    let deployment = one(&objects, "Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        (&deployment["spec"]["replicas"], &container["image"]),
        (&json!(3), &json!("registry.example.com/gate:2"))
    );
    assert!(
        container["env"]
            .as_array()
            .unwrap()
            .contains(&json!({"name": "SOC2GATE_MODE_CEILING", "value": "warn"}))
    );
    assert!(container["args"].as_array().unwrap().contains(&json!("--installer-group=flux")));
    let webhooks = one(&objects, "ValidatingWebhookConfiguration")["webhooks"].as_array().unwrap();
    let policies: Vec<_> = webhooks.iter().map(|webhook| text(webhook, "failurePolicy")).collect();
    assert_eq!(policies, ["Ignore", "Ignore", "Fail", "Fail"]);
    let left_out = |at: usize| webhooks[at]["namespaceSelector"]["matchExpressions"][0]["values"].clone();
    assert_eq!((left_out(0), left_out(1)), (json!(["soc2gate", "sandbox"]), json!(["soc2gate", "sandbox"])));
    assert!(left_out(2).is_null() && left_out(3).is_null(), "ways in and namespaces are always asked about");
    let policy = one(&objects, "ValidatingAdmissionPolicy").to_string();
    assert!(
        policy.contains(json!(r#"g in ["a \"b\" \\ c","flux"])"#).to_string().trim_matches('"')),
        "{policy}"
    );
    assert!(policy.contains("only the groups a \\\"b\\\" \\\\ c, flux may change"), "{policy}");
    assert!(!policy.contains(INSTALLERS), "{policy}");
}

#[test]
fn with_cert_manager_the_gate_has_no_right_to_write_a_certificate() {
    let objects = rendered(|wanted| wanted.cert_manager = true);
    let text_of_all = Value::from(objects.clone()).to_string();
    assert!(
        !text_of_all.contains("soc2gate-certificates\",\"namespace") && !text_of_all.contains("--tls-secret")
    );
    assert!(!objects.iter().any(|object| text(object, "metadata.name") == "soc2gate-certificates"));
    let position = |kind: &str| objects.iter().position(|object| text(object, "kind") == kind).unwrap();
    assert!(position("Certificate") < position("Deployment"), "pods wait for the Secret");
    let annotations = &one(&objects, "ValidatingWebhookConfiguration")["metadata"]["annotations"];
    assert_eq!(annotations["cert-manager.io/inject-ca-from"], "soc2gate/soc2gate-tls");
}

#[test]
fn with_one_replica_no_budget_stops_a_drain() {
    let alone = wanted(|wanted| wanted.replicas = 1);
    assert!(!render(&alone).unwrap().iter().any(|object| text(object, "kind") == "PodDisruptionBudget"));
    let left: Vec<_> =
        left_out(&alone).unwrap().iter().map(|object| text(object, "kind").to_owned()).collect();
    assert!(left.contains(&"PodDisruptionBudget".to_owned()) && left.contains(&"ServiceMonitor".to_owned()));
    assert!(!left.contains(&"Namespace".to_owned()));
}

#[test]
fn everything_is_all_that_any_choice_installs_each_once() {
    let everything = everything("soc2gate").unwrap();
    let ids: Vec<_> =
        everything.iter().map(|object| (text(object, "kind"), text(object, "metadata.name"))).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for cert_manager in [false, true] {
        let objects = rendered(|wanted| {
            wanted.cert_manager = cert_manager;
            wanted.monitoring = true;
        });
        for object in &objects {
            assert!(ids.contains(&(text(object, "kind"), text(object, "metadata.name"))));
        }
    }
}

#[test]
fn nonsense_is_refused_with_the_flag_to_change() {
    type Change = fn(&mut Wanted);
    let cases: [(Change, &str); 17] = [
        (|w| w.namespace = "Gate".into(), "--namespace \"Gate\""),
        (|w| w.namespace = String::new(), "--namespace \"\""),
        (|w| w.namespace = "-gate".into(), "--namespace"),
        (|w| w.namespace = "a".repeat(64), "--namespace"),
        (|w| w.namespace = "a.b".into(), "--namespace"),
        (|w| w.namespace = "kube-system".into(), "of its own"),
        (|w| w.namespace = "default".into(), "of its own"),
        (|w| w.exclude_namespaces = vec!["team_a".into()], "--exclude-namespace \"team_a\""),
        (|w| w.replicas = 0, "--replicas 0"),
        (|w| (w.replicas, w.fail_closed) = (1, BTreeSet::from([Entry::Workloads])), "workloads fail-closed"),
        (|w| w.image = Some("Bad Image".into()), "--image"),
        (|w| w.image = Some(String::new()), "--image"),
        (|w| w.installers = Vec::new(), "--installer-group"),
        (|w| w.installers = vec![" a".into()], "--installer-group \" a\""),
        (|w| w.installers = vec!["a\nb".into()], "--installer-group"),
        (|w| w.installers = vec![String::new()], "--installer-group"),
        (|w| w.installers = vec!["system:authenticated".into()], "everybody is in it"),
    ];
    for (change, words) in cases {
        let told = wanted(change).nonsense().join("\n");
        assert!(told.contains(words), "{words}: {told}");
    }
    let sense: [Change; 4] = [
        |_| {},
        |w| w.replicas = 1,
        |w| {
            (w.namespace, w.image) =
                ("security-gate-2".into(), Some("localhost:5000/gate@sha256:".to_owned() + &"a".repeat(64)))
        },
        |w| w.installers = vec!["system:serviceaccounts:flux-system".into(), "CN=Platform, OU=IT".into()],
    ];
    for change in sense {
        assert_eq!(wanted(change).nonsense(), Vec::<String>::new());
    }
}

#[test]
fn only_what_the_gate_is_installed_with_is_its_own() {
    let rule = |text: &str| serde_json::from_str::<crate::object::PolicyRule>(text).unwrap();
    let status = rule(
        r#"{"apiGroups": ["soc2gate.io"], "resources": ["controlpolicies/status", "exemptions/status"], "verbs": ["patch"]}"#,
    );
    assert!(is_own_role_rule("soc2gate", &status));
    assert!(!is_own_role_rule("another", &status));
    let wider =
        rule(r#"{"apiGroups": ["soc2gate.io"], "resources": ["controlpolicies"], "verbs": ["patch"]}"#);
    assert!(!is_own_role_rule("soc2gate", &wider));
}
