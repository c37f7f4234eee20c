//! What a gate in front of a cluster cannot show, criterion by criterion and altogether: printed with every coverage.

use super::Criterion;

impl Criterion {
    /// What stays open about this criterion however many checks speak to it.
    pub const fn cannot_show(self) -> &'static str {
        match self {
            Self::CC6_1 => {
                "who stands behind an identity; encryption below the API; access to nodes and to the kubelet"
            }
            Self::CC6_2 => "that users were registered and authorized; that leavers lost access in time",
            Self::CC6_3 => {
                "that a role fits the job; access reviews held by people; rights outside Kubernetes"
            }
            Self::CC6_6 => {
                "live connections; that the network plugin enforces policies; firewalls and clouds around it"
            }
            Self::CC6_7 => "TLS as really negotiated; data that applications send out; removable media",
            Self::CC6_8 => "behaviour at run time; malware without a signature or a scan; what runs on nodes",
            Self::CC7_1 => "settings of managed control planes; unknown vulnerabilities; nodes",
            Self::CC7_2 => {
                "what happens on nodes, in containers and on the network; reads that are not audited"
            }
            Self::CC7_3 => "the judgement that an event is an incident, and its quality",
            Self::CC7_4 | Self::CC7_5 => "response and recovery as carried out",
            Self::CC8_1 => "design, test and approval in substance; that a ticket exists",
            Self::A1 | Self::A1_2 => "backups that succeed; the environment; other sites",
            Self::A1_1 => "capacity forecasts; use as measured",
            Self::A1_3 => "that recovery was tested",
            Self::C1 | Self::C1_1 => "what data is in there; whether its class is right",
            Self::C1_2 => "that data is gone",
        }
    }
}

/// Criteria that nothing here addresses, by family, and why.
pub const NOT_ADDRESSED: &[(&str, &str)] = &[
    ("PI1", "processing integrity: what the workloads compute is theirs to show"),
    ("P1 to P8", "privacy: notice, consent, use and disposal of personal information"),
    ("CC1 to CC5, CC9", "control environment, communication, risk, monitoring of controls, vendors"),
];

/// One thing that cannot be assessed from a cluster's API, and who could show it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAssessable {
    pub what: &'static str,
    pub shown_by: &'static str,
}

const fn open(what: &'static str, shown_by: &'static str) -> NotAssessable {
    NotAssessable { what, shown_by }
}

/// What no check here will ever see. Printed with the coverage, so that silence is not taken for assurance.
pub const NOT_ASSESSABLE: &[NotAssessable] = &[
    open(
        "Flags, etcd and audit settings of managed control planes (EKS, GKE, AKS)",
        "the provider's own SOC 2 report (a complementary subservice-organization control)",
    ),
    open("Flags of distributions that embed the API server (k3s, k0s, RKE2)", "their files, handed in"),
    open("Reads (get, list, watch): they never reach admission", "the API server's audit log"),
    open("Direct access to a kubelet, and nodes/proxy used on it", "network rules and node logs"),
    open(
        "Static pods, the node's system, the container runtime, etcd written directly",
        "node hardening and runtime detection",
    ),
    open(
        "Live connections, enforcement of network policies, TLS as negotiated",
        "flow logs and scans from outside",
    ),
    open("What an image does once it runs", "scanners and runtime detection"),
    open("Encryption below the API: disks, key rotation", "the storage or cloud provider"),
    open("People: who stands behind a name, leavers, training, second factors", "the identity provider"),
    open("Whether a change ticket exists and was approved in substance", "the ticket system"),
    open("Backups that restore, recovery tests, availability reached", "restore protocols and monitoring"),
    open("Secret values inside Secrets, vaults and images; secrets that look like words", "secret managers"),
    open("Time before installation, and gaps in operation", "nobody afterwards; gaps are recorded"),
    open("Whether an event was an incident, its impact, the response", "the people who judged it"),
];
