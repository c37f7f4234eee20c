//! Kubernetes objects as the checks read them: typed, borrowed, and only the fields that something reads.

mod address;
mod capacity;
mod container;
mod entry;
mod file_path;
mod host;
mod host_path;
mod image;
mod intervals;
mod kind;
mod mesh;
mod metadata;
mod misfit;
mod network;
mod owned;
mod place;
mod pod;
mod rbac;
mod rule;
mod security;
mod selector;
mod text;
mod token;
mod traffic;
mod volume;
mod wire;

use serde::{Deserialize, Deserializer, de::DeserializeSeed};

pub use address::{Address, Cidr, Family};
pub use capacity::{
    Amounts, Autoscaler, DisruptionBudget, Limit, LimitRange, Quantity, Resources, Scale, StorageClass,
};
pub use container::{
    Capabilities, Container, ContainerPort, EnvFrom, EnvSource, EnvVar, ExecAction, Handler, HttpGetAction,
    HttpHeader, Lifecycle, Probe, SeLinuxOptions, SecretReference, SecurityContext, TcpSocketAction,
    TypedProfile, VolumeMount, WindowsOptions,
};
pub use entry::{CertificateSigningRequest, ConnectOptions, ServiceAccount, TokenRequest};
pub use file_path::FilePath;
pub use host::{HostAt, ListenerAt};
pub use host_path::{HostPathAt, MountAt};
pub use image::{Digest, ImagePrefix, ImageReference, ImageReferenceError};
pub use intervals::Intervals;
pub use kind::Kind;
pub use mesh::{
    AuthorizationPolicy, ClientTls, DestinationRule, MutualTls, PeerAuthentication, ServiceEntry,
    TrafficPolicy,
};
pub use metadata::{Metadata, OwnerReference};
pub use misfit::misfit;
pub use network::{
    Allowed, AllowedNamespaces, Balanced, Direction, Gateway, Ingress, IngressRule, IngressTls, IpBlock,
    Listener, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, ObjectReference, Route,
    RouteRule, Service,
};
pub use owned::{IntOrString, Labels, Map, Word};
pub use place::{ContainerAt, ContainerList, ImageAt, Place, PodAt};
pub use pod::{Affinity, PodAntiAffinity, PodOs, PodSecurityContext, PodSpec, Sysctl};
pub use rbac::{AggregationRule, Binding, PolicyRule, Role, RoleRef, Subject, service_account};
pub use rule::{RuleAt, SubjectAt};
pub use security::SecurityAt;
pub use selector::{Operator, Requirement, Selector};
pub use text::{List, Pairs, Text};
pub use token::TokenAt;
pub use traffic::{PeerAt, TrafficRuleAt};
pub use volume::{HostPath, ImageVolume, Projected, ProjectedSource, TokenProjection, Volume};

/// One Kubernetes object. Fields that no check reads were skipped while it was parsed.
#[derive(Debug, Default, PartialEq)]
pub struct Object<'a> {
    pub kind: Kind,
    /// The kind as written, for kinds that [`Kind`] does not name.
    pub kind_name: Text<'a>,
    pub metadata: Metadata<'a>,
    pub body: Body<'a>,
}

/// What an object holds beside its metadata, by shape.
#[derive(Debug, Default, PartialEq)]
pub enum Body<'a> {
    /// `spec` is a pod spec (Pod).
    Pod(Option<PodSpec<'a>>),
    /// `spec.template`: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, ReplicationController.
    Template(Workload<'a>),
    /// `spec.jobTemplate.spec.template`: CronJob.
    JobTemplate(Option<Template<'a>>),
    /// `template`: PodTemplate.
    BareTemplate(Option<Template<'a>>),
    ConfigMap(ConfigMap<'a>),
    Secret(Secret<'a>),
    Service(Service),
    ServiceAccount(ServiceAccount),
    /// Role, ClusterRole.
    Role(Role),
    /// RoleBinding, ClusterRoleBinding.
    Binding(Binding),
    NetworkPolicy(NetworkPolicy),
    Ingress(Ingress),
    /// Gateway, ListenerSet.
    Gateway(Gateway),
    /// HTTPRoute, GRPCRoute, TLSRoute.
    Route(Route),
    PeerAuthentication(PeerAuthentication),
    AuthorizationPolicy(AuthorizationPolicy),
    DestinationRule(DestinationRule),
    ServiceEntry(ServiceEntry),
    /// The options of a CONNECT.
    Connect(ConnectOptions),
    TokenRequest(TokenRequest),
    CertificateSigningRequest(CertificateSigningRequest),
    Scale(Scale),
    Autoscaler(Autoscaler),
    DisruptionBudget(DisruptionBudget),
    LimitRange(LimitRange),
    StorageClass(StorageClass),
    /// Everything beside the metadata, as written: what is compared field by field (the gate's own objects, what
    /// guards the cluster) or read by one check alone (an audit policy).
    Tree(serde_json::Value),
    /// A kind of which only the metadata is read.
    #[default]
    Other,
}

/// A pod template: the metadata and the spec of pods that do not exist yet.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct Template<'a> {
    #[serde(borrow, default, deserialize_with = "text::or_default")]
    pub metadata: Metadata<'a>,
    #[serde(borrow, default)]
    pub spec: Option<PodSpec<'a>>,
}

/// The contents of a ConfigMap.
#[derive(Debug, Default, PartialEq)]
pub struct ConfigMap<'a> {
    pub data: Pairs<'a>,
    /// Still in base64, as the API carries it.
    pub binary_data: Pairs<'a>,
}

/// A Secret, without its data: that is where secrets belong, and nothing here may read them.
#[derive(Debug, Default, PartialEq)]
pub struct Secret<'a> {
    pub kind: Text<'a>,
    /// The public part alone, in base64 as the API carries it (`tls.crt`); empty if there is none.
    pub certificate: Text<'a>,
    /// The same as a manifest may write it, as text (`stringData`); it replaces the other when it is applied.
    pub plain_certificate: Text<'a>,
}

/// What a controller makes pods of, and how many.
#[derive(Debug, Default, PartialEq)]
pub struct Workload<'a> {
    pub template: Option<Template<'a>>,
    /// Absent means 1, where the kind has replicas at all.
    pub replicas: Option<i64>,
    /// How a Deployment replaces its pods (`spec.strategy.type`); empty means RollingUpdate.
    pub strategy: Text<'a>,
}

impl<'a> Object<'a> {
    /// The pod spec that this object carries, wherever its kind keeps it (nine kinds).
    pub fn pod(&self) -> Option<PodAt<'_>> {
        let (template, spec_path, metadata_path) = match &self.body {
            Body::Pod(spec) => {
                return spec.as_ref().map(|spec| PodAt::new(spec, &self.metadata, "spec", "metadata"));
            }
            Body::Template(Workload { template, .. }) => {
                (template, "spec.template.spec", "spec.template.metadata")
            }
            Body::JobTemplate(template) => {
                (template, "spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata")
            }
            Body::BareTemplate(template) => (template, "template.spec", "template.metadata"),
            _ => return None,
        };
        let template = template.as_ref()?;
        Some(PodAt::new(template.spec.as_ref()?, &template.metadata, spec_path, metadata_path))
    }

    /// The name that people know it by: `metadata.name`, or the prefix when the server is to make the name.
    pub fn display_name(&self) -> &str {
        if self.metadata.name.is_empty() { &self.metadata.generate_name } else { &self.metadata.name }
    }
}

/// Reads an object of a kind that is already known, in one pass over the text.
#[derive(Clone, Copy, Debug)]
pub struct OfKind(pub Kind);

impl<'de> DeserializeSeed<'de> for OfKind {
    type Value = Object<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        wire::read(self.0, deserializer)
    }
}
