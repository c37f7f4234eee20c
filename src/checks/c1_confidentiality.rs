//! C1: confidential data is known and kept.

mod lowered_data_class;
mod unclassified_namespace;
mod unencrypted_storage_class;

use crate::{
    check::{Check, Params},
    manifest::Unusable,
    object::{Object, Place},
};

pub(super) const CHECKS: &[&Check] =
    &[&unclassified_namespace::CHECK, &lowered_data_class::CHECK, &unencrypted_storage_class::CHECK];

/// The label that says how confidential the data of a namespace is.
const KEY: &str = "soc2gate.io/data-class";

/// Its values, the least confidential first.
const CLASSES: [&str; 4] = ["public", "internal", "confidential", "restricted"];

/// The classes of data that a policy knows.
struct Classes {
    key: String,
    /// The least confidential first.
    ascending: Vec<String>,
}

impl Classes {
    fn read(params: &Params<'_>, key: String, ascending: Vec<String>) -> Result<Self, Unusable> {
        if key.trim().is_empty() {
            return Err(params.refuse("`key` is empty: name the label"));
        }
        if ascending.is_empty() || ascending.iter().any(String::is_empty) {
            return Err(params.refuse("`classes` needs names: list them, the least confidential first"));
        }
        let repeats = |(at, class): (usize, &String)| ascending.iter().take(at).any(|other| other == class);
        if ascending.iter().enumerate().any(repeats) {
            return Err(
                params.refuse("`classes` names one class twice: which is the higher could not be told")
            );
        }
        Ok(Self { key, ascending })
    }

    fn label<'o>(&self, namespace: &'o Object<'_>) -> Option<&'o str> {
        namespace.metadata.labels.get(&self.key)
    }

    /// How confidential a namespace is; none if it does not say, or says what is no class.
    fn rank(&self, namespace: &Object<'_>) -> Option<usize> {
        let label = self.label(namespace)?;
        self.ascending.iter().position(|class| class == label)
    }

    fn place(&self) -> Place {
        Place::of("metadata").entry("labels", &self.key)
    }
}
