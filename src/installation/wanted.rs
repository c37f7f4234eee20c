//! How somebody wants the gate installed, and what of it makes no sense.

use std::collections::BTreeSet;

use super::{INSTALLERS, NAMESPACE};
use crate::object::ImageReference;

/// An entry of the registration, each of which may wait for an absent gate or let pass what it cannot be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    Guard,
    Access,
    Config,
    Workloads,
}

impl Entry {
    /// In the order in which they are made to wait.
    pub const ALL: [Self; 4] = [Self::Guard, Self::Access, Self::Config, Self::Workloads];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Access => "access",
            Self::Config => "config",
            Self::Workloads => "workloads",
        }
    }

    /// What it is called in the registration.
    pub fn webhook(self) -> String {
        format!("{}.soc2gate.io", self.id())
    }
}

/// How the gate is to be installed. The default is what the manifests say: audit mode, nothing waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub namespace: String,
    /// The highest mode: `audit`, `warn` or `enforce`.
    pub ceiling: &'static str,
    /// Absent means the one that the manifests name, which nobody can pull.
    pub image: Option<String>,
    pub replicas: u32,
    /// The entries with failurePolicy Fail.
    pub fail_closed: BTreeSet<Entry>,
    /// Whether cert-manager keeps the certificate, instead of the gate.
    pub cert_manager: bool,
    pub monitoring: bool,
    /// Namespaces about whose workloads and configuration the gate is not asked.
    pub exclude_namespaces: Vec<String>,
    /// The groups that the guard lets change the gate.
    pub installers: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            ceiling: "audit",
            image: None,
            replicas: 2,
            fail_closed: BTreeSet::new(),
            cert_manager: false,
            monitoring: false,
            exclude_namespaces: Vec::new(),
            installers: vec![INSTALLERS.to_owned()],
        }
    }
}

impl Wanted {
    /// Whether pods may be drained one by one: with a single replica a budget would stop every drain.
    pub fn has_budget(&self) -> bool {
        self.replicas > 1
    }

    /// What makes no sense, each in words that name the flag to change.
    pub fn nonsense(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !is_label(&self.namespace) {
            wrong.push(name("--namespace", &self.namespace));
        } else if self.namespace == "default" || self.namespace.starts_with("kube-") {
            wrong.push(format!(
                "--namespace {}: the gate needs a namespace of its own, which the guard closes to others",
                self.namespace
            ));
        }
        for namespace in self.exclude_namespaces.iter().filter(|namespace| !is_label(namespace)) {
            wrong.push(name("--exclude-namespace", namespace));
        }
        if self.replicas == 0 {
            wrong
                .push("--replicas 0: without a replica nobody answers; to stop the gate uninstall it".into());
        } else if !self.fail_closed.is_empty() && self.replicas < 2 {
            let entries: Vec<_> = self.fail_closed.iter().map(|entry| entry.id()).collect();
            wrong.push(format!(
                "--replicas 1 with {} fail-closed: while that replica restarts, the cluster waits. Give it 2 replicas, \
                 or write `--fail-closed none`",
                entries.join(", ")
            ));
        }
        if let Some(image) = &self.image
            && let Err(error) = ImageReference::parse(image)
        {
            wrong.push(format!("--image {image:?}: {error}"));
        }
        if self.installers.is_empty() {
            wrong.push("--installer-group: without one nobody may upgrade the gate".into());
        }
        for group in &self.installers {
            if group.trim() != group || group.is_empty() || group.chars().any(char::is_control) {
                wrong.push(format!("--installer-group {group:?}: write the name of a group"));
            } else if [
                "system:authenticated",
                "system:unauthenticated",
                "system:serviceaccounts",
                "system:nodes",
            ]
            .contains(&&**group)
            {
                wrong.push(format!(
                    "--installer-group {group}: everybody is in it, so that nothing would be guarded"
                ));
            }
        }
        wrong
    }
}

fn name(flag: &str, value: &str) -> String {
    format!("{flag} {value:?}: a namespace is named with at most 63 small letters, digits and dashes inside")
}

/// Whether this is a DNS label (RFC 1123), as namespaces are named.
fn is_label(text: &str) -> bool {
    let is_edge = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        && is_edge(bytes.first())
        && is_edge(bytes.last())
}
