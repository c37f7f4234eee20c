//! Pull secrets: a `.dockerconfigjson`, matched as kubelet matches it and read again when it changes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;

use super::super::Failure;

/// Who we are to a registry.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Credential {
    Password {
        user: String,
        password: String,
    },
    /// A refresh token of OAuth 2.
    IdentityToken(String),
}

/// One file of credentials.
pub(super) struct Credentials {
    path: PathBuf,
    read: Mutex<Option<Read>>,
}

struct Read {
    state: State,
    entries: Arc<[Entry]>,
}

/// What shows that a file has changed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    length: u64,
}

/// The largest file that is read; a Secret is no larger.
const LARGEST: u64 = 1 << 20;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    username: String,
    password: String,
    auth: String,
    identitytoken: String,
}

struct Entry {
    hosts: Vec<String>,
    port: Option<String>,
    path: String,
    credential: Credential,
}

impl Credentials {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::new(None) }
    }

    /// What the file has for a repository; `registry` and `repository` as an image names them.
    ///
    /// # Errors
    /// The file cannot be read: asking without credentials instead would look like an image without signatures.
    pub(super) async fn find(&self, registry: &str, repository: &str) -> Result<Option<Credential>, Failure> {
        let entries = self.entries().await.map_err(|reason| {
            let path = self.path.display();
            Failure::Unauthorized(format!(
                "the credentials in {path} cannot be used for {registry}: {reason}"
            ))
        })?;
        let (hosts, port) = host(registry);
        let matching = entries.iter().filter(|entry| entry.covers(&hosts, port.as_deref(), repository));
        // The longest path wins; among equals a host in full wins over a pattern.
        let best = matching
            .max_by_key(|entry| (entry.path.len(), entry.hosts.iter().all(|part| !part.contains('*'))));
        Ok(best.map(|entry| entry.credential.clone()))
    }

    async fn entries(&self) -> Result<Arc<[Entry]>, String> {
        let about = tokio::fs::metadata(&self.path).await.map_err(|error| error.to_string())?;
        let state = State { modified: about.modified().ok(), length: about.len() };
        if let Some(read) = &*self.lock()
            && read.state == state
        {
            return Ok(read.entries.clone());
        }
        if about.len() > LARGEST {
            return Err("it is larger than 1 MiB".to_owned());
        }
        let bytes = tokio::fs::read(&self.path).await.map_err(|error| error.to_string())?;
        let entries: Arc<[Entry]> = parse(&bytes)?.into();
        *self.lock() = Some(Read { state, entries: entries.clone() });
        Ok(entries)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Read>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Entries without a login (credential helpers leave such) are left out.
fn parse(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    // The parser's own words would quote the text.
    let config: Config = serde_json::from_slice(bytes).map_err(|error| {
        format!("it is no .dockerconfigjson (line {}, column {})", error.line(), error.column())
    })?;
    let mut entries = Vec::new();
    for (key, login) in config.auths {
        let Some(credential) = credential(login).map_err(|reason| format!("the entry `{key}` {reason}"))?
        else {
            continue;
        };
        entries.push(Entry::of(&key, credential));
    }
    Ok(entries)
}

fn credential(login: Login) -> Result<Option<Credential>, &'static str> {
    if !login.identitytoken.is_empty() {
        return Ok(Some(Credential::IdentityToken(login.identitytoken)));
    }
    let (user, password) = if login.auth.is_empty() {
        (login.username, login.password)
    } else {
        let decoded = STANDARD.decode(login.auth.trim()).map_err(|_| "has an `auth` that is not base64")?;
        let text = String::from_utf8(decoded).map_err(|_| "has an `auth` that is not text")?;
        let (user, password) = text.split_once(':').ok_or("has an `auth` without a colon")?;
        (user.to_owned(), password.trim_end_matches('\0').to_owned())
    };
    if user.is_empty() && password.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credential::Password { user, password }))
}

impl Entry {
    /// A key is `[scheme://]host[:port][/path]`; `/v1/` and `/v2/` are of old clients and mean nothing.
    fn of(key: &str, credential: Credential) -> Self {
        let key = key.split_once("://").map_or(key, |(_, rest)| rest);
        let (name, path) = key.split_once('/').unwrap_or((key, ""));
        let path = ["v1", "v2"]
            .iter()
            .find_map(|version| {
                let rest = path.strip_prefix(version)?;
                if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
            })
            .unwrap_or(path);
        let (hosts, port) = host(name);
        Self { hosts, port, path: path.trim_matches('/').to_owned(), credential }
    }

    fn covers(&self, hosts: &[String], port: Option<&str>, repository: &str) -> bool {
        let below = |rest: &str| rest.is_empty() || rest.starts_with('/');
        self.port.as_deref() == port
            && self.hosts.len() == hosts.len()
            && self.hosts.iter().zip(hosts).all(|(pattern, part)| matches(pattern, part))
            && (self.path.is_empty() || repository.strip_prefix(&self.path).is_some_and(below))
    }
}

/// One label of a host; a star stands for any part of it.
fn matches(pattern: &str, label: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == label };
    let Some(rest) = label.strip_prefix(before) else { return false };
    // Every way to spend the star; labels have at most 63 characters.
    rest.char_indices()
        .map(|(at, _)| at)
        .chain([rest.len()])
        .any(|at| rest.get(at..).is_some_and(|rest| matches(after, rest)))
}

/// The labels of a host and its port. Docker Hub goes by several names.
fn host(text: &str) -> (Vec<String>, Option<String>) {
    let text = text.to_ascii_lowercase();
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name.to_owned(), Some(port.to_owned()))
        }
        _ => (text, None),
    };
    let name = match &*name {
        "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        _ => name,
    };
    (name.split('.').map(str::to_owned).collect(), port)
}

#[cfg(test)]
mod tests;
