//! The kinds that some check reads beyond their metadata; policies are indexed by them.

/// A Kubernetes kind, told apart by API group: a custom `Pod` in another group is not a Pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    Pod,
    PodTemplate,
    ReplicationController,
    Deployment,
    StatefulSet,
    DaemonSet,
    ReplicaSet,
    Job,
    CronJob,
    ConfigMap,
    Secret,
    Service,
    ServiceAccount,
    Namespace,
    Ingress,
    Role,
    RoleBinding,
    /// Everything else: only its metadata is read.
    #[default]
    Other,
}

impl Kind {
    /// Every kind, in the order of its index.
    pub const ALL: [Self; 18] = [
        Self::Pod,
        Self::PodTemplate,
        Self::ReplicationController,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::Job,
        Self::CronJob,
        Self::ConfigMap,
        Self::Secret,
        Self::Service,
        Self::ServiceAccount,
        Self::Namespace,
        Self::Ingress,
        Self::Role,
        Self::RoleBinding,
        Self::Other,
    ];

    /// The nine kinds that carry a pod spec.
    pub const POD_SPECS: [Self; 9] = [
        Self::Pod,
        Self::PodTemplate,
        Self::ReplicationController,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::ReplicaSet,
        Self::Job,
        Self::CronJob,
    ];

    /// The kind of an API group and kind name. Versions do not matter: the fields we read never moved between them.
    pub fn of(group: &str, kind: &str) -> Self {
        match (group, kind) {
            ("", "Pod") => Self::Pod,
            ("", "PodTemplate") => Self::PodTemplate,
            ("", "ReplicationController") => Self::ReplicationController,
            ("", "ConfigMap") => Self::ConfigMap,
            ("", "Secret") => Self::Secret,
            ("", "Service") => Self::Service,
            ("", "ServiceAccount") => Self::ServiceAccount,
            ("", "Namespace") => Self::Namespace,
            // `extensions` served these until 1.16; old manifests in a repository still say so.
            ("apps" | "extensions", "Deployment") => Self::Deployment,
            ("apps" | "extensions", "DaemonSet") => Self::DaemonSet,
            ("apps" | "extensions", "ReplicaSet") => Self::ReplicaSet,
            ("apps", "StatefulSet") => Self::StatefulSet,
            ("batch", "Job") => Self::Job,
            ("batch", "CronJob") => Self::CronJob,
            ("networking.k8s.io" | "extensions", "Ingress") => Self::Ingress,
            ("rbac.authorization.k8s.io", "Role") => Self::Role,
            ("rbac.authorization.k8s.io", "RoleBinding") => Self::RoleBinding,
            _ => Self::Other,
        }
    }

    /// The kind of an `apiVersion` (`v1`, `apps/v1`) and kind name, as a manifest writes them.
    pub fn of_manifest(api_version: &str, kind: &str) -> Self {
        Self::of(api_version.split_once('/').map_or("", |(group, _)| group), kind)
    }

    /// Whether `spec.template` is where this kind keeps its pod spec.
    pub const fn has_pod_template(self) -> bool {
        matches!(
            self,
            Self::Deployment
                | Self::StatefulSet
                | Self::DaemonSet
                | Self::ReplicaSet
                | Self::Job
                | Self::ReplicationController
        )
    }

    /// Whether an object of this kind carries a pod spec at all.
    pub fn has_pod_spec(self) -> bool {
        Self::POD_SPECS.contains(&self)
    }

    /// The kind's name, or `other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pod => "Pod",
            Self::PodTemplate => "PodTemplate",
            Self::ReplicationController => "ReplicationController",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::Service => "Service",
            Self::ServiceAccount => "ServiceAccount",
            Self::Namespace => "Namespace",
            Self::Ingress => "Ingress",
            Self::Role => "Role",
            Self::RoleBinding => "RoleBinding",
            Self::Other => "other",
        }
    }

    /// Position in [`Kind::ALL`], for tables indexed by kind.
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_stands_at_its_own_index() {
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), position, "{kind:?}");
        }
    }

    #[test]
    fn a_custom_pod_of_another_group_is_not_a_pod() {
        assert_eq!(Kind::of("example.com", "Pod"), Kind::Other);
        assert_eq!(Kind::of_manifest("apps/v1", "Pod"), Kind::Other);
        assert_eq!(Kind::of_manifest("v1", "Pod"), Kind::Pod);
    }
}
