//! What a document is made of: JSON's values, each with the place it was written at.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// A place in a text: line and column (in characters), both counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

impl Place {
    pub(super) const START: Self = Self { line: 1, column: 1 };

    /// Places beyond four billion do not occur below the size limit; they would saturate.
    pub(super) fn new(line: usize, column: usize) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { line: number(line), column: number(column) }
    }
}

/// A value and the place it begins at. A copy made by a YAML alias stands where the alias stands, the values
/// inside it where they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What was written.
    pub value: Value,
    /// Where.
    pub place: Place,
}

/// JSON's values. Numbers keep their kind, because Kubernetes tells integers from others.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~`, or nothing at all.
    Null,
    /// A truth value, in YAML also `yes`, `no`, `on`, `off`, `y` and `n`.
    Bool(bool),
    /// An integer of 64 bits with a sign.
    Int(i64),
    /// An integer that only fits without a sign.
    Unsigned(u64),
    /// Any other number; always finite.
    Float(f64),
    /// Text.
    String(String),
    /// A list.
    Seq(Vec<Node>),
    /// A map in the order of its text; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The key as JSON would spell it.
    pub name: String,
    /// Where it was written.
    pub place: Place,
}

impl Node {
    /// The value under a key, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        let Value::String(text) = &self.value else { return None };
        Some(text)
    }

    /// The entries, if this is a list.
    pub fn as_seq(&self) -> Option<&[Self]> {
        let Value::Seq(items) = &self.value else { return None };
        Some(items)
    }

    /// What a person would call this kind of value.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Int(_) | Value::Unsigned(_) | Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Unsigned(number) => serializer.serialize_u64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::String(text) => serializer.serialize_str(text),
            Value::Seq(items) => serializer.collect_seq(items),
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, node) in entries {
                    map.serialize_entry(&key.name, node)?;
                }
                map.end()
            }
        }
    }
}

/// Maps up to this size are searched entry by entry, which is faster than hashing them.
const SMALL: usize = 16;

/// The first key that repeats an earlier one: the earlier and the later.
pub(super) fn duplicate(entries: &[(Key, Node)]) -> Option<(&Key, &Key)> {
    let keys = || entries.iter().map(|(key, _)| key);
    if entries.len() <= SMALL {
        let earlier = |at: usize, name: &str| keys().take(at).find(|key| key.name == name);
        return keys().enumerate().find_map(|(at, key)| Some((earlier(at, &key.name)?, key)));
    }
    let mut seen = std::collections::HashMap::with_capacity(entries.len());
    keys().find_map(|key| Some((seen.insert(key.name.as_str(), key)?, key)))
}

/// The words for a duplicate key, the same for JSON and YAML.
pub(super) fn duplicate_message(name: &str, first: Place) -> String {
    let (name, Place { line, column }) = (name.escape_debug(), first);
    format!("key `{name}` was already given at {line}:{column}: keep one of the two")
}
