//! What the keeper asks of the API server, each within a time limit.

use std::{future::Future, time::Duration};

use futures::{Stream, StreamExt, stream::select};
use hyper::{Request, header::CONTENT_TYPE};
use k8s_openapi::api::{admissionregistration::v1::ValidatingWebhookConfiguration, core::v1::Secret};
use kube::{
    Api, Client,
    api::PostParams,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt,
        watcher::{Config, watcher},
    },
};
use serde_json::Value;

use super::Wanted;
use crate::cluster::{
    Cluster, NAME,
    failure::{is_absent, reason},
};

/// Longer than the API server takes to say that it is overloaded.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the API server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the API server does not do it: {}", reason(.0))]
    Refused(#[from] kube::Error),
    #[error("the API server did not answer within {} s", PATIENCE.as_secs())]
    Silent,
}

impl Trouble {
    /// Whether it answered with one of these codes.
    pub(super) fn is_any_of(&self, codes: &[u16]) -> bool {
        matches!(self, Self::Refused(kube::Error::Api(status)) if codes.contains(&status.code))
    }
}

/// The two objects that the certificate hangs on.
pub(super) struct Exchange {
    client: Client,
    namespace: String,
    secrets: Api<Secret>,
    registrations: Api<ValidatingWebhookConfiguration>,
    secret: Option<String>,
    registration: String,
}

impl Exchange {
    pub(super) fn new(cluster: &Cluster, wanted: &Wanted) -> Self {
        Self {
            client: cluster.client.clone(),
            namespace: cluster.namespace.clone(),
            secrets: Api::namespaced(cluster.client.clone(), &cluster.namespace),
            registrations: Api::all(cluster.client.clone()),
            secret: wanted.secret.as_ref().map(|secret| secret.name.clone()),
            registration: wanted.registration.clone(),
        }
    }

    /// The Secret, if one is kept and it is there.
    pub(super) async fn secret(&self) -> Result<Option<Secret>, Trouble> {
        match &self.secret {
            Some(name) => present(in_time(self.secrets.get(name)).await),
            None => Ok(None),
        }
    }

    pub(super) async fn registration(&self) -> Result<Option<ValidatingWebhookConfiguration>, Trouble> {
        present(in_time(self.registrations.get(&self.registration)).await)
    }

    /// Creates the Secret, or replaces the one that was read, unless somebody else did so since.
    pub(super) async fn write(&self, secret: &Secret) -> Result<(), Trouble> {
        let name = self.secret.as_deref().unwrap_or_default();
        let how = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
        if secret.metadata.resource_version.is_some() {
            in_time(self.secrets.replace(name, &how, secret)).await?;
        } else {
            in_time(self.secrets.create(&how, secret)).await?;
        }
        Ok(())
    }

    /// Applies a JSON patch to the registration.
    pub(super) async fn patch(&self, patch: &Value) -> Result<ValidatingWebhookConfiguration, Trouble> {
        let url = format!("{}/{}?fieldManager={NAME}", self.registrations.resource_url(), self.registration);
        let request = Request::patch(url).header(CONTENT_TYPE, "application/json-patch+json");
        let request = request.body(patch.to_string().into_bytes());
        let request = request.map_err(kube::Error::HttpError)?;
        in_time(self.client.request(request)).await
    }

    /// Something for every change of either, false when changes are missed. It is a hint only: whoever gets it reads
    /// for himself.
    pub(super) fn changes(&self) -> impl Stream<Item = bool> + Send + use<> {
        let only = |name: &str| Config::default().fields(&format!("metadata.name={name}"));
        let registrations =
            Api::<PartialObjectMeta<ValidatingWebhookConfiguration>>::all(self.client.clone());
        let registration = watcher(registrations, only(&self.registration));
        let secrets = Api::<PartialObjectMeta<Secret>>::namespaced(self.client.clone(), &self.namespace);
        let secret = self.secret.as_deref().map(|name| watcher(secrets, only(name)));
        let secret = futures::stream::iter(secret).flatten();
        let registration = registration.default_backoff().map(|change| change.is_ok());
        let secret = secret.default_backoff().map(|change| change.is_ok());
        select(registration, secret)
    }
}

async fn in_time<T>(answer: impl Future<Output = kube::Result<T>>) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Trouble::Silent),
    }
}

fn present<T>(read: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match read {
        Ok(object) => Ok(Some(object)),
        Err(Trouble::Refused(error)) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
