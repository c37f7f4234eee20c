//! The parameter `allow` of checks about hosts.

use serde::Deserialize;

use crate::{check::Params, manifest::Unusable};

/// Hosts that a policy permits, in lower case; `*.example.com` is every host below `example.com`.
#[derive(Debug)]
pub(super) struct PermittedHosts(Vec<String>);

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    allow: Vec<String>,
}

impl PermittedHosts {
    /// Reads it.
    ///
    /// # Errors
    /// An entry that is no host.
    pub(super) fn read(params: &Params<'_>) -> Result<Self, Unusable> {
        let Parameters { allow } = params.read()?;
        let sound = |host: &&String| {
            let name = host.strip_prefix("*.").unwrap_or(host);
            let is_odd = |c: char| c == '*' || c == '/' || c.is_whitespace();
            name == "*" || !name.is_empty() && !name.contains(is_odd)
        };
        match allow.iter().find(|host| !sound(host)) {
            Some(host) => Err(params.refuse(format!(
                "`{host}` in `allow` is no host: write it as `shop.example.com` or `*.example.com`"
            ))),
            None => Ok(Self(allow.iter().map(|host| host.to_ascii_lowercase()).collect())),
        }
    }

    /// Reads it where a host of any name would be every host.
    ///
    /// # Errors
    /// An entry that is no host, or all hosts.
    pub(super) fn read_named(params: &Params<'_>) -> Result<Self, Unusable> {
        let hosts = Self::read(params)?;
        if hosts.iter().any(|host| host == "*") {
            return Err(params.refuse("`*` in `allow` is every host: set the mode to off instead"));
        }
        Ok(hosts)
    }

    /// The entries.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether a host is one of them or lies below one.
    pub(super) fn permit(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.iter().any(|permitted| {
            let below = permitted.strip_prefix('*').filter(|suffix| !suffix.is_empty());
            permitted == host || below.is_some_and(|suffix| host.ends_with(suffix))
        })
    }
}
