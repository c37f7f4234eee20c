//! Asks OCI registries, read-only, and trusts none of them: not with time, memory, credentials or addresses.
//!
//! Connections go to public addresses over HTTPS unless the registries file says otherwise for a host. At most three
//! redirects are followed, none with credentials to another host. Everything is checked against its digest.

mod address;
mod challenge;
mod connect;
mod credentials;
mod gathering;
mod host;
mod limits;
mod pace;
mod settings;
mod token;
mod trust;
mod wire;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};
use hyper::Method;
use rustls::ClientConfig;

pub use limits::Limits;
pub use settings::{RegistrySettings, Settings};
pub use trust::client_config;

use super::{Documents, Failure, Registry};
use crate::{
    manifest::Unusable,
    object::{Digest, ImageReference},
};
use credentials::Credentials;
use host::{Host, Question};
use limits::Budget;

/// The registries that images come from, each with its own connections, tokens and pace.
pub struct OciRegistries {
    /// Those of the registries file.
    named: HashMap<String, Arc<Host>>,
    /// Those that only images named so far.
    met: Mutex<HashMap<String, Arc<Host>>>,
    tls: Arc<ClientConfig>,
    credentials: Option<Arc<Credentials>>,
    limits: Limits,
}

/// So many hosts are remembered; when there are more, those that no file names start anew.
const MOST_MET: usize = 256;

impl OciRegistries {
    /// Makes ready to ask; no registry is asked yet.
    ///
    /// # Errors
    /// A CA file that cannot be used.
    pub fn new(settings: Settings, limits: Limits) -> Result<Self, Unusable> {
        let credentials = settings.credentials.map(|path| Arc::new(Credentials::new(path)));
        let system = trust::system();
        let tls = trust::config(system.clone())?;
        let mut named = HashMap::new();
        for registry in &settings.registries {
            let tls = match &registry.ca {
                Some(path) => trust::config(trust::with(system.clone(), path)?)?,
                None => tls.clone(),
            };
            let own = registry.credentials.clone().map(|path| Arc::new(Credentials::new(path)));
            let host = Host::new(registry, tls, own.or_else(|| credentials.clone()), limits);
            named.insert(registry.host.clone(), Arc::new(host));
        }
        Ok(Self { named, met: Mutex::default(), tls, credentials, limits })
    }

    /// Makes ready to ask as a registries file says.
    ///
    /// # Errors
    /// The first place in the file that cannot be used, or a file that it names.
    pub fn read(path: &Path) -> Result<Self, Unusable> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| Unusable {
            file: file.clone(),
            line: 0,
            column: 0,
            message: error.to_string(),
        })?;
        Self::new(Settings::parse(&file, &text)?, Limits::default())
    }

    fn host(&self, registry: &str) -> Arc<Host> {
        if let Some(host) = self.named.get(registry) {
            return host.clone();
        }
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= MOST_MET && !met.contains_key(registry) {
            met.clear();
        }
        let new = || {
            let settings = RegistrySettings::of(registry);
            Arc::new(Host::new(&settings, self.tls.clone(), self.credentials.clone(), self.limits))
        };
        met.entry(registry.to_owned()).or_insert_with(new).clone()
    }

    /// By HEAD where the registry tells the digest: Docker Hub counts a GET as a pull.
    async fn find(&self, image: &ImageReference) -> Result<Digest, Failure> {
        let host = self.host(&image.registry);
        let tag = image.tag.as_deref().unwrap_or("latest");
        let mut budget = Budget::of(&self.limits);
        let mut question = Question::manifest(&image.repository, tag, self.limits.manifest);
        question.method = Method::HEAD;
        let answer = host.ask(&question, &mut budget).await?.found(&host, &question)?;
        if let Some(digest) = answer.header("docker-content-digest").and_then(Digest::parse) {
            return Ok(digest);
        }
        question.method = Method::GET;
        let answer = host.ask(&question, &mut budget).await?.found(&host, &question)?;
        wire::sha256(&answer.bytes).ok_or_else(|| Failure::Unusable(format!("{image} has no digest")))
    }
}

impl Registry for OciRegistries {
    fn resolve<'a>(&'a self, image: &'a ImageReference) -> BoxFuture<'a, Result<Digest, Failure>> {
        self.find(image).boxed()
    }

    fn documents<'a>(
        &'a self,
        image: &'a ImageReference,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Documents, Failure>> {
        async move { gathering::gather(&self.host(&image.registry), image, digest).await }.boxed()
    }
}
