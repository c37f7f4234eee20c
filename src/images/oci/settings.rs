//! The registries file: which registry is reached how, with which credentials, how often.

use std::{collections::HashSet, path::PathBuf};

use serde::Deserialize;

use crate::{
    manifest::{self, Document, Unusable},
    object::ImageReference,
};

/// What the registries file says. Without a file every registry is asked over HTTPS at public addresses only,
/// trusted by the system's roots, without credentials.
///
/// ```yaml
/// registries:
/// - host: registry.example.com:5000     # exactly as images name it, with the port
///   privateAddresses: true              # it may have a private, loopback or link-local address (default: refused)
///   plainHttp: false                    # no TLS; only together with privateAddresses
///   ca: /etc/registry/ca.pem            # trusted beside the system's roots
///   credentials: /etc/pull/config.json  # a .dockerconfigjson, for this host instead of the file below
///   tokenHost: gitlab.example.com       # may be sent the credentials, if tokens come from another host
///   requestsPerSecond: 10
///   concurrent: 4
/// credentials: /etc/pull/config.json    # for every other host; the longest matching key wins, as for kubelet
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    pub registries: Vec<RegistrySettings>,
    pub credentials: Option<PathBuf>,
}

/// How one registry is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RegistrySettings {
    pub host: String,
    #[serde(default)]
    pub plain_http: bool,
    #[serde(default)]
    pub private_addresses: bool,
    #[serde(default)]
    pub ca: Option<PathBuf>,
    #[serde(default)]
    pub credentials: Option<PathBuf>,
    #[serde(default)]
    pub token_host: Option<String>,
    #[serde(default = "requests_per_second")]
    pub requests_per_second: u32,
    #[serde(default = "concurrent")]
    pub concurrent: u32,
}

const fn requests_per_second() -> u32 {
    10
}

const fn concurrent() -> u32 {
    4
}

impl RegistrySettings {
    /// What goes for a host that the file does not name.
    pub fn of(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            plain_http: false,
            private_addresses: false,
            ca: None,
            credentials: None,
            token_host: None,
            requests_per_second: requests_per_second(),
            concurrent: concurrent(),
        }
    }
}

impl Settings {
    /// Reads the text of a registries file; `file` is its name in refusals.
    ///
    /// # Errors
    /// The first place that cannot be used.
    pub fn parse(file: &str, text: &str) -> Result<Self, Unusable> {
        let documents = manifest::parse(file, text)?;
        let document = match &*documents {
            [] => return Ok(Self::default()),
            [document] => document,
            [_, second, ..] => {
                let message = "a registries file is one document: put all registries into one list";
                return Err(second.unusable(second.root.place, message));
            }
        };
        let mut settings: Self = document.decode()?;
        let mut seen = HashSet::new();
        for (at, registry) in settings.registries.iter_mut().enumerate() {
            registry.host = registry.host.to_ascii_lowercase();
            registry.check(document, at)?;
            if !seen.insert(registry.host.clone()) {
                let message = format!("`{}` is listed twice: keep one of the two", registry.host);
                return Err(document.unusable(document.place(&format!("registries[{at}].host")), message));
            }
        }
        Ok(settings)
    }
}

impl RegistrySettings {
    fn check(&self, document: &Document, at: usize) -> Result<(), Unusable> {
        let refuse = |field: &str, message: String| {
            Err(document.unusable(document.place(&format!("registries[{at}].{field}")), message))
        };
        if ImageReference::parse(&format!("{}/image", self.host)).is_ok_and(|of| of.registry == self.host) {
            // It is the spelling that references are normalised to.
        } else {
            let message = format!(
                "`{}` is no registry host: write host or host:port as images name it, without scheme and path; \
                 Docker Hub is docker.io",
                self.host
            );
            return refuse("host", message);
        }
        if self.plain_http && !self.private_addresses {
            let message = "plainHttp is for registries at private addresses: set privateAddresses as well, or \
                           leave it out";
            return refuse("plainHttp", message.to_owned());
        }
        if self.requests_per_second == 0 {
            return refuse("requestsPerSecond", "it must be at least 1".to_owned());
        }
        if self.concurrent == 0 {
            return refuse("concurrent", "it must be at least 1".to_owned());
        }
        Ok(())
    }
}
