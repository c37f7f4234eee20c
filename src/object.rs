//! Kubernetes objects as the checks read them: typed, borrowed, and only the fields that something reads.

mod container;
mod file_path;
mod host_path;
mod image;
mod kind;
mod metadata;
mod place;
mod pod;
mod security;
mod text;
mod volume;

use serde::{Deserialize, Deserializer, de::DeserializeSeed};

pub use container::{
    Capabilities, Container, ContainerPort, EnvVar, ExecAction, Handler, HttpGetAction, HttpHeader,
    Lifecycle, Probe, SeLinuxOptions, SecurityContext, TcpSocketAction, TypedProfile, VolumeMount,
    WindowsOptions,
};
pub use file_path::FilePath;
pub use host_path::{HostPathAt, MountAt};
pub use image::{Digest, ImagePrefix, ImageReference, ImageReferenceError};
pub use kind::Kind;
pub use metadata::{Metadata, OwnerReference};
pub use place::{ContainerAt, ContainerList, ImageAt, Place, PodAt};
pub use pod::{PodOs, PodSecurityContext, PodSpec, Sysctl};
pub use security::SecurityAt;
pub use text::{List, Pairs, Text};
pub use volume::{HostPath, ImageVolume, Volume};

/// One Kubernetes object. Fields that no check reads were skipped while it was parsed.
#[derive(Debug, Default)]
pub struct Object<'a> {
    pub kind: Kind,
    /// The kind as written, for kinds that [`Kind`] does not name.
    pub kind_name: Text<'a>,
    pub metadata: Metadata<'a>,
    pub body: Body<'a>,
}

/// What an object holds beside its metadata, by shape.
#[derive(Debug, Default)]
pub enum Body<'a> {
    /// `spec` is a pod spec (Pod).
    Pod(Option<PodSpec<'a>>),
    /// `spec.template`: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, ReplicationController.
    Template(Option<Template<'a>>),
    /// `spec.jobTemplate.spec.template`: CronJob.
    JobTemplate(Option<Template<'a>>),
    /// `template`: PodTemplate.
    BareTemplate(Option<Template<'a>>),
    ConfigMap(ConfigMap<'a>),
    Secret(Secret<'a>),
    /// A kind of which only the metadata is read.
    #[default]
    Other,
}

/// A pod template: the metadata and the spec of pods that do not exist yet.
#[derive(Debug, Default, Deserialize)]
pub struct Template<'a> {
    #[serde(borrow, default, deserialize_with = "text::or_default")]
    pub metadata: Metadata<'a>,
    #[serde(borrow, default)]
    pub spec: Option<PodSpec<'a>>,
}

/// The contents of a ConfigMap.
#[derive(Debug, Default)]
pub struct ConfigMap<'a> {
    pub data: Pairs<'a>,
    /// Still in base64, as the API carries it.
    pub binary_data: Pairs<'a>,
}

/// A Secret, without its data: that is where secrets belong, and nothing here may read them.
#[derive(Debug, Default)]
pub struct Secret<'a> {
    pub kind: Text<'a>,
}

impl<'a> Object<'a> {
    /// The pod spec that this object carries, wherever its kind keeps it (nine kinds).
    pub fn pod(&self) -> Option<PodAt<'_>> {
        let (template, spec_path, metadata_path) = match &self.body {
            Body::Pod(spec) => {
                return spec.as_ref().map(|spec| PodAt::new(spec, &self.metadata, "spec", "metadata"));
            }
            Body::Template(template) => (template, "spec.template.spec", "spec.template.metadata"),
            Body::JobTemplate(template) => {
                (template, "spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.template.metadata")
            }
            Body::BareTemplate(template) => (template, "template.spec", "template.metadata"),
            Body::ConfigMap(_) | Body::Secret(_) | Body::Other => return None,
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
        let (kind_name, metadata, body) = match self.0 {
            Kind::Pod => wire::Pod::deserialize(deserializer)?.into_parts(),
            Kind::CronJob => wire::CronJob::deserialize(deserializer)?.into_parts(),
            Kind::PodTemplate => wire::PodTemplate::deserialize(deserializer)?.into_parts(),
            Kind::ConfigMap => wire::ConfigMap::deserialize(deserializer)?.into_parts(),
            Kind::Secret => wire::Secret::deserialize(deserializer)?.into_parts(),
            kind if kind.has_pod_template() => wire::Templated::deserialize(deserializer)?.into_parts(),
            _ => wire::Bare::deserialize(deserializer)?.into_parts(),
        };
        Ok(Object { kind: self.0, kind_name, metadata, body })
    }
}

/// The shapes as the API writes them; nothing outside this module sees them.
mod wire {
    use serde::Deserialize;

    use super::{Body, Metadata, Pairs, PodSpec, Template, Text, text::or_default};

    type Parts<'a> = (Text<'a>, Metadata<'a>, Body<'a>);

    macro_rules! shape {
        ($name:ident { $($field:ident: $type:ty $(= $wire:literal)?),* } => |$this:ident| $body:expr) => {
            #[derive(Deserialize)]
            pub(super) struct $name<'a> {
                #[serde(borrow, default, deserialize_with = "or_default")]
                kind: Text<'a>,
                #[serde(borrow, default, deserialize_with = "or_default")]
                metadata: Metadata<'a>,
                $(#[serde(borrow, default, deserialize_with = "or_default" $(, rename = $wire)?)]
                $field: $type,)*
            }

            impl<'a> $name<'a> {
                pub(super) fn into_parts(self) -> Parts<'a> {
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

    shape!(Pod { spec: Option<PodSpec<'a>> } => |this| Body::Pod(this.spec));
    shape!(Templated { spec: TemplateSpec<'a> } => |this| Body::Template(this.spec.template));
    shape!(CronJob { spec: CronJobSpec<'a> } => |this| {
        Body::JobTemplate(this.spec.job.and_then(|job| job.spec).and_then(|spec| spec.template))
    });
    shape!(PodTemplate { template: Option<Template<'a>> } => |this| Body::BareTemplate(this.template));
    shape!(ConfigMap { data: Pairs<'a>, binary_data: Pairs<'a> = "binaryData" } => |this| {
        Body::ConfigMap(super::ConfigMap { data: this.data, binary_data: this.binary_data })
    });
    shape!(Secret { type_name: Text<'a> = "type" } => |this| {
        Body::Secret(super::Secret { kind: this.type_name })
    });
    shape!(Bare {} => |this| Body::Other);
}
