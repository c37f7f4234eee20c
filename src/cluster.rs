//! The API server as the gate's neighbour: what the gate reads there, and the little that it writes.

pub mod certificate;
pub mod definitions;
mod expiry;
mod failure;
mod image_scans;
mod lease;
mod notice;
mod objects;
mod observed;
mod pages;
mod raw;
pub mod reports;
mod resources;
mod surroundings;
mod watch;

pub use expiry::Expiry;
pub use image_scans::{ImageScans, NotWritten};
pub use lease::{Leadership, Term, stand};
pub use notice::{Notice, Notices, Writing};
pub use objects::{Id, Objects, connect_as};
pub use observed::{Collecting, Observer, Record, Store, StoreError, Unreadable, Watched, today};
pub use pages::{Gap, Pages};
pub use raw::{Bare, Raw, Told};
pub use resources::{Resource, Resources};
pub use surroundings::{Feed, Standing, Surroundings, Wiring};
pub use watch::{News, follow};

use std::time::Duration;

pub(crate) use failure::reason;
use failure::{is_absent, is_conflict};
use kube::{Client, Config, config::KubeConfigOptions};

/// Whom we call ourselves towards the API server: field manager, reporting controller, user agent.
pub const NAME: &str = "soc2gate";

/// An API server that takes longer than this for a simple question is as good as away.
const ANSWERS_IN: Duration = Duration::from_secs(5);

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
    #[error("the API server does not answer")]
    Silent,
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

impl Cluster {
    /// The API server's version, major and minor: `1.36`.
    ///
    /// # Errors
    /// When it does not say in time.
    pub async fn version(&self) -> Result<String, Error> {
        let asked = self.client.apiserver_version();
        let info = tokio::time::timeout(ANSWERS_IN, asked).await.map_err(|_| Error::Silent)??;
        // Some providers write `36+`.
        Ok(format!("{}.{}", info.major, info.minor.trim_end_matches('+')))
    }
}

/// A client by the context of the kubeconfig that is named, or as the environment says. Nothing is sent yet.
///
/// # Errors
/// When there is no such context, or nothing to go by.
pub async fn client(context: Option<&str>) -> Result<Client, Error> {
    let mut config = match context {
        None => Config::infer().await.map_err(|error| Error::Config(error.to_string()))?,
        Some(name) => {
            let options =
                KubeConfigOptions { context: Some(name.to_owned()), ..KubeConfigOptions::default() };
            let config = Config::from_kubeconfig(&options).await;
            config.map_err(|error| Error::Context { name: name.to_owned(), reason: error.to_string() })?
        }
    };
    // Whoever asks tries again by itself, and knows sooner that the API server is away.
    config.default_retry = false;
    Ok(Client::try_from(config)?)
}
