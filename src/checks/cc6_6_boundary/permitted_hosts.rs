//! Hosts that a policy permits by name.

use crate::{check::Params, manifest::Unusable};

/// Names, in lower case; `*.example.com` is every host below `example.com`.
#[derive(Debug)]
pub(super) struct PermittedHosts(Vec<String>);

impl PermittedHosts {
    /// Reads the parameter `allow`.
    ///
    /// # Errors
    /// An entry that is no host.
    pub(super) fn read(params: &Params<'_>, allow: &[String]) -> Result<Self, Unusable> {
        let sound = |host: &&String| {
            let name = host.strip_prefix("*.").unwrap_or(host);
            name == "*"
                || !name.is_empty() && !name.contains(|c: char| c == '*' || c == '/' || c.is_whitespace())
        };
        match allow.iter().find(|host| !sound(host)) {
            Some(host) => Err(params.refuse(format!(
                "`{host}` in `allow` is no host: write it as `shop.example.com` or `*.example.com`"
            ))),
            None => Ok(Self(allow.iter().map(|host| host.to_ascii_lowercase()).collect())),
        }
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
