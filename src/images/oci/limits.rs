//! How much time and memory a registry may cost; whatever it answers, it costs no more.

use std::time::Duration;

/// Bounds of one question to a registry.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To resolve a name, connect and shake hands.
    pub connect: Duration,
    /// For one HTTP request and the body of its answer.
    pub request: Duration,
    /// For all requests about one image together. Waiting for one's turn does not count.
    pub whole: Duration,
    /// The largest manifest, index or list of referrers, in bytes.
    pub manifest: usize,
    /// The largest document, in bytes.
    pub blob: usize,
    /// All answers about one image together, in bytes.
    pub total: usize,
    /// Attached manifests that are read of one image.
    pub attached: usize,
    /// Documents that are read of one image.
    pub documents: usize,
    /// Pages of a list of referrers.
    pub pages: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(10),
            whole: Duration::from_secs(30),
            manifest: 4 << 20,
            blob: 8 << 20,
            total: 32 << 20,
            attached: 100,
            documents: 200,
            pages: 20,
        }
    }
}

/// What is left of the bounds while one image is asked about.
pub(super) struct Budget {
    pub(super) time: Duration,
    pub(super) bytes: usize,
}

impl Budget {
    pub(super) fn of(limits: &Limits) -> Self {
        Self { time: limits.whole, bytes: limits.total }
    }
}
