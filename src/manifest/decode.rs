//! Decodes a document into a typed value (serde), with every misfit told at its place.

mod access;
mod misfit;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserializer, Error, Visitor};

use self::access::{Entries, Items, Variant};
use self::misfit::{At, Listed};
use super::node::{Node, Value};
use super::unusable::Unusable;

/// Integers below this size are exact in a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Node {
    /// The integer that a float stands for. Kubernetes' clients write 8080.0 as 8080 before the API server sees it,
    /// so `runAsUser: 0.0` is root.
    fn whole(&self) -> Option<i64> {
        let Value::Float(number) = self.value else { return None };
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits, so nothing is cut")]
        (number.fract() == 0.0 && number.abs() < EXACT).then_some(number as i64)
    }

    fn integer<'de, V: Visitor<'de>>(&'de self, visitor: V) -> Result<V::Value, Unusable> {
        match self.whole() {
            Some(number) => visitor.visit_i64(number).at(self.place),
            None => self.deserialize_any(visitor),
        }
    }
}

macro_rules! integers {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusable> {
            self.integer(visitor)
        })*
    };
}

/// Strings are borrowed from the node. Errors carry the place, and no file: [`super::Document::decode`] adds it.
impl<'de> Deserializer<'de> for &'de Node {
    type Error = Unusable;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusable> {
        let visited = match &self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(*truth),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Unsigned(number) => visitor.visit_u64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Seq(items) => Items::visit(items, visitor),
            Value::Map(entries) => visitor.visit_map(Entries::new(entries)),
        };
        visited.at(self.place)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusable> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
        .at(self.place)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusable> {
        visitor.visit_newtype_struct(self).at(self.place)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusable> {
        match &self.value {
            Value::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            Value::Map(entries) => match entries.as_slice() {
                [(key, node)] => visitor.visit_enum(Variant { key, node }),
                _ => Err(Unusable::custom(format_args!("expected one key of {}", Listed(variants)))),
            },
            _ => Err(Unusable::custom(format_args!(
                "expected one of {}, found {}",
                Listed(variants),
                self.kind()
            ))),
        }
        .at(self.place)
    }

    /// Only maps are structs: derived code would take a list for one, by position.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusable> {
        match self.value {
            Value::Seq(_) => Err(Unusable::custom("expected a map, found a list")).at(self.place),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unusable> {
        visitor.visit_unit()
    }

    integers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
    }

    serde::forward_to_deserialize_any! {
        bool f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier
    }
}
