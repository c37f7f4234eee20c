//! What registries answered about images, as far as they were asked: the read side for the checks.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::Attested;
use crate::object::{Digest, ImagePrefix, ImageReference};

/// What is known from registries. Immutable; whoever asks them makes a new one with every answer.
#[derive(Clone, Debug, Default)]
pub struct RegistryEvidence {
    /// The parts of registries that are asked. Of everything else nothing will ever be known from here.
    pub covered: Arc<[ImagePrefix]>,
    /// By digest, then by `registry/repository`: signatures of one repository are not those of another.
    pub images: HashMap<Digest, Vec<(Arc<str>, Asked)>>,
    /// By `registry/repository:tag`.
    pub tags: HashMap<Arc<str>, Tagged>,
}

/// How far the asking has come for one image.
#[derive(Clone, Debug)]
pub enum Asked {
    /// It is being fetched for the first time.
    Pending {
        since: Timestamp,
    },
    /// It could not be fetched, and nothing fetched earlier is young enough to count.
    Failed {
        reason: Arc<str>,
        since: Timestamp,
        retry_at: Timestamp,
    },
    Answered(Arc<Attested>),
}

/// What a tag named when the registry was asked last.
#[derive(Clone, Debug)]
pub enum Tagged {
    Pending { since: Timestamp },
    Failed { reason: Arc<str>, since: Timestamp, retry_at: Timestamp },
    Resolved { digest: Digest, asked_at: Timestamp },
}

/// The state of an image, to be told apart by the checks.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'e> {
    /// Nobody asks its registry.
    NotCovered,
    /// Being fetched, or about to be: the next look may know. With the moment it was first asked for, if it was.
    Pending {
        since: Option<Timestamp>,
    },
    /// The registry could not be asked.
    Failed {
        reason: &'e str,
        since: Timestamp,
        retry_at: Timestamp,
    },
    Known(&'e Attested),
}

impl RegistryEvidence {
    /// Whether the registry of this image is asked.
    pub fn covers(&self, image: &ImageReference) -> bool {
        self.covered.iter().any(|prefix| prefix.covers(image))
    }

    /// What is known of `digest` in the repository of `image`.
    pub fn about(&self, image: &ImageReference, digest: &Digest) -> Answer<'_> {
        if !self.covers(image) {
            return Answer::NotCovered;
        }
        let here =
            self.images.get(digest).and_then(|all| all.iter().find(|(known, _)| image.is_named(known)));
        match here.map(|(_, asked)| asked) {
            None => Answer::Pending { since: None },
            Some(Asked::Pending { since }) => Answer::Pending { since: Some(*since) },
            Some(Asked::Failed { reason, since, retry_at }) => {
                Answer::Failed { reason, since: *since, retry_at: *retry_at }
            }
            Some(Asked::Answered(attested)) => Answer::Known(attested),
        }
    }

    /// What the tag of `image` names; nothing if it has none or its registry is not asked.
    pub fn tagged(&self, image: &ImageReference) -> Option<&Tagged> {
        let tag = image.effective_tag().filter(|_| self.covers(image))?;
        self.tags.get(&*format!("{}:{tag}", image.name()))
    }
}
