//! Label selectors with Kubernetes' semantics.

use serde::Deserialize;

use super::{
    owned::{Labels, Map, Word},
    text::List,
};

/// A label selector: all requirements hold; an empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    pub match_labels: Map<Word>,
    pub match_expressions: List<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct Requirement {
    pub key: Word,
    pub operator: Operator,
    pub values: List<Word>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
    /// Not one of the four; no API server takes it, and it selects nothing.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Selector {
    /// Whether labels, looked up by key, satisfy every requirement.
    pub fn selects<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.match_labels.iter().all(|(key, value)| label(key) == Some(&**value))
            && self.match_expressions.iter().all(|requirement| {
                let value = label(&requirement.key);
                let listed = value.is_some_and(|value| requirement.values.iter().any(|v| **v == *value));
                match requirement.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                    Operator::Unknown => false,
                }
            })
    }

    /// Whether it selects an object with these labels.
    pub fn selects_labels(&self, labels: &Labels) -> bool {
        self.selects(|key| labels.text(key))
    }

    /// Whether it has no requirement and so selects everything.
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }
}
