//! Which roles and bindings are Kubernetes' own, and who may write them: the names that the API server itself makes.
//!
//! Names of Kubernetes 1.36 with every feature gate on; "Using RBAC Authorization" on kubernetes.io describes them.

use crate::{
    object::{Kind, Object, SubjectAt},
    request::{Request, Requester},
};

/// The label that the API server puts on what it makes; anybody else can write it too.
pub(in crate::checks) const LABEL: &str = "kubernetes.io/bootstrapping";

/// Whether a role or binding is Kubernetes' own: by name, by label, and because the API server writes it. Where nobody
/// knows who writes (a file, a scan) the name must be one that Kubernetes really has.
pub(in crate::checks) fn is_own(object: &Object<'_>, request: &Request<'_>) -> bool {
    bears_label(object)
        && match &request.requester {
            Some(requester) => is_api_server(requester) && is_reserved(&object.metadata.name),
            None => request.operation.is_none() && is_shipped(object),
        }
}

/// Whether a subject of one of Kubernetes' own bindings is one that Kubernetes itself binds.
pub(in crate::checks) fn is_own_subject(at: &SubjectAt<'_>) -> bool {
    match &*at.subject.kind {
        "ServiceAccount" => at.namespace() == "kube-system",
        _ => at.subject.name.starts_with("system:") && !at.subject.name.starts_with("system:serviceaccount:"),
    }
}

pub(super) fn bears_label(object: &Object<'_>) -> bool {
    object.metadata.labels.get(LABEL) == Some("rbac-defaults")
}

pub(super) fn is_api_server(requester: &Requester<'_>) -> bool {
    requester.username() == "system:apiserver"
}

/// Whether this is the controller that copies rules into aggregated ClusterRoles, under its own name or that of the
/// program it runs in.
pub(super) fn is_aggregator(requester: &Requester<'_>) -> bool {
    let account = "system:serviceaccount:kube-system:clusterrole-aggregation-controller";
    [account, "system:kube-controller-manager"].contains(&requester.username())
}

/// Whether the rules of a role are copies that the aggregation controller writes: what is wrong with them is wrong
/// with the ClusterRole that they come from. What a person writes there holds until the controller comes by.
pub(super) fn has_copied_rules(role: &Object<'_>, request: &Request<'_>) -> bool {
    role.aggregation().is_some()
        && match &request.requester {
            Some(requester) => is_aggregator(requester),
            None => request.operation.is_none(),
        }
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("system:")
        || ["cluster-admin", "admin", "edit", "view", "extension-apiserver-authentication-reader"]
            .contains(&name)
}

fn is_shipped(object: &Object<'_>) -> bool {
    let (namespace, name) = (&*object.metadata.namespace, &*object.metadata.name);
    let of_controller = || {
        name.strip_prefix("system:controller:").is_some_and(|controller| CONTROLLERS.contains(&controller))
    };
    let namespaced = || NAMESPACED.contains(&(namespace, name));
    match object.kind {
        Kind::ClusterRole => CLUSTER_ROLES.contains(&name) || of_controller(),
        Kind::ClusterRoleBinding => CLUSTER_ROLE_BINDINGS.contains(&name) || of_controller(),
        Kind::Role => {
            namespaced() || (namespace, name) == ("kube-system", "extension-apiserver-authentication-reader")
        }
        Kind::RoleBinding => {
            namespaced()
                || (namespace, name) == ("kube-system", "system::extension-apiserver-authentication-reader")
        }
        _ => false,
    }
}

const CLUSTER_ROLES: [&str; 32] = [
    "admin",
    "cluster-admin",
    "edit",
    "system:aggregate-to-admin",
    "system:aggregate-to-edit",
    "system:aggregate-to-view",
    "system:auth-delegator",
    "system:basic-user",
    "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    "system:certificates.k8s.io:kube-apiserver-client-approver",
    "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
    "system:certificates.k8s.io:kubelet-serving-approver",
    "system:certificates.k8s.io:legacy-unknown-approver",
    "system:cluster-trust-bundle-discovery",
    "system:discovery",
    "system:heapster",
    "system:kube-aggregator",
    "system:kube-controller-manager",
    "system:kube-dns",
    "system:kube-scheduler",
    "system:kubelet-api-admin",
    "system:monitoring",
    "system:node",
    "system:node-bootstrapper",
    "system:node-problem-detector",
    "system:node-proxier",
    "system:persistent-volume-provisioner",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
    "view",
];

const CLUSTER_ROLE_BINDINGS: [&str; 13] = [
    "cluster-admin",
    "system:basic-user",
    "system:cluster-trust-bundle-discovery",
    "system:discovery",
    "system:kube-controller-manager",
    "system:kube-dns",
    "system:kube-scheduler",
    "system:monitoring",
    "system:node",
    "system:node-proxier",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
    "system:volume-scheduler",
];

/// Each has the ClusterRole and the ClusterRoleBinding `system:controller:<name>`.
const CONTROLLERS: [&str; 44] = [
    "attachdetach-controller",
    "certificate-controller",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "ephemeral-volume-controller",
    "expand-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "persistent-volume-binder",
    "pod-garbage-collector",
    "podcertificaterequestcleaner",
    "podgroup-protection-controller",
    "pv-protection-controller",
    "pvc-protection-controller",
    "replicaset-controller",
    "replication-controller",
    "resource-claim-controller",
    "resourcepoolstatusrequest-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "route-controller",
    "selinux-warning-controller",
    "service-account-controller",
    "service-cidrs-controller",
    "service-controller",
    "statefulset-controller",
    "storage-version-garbage-collector",
    "storage-version-migrator-controller",
    "ttl-after-finished-controller",
    "ttl-controller",
    "validatingadmissionpolicy-status-controller",
    "volumeattributesclass-protection-controller",
];

/// Namespace and name of a Role and of the RoleBinding to it.
const NAMESPACED: [(&str, &str); 6] = [
    ("kube-public", "system:controller:bootstrap-signer"),
    ("kube-system", "system::leader-locking-kube-controller-manager"),
    ("kube-system", "system::leader-locking-kube-scheduler"),
    ("kube-system", "system:controller:bootstrap-signer"),
    ("kube-system", "system:controller:cloud-provider"),
    ("kube-system", "system:controller:token-cleaner"),
];
