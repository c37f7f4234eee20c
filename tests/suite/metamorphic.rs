//! What must not matter does not: which list a container stands in, which kind carries a pod spec, in which order
//! things are written, and whether the API server has filled in its defaults.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::subsequence};
use serde_json::{Map, Value, json};
use soc2gate::{
    decision::{Finding, State},
    policy::{Loaded, PolicySet, Settings},
};

use crate::library;

/// Parts of containers, most of them bad.
const CONTAINER_PARTS: [&str; 12] = [
    r#"{"securityContext": {"privileged": true, "procMount": "Unmasked"}}"#,
    r#"{"securityContext": {"capabilities": {"add": ["SYS_ADMIN", "CHOWN"], "drop": ["ALL"]}}}"#,
    r#"{"securityContext": {"seccompProfile": {"type": "Unconfined"}, "runAsUser": 0}}"#,
    r#"{"securityContext": {"appArmorProfile": {"type": "Unconfined"}, "runAsNonRoot": false}}"#,
    r#"{"securityContext": {"seLinuxOptions": {"type": "spc_t", "user": "root"}}}"#,
    r#"{"securityContext": {"windowsOptions": {"hostProcess": true}, "allowPrivilegeEscalation": false}}"#,
    r#"{"ports": [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 53, "hostPort": 53, "protocol": "UDP"}]}"#,
    r#"{"livenessProbe": {"httpGet": {"host": "db", "port": 80}}}"#,
    r#"{"lifecycle": {"preStop": {"tcpSocket": {"host": "127.0.0.1", "port": 80}}}}"#,
    r#"{"workingDir": "/proc/self/fd/8"}"#,
    r#"{"volumeMounts": [{"name": "node", "mountPath": "/node"}]}"#,
    r#"{"volumeMounts": [{"name": "node", "mountPath": "/node", "readOnly": true}]}"#,
];

/// Parts of pod specs, most of them bad.
const POD_PARTS: [&str; 12] = [
    r#"{"hostPID": true, "hostIPC": true}"#,
    r#"{"hostNetwork": true}"#,
    r#"{"hostUsers": false}"#,
    r#"{"os": {"name": "windows"}}"#,
    r#"{"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}], "runAsUser": 0}}"#,
    r#"{"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}}"#,
    r#"{"securityContext": {"appArmorProfile": {"type": "Unconfined"}, "seLinuxOptions": {"role": "x"}}}"#,
    r#"{"volumes": [{"name": "node", "hostPath": {"path": "/var/run/docker.sock"}}]}"#,
    r#"{"volumes": [{"name": "nfs", "nfs": {"server": "a", "path": "/"}}, {"name": "scratch"}]}"#,
    r#"{"volumes": [{"name": "image", "image": {"reference": "registry.example.com/data:1"}}]}"#,
    r#"{"volumes": [{"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 604800}}]}}]}"#,
    r#"{"automountServiceAccountToken": true}"#,
];

/// Lays one value over another: maps by key, anything else replaces.
fn overlay(onto: &mut Value, part: Value) {
    match (onto, part) {
        (Value::Object(onto), Value::Object(part)) => {
            for (key, value) in part {
                overlay(onto.entry(key).or_insert(Value::Null), value);
            }
        }
        (onto, part) => *onto = part,
    }
}

fn assembled(base: Value, parts: &[&str]) -> Value {
    parts.iter().fold(base, |mut whole, part| {
        overlay(&mut whole, serde_json::from_str(part).unwrap());
        whole
    })
}

/// A container with everything whose absence some list or kind excuses: an ephemeral container may have no resources,
/// a Job needs no probes.
fn sound_container(at: usize) -> Value {
    json!({
        "name": format!("c{at}"),
        "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "readinessProbe": {"tcpSocket": {"port": 80}},
    })
}

fn containers() -> impl Strategy<Value = Vec<Value>> {
    let one = subsequence(CONTAINER_PARTS.to_vec(), 0..=CONTAINER_PARTS.len());
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let named = |(at, parts): (usize, &Vec<&str>)| assembled(sound_container(at), parts);
        all.iter().enumerate().map(named).collect()
    })
}

fn pod_spec() -> impl Strategy<Value = Value> {
    subsequence(POD_PARTS.to_vec(), 0..=POD_PARTS.len()).prop_map(|parts| assembled(json!({}), &parts))
}

static SHIPPED: LazyLock<PolicySet> =
    LazyLock::new(|| Loaded::shipped().unwrap().bind(&Settings::default()).unwrap());

/// Check, key and words of every finding, in an order of their own.
fn findings(manifest: &Value) -> Vec<String> {
    let decision = library::decide_manifest(&SHIPPED, &manifest.to_string());
    let line = |finding: &Finding| {
        let violation = &finding.violation;
        format!("{} {} {}", finding.check.id, violation.place.key, violation.what)
    };
    let mut lines: Vec<_> = decision.findings.iter().map(line).collect();
    lines.sort();
    lines
}

fn annotations() -> Value {
    json!({"annotations": {"container.apparmor.security.beta.kubernetes.io/c0": "unconfined"}})
}

fn pod(spec: &Value) -> Value {
    let mut metadata = annotations();
    overlay(&mut metadata, json!({"name": "x", "namespace": "kube-system"}));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn with(spec: &Value, list: &str, containers: &[Value]) -> Value {
    let mut spec = spec.clone();
    spec[list] = containers.into();
    spec
}

/// The eight other kinds that carry a pod spec.
fn carriers(spec: &Value) -> Vec<Value> {
    let template = json!({"metadata": annotations(), "spec": spec});
    let object = |version: &str, kind: &str, rest: Value| {
        let mut object =
            json!({"apiVersion": version, "kind": kind, "metadata": {"namespace": "kube-system"}});
        overlay(&mut object, rest);
        object
    };
    let templated = json!({"spec": {"template": template}});
    vec![
        object("v1", "PodTemplate", json!({"template": template})),
        object("v1", "ReplicationController", templated.clone()),
        object("apps/v1", "Deployment", templated.clone()),
        object("apps/v1", "StatefulSet", templated.clone()),
        object("apps/v1", "DaemonSet", templated.clone()),
        object("apps/v1", "ReplicaSet", templated.clone()),
        object("batch/v1", "Job", templated),
        object("batch/v1", "CronJob", json!({"spec": {"jobTemplate": {"spec": {"template": template}}}})),
    ]
}

/// What the API server makes of a bare pod: defaults, and what the service account plugin adds.
fn defaulted(spec: &Value) -> Value {
    let mut spec = spec.clone();
    let on_host_network = spec["hostNetwork"] == json!(true);
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("dnsPolicy", json!("ClusterFirst")),
        ("serviceAccountName", json!("default")),
        ("serviceAccount", json!("default")),
        ("securityContext", json!({})),
        ("volumes", json!([])),
    ] {
        default_to(&mut spec, field, value);
    }
    for volume in spec["volumes"].as_array_mut().unwrap() {
        if volume.as_object().unwrap().len() == 1 {
            volume["emptyDir"] = json!({});
        }
        if let Some(Value::Object(path)) = volume.get_mut("hostPath") {
            path.insert("type".to_owned(), json!(""));
        }
    }
    let token = json!({"name": "kube-api-access-x", "projected": {"sources": [], "defaultMode": 420}});
    spec["volumes"].as_array_mut().unwrap().push(token);
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            default_container(container, on_host_network);
        }
    }
    spec
}

fn default_container(container: &mut Value, on_host_network: bool) {
    default_to(container, "imagePullPolicy", json!("IfNotPresent"));
    default_to(container, "volumeMounts", json!([]));
    let mount = json!({"name": "kube-api-access-x", "mountPath": "/var/run/secrets/x", "readOnly": true});
    container["volumeMounts"].as_array_mut().unwrap().push(mount);
    if let Some(context) = container.get_mut("securityContext") {
        default_to(context, "procMount", json!("Default"));
    }
    if let Some(probe) = container.get_mut("livenessProbe") {
        overlay(probe, json!({"timeoutSeconds": 1, "httpGet": {"scheme": "HTTP", "path": "/"}}));
    }
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        default_to(port, "protocol", json!("TCP"));
        if on_host_network {
            let number = port["containerPort"].clone();
            default_to(port, "hostPort", number);
        }
    }
}

fn default_to(map: &mut Value, field: &str, value: Value) {
    map.as_object_mut().unwrap_or(&mut Map::new()).entry(field).or_insert(value);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_init_sidecar_or_ephemeral_container_is_skipped_the_list_changes_no_finding_but_its_path(
        spec in pod_spec(),
        containers in containers(),
    ) {
        let found = findings(&pod(&with(&spec, "containers", &containers)));
        let sidecars: Vec<_> =
            containers.iter().map(|one| assembled(one.clone(), &[r#"{"restartPolicy": "Always"}"#])).collect();
        for (list, containers) in
            [("initContainers", &containers), ("initContainers", &sidecars), ("ephemeralContainers", &containers)]
        {
            let mut moved = findings(&pod(&with(&spec, list, containers)));
            // About the list itself, and about nothing that stands in it.
            moved.retain(|line| !line.starts_with("debug-container "));
            let back: Vec<_> = moved.iter().map(|line| line.replace(list, "containers")).collect();
            prop_assert_eq!(&back, &found, "{}", list);
        }
    }

    #[test]
    fn moving_a_pod_spec_between_the_nine_kinds_changes_no_finding_but_its_path(
        spec in pod_spec(),
        containers in containers(),
    ) {
        let spec = with(&spec, "containers", &containers);
        let found = findings(&pod(&spec));
        for carrier in carriers(&spec) {
            prop_assert_eq!(&findings(&carrier), &found, "{}", carrier["kind"]);
        }
    }

    #[test]
    fn the_order_of_containers_changes_no_finding_but_its_path(spec in pod_spec(), containers in containers()) {
        let reversed: Vec<_> = containers.iter().rev().cloned().collect();
        prop_assert_eq!(
            findings(&pod(&with(&spec, "containers", &containers))),
            findings(&pod(&with(&spec, "containers", &reversed)))
        );
    }

    #[test]
    fn an_update_that_only_changes_an_order_is_never_denied(spec in pod_spec(), containers in containers()) {
        let old = with(&spec, "containers", &containers);
        let mut new = old.clone();
        for list in ["containers", "volumes"] {
            if let Some(Value::Array(items)) = new.get_mut(list) {
                items.reverse();
            }
        }
        let decision = library::Sent::update(&pod(&old).to_string(), &pod(&new).to_string()).decide(&SHIPPED);
        prop_assert!(decision.outcome.admits());
        prop_assert!(decision.findings.iter().all(|found| found.state == State::PreExisting));
        // What a bare pod lacks was lacking before, so this one lacks nothing.
        let from_nothing = with(&json!({"automountServiceAccountToken": false}), "containers", &[]);
        let sent = library::Sent::update(&pod(&from_nothing).to_string(), &pod(&old).to_string());
        // The annotation about container `c0` was there before; all else is new.
        let is_old = |found: &Finding| found.state == State::PreExisting && !found.violation.place.key.starts_with("metadata");
        prop_assert!(!sent.decide(&SHIPPED).findings.iter().any(is_old));
    }

    #[test]
    fn the_defaulted_and_the_bare_form_of_a_pod_are_judged_alike(spec in pod_spec(), containers in containers()) {
        let bare = with(&spec, "containers", &containers);
        prop_assert_eq!(findings(&pod(&bare)), findings(&pod(&defaulted(&bare))));
    }
}

#[test]
fn a_port_that_the_api_server_filled_in_is_not_held_against_the_pod() {
    let bare = json!({"hostNetwork": true, "containers": [{"name": "a", "ports": [{"containerPort": 80}]}]});
    let defaulted = defaulted(&bare);
    assert_eq!(defaulted["containers"][0]["ports"][0]["hostPort"], 80);
    assert_eq!(findings(&pod(&bare)), findings(&pod(&defaulted)));
}
