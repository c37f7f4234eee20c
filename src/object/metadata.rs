//! Who an object is: name, namespace, labels, annotations, owners.

use serde::Deserialize;

use super::text::{List, Pairs, Text, or_default};

/// `metadata`, without `managedFields`, which is half of a real body and read by nobody.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub generate_name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub namespace: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub labels: Pairs<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub annotations: Pairs<'a>,
    #[serde(borrow)]
    pub owner_references: List<OwnerReference<'a>>,
    /// Counted up by the API server when the spec changes; kinds without a status have none.
    pub generation: Option<i64>,
    /// Present on what is going (RFC 3339, UTC).
    #[serde(borrow, deserialize_with = "or_default")]
    pub deletion_timestamp: Text<'a>,
}

/// One entry of `metadata.ownerReferences`. Anybody may write one: it attributes, it never excuses.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub api_version: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub kind: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    pub controller: Option<bool>,
}

impl<'a> Metadata<'a> {
    /// The owner that controls this object, if one says so.
    pub fn controller(&self) -> Option<&OwnerReference<'a>> {
        self.owner_references.iter().find(|owner| owner.controller == Some(true))
    }
}
