//! Any object as the API server sends it: its JSON as text, which the engine reads in its own one pass.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    core::{ApiResource, DynamicResourceScope},
};
use serde::{Deserialize, Deserializer, de::DeserializeSeed, de::Error};
use serde_json::value::RawValue;

use crate::object::{Kind, Object, OfKind};

/// An object whose kind is known from where it was read. Of its metadata only what identifies it is taken apart.
#[derive(Clone, Debug)]
pub struct Raw {
    metadata: ObjectMeta,
    json: Box<RawValue>,
}

#[derive(Deserialize)]
struct Identified {
    metadata: Identity,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
}

impl Raw {
    /// The object as it came, in JSON. Items of a list do not repeat `apiVersion` and `kind`.
    pub fn json(&self) -> &str {
        self.json.get()
    }

    /// The object as checks read it.
    ///
    /// # Errors
    /// When a field has a type that the API of this kind does not have.
    pub fn read(&self, kind: Kind) -> serde_json::Result<Object<'_>> {
        let mut deserializer = serde_json::Deserializer::from_str(self.json());
        OfKind(kind).deserialize(&mut deserializer)
    }

    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Uid, generation (0 for kinds that have none) and resource version.
    pub(crate) fn version(&self) -> (&str, i64, &str) {
        let ObjectMeta { uid, generation, resource_version, .. } = &self.metadata;
        (
            uid.as_deref().unwrap_or_default(),
            generation.unwrap_or_default(),
            resource_version.as_deref().unwrap_or_default(),
        )
    }

    /// Empty for what is in no namespace.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        let Identified { metadata } = serde_json::from_str(json.get()).map_err(D::Error::custom)?;
        let metadata = ObjectMeta {
            name: metadata.name,
            namespace: metadata.namespace,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            generation: metadata.generation,
            ..ObjectMeta::default()
        };
        Ok(Self { metadata, json })
    }
}

/// An object of which only the metadata is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Bare(Raw);

/// What can be followed: an object as text, in full or without all but its metadata.
pub trait Told:
    Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>
    + AsRef<Raw>
    + Clone
    + std::fmt::Debug
    + serde::de::DeserializeOwned
    + Send
    + 'static
{
}

impl Told for Raw {}
impl Told for Bare {}

impl AsRef<Self> for Raw {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl AsRef<Raw> for Bare {
    fn as_ref(&self) -> &Raw {
        &self.0
    }
}

/// The resource of a [`Raw`] object, and of a [`Bare`] one.
macro_rules! resource {
    ($object:ty, $metadata_alone:literal, $($field:tt).+) => {
        impl Resource for $object {
            type DynamicType = ApiResource;
            type Scope = DynamicResourceScope;

            fn metadata_api() -> bool {
                $metadata_alone
            }

            fn kind(resource: &ApiResource) -> Cow<'_, str> {
                Cow::Borrowed(&resource.kind)
            }

            fn group(resource: &ApiResource) -> Cow<'_, str> {
                Cow::Borrowed(&resource.group)
            }

            fn version(resource: &ApiResource) -> Cow<'_, str> {
                Cow::Borrowed(&resource.version)
            }

            fn api_version(resource: &ApiResource) -> Cow<'_, str> {
                Cow::Borrowed(&resource.api_version)
            }

            fn plural(resource: &ApiResource) -> Cow<'_, str> {
                Cow::Borrowed(&resource.plural)
            }

            fn meta(&self) -> &ObjectMeta {
                &self.$($field).+
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.$($field).+
            }
        }
    };
}

resource!(Raw, false, metadata);
resource!(Bare, true, 0.metadata);

#[cfg(test)]
mod tests {
    use kube::core::{ObjectList, WatchEvent};

    use super::*;

    const POD: &str = r#"{"metadata":{"name":"web","namespace":"shop","uid":"u","resourceVersion":"7"},"spec":{"containers":[]}}"#;

    #[test]
    fn objects_of_lists_and_of_watches_keep_their_text() {
        let list = format!(r#"{{"kind":"PodList","apiVersion":"v1","metadata":{{}},"items":[{POD}]}}"#);
        let list: ObjectList<Raw> = serde_json::from_str(&list).unwrap();
        assert_eq!(list.items[0].json(), POD);
        let event = format!(r#"{{"type":"ADDED","object":{POD}}}"#);
        let WatchEvent::Added(pod) = serde_json::from_str::<WatchEvent<Raw>>(&event).unwrap() else {
            panic!()
        };
        assert_eq!((pod.name(), pod.namespace(), pod.json()), ("web", "shop", POD));
        assert!(pod.read(Kind::Pod).unwrap().pod().is_some());
    }
}
