//! What is printed raises what is ready and nothing else, also when the ceiling goes.

use super::*;
use crate::policy::{Loaded, SHIPPED, Settings};

fn manifest(name: &str, checks: Value) -> Value {
    let spec = json!({"criterion": "CC6.1", "control": "No power.", "match": {"excludeNamespaces": ["a"]}, "checks": checks});
    json!({"apiVersion": API_VERSION, "kind": "ControlPolicy", "metadata": {"name": name}, "spec": spec})
}

fn policy(from: From) -> Policy {
    let checks = json!([
        {"id": "privileged-container", "mode": "enforce"},
        {"id": "host-port", "mode": "warn", "reason": "Agents."},
        {"id": "added-capability", "mode": "audit", "params": {"allow": ["NET_BIND_SERVICE"]}},
        {"id": "root-user", "mode": "off"},
    ]);
    Policy { name: "access".to_owned(), manifest: manifest("access", checks), from }
}

fn wanted<'w>(ready: &[&'w str], ceiling: Option<Mode>, namespaces: &'w [String]) -> Wanted<'w> {
    let ready = ready.iter().map(|id| (*id, vec!["access".to_owned()])).collect();
    Wanted { to: Mode::Enforce, ready, namespaces, ceiling, reason: "Not ready yet.".to_owned() }
}

/// The modes (and reasons) of a manifest after what a step does to it.
fn after(policy: &Policy, step: &Step) -> Vec<String> {
    let manifest = match step {
        Step::Manifest { yaml, .. } => {
            let documents = crate::manifest::parse("printed.yaml", yaml).unwrap();
            serde_json::from_str(&documents[0].to_json_text()).unwrap()
        }
        Step::Patch { operations, .. } => {
            let mut manifest = policy.manifest.clone();
            for operation in operations.as_array().unwrap() {
                let (path, value) = (operation["path"].as_str().unwrap(), &operation["value"]);
                match operation["op"].as_str().unwrap() {
                    "test" => assert_eq!(manifest.pointer(path), Some(value)),
                    _ => {
                        let (parent, field) = path.rsplit_once('/').unwrap();
                        manifest.pointer_mut(parent).unwrap()[field] = value.clone();
                    }
                }
            }
            manifest
        }
        Step::Edit { .. } => panic!("{step:?}"),
    };
    let text = |entry: &Value, field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    entries(&manifest).iter().map(|entry| [text(entry, "mode"), text(entry, "reason")].join(" ")).collect()
}

#[test]
fn what_is_ready_is_raised_and_the_rest_stays_as_it_is_even_when_the_ceiling_goes() {
    for (ready, ceiling, expected) in [
        (&["host-port"][..], None, ["enforce ", "enforce Agents.", "audit ", "off "]),
        (
            &["host-port", "added-capability", "root-user"],
            None,
            ["enforce ", "enforce Agents.", "enforce ", "off "],
        ),
        (
            &["added-capability"],
            Some(Mode::Audit),
            ["audit Not ready yet.", "audit Agents.", "enforce ", "off "],
        ),
        (&["privileged-container"], Some(Mode::Warn), ["enforce ", "warn Agents.", "audit ", "off "]),
    ] {
        for from in [From::Cluster, From::Program] {
            let policy = policy(from);
            let steps = steps(std::slice::from_ref(&policy), &wanted(ready, ceiling, &[]));
            match &steps[..] {
                [step] => assert_eq!(after(&policy, step), expected, "{ready:?} {ceiling:?}"),
                [] => assert_eq!(expected, ["enforce ", "warn Agents.", "audit ", "off "]),
                _ => panic!("{steps:?}"),
            }
        }
    }
}

#[test]
fn where_nothing_is_ready_nothing_is_to_be_applied() {
    assert_eq!(steps(&[policy(From::Cluster)], &wanted(&[], Some(Mode::Audit), &[])), []);
    assert_eq!(steps(&[policy(From::Cluster)], &wanted(&["privileged-container"], None, &[])), []);
}

#[test]
fn a_patch_fails_where_the_policy_has_changed_meanwhile() {
    let steps = steps(&[policy(From::Cluster)], &wanted(&["host-port"], None, &[]));
    let expected = json!([
        {"op": "test", "path": "/spec/checks/1/id", "value": "host-port"},
        {"op": "test", "path": "/spec/checks/1/mode", "value": "warn"},
        {"op": "replace", "path": "/spec/checks/1/mode", "value": "enforce"},
    ]);
    assert_eq!(steps, [Step::Patch { policy: "access".to_owned(), operations: expected }]);
}

#[test]
fn a_file_is_named_with_what_to_write_where() {
    let policy = policy(From::File("policies/access.yaml".to_owned()));
    let steps = steps(&[policy], &wanted(&["host-port"], Some(Mode::Warn), &[]));
    let fields = [
        ("spec.checks[0].mode", "warn"),
        ("spec.checks[0].reason", "Not ready yet."),
        ("spec.checks[1].mode", "enforce"),
    ];
    let fields = fields.map(|(path, text)| (path.to_owned(), text.to_owned())).to_vec();
    assert_eq!(
        steps,
        [Step::Edit { policy: "access".to_owned(), file: "policies/access.yaml".to_owned(), fields }]
    );
}

#[test]
fn in_some_namespaces_a_policy_of_its_own_is_added_to_and_no_other_raised() {
    let before = manifest("access.bank.shop", json!([{"id": "host-port", "mode": "enforce"}]));
    let before = Policy { name: "access.bank.shop".to_owned(), manifest: before, from: From::Cluster };
    let namespaces = ["shop".to_owned(), "bank".to_owned()];
    let steps = steps(&[policy(From::Program), before], &wanted(&["added-capability"], None, &namespaces));
    let [Step::Manifest { policy, yaml }] = &steps[..] else { panic!("{steps:?}") };
    assert_eq!(policy, "access.bank.shop");
    let expected = "\
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata:
  name: access.bank.shop
spec:
  criterion: CC6.1
  control: No power.
  match:
    namespaceSelector:
      matchExpressions:
      - key: kubernetes.io/metadata.name
        operator: In
        values:
        - bank
        - shop
  checks:
  - id: host-port
    mode: enforce
  - id: added-capability
    mode: enforce
    params:
      allow:
      - NET_BIND_SERVICE
";
    assert_eq!(yaml, expected);
}

#[test]
fn every_shipped_policy_can_be_printed_and_read_again() {
    for (file, text) in SHIPPED {
        let documents = crate::manifest::parse(file, text).unwrap();
        for document in documents {
            let manifest: Value = serde_json::from_str(&document.to_json_text()).unwrap();
            let printed = yaml(&manifest);
            let again = crate::manifest::parse("printed.yaml", &printed).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&again[0].to_json_text()).unwrap(), manifest);
            let loaded = Loaded::default().with([("printed.yaml", printed.as_str())]).unwrap();
            assert!(loaded.bind(&Settings::default()).is_ok(), "{file}");
        }
    }
}
