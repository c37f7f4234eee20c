//! The API server as the gate's neighbour: what the gate reads there, and the little that it writes.

pub mod certificate;
pub mod definitions;
mod failure;
mod lease;
mod raw;
mod resources;
mod surroundings;
mod watch;

pub use lease::{Leadership, Term, stand};
pub use raw::{Bare, Raw, Told};
pub use resources::{Resource, Resources};
pub use surroundings::{Feed, Standing, Surroundings, Wiring};
pub use watch::{News, follow};

use kube::{Client, Config};

/// Whom we call ourselves towards the API server: field manager, reporting controller, user agent.
pub const NAME: &str = "soc2gate";

/// A connection to the API server, and who the gate is there.
#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    /// The namespace that the gate itself lives in, with its Secret, its Lease and its notes.
    pub namespace: String,
    /// This replica among the others: the name of its pod.
    pub identity: String,
}

/// Why there is no talking to the API server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "no cluster to connect to: {0}. Set KUBECONFIG, or run in a pod whose service account token is mounted"
    )]
    Config(String),
    #[error("the API server cannot be asked: {0}")]
    Api(#[from] kube::Error),
}

impl Cluster {
    /// Connects as the environment says: `KUBECONFIG`, the user's kubeconfig, or the pod's service account.
    ///
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// When neither is there, or what is there cannot be used.
    pub async fn connect(namespace: &str, identity: &str) -> Result<Self, Error> {
        let mut config = Config::infer().await.map_err(|error| Error::Config(error.to_string()))?;
        // Whoever asks tries again by itself, and knows sooner that the API server is away.
        config.default_retry = false;
        Ok(Self {
            client: Client::try_from(config)?,
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
        })
    }
}
