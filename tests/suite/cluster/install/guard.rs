//! The guard, branch by branch: who may do what to the gate. Everything is a dry run, which the API server judges alike.

use serde_json::{Value, json};
use soc2gate::{
    cluster::{Id, Objects},
    installation::{Wanted, render},
};

use super::{
    begin, ca, clean, client, install,
    request::{
        Act::{self, Create, Delete, Label, Sub},
        Target, Who, api, is_refused, token,
    },
    soon,
};

const REGISTRATION: Target =
    ("admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", "", "soc2gate");
const NAMESPACE: Target = ("v1/Namespace", "", "soc2gate");
const DEPLOYMENT: Target = ("apps/v1/Deployment", "soc2gate", "soc2gate");
const ACCOUNT: Target = ("v1/ServiceAccount", "soc2gate", "soc2gate");
const SCAN: Target = ("soc2gate.io/v1/ImageScan", "", "sha256-a.b");
const TLS: Target = ("v1/Secret", "soc2gate", "soc2gate-tls");

/// What is the gate's, and what only an installer may do to it.
fn kept() -> Vec<(Act, Target)> {
    let definition = ("apiextensions.k8s.io/v1/CustomResourceDefinition", "", "tests.soc2gate.io");
    let mut kept = vec![
        (Label, REGISTRATION),
        (Delete, REGISTRATION),
        (Label, NAMESPACE),
        (Delete, NAMESPACE),
        (Sub("status", json!({"metadata": {"labels": {"a": "b"}}})), NAMESPACE),
        (Label, DEPLOYMENT),
        (Delete, DEPLOYMENT),
        (Sub("scale", json!({"spec": {"replicas": 0}})), DEPLOYMENT),
        (Delete, TLS),
        (Label, ("v1/ConfigMap", "soc2gate", "kube-root-ca.crt")),
        (Label, ACCOUNT),
        (token(), ACCOUNT),
        (Label, ("rbac.authorization.k8s.io/v1/ClusterRole", "", "soc2gate")),
        (Delete, ("rbac.authorization.k8s.io/v1/ClusterRoleBinding", "", "soc2gate")),
        (Label, definition),
        (Delete, definition),
    ];
    let kinds = [
        "v1/Pod",
        "v1/Service",
        "v1/ServiceAccount",
        "v1/Secret",
        "v1/ConfigMap",
        "v1/ResourceQuota",
        "v1/LimitRange",
        "apps/v1/Deployment",
        "apps/v1/ReplicaSet",
        "autoscaling/v2/HorizontalPodAutoscaler",
        "coordination.k8s.io/v1/Lease",
        "discovery.k8s.io/v1/EndpointSlice",
        "rbac.authorization.k8s.io/v1/Role",
        "rbac.authorization.k8s.io/v1/RoleBinding",
        "networking.k8s.io/v1/NetworkPolicy",
        "policy/v1/PodDisruptionBudget",
    ];
    kept.extend(kinds.map(|kind| (Create, (kind, "soc2gate", "another"))));
    kept
}

/// What is not the gate's.
const FREE: [(Act, Target); 8] = [
    (Create, ("v1/Pod", "default", "another")),
    (Create, ("v1/Secret", "default", "soc2gate-tls")),
    (Create, ("coordination.k8s.io/v1/Lease", "default", "soc2gate")),
    (Label, ("v1/Namespace", "", "default")),
    (Label, ("v1/ConfigMap", "default", "kube-root-ca.crt")),
    (Label, ("rbac.authorization.k8s.io/v1/ClusterRole", "", "view")),
    (Label, ("apiextensions.k8s.io/v1/CustomResourceDefinition", "", "tests.notsoc2gate.io")),
    (Create, ("admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration", "", "soc2gate-2")),
];

fn definition(group: &str) -> Value {
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("tests.{group}")},
        "spec": {
            "group": group, "scope": "Cluster", "names": {"kind": "Test", "plural": "tests"}, "versions": [version],
        },
    })
}

/// Installs, with a Secret and two definitions beside, and waits until the guard is there.
async fn guarded() -> Objects {
    clean();
    let mut cluster = Objects::new(client().await);
    for group in ["soc2gate.io", "notsoc2gate.io"] {
        cluster.apply(&definition(group), "test", false).await.unwrap().unwrap();
    }
    install(&[]);
    let mut as_installer = Objects::new(Who::Installer.client().await);
    let metadata = json!({"name": "soc2gate-tls", "namespace": "soc2gate"});
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata});
    as_installer.apply(&secret, "test", false).await.unwrap();
    let root = Who::Root.client().await;
    soon("the guard is there", || is_refused(&root, &Label, NAMESPACE)).await;
    cluster
}

async fn unguarded(mut cluster: Objects) {
    clean();
    for group in ["soc2gate.io", "notsoc2gate.io"] {
        cluster.delete(&Id::of(&definition(group))).await.unwrap();
    }
}

async fn expect(rows: &[(Who, Act, Target, bool)]) {
    let mut wrong = Vec::new();
    for (who, act, target, refused) in rows {
        if is_refused(&who.client().await, act, *target).await != *refused {
            wrong.push((who, act, target, if *refused { "passes" } else { "is refused" }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn write(path: &str, value: impl Into<Value>) -> Value {
    json!({"op": "add", "path": format!("/webhooks/0/{path}"), "value": value.into()})
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}

#[tokio::test]
async fn nobody_but_an_installer_changes_the_gate() {
    let Some(_alone) = begin().await else { return };
    let cluster = guarded().await;
    let others = [
        Who::Root,
        Who::Gate,
        Who::Account("kube-system:mine"),
        Who::Account("cert-manager:cert-manager"),
        Who::Account("cert-manager:cert-manager-cainjector"),
    ];
    let mut rows = Vec::new();
    for (act, target) in kept() {
        rows.extend(others.map(|who| (who, act.clone(), target, true)));
        rows.push((Who::Installer, act, target, false));
    }
    rows.extend(FREE.map(|(act, target)| (Who::Root, act, target, false)));
    expect(&rows).await;
    unguarded(cluster).await;
}

#[tokio::test]
async fn the_gate_writes_what_it_must_and_no_more() {
    let Some(_alone) = begin().await else { return };
    let cluster = guarded().await;
    let ca = write("clientConfig/caBundle", ca());
    let alone = Act::Patch(json!([ca]));
    let lease = ("coordination.k8s.io/v1/Lease", "soc2gate", "soc2gate");
    let mut rows = vec![
        (Who::Gate, Create, lease, false),
        (Who::Gate, Create, ("v1/ConfigMap", "soc2gate", "soc2gate-observed"), false),
        (Who::Gate, Label, TLS, false),
        (Who::Gate, alone.clone(), REGISTRATION, false),
        (Who::Root, alone, REGISTRATION, true),
        (Who::Root, Label, TLS, true),
        (Who::Root, Create, lease, true),
        // Whoever writes one lets an image in.
        (Who::Gate, Create, SCAN, false),
        (Who::Root, Create, SCAN, true),
        (Who::Account("kube-system:mine"), Create, SCAN, true),
        (Who::Installer, Create, SCAN, false),
    ];
    let selector = json!({"matchLabels": {"a": "b"}});
    for other in [
        json!({"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}}),
        json!({"op": "add", "path": "/metadata/labels/a", "value": "b"}),
        json!({"op": "add", "path": "/metadata/finalizers", "value": ["example.com/a"]}),
        write("failurePolicy", "Fail"),
        write("timeoutSeconds", 1),
        write("matchPolicy", "Exact"),
        write("sideEffects", "None"),
        write("objectSelector", selector.clone()),
        write("namespaceSelector", selector),
        write("name", "other.soc2gate.io"),
        write("clientConfig/service/namespace", "shop"),
        write("clientConfig/service/path", "/other"),
        write("clientConfig", json!({"url": "https://example.com/"})),
        remove("/webhooks/0/matchConditions"),
        remove("/webhooks/0/rules/0"),
        remove("/webhooks/0/rules"),
        remove("/webhooks/3"),
        remove("/webhooks"),
    ] {
        rows.push((Who::Gate, Act::Patch(json!([ca, other])), REGISTRATION, true));
    }
    expect(&rows).await;
    unguarded(cluster).await;
}

#[tokio::test]
async fn the_cluster_runs_the_gate() {
    let Some(_alone) = begin().await else { return };
    let cluster = guarded().await;
    let slice = ("discovery.k8s.io/v1/EndpointSlice", "soc2gate", "another");
    let root_ca = ("v1/ConfigMap", "soc2gate", "kube-root-ca.crt");
    let row = |account, act, target| (Who::Account(account), act, target, false);
    expect(&[
        row("kube-system:deployment-controller", Create, ("apps/v1/ReplicaSet", "soc2gate", "another")),
        row("kube-system:replicaset-controller", Create, ("v1/Pod", "soc2gate", "another")),
        row("kube-system:endpointslice-controller", Create, slice),
        row("kube-system:root-ca-cert-publisher", Label, root_ca),
        row("kube-system:namespace-controller", Delete, TLS),
        // To which pods is the API server's own business, which holds a kubelet to its node.
        (Who::Kubelet, token(), ACCOUNT, false),
        (Who::Kubelet, Create, ("v1/ConfigMap", "soc2gate", "another"), true),
        (Who::Kubelet, Label, ACCOUNT, true),
    ])
    .await;
    // And they do: a pod of a Deployment goes through three of them.
    let pods = api(client().await, ("v1/Pod", "soc2gate", ""));
    soon("the Deployment has its pods", async || {
        pods.list(&Default::default()).await.unwrap().items.len() == 2
    })
    .await;
    unguarded(cluster).await;
}

#[tokio::test]
async fn with_cert_manager_its_accounts_keep_the_certificate_instead_of_the_gate() {
    let Some(_alone) = begin().await else { return };
    let cluster = guarded().await;
    // Without cert-manager's definitions only what the API server knows can be applied.
    let mut as_installer = Objects::new(Who::Installer.client().await);
    let wanted = Wanted { cert_manager: true, ..Wanted::default() };
    for object in
        render(&wanted).unwrap().iter().filter(|object| object["apiVersion"] != "cert-manager.io/v1")
    {
        as_installer.apply(object, "test", false).await.unwrap().unwrap();
    }
    let gate = Who::Gate.client().await;
    soon("the guard has changed", || is_refused(&gate, &Label, TLS)).await;
    let next_key = ("v1/Secret", "soc2gate", "soc2gate-tls-x7x9q");
    let observed = ("v1/ConfigMap", "soc2gate", "soc2gate-observed");
    let manager = Who::Account("cert-manager:cert-manager");
    let injector = Who::Account("cert-manager:cert-manager-cainjector");
    let ca = Act::Patch(json!([write("clientConfig/caBundle", ca())]));
    expect(&[
        (manager, Create, next_key, false),
        (manager, Label, TLS, false),
        (manager, Delete, TLS, false),
        (manager, Create, ("v1/Secret", "soc2gate", "another"), true),
        (manager, Create, observed, true),
        (manager, ca.clone(), REGISTRATION, true),
        (injector, ca.clone(), REGISTRATION, false),
        (injector, Label, REGISTRATION, true),
        (injector, Label, TLS, true),
        (Who::Gate, ca, REGISTRATION, true),
        (Who::Gate, Create, observed, false),
        (Who::Installer, Delete, TLS, false),
    ])
    .await;
    unguarded(cluster).await;
}
