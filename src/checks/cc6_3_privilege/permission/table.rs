//! What each permission check looks for, in one place, since other checks ask whether a role breaks any of them.

use super::{Names, Permission, on};

const AUTHENTICATION: &str = "authentication.k8s.io";
const CERTIFICATES: &str = "certificates.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";
const WRITE: &[&str] = &["create", "update", "patch", "delete", "deletecollection"];
const RUN: &[&str] = &["create", "update", "patch"];

pub(in crate::checks::cc6_3_privilege) const ESCALATION: Permission = Permission {
    id: "escalation-verb",
    targets: &[
        on(RBAC, &["clusterroles", "roles"], &["escalate"], Names::Count),
        on(RBAC, &["clusterroles", "roles"], &["bind"], Names::ExcuseButListed),
    ],
    names: &["cluster-admin", "admin", "edit", "system:*"],
};

pub(in crate::checks::cc6_3_privilege) const IMPERSONATION: Permission = Permission {
    id: "impersonate-permission",
    targets: &[
        on("", &["users", "groups", "serviceaccounts"], &["impersonate"], Names::ExcuseButListed),
        on(AUTHENTICATION, &["uids", "userextras", "userextras/*"], &["impersonate"], Names::ExcuseButListed),
        // Since 1.35 a mode can bound what is done in another's name, but whose it is remains to be seen.
        on(
            AUTHENTICATION,
            &["users", "groups", "uids", "userextras", "userextras/*", "serviceaccounts", "nodes"],
            &["impersonate:*", "impersonate-on:*"],
            Names::ExcuseButListed,
        ),
    ],
    // The node that an agent runs on is asked for by the name `*`.
    names: &["system:*", "*"],
};

pub(in crate::checks::cc6_3_privilege) const SECRET_READING: Permission = Permission {
    id: "secret-read-permission",
    targets: &[
        on("", &["secrets"], &["list", "watch"], Names::Excuse),
        on("", &["secrets"], &["get"], Names::Excuse).cluster_wide(),
    ],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const EXEC: Permission = Permission {
    id: "exec-permission",
    targets: &[
        on(
            "",
            &["pods/exec", "pods/attach", "pods/portforward", "pods/proxy", "services/proxy"],
            &["create", "get"],
            Names::Count,
        ),
        on("", &["pods/ephemeralcontainers"], &["update", "patch"], Names::Count),
    ],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const NODE_PROXY: Permission = Permission {
    id: "node-proxy-permission",
    targets: &[on("", &["nodes/proxy"], &["*"], Names::Count)],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const TOKEN_CREATION: Permission = Permission {
    id: "token-creation-permission",
    targets: &[on("", &["serviceaccounts/token"], &["create"], Names::Excuse)],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const CERTIFICATE_APPROVAL: Permission = Permission {
    id: "certificate-approval-permission",
    targets: &[
        on(
            CERTIFICATES,
            &["certificatesigningrequests/approval", "certificatesigningrequests/status"],
            &["update", "patch"],
            Names::Count,
        ),
        on(
            CERTIFICATES,
            &["signers"],
            &["approve", "sign"],
            Names::ExcuseBut(&[
                "kubernetes.io/kube-apiserver-client",
                "kubernetes.io/kube-apiserver-client-kubelet",
                "kubernetes.io/*",
            ]),
        ),
    ],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const ADMISSION_CONTROL: Permission = Permission {
    id: "admission-control-permission",
    targets: &[
        on(
            "admissionregistration.k8s.io",
            &[
                "validatingwebhookconfigurations",
                "mutatingwebhookconfigurations",
                "validatingadmissionpolicies",
                "validatingadmissionpolicybindings",
                "mutatingadmissionpolicies",
                "mutatingadmissionpolicybindings",
            ],
            WRITE,
            Names::ExcuseButListed,
        ),
        on("apiregistration.k8s.io", &["apiservices"], WRITE, Names::ExcuseButListed),
        on("apiextensions.k8s.io", &["customresourcedefinitions"], WRITE, Names::ExcuseButListed),
        on("soc2gate.io", &["*"], WRITE, Names::Count),
    ],
    names: &[
        "soc2gate*",
        "controlpolicies.soc2gate.io",
        "exemptions.soc2gate.io",
        "imagescans.soc2gate.io",
        "v1.soc2gate.io",
    ],
};

pub(in crate::checks::cc6_3_privilege) const NAMESPACE_LABELS: Permission = Permission {
    id: "namespace-label-permission",
    targets: &[on("", &["namespaces"], &["update", "patch"], Names::Count)],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const PERSISTENT_VOLUMES: Permission = Permission {
    id: "persistent-volume-permission",
    targets: &[on("", &["persistentvolumes"], &["create"], Names::Count)],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const WORKLOAD_CREATION: Permission = Permission {
    id: "workload-creation-permission",
    targets: &[
        on("", &["pods", "replicationcontrollers"], RUN, Names::Excuse).cluster_wide(),
        on("apps", &["deployments", "statefulsets", "daemonsets", "replicasets"], RUN, Names::Excuse)
            .cluster_wide(),
        on("batch", &["jobs", "cronjobs"], RUN, Names::Excuse).cluster_wide(),
    ],
    names: &[],
};

pub(in crate::checks::cc6_3_privilege) const WEBHOOK_ATTESTATION: Permission = Permission {
    id: "webhook-attestation-permission",
    targets: &[on(AUTHENTICATION, &["admissionReviewAPIGroups"], &["attest"], Names::Count)],
    names: &[],
};

/// Every one, the worst first.
pub(in crate::checks::cc6_3_privilege) const ALL: [&Permission; 12] = [
    &ESCALATION,
    &IMPERSONATION,
    &NODE_PROXY,
    &CERTIFICATE_APPROVAL,
    &ADMISSION_CONTROL,
    &SECRET_READING,
    &EXEC,
    &TOKEN_CREATION,
    &NAMESPACE_LABELS,
    &PERSISTENT_VOLUMES,
    &WEBHOOK_ATTESTATION,
    &WORKLOAD_CREATION,
];
