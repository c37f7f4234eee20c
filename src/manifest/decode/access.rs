//! How serde walks lists, maps and enums of a document.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::misfit::At;
use crate::manifest::node::{Key, Node};
use crate::manifest::unusable::Unusable;

/// The entries of a list that have not been visited.
pub(super) struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> Items<'de> {
    /// Visits a list; entries that a tuple leaves over are refused.
    pub(super) fn visit<V: Visitor<'de>>(items: &'de [Node], visitor: V) -> Result<V::Value, Unusable> {
        let mut rest = Items(items.iter());
        let visited = visitor.visit_seq(&mut rest)?;
        match rest.0.next() {
            Some(extra) => {
                Err(Unusable::custom("the list ends before this entry: remove it")).at(extra.place)
            }
            None => Ok(visited),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Unusable;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Unusable> {
        let Some(item) = self.0.next() else { return Ok(None) };
        seed.deserialize(item).at(item.place).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.0.len())
    }
}

/// The entries of a map that have not been visited.
pub(super) struct Entries<'de> {
    rest: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
}

impl<'de> Entries<'de> {
    pub(super) fn new(entries: &'de [(Key, Node)]) -> Self {
        Self { rest: entries.iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Unusable;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusable> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(BorrowedStrDeserializer::new(&key.name)).at(key.place).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Unusable> {
        let Some(value) = self.value.take() else {
            return Err(Unusable::custom("a value was asked for before its key"));
        };
        seed.deserialize(value).at(value.place)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// An enum's variant written as a map with one entry: its name and its content.
pub(super) struct Variant<'de> {
    pub(super) key: &'de Key,
    pub(super) node: &'de Node,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Unusable;
    type Variant = &'de Node;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, &'de Node), Unusable> {
        let variant = seed.deserialize(BorrowedStrDeserializer::new(&self.key.name)).at(self.key.place)?;
        Ok((variant, self.node))
    }
}

impl<'de> VariantAccess<'de> for &'de Node {
    type Error = Unusable;

    fn unit_variant(self) -> Result<(), Unusable> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Unusable> {
        seed.deserialize(self).at(self.place)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _length: usize, visitor: V) -> Result<V::Value, Unusable> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusable> {
        self.deserialize_struct("", fields, visitor)
    }
}
