//! What feeds of threat intelligence say: flaws that are known to be exploited, images that are known to be hostile.

use std::collections::HashSet;

use crate::object::{Digest, ImagePrefix, ImageReference};

/// Images that are known to be hostile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malicious {
    /// Of a manifest or of an index.
    pub digests: HashSet<Digest>,
    /// Everything under these.
    pub repositories: Vec<ImagePrefix>,
}

impl Malicious {
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.repositories.is_empty()
    }

    /// Whether everything in the repository of this image is.
    pub fn covers(&self, image: &ImageReference) -> bool {
        self.repositories.iter().any(|prefix| prefix.covers(image))
    }
}
