//! The shapes of objects as the API writes them; nothing outside this file sees them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{
    AggregationRule, Balanced, Body, Kind, List, Map, Metadata, Object, Pairs, PodSpec, PolicyRule, RoleRef,
    Subject, Template, Text, Word, Workload, text::or_default,
};

/// Reads an object of a known kind.
pub(super) fn read<'de, D: Deserializer<'de>>(kind: Kind, deserializer: D) -> Result<Object<'de>, D::Error> {
    let (kind_name, metadata, body) = match kind {
        Kind::Pod => Pod::deserialize(deserializer)?.into_parts(),
        Kind::CronJob => CronJob::deserialize(deserializer)?.into_parts(),
        Kind::PodTemplate => PodTemplate::deserialize(deserializer)?.into_parts(),
        Kind::ConfigMap => ConfigMap::deserialize(deserializer)?.into_parts(),
        Kind::Secret => Secret::deserialize(deserializer)?.into_parts(),
        _ if kind.has_pod_template() => Templated::deserialize(deserializer)?.into_parts(),
        Kind::Role | Kind::ClusterRole => Role::deserialize(deserializer)?.into_parts(),
        Kind::RoleBinding | Kind::ClusterRoleBinding => Binding::deserialize(deserializer)?.into_parts(),
        Kind::ServiceAccount => ServiceAccount::deserialize(deserializer)?.into_parts(),
        Kind::StorageClass => StorageClass::deserialize(deserializer)?.into_parts(),
        Kind::PodExecOptions
        | Kind::PodAttachOptions
        | Kind::PodPortForwardOptions
        | Kind::PodProxyOptions
        | Kind::ServiceProxyOptions
        | Kind::NodeProxyOptions => Connect::deserialize(deserializer)?.into_parts(),
        Kind::Service => Service::deserialize(deserializer)?.into_parts(),
        Kind::NetworkPolicy => Spec::of(deserializer, Body::NetworkPolicy)?,
        Kind::Ingress => Spec::of(deserializer, Body::Ingress)?,
        Kind::Gateway | Kind::ListenerSet | Kind::XListenerSet => Spec::of(deserializer, Body::Gateway)?,
        Kind::HTTPRoute | Kind::GRPCRoute | Kind::TLSRoute => Spec::of(deserializer, Body::Route)?,
        Kind::PeerAuthentication => Spec::of(deserializer, Body::PeerAuthentication)?,
        Kind::AuthorizationPolicy => Spec::of(deserializer, Body::AuthorizationPolicy)?,
        Kind::DestinationRule => Spec::of(deserializer, Body::DestinationRule)?,
        Kind::ServiceEntry => Spec::of(deserializer, Body::ServiceEntry)?,
        Kind::TokenRequest => Spec::of(deserializer, Body::TokenRequest)?,
        Kind::CertificateSigningRequest => Spec::of(deserializer, Body::CertificateSigningRequest)?,
        Kind::Scale => Spec::of(deserializer, Body::Scale)?,
        Kind::HorizontalPodAutoscaler => Spec::of(deserializer, Body::Autoscaler)?,
        Kind::PodDisruptionBudget => Spec::of(deserializer, Body::DisruptionBudget)?,
        Kind::LimitRange => Spec::of(deserializer, Body::LimitRange)?,
        Kind::ValidatingWebhookConfiguration
        | Kind::ValidatingAdmissionPolicy
        | Kind::ValidatingAdmissionPolicyBinding
        | Kind::ControlPolicy
        | Kind::Exemption
        | Kind::AuditPolicy
        | Kind::EncryptionConfiguration
        | Kind::EncryptionConfig
        | Kind::AuthenticationConfiguration => Tree::deserialize(deserializer)?.into_parts(),
        _ => Bare::deserialize(deserializer)?.into_parts(),
    };
    Ok(Object { kind, kind_name, metadata, body })
}

type Parts<'a> = (Text<'a>, Metadata<'a>, Body<'a>);

macro_rules! shape {
    ($name:ident { $($field:ident: $type:ty $(= $wire:literal)?),* } => |$this:ident| $body:expr) => {
        #[derive(Deserialize)]
        struct $name<'a> {
            #[serde(borrow, default, deserialize_with = "or_default")]
            kind: Text<'a>,
            #[serde(borrow, default, deserialize_with = "or_default")]
            metadata: Metadata<'a>,
            $(#[serde(default, deserialize_with = "or_default" $(, rename = $wire)?)]
            $field: $type,)*
        }

        impl<'a> $name<'a> {
            fn into_parts(self) -> Parts<'a> {
                let $this = self;
                let body = $body;
                ($this.kind, $this.metadata, body)
            }
        }
    };
}

#[derive(Default, Deserialize)]
struct TemplateSpec<'a> {
    #[serde(borrow, default)]
    template: Option<Template<'a>>,
    #[serde(default)]
    replicas: Option<i64>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    strategy: Strategy<'a>,
}

#[derive(Default, Deserialize)]
struct Strategy<'a> {
    #[serde(borrow, default, rename = "type", deserialize_with = "or_default")]
    kind: Text<'a>,
}

#[derive(Default, Deserialize)]
struct CronJobSpec<'a> {
    #[serde(borrow, default, rename = "jobTemplate")]
    job: Option<JobTemplate<'a>>,
}

#[derive(Default, Deserialize)]
struct JobTemplate<'a> {
    #[serde(borrow, default)]
    spec: Option<TemplateSpec<'a>>,
}

/// The data of a Secret, of which only the certificate is ever kept.
#[derive(Default, Deserialize)]
struct SecretData<'a> {
    #[serde(borrow, default, rename = "tls.crt", deserialize_with = "or_default")]
    certificate: Text<'a>,
}

/// The status of a Service, of which only the load balancer's addresses are read.
#[derive(Default, Deserialize)]
struct ServiceStatus {
    #[serde(default, rename = "loadBalancer", deserialize_with = "or_default")]
    load_balancer: LoadBalancerStatus,
}

#[derive(Default, Deserialize)]
struct LoadBalancerStatus {
    #[serde(default)]
    ingress: List<Balanced>,
}

shape!(Pod { spec: Option<PodSpec<'a>> } => |this| Body::Pod(this.spec));
shape!(Templated { spec: TemplateSpec<'a> } => |this| {
    let TemplateSpec { template, replicas, strategy } = this.spec;
    Body::Template(Workload { template, replicas, strategy: strategy.kind })
});
shape!(CronJob { spec: CronJobSpec<'a> } => |this| {
    Body::JobTemplate(this.spec.job.and_then(|job| job.spec).and_then(|spec| spec.template))
});
shape!(PodTemplate { template: Option<Template<'a>> } => |this| Body::BareTemplate(this.template));
shape!(ConfigMap { data: Pairs<'a>, binary_data: Pairs<'a> = "binaryData" } => |this| {
    Body::ConfigMap(super::ConfigMap { data: this.data, binary_data: this.binary_data })
});
shape!(Secret { type_name: Text<'a> = "type", data: SecretData<'a>, plain: SecretData<'a> = "stringData" } => |this| {
    let (certificate, plain_certificate) = (this.data.certificate, this.plain.certificate);
    Body::Secret(super::Secret { kind: this.type_name, certificate, plain_certificate })
});
shape!(Role { rules: List<PolicyRule>, aggregation_rule: Option<AggregationRule> = "aggregationRule" } => |this| {
    Body::Role(super::Role { rules: this.rules, aggregation_rule: this.aggregation_rule })
});
shape!(Binding { subjects: List<Subject>, role_ref: RoleRef = "roleRef" } => |this| {
    Body::Binding(super::Binding { subjects: this.subjects, role_ref: this.role_ref })
});
shape!(Service { spec: super::Service, status: ServiceStatus } => |this| {
    Body::Service(super::Service { balanced_at: this.status.load_balancer.ingress, ..this.spec })
});
shape!(ServiceAccount { automount: Option<bool> = "automountServiceAccountToken" } => |this| {
    Body::ServiceAccount(super::ServiceAccount { automount_service_account_token: this.automount })
});
shape!(StorageClass { provisioner: Word, parameters: Map<Word>, reclaim_policy: Word = "reclaimPolicy" } => |this| {
    let (provisioner, parameters, reclaim_policy) = (this.provisioner, this.parameters, this.reclaim_policy);
    Body::StorageClass(super::StorageClass { provisioner, parameters, reclaim_policy })
});
shape!(Connect {
    stdin: Option<bool>, tty: Option<bool>, container: Word, command: List<Word>, path: Word
} => |this| {
    let (stdin, tty, container, command, path) =
        (this.stdin, this.tty, this.container, this.command, this.path);
    Body::Connect(super::ConnectOptions { stdin, tty, container, command, path })
});
shape!(Bare {} => |this| Body::Other);

/// An object whose content stands under `spec`.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Default"))]
struct Spec<'a, T> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    metadata: Metadata<'a>,
    #[serde(default, deserialize_with = "or_default")]
    spec: T,
}

impl<'a, T: Deserialize<'a> + Default> Spec<'a, T> {
    fn of<D: Deserializer<'a>>(deserializer: D, body: fn(T) -> Body<'a>) -> Result<Parts<'a>, D::Error> {
        let this = Self::deserialize(deserializer)?;
        Ok((this.kind, this.metadata, body(this.spec)))
    }
}

/// An object whose whole content is kept as written.
#[derive(Deserialize)]
struct Tree<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    kind: Text<'a>,
    #[serde(borrow, default, deserialize_with = "or_default")]
    metadata: Metadata<'a>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

impl<'a> Tree<'a> {
    fn into_parts(self) -> Parts<'a> {
        (self.kind, self.metadata, Body::Tree(Value::Object(self.rest)))
    }
}
