//! What is followed: the resources that some check reads beyond the object in question.

use crate::{
    cluster::{Resource, Resources},
    object::Kind,
};

/// A resource that tells something of the surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feed {
    Kind(Kind),
    /// The Trivy Operator's scans of images (aquasecurity.github.io).
    VulnerabilityReports,
}

impl Feed {
    /// What is followed first.
    pub const WORLD: &'static [Self] = &[
        Self::Kind(Kind::Namespace),
        Self::Kind(Kind::Pod),
        Self::Kind(Kind::PodTemplate),
        Self::Kind(Kind::ServiceAccount),
        Self::Kind(Kind::LimitRange),
        Self::Kind(Kind::NetworkPolicy),
        Self::Kind(Kind::Ingress),
        Self::Kind(Kind::Role),
        Self::Kind(Kind::ClusterRole),
        Self::Kind(Kind::RoleBinding),
        Self::Kind(Kind::ClusterRoleBinding),
        Self::Kind(Kind::PodDisruptionBudget),
        Self::Kind(Kind::HorizontalPodAutoscaler),
        Self::Kind(Kind::HTTPRoute),
        Self::Kind(Kind::GRPCRoute),
        Self::Kind(Kind::TLSRoute),
        Self::Kind(Kind::AuthorizationPolicy),
        Self::VulnerabilityReports,
    ];

    /// What makes pods, judged amid the rest.
    pub const OWNERS: &'static [Self] = &[
        Self::Kind(Kind::Deployment),
        Self::Kind(Kind::StatefulSet),
        Self::Kind(Kind::DaemonSet),
        Self::Kind(Kind::ReplicaSet),
        Self::Kind(Kind::ReplicationController),
        Self::Kind(Kind::Job),
        Self::Kind(Kind::CronJob),
    ];

    /// Everything that is followed.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::WORLD.iter().chain(Self::OWNERS).copied()
    }

    /// Whether its objects make others, which may have the violations that they have.
    pub fn owns(self) -> bool {
        Self::OWNERS.contains(&self)
    }

    /// Whether nothing but the metadata of its objects is read.
    pub fn needs_metadata_alone(self) -> bool {
        self == Self::Kind(Kind::Namespace)
    }

    /// The resource's plural name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind(kind) => kind.resource(),
            Self::VulnerabilityReports => "vulnerabilityreports",
        }
    }

    /// As the cluster serves it, if it does.
    pub fn resource(self, resources: &Resources) -> Option<&Resource> {
        let group = match self {
            Self::Kind(kind) => kind.group(),
            Self::VulnerabilityReports => "aquasecurity.github.io",
        };
        resources.get(group, self.name())
    }
}
