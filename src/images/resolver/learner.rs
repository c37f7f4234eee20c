//! The request path's side: notes which images are asked about, without waiting for anything.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use arc_swap::ArcSwap;
use prometheus::IntCounter;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::object::Object;

/// Tells the resolver of images. Cheap to clone; never waits, never locks.
#[derive(Clone)]
pub struct Learner {
    sender: Sender<Box<str>>,
    heard: Arc<ArcSwap<HashSet<u64>>>,
    hasher: RandomState,
    dropped: IntCounter,
}

/// The resolver's end.
pub(super) struct Learning {
    pub(super) receiver: Receiver<Box<str>>,
    heard: Arc<ArcSwap<HashSet<u64>>>,
    hasher: RandomState,
    /// What will be published next.
    new: HashSet<u64>,
}

/// Images told and not yet taken in. What does not fit is told again by the next review or scan.
const WAITING: usize = 4_096;

/// How many references are known to have been told; more are told again each time.
const MOST_HEARD: usize = 50_000;

pub(super) fn pair(dropped: IntCounter) -> (Learner, Learning) {
    let (sender, receiver) = channel(WAITING);
    let (heard, hasher) = (Arc::<ArcSwap<HashSet<u64>>>::default(), RandomState::new());
    let learning = Learning { receiver, heard: heard.clone(), hasher: hasher.clone(), new: HashSet::new() };
    (Learner { sender, heard, hasher, dropped }, learning)
}

impl Learner {
    /// Notes every image of an object.
    pub fn saw(&self, object: &Object<'_>) {
        for image in object.pod().iter().flat_map(|pod| pod.images()) {
            self.saw_reference(image.reference);
        }
    }

    /// Notes an image by its reference, as it was written.
    pub fn saw_reference(&self, reference: &str) {
        if reference.is_empty() || self.heard.load().contains(&self.hasher.hash_one(reference)) {
            return;
        }
        if self.sender.try_send(reference.into()).is_err() {
            self.dropped.inc();
        }
    }
}

impl Learning {
    /// This reference needs not be told again for now.
    pub(super) fn heard(&mut self, reference: &str) {
        if self.new.len() < MOST_HEARD {
            self.new.insert(self.hasher.hash_one(reference));
        }
    }

    /// Lets the request path know what was heard.
    pub(super) fn publish(&self) {
        self.heard.store(Arc::new(self.new.clone()));
    }

    /// Wants to hear everything again: what is still asked about shows itself.
    pub(super) fn listen_anew(&mut self) {
        self.new.clear();
        self.publish();
    }
}
