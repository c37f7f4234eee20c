//! What policies say about images that somebody must act on before a request comes: whose keys, which registries.

use std::{cell::RefCell, collections::BTreeMap, sync::Arc};

use crate::object::ImagePrefix;

/// What the checks of a policy set need from registries, gathered while their parameters are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageTrust {
    /// Public keys (SubjectPublicKeyInfo, DER) by their fingerprint, `sha256:...`.
    pub keys: BTreeMap<Arc<str>, Arc<[u8]>>,
    /// The parts of registries that images may come from; no other registry is ever asked anything.
    pub registries: Vec<ImagePrefix>,
}

/// Where parameters leave what they need.
pub type Gathering = RefCell<ImageTrust>;
