//! A gate that is down, with everything set to fail without it: what stops, what goes on, and the way out.

use std::process::Command;

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::{Value, json};

use super::{
    given,
    kubectl::{Said, get, kubectl, kubectl_with, pod, privileged, run, until},
    registered::{Ground, Registered, fresh, probe},
};

const NODE: &str = "--as-group=system:nodes --as-group=system:authenticated";

/// A node of the test's own, gone when dropped.
struct Node {
    name: String,
    uid: String,
}

impl Node {
    fn join() -> Self {
        let name = fresh("node");
        let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}});
        kubectl_with(&format!("create -f - --as=system:node:{name} {NODE}"), &object).done();
        let uid = get(&format!("node {name}"))["metadata"]["uid"].as_str().unwrap().to_owned();
        Self { name, uid }
    }

    /// As its kubelet.
    fn asks(&self, words: &str, object: &Value) -> Said {
        kubectl_with(&format!("{words} --as=system:node:{} {NODE}", self.name), object)
    }

    /// The mirror of a static pod on it.
    fn mirror(&self) -> Value {
        let mut mirror = privileged(&format!("static-{}", self.name));
        mirror["metadata"]["annotations"] = json!({
            "kubernetes.io/config.mirror": "1", "kubernetes.io/config.hash": "1", "kubernetes.io/config.source": "file",
        });
        mirror["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "Node", "name": self.name, "uid": self.uid, "controller": true,
        }]);
        mirror["spec"]["nodeName"] = self.name.clone().into();
        mirror
    }

    /// Its request for a client certificate.
    fn certificate_request(&self, name: &str) -> Value {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::OrganizationName, "system:nodes");
        params.distinguished_name.push(DnType::CommonName, format!("system:node:{}", self.name));
        let pem = params.serialize_request(&KeyPair::generate().unwrap()).unwrap().pem().unwrap();
        json!({
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": {"name": name},
            "spec": {
                "request": BASE64_STANDARD.encode(pem), "usages": ["digital signature", "client auth"],
                "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            },
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        kubectl(&format!("delete node {} --wait=false", self.name));
        kubectl(&format!("delete lease {} -n kube-node-lease --ignore-not-found", self.name));
    }
}

/// Panics unless the API server refused because it could not ask this entry.
#[track_caller]
fn unasked(said: &Said, entry: &str) {
    let reason =
        format!("failed calling webhook \"{entry}.soc2gate.io\": failed to call webhook: Post \"https://");
    assert!(
        !said.is_done && said.err.contains(&reason) && said.err.contains("connection refused"),
        "{entry}: {said:?}"
    );
}

/// What a cluster writes while it starts, each with how it went.
fn cold_writes(node: &Node, registered: &Registered, pod_uid: &str) -> Vec<(&'static str, Said)> {
    let namespace = &registered.namespace;
    let mut node_object = get(&format!("node {}", node.name));
    node_object["status"]["conditions"] =
        json!([{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "ready"}]);
    let node_status = format!("replace --raw /api/v1/nodes/{}/status -f -", node.name);
    let mut pod_object = registered.get("pod bound");
    pod_object["status"]["phase"] = "Running".into();
    let pod_status = format!("replace --raw /api/v1/namespaces/{namespace}/pods/bound/status -f -");
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": {"holderIdentity": node.name},
        "metadata": {"name": node.name, "namespace": "kube-node-lease"},
    });
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": node.name, "namespace": namespace},
        "involvedObject": {"kind": "Pod", "name": "bound", "namespace": namespace},
        "reason": "Started", "message": "started", "type": "Normal",
    });
    let token = format!(
        "create token default -n {namespace} --bound-object-kind=Pod --bound-object-name=bound --bound-object-uid={pod_uid}"
    );
    let account = "--as=system:serviceaccount:kube-system";
    let endpoints =
        json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "web", "namespace": namespace}});
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [],
        "metadata": {"name": "web-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": "web"}},
    });
    let binding = json!({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": "waiting", "namespace": namespace},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node.name},
    });
    let bind = format!(
        "create --raw /api/v1/namespaces/{namespace}/pods/waiting/binding -f - --as=system:kube-scheduler"
    );
    let (joining, renewing) = (fresh("joining"), fresh("renewing"));
    // Whoever joins has a bootstrap token; what such a token may do, kubeadm grants: here everything does.
    let bootstrap = "--as=system:bootstrap:abcdef --as-group=system:bootstrappers --as-group=system:masters";
    let certificate = node.certificate_request(&renewing);
    let writes = vec![
        ("the status of a node", node.asks(&node_status, &node_object)),
        ("the lease of a node", node.asks("create -f -", &lease)),
        ("an event", node.asks("create -f -", &event)),
        ("the status of a pod", node.asks(&pod_status, &pod_object)),
        ("a token for a pod", node.asks(&token, &Value::Null)),
        ("a certificate that is renewed", node.asks("create -f -", &certificate)),
        (
            "a node that joins",
            kubectl_with(&format!("create -f - {bootstrap}"), &node.certificate_request(&joining)),
        ),
        (
            "its approval",
            run(
                &[
                    "certificate",
                    "approve",
                    &joining,
                    &format!("{account}:certificate-controller"),
                    "--as-group=system:masters",
                ],
                "",
            ),
        ),
        (
            "a token of a controller",
            kubectl("create token deployment-controller -n kube-system --as=system:kube-controller-manager"),
        ),
        ("endpoints", kubectl_with(&format!("create -f - {account}:endpoint-controller"), &endpoints)),
        (
            "an endpoint slice",
            kubectl_with(&format!("create -f - {account}:endpointslice-controller"), &slice),
        ),
        ("a pod that is bound", kubectl_with(&bind, &binding)),
        (
            "a pod that has ended",
            node.asks(
                &format!("delete pod bound -n {namespace} --grace-period=0 --wait=false"),
                &Value::Null,
            ),
        ),
    ];
    kubectl(&format!("delete csr {joining} {renewing} --ignore-not-found"));
    writes
}

/// A gate on which everything depends, that has been asked before, with pods and a node; and the gate down.
async fn down() -> Option<(Node, Registered, String)> {
    let ground = Ground::make().await?;
    let node = Node::join();
    let mut bound = pod("bound", json!({}));
    bound["spec"]["nodeName"] = node.name.clone().into();
    for object in [bound, pod("waiting", json!({}))] {
        kubectl_with(&format!("create -f - -n {}", ground.namespace), &object).done();
    }
    let mut registered = ground.gate("Fail", &[]);
    let uid = registered.get("pod bound")["metadata"]["uid"].as_str().unwrap().to_owned();
    registered.gate.crash();
    Some((node, registered, uid))
}

#[tokio::test]
async fn without_the_gate_ordinary_writes_fail_those_of_a_cold_cluster_pass_and_one_command_is_the_way_out() {
    let Some((node, registered, uid)) = down().await else { return };
    unasked(&registered.apply(&pod("web", json!({}))), "workloads");
    unasked(&registered.kubectl("create configmap web"), "config");
    unasked(&kubectl(&format!("create namespace {}", fresh("gate-test"))), "guard");
    unasked(&registered.kubectl("create token default --as=jane --as-group=system:masters"), "access");
    unasked(&registered.kubectl("exec bound -- ls"), "access");
    // A static pod runs by itself; only its mirror waits, and is recorded when the gate is back.
    unasked(&node.asks("create -f - -n kube-system", &node.mirror()), "workloads");
    for (what, said) in cold_writes(&node, &registered, &uid) {
        assert!(said.is_done, "{what}: {}", said.err);
    }
    kubectl(&format!("delete validatingwebhookconfiguration {}", registered.registration.name)).done();
    until("the way out", || registered.apply(&privileged("web")).is_done);
}

#[tokio::test]
async fn a_mirror_of_a_static_pod_is_never_denied() {
    let Some(ground) = Ground::make().await else { return };
    let node = Node::join();
    let registered = ground.gate("Fail", &[]);
    let _ = node.asks("create -f - -n kube-system", &node.mirror()).warned_by("privileged-container");
    kubectl(&format!("delete pod static-{} -n kube-system --grace-period=0 --force", node.name));
    // Nobody else's pod is one by that annotation.
    let forged = node.mirror();
    registered.apply(&forged).denied_by("workloads", "privileged-container");
}

/// A command of whoever runs the tests.
#[track_caller]
fn shell(command: &str) {
    let status = Command::new("sh").args(["-c", command]).status().unwrap();
    assert!(status.success(), "{command}: {status}");
}

#[tokio::test]
async fn the_api_server_comes_up_again_while_the_gate_is_down() {
    let what_for = "to stop or start the API server that KUBECONFIG leads to";
    let Some(stop) = given("SOC2GATE_TEST_API_STOP", what_for) else { return };
    let Some(start) = given("SOC2GATE_TEST_API_START", what_for) else { return };
    let Some((node, registered, uid)) = down().await else { return };
    // What it makes anew while it starts, in scope of the entry that everything waits for.
    let role = "clusterrole system:node-bootstrapper";
    kubectl(&format!("delete validatingwebhookconfiguration {}", registered.registration.name)).done();
    until("the hook is off", || probe(&registered.namespace));
    kubectl(&format!("delete {role}")).done();
    let again = registered.registered_again("Fail");
    until("the hook is on", || !probe(&registered.namespace));
    shell(&stop);
    assert!(!kubectl("get --raw /livez").is_done, "it was to be stopped");
    shell(&start);
    until("the API server is ready", || kubectl("get --raw /readyz").is_done);
    until("its roles are there", || !get(role).is_null());
    unasked(&registered.kubectl("create configmap web"), "config");
    for (what, said) in cold_writes(&node, &registered, &uid) {
        assert!(said.is_done, "{what}: {}", said.err);
    }
    kubectl(&format!("delete validatingwebhookconfiguration {}", again.name)).done();
    until("the way out", || registered.apply(&privileged("web")).is_done);
}
