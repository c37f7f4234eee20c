//! Volumes: the three sources that checks look into, and the names of all others, known or not.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::text::{List, Text, or_default};

/// One entry of `volumes`. The names of its sources are kept even when this program does not know them, since what
/// is not on an allow-list must be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Volume<'a> {
    pub name: Text<'a>,
    /// Names of the sources that are set (`hostPath`, `configMap`, ...). None at all means `emptyDir`.
    pub sources: Vec<Text<'a>>,
    pub host_path: Option<HostPath<'a>>,
    pub image: Option<ImageVolume<'a>>,
    pub projected: Option<Projected<'a>>,
}

/// A directory or file of the node.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct HostPath<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub path: Text<'a>,
}

/// An OCI image mounted as a volume (KEP-4639).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ImageVolume<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub reference: Text<'a>,
}

/// Several sources in one volume; only tokens are read.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Projected<'a> {
    #[serde(borrow, default)]
    pub sources: List<ProjectedSource<'a>>,
}

/// One source of a projected volume.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectedSource<'a> {
    #[serde(borrow)]
    pub service_account_token: Option<TokenProjection<'a>>,
}

/// A token of the pod's account that the kubelet keeps fresh in a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenProjection<'a> {
    /// In seconds; absent means an hour.
    pub expiration_seconds: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub path: Text<'a>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Volume<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a volume")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Volume<'de>, A::Error> {
                let mut volume = Volume::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let set = match &*key {
                        "name" => {
                            volume.name = map.next_value::<Option<Text<'de>>>()?.unwrap_or_default();
                            false
                        }
                        "hostPath" => {
                            volume.host_path = map.next_value()?;
                            volume.host_path.is_some()
                        }
                        "image" => {
                            volume.image = map.next_value()?;
                            volume.image.is_some()
                        }
                        "projected" => {
                            volume.projected = map.next_value()?;
                            volume.projected.is_some()
                        }
                        _ => map.next_value::<Option<IgnoredAny>>()?.is_some(),
                    };
                    if set {
                        volume.sources.push(key);
                    }
                }
                Ok(volume)
            }
        }

        deserializer.deserialize_map(Fields)
    }
}
