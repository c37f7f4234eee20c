//! A place where images and what is attested of them can be asked for; never asked while a request waits.

use std::time::Duration;

use futures::future::BoxFuture;

use super::Documents;
use crate::object::{Digest, ImageReference};

/// Asks registries.
pub trait Registry: Send + Sync {
    /// The digest that the tag of `image` names now; the tag is `latest` where it has none.
    fn resolve<'a>(&'a self, image: &'a ImageReference) -> BoxFuture<'a, Result<Digest, Failure>>;

    /// Everything that is attached to `digest` in the repository of `image`, within bounds of time and memory.
    fn documents<'a>(
        &'a self,
        image: &'a ImageReference,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Documents, Failure>>;
}

/// Why a registry gave no answer; worded for whoever must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// There is no such image.
    #[error("{0}")]
    Absent(String),
    /// The registry wants other credentials.
    #[error("{0}")]
    Unauthorized(String),
    /// It asks to be left alone for a while.
    #[error("the registry limits how often it may be asked")]
    TooMany { retry_after: Option<Duration> },
    /// Nothing may be asked there: an address, a redirect or a host that is not allowed.
    #[error("{0}")]
    Forbidden(String),
    /// It cannot be reached, is too slow, or is in trouble.
    #[error("{0}")]
    Unavailable(String),
    /// It answered with something that cannot be used: not JSON, another digest, too large.
    #[error("{0}")]
    Unusable(String),
}
