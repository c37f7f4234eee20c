//! The kinds that some check reads beyond their metadata; policies are indexed by them.

/// Makes the list of kinds: a variant, the API groups that serve it, its name and its resource there.
macro_rules! kinds {
    ($($variant:ident $(is $name:literal)?: $($group:literal)|+, $resource:literal;)*) => {
        /// A Kubernetes kind, told apart by API group: a custom `Pod` in another group is not a Pod.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($variant,)*
            /// Everything else: only its metadata is read.
            #[default]
            Other,
        }

        impl Kind {
            /// Every kind, in the order of its index.
            pub const ALL: [Self; [$($resource),*].len() + 1] = [$(Self::$variant,)* Self::Other];

            /// The kind of an API group and kind name. Versions do not matter: the fields we read never moved
            /// between them.
            pub fn of(group: &str, kind: &str) -> Self {
                $(if kind == Self::$variant.name() && matches!(group, $($group)|+) { return Self::$variant; })*
                Self::Other
            }

            /// The kind that a resource of an API group holds: `apps`, `deployments`.
            pub fn of_resource(group: &str, resource: &str) -> Self {
                // Several files of one group are served by no API and have no resource.
                if resource.is_empty() {
                    return Self::Other;
                }
                $(if resource == $resource && matches!(group, $($group)|+) { return Self::$variant; })*
                Self::Other
            }

            /// The kind's name, or `other`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => kinds!(@name $variant $($name)?),)*
                    Self::Other => "other",
                }
            }

            /// The API group that serves it today; empty for the core group.
            pub const fn group(self) -> &'static str {
                match self {
                    $(Self::$variant => kinds!(@first $($group)+),)*
                    Self::Other => "",
                }
            }

            /// The resource that holds it, with its subresource (`pods/exec`); empty for what no API serves.
            pub const fn resource(self) -> &'static str {
                match self {
                    $(Self::$variant => $resource,)*
                    Self::Other => "",
                }
            }
        }
    };
    (@name $variant:ident $name:literal) => { $name };
    (@name $variant:ident) => { stringify!($variant) };
    (@first $first:literal $($rest:literal)*) => { $first };
}

kinds! {
    Pod: "", "pods";
    PodTemplate: "", "podtemplates";
    ReplicationController: "", "replicationcontrollers";
    // `extensions` served these until 1.16; old manifests in a repository still say so.
    Deployment: "apps" | "extensions", "deployments";
    StatefulSet: "apps", "statefulsets";
    DaemonSet: "apps" | "extensions", "daemonsets";
    ReplicaSet: "apps" | "extensions", "replicasets";
    Job: "batch", "jobs";
    CronJob: "batch", "cronjobs";
    ConfigMap: "", "configmaps";
    Secret: "", "secrets";
    Service: "", "services";
    ServiceAccount: "", "serviceaccounts";
    Namespace: "", "namespaces";
    LimitRange: "", "limitranges";
    // Ways in.
    PodExecOptions: "", "pods/exec";
    PodAttachOptions: "", "pods/attach";
    PodPortForwardOptions: "", "pods/portforward";
    PodProxyOptions: "", "pods/proxy";
    ServiceProxyOptions: "", "services/proxy";
    NodeProxyOptions: "", "nodes/proxy";
    TokenRequest: "authentication.k8s.io", "serviceaccounts/token";
    CertificateSigningRequest: "certificates.k8s.io", "certificatesigningrequests";
    // Access.
    Role: "rbac.authorization.k8s.io", "roles";
    ClusterRole: "rbac.authorization.k8s.io", "clusterroles";
    RoleBinding: "rbac.authorization.k8s.io", "rolebindings";
    ClusterRoleBinding: "rbac.authorization.k8s.io", "clusterrolebindings";
    // Network.
    NetworkPolicy: "networking.k8s.io" | "extensions", "networkpolicies";
    Ingress: "networking.k8s.io" | "extensions", "ingresses";
    Gateway: "gateway.networking.k8s.io", "gateways";
    ListenerSet: "gateway.networking.k8s.io", "listenersets";
    XListenerSet: "gateway.networking.x-k8s.io", "xlistenersets";
    HTTPRoute: "gateway.networking.k8s.io", "httproutes";
    GRPCRoute: "gateway.networking.k8s.io", "grpcroutes";
    TLSRoute: "gateway.networking.k8s.io", "tlsroutes";
    PeerAuthentication: "security.istio.io", "peerauthentications";
    AuthorizationPolicy: "security.istio.io", "authorizationpolicies";
    DestinationRule: "networking.istio.io", "destinationrules";
    ServiceEntry: "networking.istio.io", "serviceentries";
    // Availability and storage.
    Scale: "autoscaling" | "apps" | "extensions", "deployments/scale";
    HorizontalPodAutoscaler: "autoscaling", "horizontalpodautoscalers";
    PodDisruptionBudget: "policy", "poddisruptionbudgets";
    StorageClass: "storage.k8s.io", "storageclasses";
    EndpointSlice: "discovery.k8s.io", "endpointslices";
    // What guards the cluster, and the gate's own objects.
    ValidatingWebhookConfiguration: "admissionregistration.k8s.io", "validatingwebhookconfigurations";
    ValidatingAdmissionPolicy: "admissionregistration.k8s.io", "validatingadmissionpolicies";
    ValidatingAdmissionPolicyBinding: "admissionregistration.k8s.io", "validatingadmissionpolicybindings";
    CustomResourceDefinition: "apiextensions.k8s.io", "customresourcedefinitions";
    ClusterTrustBundle: "certificates.k8s.io", "clustertrustbundles";
    ControlPolicy: "soc2gate.io", "controlpolicies";
    Exemption: "soc2gate.io", "exemptions";
    // The file that tells an API server what to audit.
    AuditPolicy is "Policy": "audit.k8s.io", "";
    // The files that tell it how to store objects and whom to trust.
    EncryptionConfiguration: "apiserver.config.k8s.io", "";
    // What API servers still take the same file for.
    EncryptionConfig: "", "";
    AuthenticationConfiguration: "apiserver.config.k8s.io", "";
}

impl Kind {
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

    /// Position in [`Kind::ALL`], for tables indexed by kind.
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn every_kind_stands_at_its_own_index_and_is_found_by_its_names() {
        for (position, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind.index(), position, "{kind:?}");
            assert_eq!(Kind::of(kind.group(), kind.name()), kind);
            if !kind.resource().is_empty() {
                let group = if kind == Kind::Scale { "apps" } else { kind.group() };
                assert_eq!(Kind::of_resource(group, kind.resource()), kind);
            }
        }
    }

    #[test]
    fn a_custom_pod_of_another_group_is_not_a_pod() {
        assert_eq!(Kind::of("example.com", "Pod"), Kind::Other);
        assert_eq!(Kind::of_manifest("apps/v1", "Pod"), Kind::Other);
        assert_eq!(Kind::of_manifest("v1", "Pod"), Kind::Pod);
    }
}
