//! With everything waiting for a gate that is down: what is still answered, so that nodes join and the gate can start.

use serde_json::json;

use super::{
    IMAGE, begin, clean, client, pretend_to_have_a_ca, pretend_to_run,
    request::{
        Act::{Create, Delete, Label, Sub},
        Target, Who, token, waits,
    },
    soc2gate, soon,
};

const POD: Target = ("v1/Pod", "soc2gate", "another");

#[tokio::test]
async fn a_cluster_that_waits_for_an_absent_gate_can_start_it() {
    let Some(_alone) = begin().await else { return };
    let client = client().await;
    let flags = ["--mode", "enforce", "--fail-closed", "all", "--exclude-namespace", "kube-system"];
    let install =
        || soc2gate(&[&["install", "--apply", "--image", IMAGE, "--timeout", "1"], &flags]).status.success();
    assert!(!install());
    pretend_to_run(&client, "soc2gate").await;
    pretend_to_have_a_ca(&client).await;
    assert!(install());
    let root = Who::Root.client().await;
    soon("the cluster waits for the gate", || waits(&root, &Create, ("v1/Namespace", "", "another"))).await;

    let bootstrapper = Who::User("system:bootstrap:abcdef", "system:bootstrappers");
    let api_server = Who::User("system:apiserver", "system:authenticated");
    let certificate = ("certificates.k8s.io/v1/CertificateSigningRequest", "", "n1");
    let controller = |name| Who::Account(name);
    let mut wrong = Vec::new();
    for (who, act, target, expected) in [
        // A node joins and lives.
        (bootstrapper, Create, certificate, false),
        (Who::Kubelet, Create, certificate, false),
        (Who::Kubelet, Create, ("v1/Node", "", "n1"), false),
        (Who::Kubelet, Create, ("coordination.k8s.io/v1/Lease", "kube-node-lease", "n1"), false),
        (Who::Kubelet, Create, ("v1/Event", "default", "another"), false),
        (Who::Kubelet, token(), ("v1/ServiceAccount", "soc2gate", "soc2gate"), false),
        // The API server starts, and authorizes.
        (api_server, Create, ("rbac.authorization.k8s.io/v1/ClusterRole", "", "another"), false),
        (api_server, Create, ("v1/Namespace", "", "another"), false),
        (Who::Root, Create, ("authorization.k8s.io/v1/SubjectAccessReview", "", ""), false),
        (Who::Root, Create, ("authentication.k8s.io/v1/TokenReview", "", ""), false),
        // The gate is made anew, reached, and keeps its own.
        (controller("kube-system:replicaset-controller"), Create, POD, false),
        (
            controller("kube-system:replicaset-controller"),
            Delete,
            ("apps/v1/Deployment", "soc2gate", "soc2gate"),
            false,
        ),
        (
            controller("kube-system:endpointslice-controller"),
            Create,
            ("discovery.k8s.io/v1/EndpointSlice", "soc2gate", "another"),
            false,
        ),
        (Who::Gate, Create, ("v1/Secret", "soc2gate", "soc2gate-tls"), false),
        (Who::Gate, Create, ("coordination.k8s.io/v1/Lease", "soc2gate", "soc2gate"), false),
        // The network of its node, which stands in a namespace that was left out.
        (
            controller("kube-system:daemon-set-controller"),
            Create,
            ("v1/Pod", "kube-system", "another"),
            false,
        ),
        // Everybody else waits.
        (Who::Root, Create, ("v1/Pod", "default", "another"), true),
        (controller("kube-system:replicaset-controller"), Create, ("v1/Pod", "default", "another"), true),
        (Who::Root, Create, ("v1/Secret", "default", "another"), true),
        (Who::Root, Create, ("rbac.authorization.k8s.io/v1/ClusterRole", "", "another"), true),
        (Who::Root, Label, ("v1/Namespace", "", "default"), true),
        (Who::Root, token(), ("v1/ServiceAccount", "default", "default"), true),
        (Who::Root, Create, certificate, true),
        (
            Who::Root,
            Sub("status", json!({"metadata": {"labels": {"a": "b"}}})),
            ("v1/Namespace", "", "default"),
            true,
        ),
    ] {
        if waits(&who.client().await, &act, target).await != expected {
            wrong.push((who, act, target, if expected { "passes" } else { "waits" }));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    clean();
}
