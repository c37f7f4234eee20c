//! What the gate's account may do, asked of the API server's own authorizer.

use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::Api;

use super::{begin, clean, client, install};

/// Verb, group, resource (with its subresource), namespace, name.
type Right = (&'static str, &'static str, &'static str, &'static str, &'static str);

const OWN: &str = "soc2gate";
const ADMISSION: &str = "admissionregistration.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

/// What its parts need.
const GRANTED: &[Right] = &[
    ("list", "", "pods", "", ""),
    ("watch", "", "namespaces", "", ""),
    ("list", "", "configmaps", "shop", ""),
    ("watch", "apps", "deployments", "", ""),
    ("list", "batch", "cronjobs", "", ""),
    ("list", "networking.k8s.io", "networkpolicies", "", ""),
    ("watch", RBAC, "clusterrolebindings", "", ""),
    ("list", "policy", "poddisruptionbudgets", "", ""),
    ("list", "autoscaling", "horizontalpodautoscalers", "", ""),
    ("list", "storage.k8s.io", "storageclasses", "", ""),
    ("watch", "gateway.networking.k8s.io", "httproutes", "", ""),
    ("list", "security.istio.io", "peerauthentications", "", ""),
    ("list", "networking.istio.io", "serviceentries", "", ""),
    ("watch", "aquasecurity.github.io", "vulnerabilityreports", "", ""),
    ("watch", "soc2gate.io", "controlpolicies", "", ""),
    ("watch", "soc2gate.io", "imagescans", "", ""),
    ("create", "soc2gate.io", "imagescans", "", ""),
    ("delete", "soc2gate.io", "imagescans", "", "one"),
    ("patch", "soc2gate.io", "exemptions/status", "", "one"),
    ("patch", "soc2gate.io", "controlpolicies/status", "", "one"),
    ("watch", ADMISSION, "validatingwebhookconfigurations", "", OWN),
    ("patch", ADMISSION, "validatingwebhookconfigurations", "", OWN),
    ("list", ADMISSION, "validatingadmissionpolicies", "", ""),
    ("list", "apiextensions.k8s.io", "customresourcedefinitions", "", ""),
    ("update", "openreports.io", "clusterreports", "", OWN),
    ("create", "events.k8s.io", "events", "shop", ""),
    ("patch", "events.k8s.io", "events", "default", "one"),
    ("delete", "openreports.io", "reports", "shop", "one"),
    ("create", "wgpolicyk8s.io", "policyreports", "shop", ""),
    ("create", "", "secrets", OWN, ""),
    ("get", "", "secrets", OWN, "soc2gate-tls"),
    ("update", "", "secrets", OWN, "soc2gate-tls"),
    ("watch", "", "secrets", OWN, "soc2gate-tls"),
    ("create", "coordination.k8s.io", "leases", OWN, ""),
    ("update", "coordination.k8s.io", "leases", OWN, OWN),
    ("create", "", "configmaps", OWN, ""),
    ("update", "", "configmaps", OWN, "soc2gate-observed"),
];

/// What would make it a target.
const REFUSED: &[Right] = &[
    ("get", "", "secrets", OWN, "another"),
    ("list", "", "secrets", OWN, ""),
    ("list", "", "secrets", "", ""),
    ("get", "", "secrets", "shop", "soc2gate-tls"),
    ("create", "", "secrets", "shop", ""),
    ("delete", "", "secrets", OWN, "soc2gate-tls"),
    ("create", "", "pods", OWN, ""),
    ("create", "", "pods", "shop", ""),
    ("create", "", "pods/exec", "shop", "web"),
    ("create", "", "serviceaccounts/token", OWN, OWN),
    ("update", "", "namespaces", "", OWN),
    ("update", "", "configmaps", "shop", "soc2gate-observed"),
    ("update", "", "configmaps", OWN, "another"),
    ("get", "", "nodes/proxy", "", "n1"),
    ("impersonate", "", "users", "", "ann"),
    ("impersonate", "", "groups", "", "system:masters"),
    ("escalate", RBAC, "clusterroles", "", OWN),
    ("bind", RBAC, "clusterroles", "", "cluster-admin"),
    ("create", RBAC, "clusterrolebindings", "", ""),
    ("update", RBAC, "clusterroles", "", OWN),
    ("patch", "apps", "deployments", OWN, OWN),
    ("delete", ADMISSION, "validatingwebhookconfigurations", "", OWN),
    ("update", ADMISSION, "validatingwebhookconfigurations", "", OWN),
    ("create", ADMISSION, "validatingwebhookconfigurations", "", ""),
    ("patch", ADMISSION, "validatingwebhookconfigurations", "", "another"),
    ("watch", ADMISSION, "validatingwebhookconfigurations", "", ""),
    ("get", "", "configmaps", "shop", "one"),
    ("watch", "", "configmaps", "", ""),
    ("patch", ADMISSION, "validatingadmissionpolicies", "", OWN),
    ("delete", ADMISSION, "validatingadmissionpolicybindings", "", OWN),
    ("create", "soc2gate.io", "exemptions", "", ""),
    ("patch", "soc2gate.io", "controlpolicies", "", "one"),
    ("delete", "soc2gate.io", "controlpolicies", "", "one"),
    ("update", "soc2gate.io", "imagescans", "", "one"),
    ("approve", "certificates.k8s.io", "signers", "", "kubernetes.io/kubelet-serving"),
    ("update", "coordination.k8s.io", "leases", "kube-system", OWN),
    ("delete", "apiextensions.k8s.io", "customresourcedefinitions", "", "exemptions.soc2gate.io"),
    ("*", "*", "*", "", ""),
];

fn review(right: &Right) -> SubjectAccessReview {
    let (verb, group, resource, namespace, name) = *right;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let attributes = ResourceAttributes {
        verb: some(verb),
        group: some(group),
        resource: some(resource),
        subresource: some(subresource),
        namespace: some(namespace),
        name: some(name),
        ..ResourceAttributes::default()
    };
    let spec = SubjectAccessReviewSpec {
        user: Some("system:serviceaccount:soc2gate:soc2gate".into()),
        groups: Some(vec!["system:serviceaccounts".into(), "system:authenticated".into()]),
        resource_attributes: Some(attributes),
        ..SubjectAccessReviewSpec::default()
    };
    SubjectAccessReview { spec, ..SubjectAccessReview::default() }
}

#[tokio::test]
async fn the_gates_account_may_do_what_it_must_and_nothing_else() {
    let Some(_alone) = begin().await else { return };
    install(&[]);
    let reviews = Api::<SubjectAccessReview>::all(client().await);
    let mut wrong = Vec::new();
    for (rights, expected) in [(GRANTED, true), (REFUSED, false)] {
        for right in rights {
            let status = reviews.create(&Default::default(), &review(right)).await.unwrap().status.unwrap();
            if status.allowed != expected {
                wrong.push(right);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    clean();
}
