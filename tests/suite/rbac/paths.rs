//! Every way up that Kubernetes' own "RBAC Good Practices" warns of is found.

use super::{OF_ACCESS, role};
use crate::library;

#[test]
fn every_escalation_path_of_the_good_practices_is_found() {
    for (path, granted, check) in [
        ("listing secrets", "get | secrets | core", "secret-read-permission"),
        ("listing secrets", "list | secrets | core", "secret-read-permission"),
        ("listing secrets", "watch | secrets | core", "secret-read-permission"),
        ("workload creation", "create | pods | core", "workload-creation-permission"),
        ("workload creation", "create | deployments | apps", "workload-creation-permission"),
        ("workload creation", "patch | cronjobs | batch", "workload-creation-permission"),
        ("persistent volume creation", "create | persistentvolumes | core", "persistent-volume-permission"),
        ("access to the proxy subresource of nodes", "get | nodes/proxy | core", "node-proxy-permission"),
        ("escalate verb", "escalate | clusterroles | rbac.authorization.k8s.io", "escalation-verb"),
        ("escalate verb", "escalate | roles | rbac.authorization.k8s.io", "escalation-verb"),
        ("bind verb", "bind | clusterroles | rbac.authorization.k8s.io", "escalation-verb"),
        ("bind verb", "bind | roles | rbac.authorization.k8s.io", "escalation-verb"),
        ("impersonate verb", "impersonate | users | core", "impersonate-permission"),
        ("impersonate verb", "impersonate | groups | core", "impersonate-permission"),
        ("impersonate verb", "impersonate | serviceaccounts | core", "impersonate-permission"),
        (
            "certificate signing requests and certificate issuing",
            "update | certificatesigningrequests/approval | certificates.k8s.io",
            "certificate-approval-permission",
        ),
        (
            "certificate signing requests and certificate issuing",
            "approve | signers | certificates.k8s.io | kubernetes.io/kube-apiserver-client",
            "certificate-approval-permission",
        ),
        (
            "certificate signing requests and certificate issuing",
            "sign | signers | certificates.k8s.io",
            "certificate-approval-permission",
        ),
        ("token request", "create | serviceaccounts/token | core", "token-creation-permission"),
        (
            "control admission webhooks",
            "update | validatingwebhookconfigurations | admissionregistration.k8s.io",
            "admission-control-permission",
        ),
        (
            "control admission webhooks",
            "create | mutatingwebhookconfigurations | admissionregistration.k8s.io",
            "admission-control-permission",
        ),
        ("namespace modification", "patch | namespaces | core", "namespace-label-permission"),
        ("wildcards", "* | orders | shop.example.com", "wildcard-rule"),
    ] {
        let decision = library::decide_manifest(&OF_ACCESS, &role("ClusterRole", &[granted]).to_string());
        let found: Vec<_> = decision.findings.iter().map(|finding| finding.check.id).collect();
        assert_eq!(found, [check], "{path}: {granted}");
        let everything =
            library::decide_manifest(&OF_ACCESS, &role("ClusterRole", &["* | * | *"]).to_string());
        assert!(everything.findings.iter().any(|finding| finding.check.id == check), "{path}: *");
    }
}

#[test]
fn an_ordinary_role_breaks_nothing() {
    let ordinary = [
        "read | pods pods/log services configmaps events | core",
        "read write | orders | shop.example.com",
        "get | secrets | core | web-tls",
        "get | namespaces nodes nodes/metrics | core",
        "create get | subjectaccessreviews | authorization.k8s.io",
        "create | certificatesigningrequests | certificates.k8s.io",
        "get | /healthz /metrics | paths",
    ];
    for kind in ["ClusterRole", "Role"] {
        let decision = library::decide_manifest(&OF_ACCESS, &role(kind, &ordinary).to_string());
        assert_eq!(library::found(&decision), Vec::<String>::new(), "{kind}");
    }
}
