//! The API server as the gate's neighbour: what the gate reads there, and the little that it writes.

mod lease;
mod pages;
mod raw;
pub mod reports;
mod resources;

pub use lease::{Leadership, Term, stand};
pub use pages::{Gap, Pages};
pub use raw::Raw;
pub use resources::{Resource, Resources};

use kube::{Client, Config, config::KubeConfigOptions};

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
    #[error("--context: `{name}` of the kubeconfig cannot be used: {reason}")]
    Context { name: String, reason: String },
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
        Ok(Self {
            client: client(None).await?,
            namespace: namespace.to_owned(),
            identity: identity.to_owned(),
        })
    }
}

/// A client by the context of the kubeconfig that is named, or as the environment says. Nothing is sent yet.
///
/// # Errors
/// When there is no such context, or nothing to go by.
pub async fn client(context: Option<&str>) -> Result<Client, Error> {
    let config = match context {
        None => Config::infer().await.map_err(|error| Error::Config(error.to_string()))?,
        Some(name) => {
            let options =
                KubeConfigOptions { context: Some(name.to_owned()), ..KubeConfigOptions::default() };
            let config = Config::from_kubeconfig(&options).await;
            config.map_err(|error| Error::Context { name: name.to_owned(), reason: error.to_string() })?
        }
    };
    Ok(Client::try_from(config)?)
}

/// Whether the API server has no such object, or does not serve the resource.
pub(crate) fn is_absent(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether somebody else was there first: the object exists already, or is not the one that was read.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
