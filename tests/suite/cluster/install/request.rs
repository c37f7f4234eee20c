//! One request to the API server as a dry run: who asks, for what, of which object.

use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use soc2gate::cluster::connect_as;

/// That of a node `n1`, in base64. Its key is gone.
const CERTIFICATE_REQUEST: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0KTUlIc01JR1NBZ0VBTURBeEZUQVRCZ05WQkFvTURITjVjM1Js\
     YlRwdWIyUmxjekVYTUJVR0ExVUVBd3dPYzNsegpkR1Z0T201dlpHVTZiakV3V1RBVEJnY3Foa2pPUFFJQkJnZ3Foa2pPUFFN\
     QkJ3TkNBQVRHNVBPblFrVWFocTVECnh4SUFlZExKYzBoRHVxZng2VzNmbTI1RlpTdmZDYjhtVjRvOVdoVXh4R1RtUUptSUxh\
     ZVhWKzBMWU9WeG92V1YKK013T1RtOU5vQUF3Q2dZSUtvWkl6ajBFQXdJRFNRQXdSZ0loQUxaU1ZMVkFxMEJvTktiQjdJdkhX\
     UEEwdFlnVgpNNFVTS1pvRnBZS2xTRHVVQWlFQTJJS3oyMk5Hdkp1N2wyNUhXOWlVcDkzc2dJMXYyRU1wNm1PUTJMRVZxRk09\
     Ci0tLS0tRU5EIENFUlRJRklDQVRFIFJFUVVFU1QtLS0tLQo=";

/// Who asks. All are in `system:masters`, so that only admission can refuse them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Who {
    Root,
    Installer,
    Gate,
    Kubelet,
    /// A service account, `namespace:name`.
    Account(&'static str),
    /// Anybody else, with a group.
    User(&'static str, &'static str),
}

impl Who {
    pub(super) async fn client(self) -> Client {
        let (user, group) = match self {
            Self::Root => ("root".to_owned(), "system:authenticated"),
            Self::Installer => ("ann".to_owned(), "soc2gate:installers"),
            Self::Gate => ("system:serviceaccount:soc2gate:soc2gate".to_owned(), "system:serviceaccounts"),
            Self::Kubelet => ("system:node:n1".to_owned(), "system:nodes"),
            Self::User(user, group) => (user.to_owned(), group),
            Self::Account(account) => (format!("system:serviceaccount:{account}"), "system:serviceaccounts"),
        };
        connect_as(Some(&user), &["system:masters".to_owned(), group.to_owned()]).await.unwrap()
    }
}

/// What is done to an object.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Create,
    /// A label is set.
    Label,
    /// A JSON patch.
    Patch(Value),
    Delete,
    /// A subresource is made or changed.
    Sub(&'static str, Value),
}

/// `apiVersion/Kind`, namespace, name.
pub(super) type Target = (&'static str, &'static str, &'static str);

pub(super) fn token() -> Act {
    let request =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}});
    Act::Sub("token", request)
}

/// The object of a target, as small as the API server takes it.
fn object((kind, namespace, name): Target) -> DynamicObject {
    let selector = json!({"matchLabels": {"app": "x"}});
    let pod = json!({"containers": [{"name": "x", "image": "registry.example.com/x:1", "securityContext": {
        "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": true,
        "seccompProfile": {"type": "RuntimeDefault"},
    }}]});
    let template = json!({"metadata": {"labels": {"app": "x"}}, "spec": pod});
    let scaled = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "soc2gate"});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"});
    let (api_version, kind) = kind.rsplit_once('/').unwrap();
    let mut object = match kind {
        "Pod" => json!({"spec": pod}),
        "Deployment" | "ReplicaSet" => json!({"spec": {"selector": selector, "template": template}}),
        "HorizontalPodAutoscaler" => json!({"spec": {"maxReplicas": 1, "scaleTargetRef": scaled}}),
        "EndpointSlice" => json!({"addressType": "IPv4", "endpoints": []}),
        "RoleBinding" => json!({"roleRef": role}),
        "NetworkPolicy" => json!({"spec": {"podSelector": {}}}),
        "PodDisruptionBudget" => json!({"spec": {"selector": selector}}),
        "ResourceQuota" => json!({"spec": {"hard": {"pods": "0"}}}),
        "LimitRange" => json!({"spec": {"limits": []}}),
        "Service" => json!({"spec": {"ports": [{"port": 80}]}}),
        "Event" => json!({
            "involvedObject": {"kind": "Pod", "name": "x", "namespace": namespace}, "reason": "Test", "message": "",
        }),
        "CertificateSigningRequest" => json!({"spec": {
            "request": CERTIFICATE_REQUEST,
            "signerName": "kubernetes.io/kube-apiserver-client-kubelet",
            "usages": ["client auth", "digital signature"],
        }}),
        "SubjectAccessReview" => json!({"spec": {
            "user": "ann", "resourceAttributes": {"verb": "get", "resource": "pods", "namespace": "default"},
        }}),
        "ImageScan" => json!({"spec": {
            "image": "sha256:a", "handedInBy": "ci", "receivedAt": "2026-01-01T00:00:00Z", "report": "sha256:b",
            "scanner": "trivy", "subjects": [], "found": 0,
        }}),
        "TokenReview" => json!({"spec": {"token": "x"}}),
        _ => json!({}),
    };
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object["metadata"] = json!({"name": name});
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = namespace.into();
    }
    serde_json::from_value(object).unwrap()
}

pub(super) fn api(client: Client, (kind, namespace, _): Target) -> Api<DynamicObject> {
    let (api_version, kind) = kind.rsplit_once('/').unwrap();
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let plural = match kind {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    let resource = ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), &plural);
    match namespace {
        "" => Api::all_with(client, &resource),
        namespace => Api::namespaced_with(client, namespace, &resource),
    }
}

/// What the API server says itself of a kubelet's token, after admission.
const UNBOUND: &str = "node requested token not bound to a pod";

/// Whether the cluster waits for the gate instead of answering.
pub(super) async fn waits(client: &Client, act: &Act, target: Target) -> bool {
    match send(api(client.clone(), target), act, target).await {
        Ok(()) => false,
        Err(kube::Error::Api(status)) if status.message.contains("failed calling webhook") => true,
        Err(kube::Error::Api(status)) if status.message.contains(UNBOUND) => false,
        Err(error) => panic!("{act:?} {target:?}: {error}"),
    }
}

/// Whether the guard refuses. Any other refusal but that of a node's restriction is a mistake of the test.
pub(super) async fn is_refused(client: &Client, act: &Act, target: Target) -> bool {
    match send(api(client.clone(), target), act, target).await {
        Ok(()) => false,
        Err(kube::Error::Api(status)) if status.message.contains("ValidatingAdmissionPolicy 'soc2gate'") => {
            assert!(
                status.message.contains("CC6.3 gate-namespace-change: only the group"),
                "{}",
                status.message
            );
            assert_eq!(status.code, 403);
            true
        }
        Err(kube::Error::Api(status)) if status.message.contains(UNBOUND) => false,
        Err(error) => panic!("{act:?} {target:?}: {error}"),
    }
}

async fn send(api: Api<DynamicObject>, act: &Act, target: Target) -> kube::Result<()> {
    let (name, post) = (target.2, PostParams { dry_run: true, ..PostParams::default() });
    let patch = PatchParams { dry_run: true, ..PatchParams::default() };
    match act {
        Act::Create => api.create(&post, &object(target)).await.map(drop),
        Act::Label => {
            let label = json!({"metadata": {"labels": {"a": "b"}}});
            api.patch(name, &patch, &Patch::Merge(&label)).await.map(drop)
        }
        Act::Patch(operations) => {
            let operations = serde_json::from_value(operations.clone()).unwrap();
            api.patch(name, &patch, &Patch::<()>::Json(operations)).await.map(drop)
        }
        Act::Delete => {
            api.delete(name, &DeleteParams { dry_run: true, ..DeleteParams::default() }).await.map(drop)
        }
        Act::Sub("token", body) => {
            api.create_subresource::<Value, Value>("token", name, &post, body).await.map(drop)
        }
        Act::Sub(subresource, body) => {
            api.patch_subresource(subresource, name, &patch, &Patch::Merge(body)).await.map(drop)
        }
    }
}
