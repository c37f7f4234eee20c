//! The API server as the gate's neighbour: what the gate reads there, and the little that it writes.

mod lease;
mod objects;
mod raw;
mod resources;

pub use lease::{Leadership, Term, stand};
pub use objects::{Id, Objects, connect_as};
pub use raw::Raw;
pub use resources::{Resource, Resources};

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
        let config = Config::infer().await.map_err(|error| Error::Config(error.to_string()))?;
        Ok(Self {
            client: Client::try_from(config)?,
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
        })
    }
}

/// Whether the API server has no such object, or does not serve the resource.
pub(crate) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether somebody else was there first: the object exists already, or is not the one that was read.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
