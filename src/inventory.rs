//! What else exists, as plain data: the surroundings in which a request is decided.

use std::collections::{BTreeMap, HashMap, HashSet};

pub mod image_evidence;

pub use image_evidence::ImageEvidence;

/// Everything outside the request that a decision may read. An immutable snapshot: whoever fills it swaps it whole.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Labels of each namespace; absent while nobody knows them.
    pub namespaces: Option<BTreeMap<String, Labels>>,
    /// Scans of images by digest.
    pub image_evidence: Source<ImageEvidence>,
    /// Per controller object, the identities of the violations that its own template has; absent without a cluster.
    pub owners: Option<HashMap<OwnerKey, HashSet<String>>>,
}

/// Labels of an object.
pub type Labels = BTreeMap<String, String>;

/// A controller object: namespace, kind, name.
pub type OwnerKey = (String, String, String);

/// A part of the inventory that comes from somewhere and may fail to.
#[derive(Clone, Debug, Default)]
pub enum Source<T> {
    /// Nobody configured it.
    #[default]
    NotConfigured,
    /// Configured, but what it holds cannot be relied on; with the reason.
    Unavailable(String),
    Ready(std::sync::Arc<T>),
}
