//! The parts of a check that people read: references and examples.

use std::fmt;

/// Where a check comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A control of the Pod Security Standards (kubernetes.io).
    PodSecurity {
        level: Level,
        control: &'static str,
    },
    /// A recommendation of the CIS Kubernetes Benchmark v2.0.1.
    Cis(&'static str),
    /// The NSA/CISA Kubernetes Hardening Guide v1.2, by the ids of Trivy's `k8s-nsa` specification.
    Nsa(&'static str),
    Cve(&'static str),
    /// A Kubernetes enhancement proposal.
    Kep(u16),
    /// A page of the Kubernetes documentation, by title.
    Kubernetes(&'static str),
}

/// A level of the Pod Security Standards; *restricted* includes *baseline*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Baseline,
    Restricted,
}

impl Level {
    pub const fn id(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Restricted => "restricted",
        }
    }
}

impl Reference {
    pub const fn baseline(control: &'static str) -> Self {
        Self::PodSecurity { level: Level::Baseline, control }
    }

    pub const fn restricted(control: &'static str) -> Self {
        Self::PodSecurity { level: Level::Restricted, control }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PodSecurity { level, control } => {
                write!(f, "Pod Security Standards, {}: {control}", level.id())
            }
            Self::Cis(number) => write!(f, "CIS Kubernetes Benchmark v2.0.1, {number}"),
            Self::Nsa(id) => write!(f, "NSA/CISA Kubernetes Hardening Guide v1.2, {id}"),
            Self::Cve(id) => f.write_str(id),
            Self::Kep(number) => write!(f, "KEP-{number}"),
            Self::Kubernetes(title) => write!(f, "Kubernetes documentation, \"{title}\""),
        }
    }
}

/// A manifest that breaks a check and the same one put right. A test runs both.
#[derive(Clone, Copy, Debug)]
pub struct Examples {
    /// Parameters under which they hold, as a policy writes them; empty for the defaults.
    pub params: &'static str,
    /// The object as it was: both are then updates of it. Empty for what is new.
    pub before: &'static str,
    /// What else exists, as manifests.
    pub amid: &'static str,
    pub bad: &'static str,
    pub good: &'static str,
    /// Whether both go instead of coming.
    pub are_deleted: bool,
}

impl Examples {
    /// Examples that hold under the default parameters.
    pub const fn new(bad: &'static str, good: &'static str) -> Self {
        Self { params: "", before: "", amid: "", bad, good, are_deleted: false }
    }

    /// The same under these parameters.
    #[must_use]
    pub const fn under(self, params: &'static str) -> Self {
        Self { params, ..self }
    }

    /// The same as updates of this object.
    #[must_use]
    pub const fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }

    /// The same as deletions.
    #[must_use]
    pub const fn deleted(self) -> Self {
        Self { are_deleted: true, ..self }
    }

    /// The same where these objects exist.
    #[must_use]
    pub const fn amid(self, amid: &'static str) -> Self {
        Self { amid, ..self }
    }
}
