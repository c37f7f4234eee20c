//! Reviews of the size that an API server really sends.

use std::fmt;

use hyper::body::Bytes;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Pod,
    Deployment,
}

impl fmt::Display for Size {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.pad(match self {
            Self::Pod => "Pod, 5 kB",
            Self::Deployment => "Deployment, 25 kB",
        })
    }
}

pub(crate) const UID: &str = "2f2b9d6e-6a4f-4a57-9df0-5b2f9f3a4c11";

/// A review whose object draws no finding, filled up with the bookkeeping that is half of a real body.
pub(crate) fn review(size: Size) -> Bytes {
    let (bytes, kind, resource, group, version) = match size {
        Size::Pod => (5_000, "Pod", "pods", "", "v1"),
        Size::Deployment => (25_000, "Deployment", "deployments", "apps", "v1"),
    };
    let mut object = match size {
        Size::Pod => json!({"apiVersion": "v1", "kind": "Pod", "spec": pod_spec(1)}),
        Size::Deployment => json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "spec": {
                "replicas": 3,
                "selector": {"matchLabels": {"app": "shop"}},
                "template": {"metadata": {"labels": {"app": "shop"}}, "spec": pod_spec(6)},
            },
        }),
    };
    set(&mut object, "metadata", json!({"name": "shop", "namespace": "shop", "labels": {"app": "shop"}}));
    let mut review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": resource},
            "requestKind": {"group": group, "version": version, "kind": kind},
            "requestResource": {"group": group, "version": version, "resource": resource},
            "name": "shop",
            "namespace": "shop",
            "operation": "CREATE",
            "userInfo": {"username": "alice", "groups": ["developers", "system:authenticated"]},
            "object": object,
            "oldObject": null,
            "dryRun": false,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "fieldManager": "kubectl"},
        },
    });
    let missing = usize::saturating_sub(bytes, review.to_string().len() + 150);
    let fields: serde_json::Map<_, _> = (0..missing / 40)
        .map(|field| (format!("f:field-of-the-object-{field:06}"), json!({"f:x": {}})))
        .collect();
    if let Some(metadata) = review.pointer_mut("/request/object/metadata") {
        let manager = json!([{"manager": "kubectl", "operation": "Update", "fieldsV1": fields}]);
        set(metadata, "managedFields", manager);
    }
    Bytes::from(review.to_string())
}

fn set(object: &mut Value, field: &str, value: Value) {
    object.as_object_mut().unwrap().insert(field.to_owned(), value);
}

fn pod_spec(containers: usize) -> Value {
    let containers: Vec<_> = (0..containers).map(container).collect();
    json!({
        "automountServiceAccountToken": false,
        "serviceAccountName": "shop",
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": containers,
        "volumes": [{"name": "config", "configMap": {"name": "shop"}}, {"name": "tmp", "emptyDir": {}}],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
    })
}

fn container(number: usize) -> Value {
    let digest = "0123456789abcdef".repeat(4);
    json!({
        "name": format!("shop-{number}"),
        "image": format!("registry.example.com/shop/service-{number}:1.4.2@sha256:{digest}"),
        "args": ["--listen=:8080", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "REGION", "value": "eu-central-1"},
            {"name": "DATABASE_PASSWORD",
             "valueFrom": {"secretKeyRef": {"name": "shop-database", "key": "password"}}},
        ],
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}, "periodSeconds": 10},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/shop", "readOnly": true},
                         {"name": "tmp", "mountPath": "/tmp"}],
    })
}
