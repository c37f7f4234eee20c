//! The entries of the live webhook configuration that call this gate, and the CAs that each of them trusts.

use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::Uri;
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{ValidatingWebhook, ValidatingWebhookConfiguration};
use serde_json::{Value, json};

use super::Service;
use crate::certificates::{Bundle, validate};

/// Annotations by which cert-manager's cainjector is told to keep `caBundle`; nobody else may write it then.
const INJECTED: [&str; 3] = [
    "cert-manager.io/inject-ca-from",
    "cert-manager.io/inject-ca-from-secret",
    "cert-manager.io/inject-apiserver-ca",
];
/// What the names of our entries end in.
const OURS: &str = ".soc2gate.io";

/// What the API server is told to call, as far as it is this gate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registration {
    resource_version: String,
    pub entries: Vec<Entry>,
    /// The annotation by which somebody else keeps `caBundle`.
    pub injected: Option<&'static str>,
}

/// One entry that calls this gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub name: String,
    /// Where it stands among all entries.
    index: usize,
    /// The name or address that the API server expects in the certificate.
    pub host: String,
    is_url: bool,
    pub trusted: Bundle,
    /// `caBundle` as it is: PEM, or nothing.
    text: Vec<u8>,
}

/// Why an entry does not accept a chain.
pub(super) struct Refusal {
    pub words: String,
    /// Not so when what the API server trusts cannot be seen from here.
    pub is_certain: bool,
}

impl Registration {
    pub(super) fn read(configuration: &ValidatingWebhookConfiguration, service: &Service) -> Self {
        let annotations = configuration.metadata.annotations.as_ref();
        let injected = |name: &&str| annotations.is_some_and(|annotations| annotations.contains_key(*name));
        let webhooks = configuration.webhooks.iter().flatten().enumerate();
        Self {
            resource_version: configuration.metadata.resource_version.clone().unwrap_or_default(),
            entries: webhooks.filter_map(|(index, webhook)| Entry::read(index, webhook, service)).collect(),
            injected: INJECTED.into_iter().find(injected),
        }
    }

    /// The JSON patch (RFC 6902) after which every entry of ours trusts `bundle` and nothing else is changed; none when
    /// that is so. It fails if the configuration is not the one that was read.
    pub(super) fn patch(&self, bundle: &Bundle) -> Option<Value> {
        let wrong = self.entries.iter().filter(|entry| !entry.trusted.trusts_the_same(bundle));
        let text = BASE64_STANDARD.encode(bundle.pem());
        let mut patch: Vec<_> = wrong
            .map(|entry| {
                let path = format!("/webhooks/{}/clientConfig/caBundle", entry.index);
                // Adding what is there replaces it.
                json!({"op": "add", "path": path, "value": text})
            })
            .collect();
        if patch.is_empty() || self.injected.is_some() {
            return None;
        }
        let unchanged =
            json!({"op": "test", "path": "/metadata/resourceVersion", "value": self.resource_version});
        patch.insert(0, unchanged);
        Some(Value::Array(patch))
    }

    /// Every CA that an entry trusts.
    pub(super) fn trusted(&self) -> Bundle {
        let all = self.entries.iter().flat_map(|entry| entry.trusted.iter().cloned());
        Bundle::default().joined_by(all)
    }

    /// Whether every entry accepts this chain.
    pub(super) fn accepts(&self, chain: &[u8], now: Timestamp) -> bool {
        self.entries.iter().all(|entry| validate(chain, &entry.trusted, &entry.host, now).is_ok())
    }

    /// Per entry that does not accept this chain why, in words for whoever must act.
    pub(super) fn refusals(&self, chain: &[u8], now: Timestamp) -> Vec<Refusal> {
        self.entries.iter().filter_map(|entry| entry.refusal(chain, now)).collect()
    }
}

impl Entry {
    fn read(index: usize, webhook: &ValidatingWebhook, service: &Service) -> Option<Self> {
        if !webhook.name.ends_with(OURS) {
            return None;
        }
        let client = &webhook.client_config;
        let (host, is_url) = match (&client.service, &client.url) {
            (Some(called), _) if called.name == service.name && called.namespace == service.namespace => {
                (service.host(), false)
            }
            (None, Some(url)) => (host(url)?, true),
            _ => return None,
        };
        let text = client.ca_bundle.as_ref().map(|bundle| bundle.0.clone()).unwrap_or_default();
        Some(Self { name: webhook.name.clone(), index, host, is_url, trusted: Bundle::read(&text), text })
    }

    fn refusal(&self, chain: &[u8], now: Timestamp) -> Option<Refusal> {
        if self.text.is_empty() {
            // Then the roots of the API server's machine count. They know no Service, but they may know a URL.
            return Some(Refusal {
                words: format!("{} has no caBundle", self.name),
                is_certain: !self.is_url,
            });
        }
        let refusal = validate(chain, &self.trusted, &self.host, now).err()?;
        Some(Refusal { words: format!("for {} the certificate {refusal}", self.name), is_certain: true })
    }
}

/// The host of a URL, an address of IPv6 without its brackets.
fn host(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    Some(host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

#[cfg(test)]
pub(super) mod tests;
