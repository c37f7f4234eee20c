//! Image references, parsed once by the distribution grammar so that nobody compares strings.

use std::fmt;

/// A normalised image reference: `nginx` is `docker.io/library/nginx:latest`.
///
/// Grammar: `github.com/distribution/reference`. Hosts are lower-cased, `index.docker.io` is `docker.io`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageReference {
    /// Host with port, `registry.example.com:5000`.
    pub registry: String,
    pub repository: String,
    /// The tag as written; absent when none was.
    pub tag: Option<String>,
    /// The content digest; it wins over the tag.
    pub digest: Option<Digest>,
}

/// A content digest of a registered algorithm and the right length, `sha256:...`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(String);

/// Why a reference does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    #[error("it is empty")]
    Empty,
    #[error("the registry host is malformed")]
    Host,
    #[error("the repository has a character or a part that no registry accepts")]
    Repository,
    #[error("the repository is longer than 255 characters")]
    TooLong,
    #[error("the tag is malformed")]
    Tag,
    #[error("the digest is not of a registered algorithm or has the wrong length")]
    Digest,
}

impl Digest {
    /// Parses `algorithm:hex`; sha256, sha384 and sha512 are registered by the OCI image specification.
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => return None,
        };
        let right = hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        right.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ImageReference {
    /// Parses a reference as a manifest writes it.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        if text.is_empty() {
            return Err(ImageReferenceError::Empty);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok_or(ImageReferenceError::Digest)?)),
            None => (text, None),
        };
        let (host, path) = split_host(rest);
        // A colon after the last slash begins the tag; one before it belongs to a host's port.
        let (path, tag) = match path.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ImageReferenceError::Tag);
        }
        let registry = match host {
            Some(host) => normalise_host(host).ok_or(ImageReferenceError::Host)?,
            None => "docker.io".to_owned(),
        };
        if !path.split('/').all(is_path_component) {
            return Err(ImageReferenceError::Repository);
        }
        let official = registry == "docker.io" && !path.contains('/');
        let repository = if official { format!("library/{path}") } else { path.to_owned() };
        if registry.len() + 1 + repository.len() > 255 {
            return Err(ImageReferenceError::TooLong);
        }
        Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest })
    }

    /// `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The tag that a pull would use; none when a digest decides.
    pub fn effective_tag(&self) -> Option<&str> {
        if self.digest.is_some() { None } else { Some(self.tag.as_deref().unwrap_or("latest")) }
    }

    /// Whether `host[:port][/path]` covers this image. Matches on `/` boundaries only: `registry/team` does not
    /// cover `registry/teamX`, and `docker.io` does not cover `docker.io.evil.com`.
    pub fn is_under(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        let (host, path) = prefix.split_once('/').map_or((prefix, None), |(host, path)| (host, Some(path)));
        let Some(host) = normalise_host(host) else { return false };
        if host != self.registry {
            return false;
        }
        let Some(path) = path else { return true };
        self.repository.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether the registry is addressed by number instead of by name.
    pub fn registry_is_ip(&self) -> bool {
        if self.registry.starts_with('[') {
            return true;
        }
        let host = self.registry.split_once(':').map_or(&*self.registry, |(host, _)| host);
        host.parse::<std::net::Ipv4Addr>().is_ok()
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// The first component is a host only when it could not be a path: it holds `.` or `:`, has an upper-case letter,
/// or is `localhost`.
fn split_host(text: &str) -> (Option<&str>, &str) {
    match text.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (Some(first), rest)
        }
        _ => (None, text),
    }
}

fn normalise_host(host: &str) -> Option<String> {
    let lower = host.to_ascii_lowercase();
    let name = match lower.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let port_fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
            return (address.parse::<std::net::Ipv6Addr>().is_ok() && port_fits).then_some(lower);
        }
        None => match lower.split_once(':') {
            Some((_, port)) if !is_port(port) => return None,
            Some((name, _)) => name,
            None => &*lower,
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !name.split('.').all(label) {
        return None;
    }
    Some(if lower == "index.docker.io" { "docker.io".to_owned() } else { lower })
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Lower-case alphanumerics joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let bytes = component.as_bytes();
    let alphanumeric = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if !alphanumeric(bytes.first()) || !alphanumeric(bytes.last()) {
        return false;
    }
    let mut separator = Vec::new();
    for &byte in bytes {
        match byte {
            b'.' | b'_' | b'-' => separator.push(byte),
            b'a'..=b'z' | b'0'..=b'9' => {
                let joins = matches!(&*separator, [] | [b'.'] | [b'_'] | [b'_', b'_'])
                    || separator.iter().all(|&b| b == b'-');
                if !joins {
                    return false;
                }
                separator.clear();
            }
            _ => return false,
        }
    }
    true
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        ImageReference::parse(text).unwrap().to_string()
    }

    fn digest() -> String {
        format!("sha256:{}", "0123456789abcdef".repeat(4))
    }

    #[test]
    fn short_names_mean_docker_hub() {
        assert_eq!(parsed("nginx"), "docker.io/library/nginx");
        assert_eq!(parsed("bitnami/redis:7"), "docker.io/bitnami/redis:7");
        assert_eq!(parsed("docker.io/nginx"), "docker.io/library/nginx");
        assert_eq!(parsed("index.docker.io/library/nginx"), "docker.io/library/nginx");
        assert_eq!(ImageReference::parse("nginx").unwrap().effective_tag(), Some("latest"));
    }

    #[test]
    fn hosts_are_told_from_paths_and_lower_cased() {
        assert_eq!(parsed("REGISTRY.Example.com:5000/a/b"), "registry.example.com:5000/a/b");
        assert_eq!(parsed("localhost/app"), "localhost/app");
        assert_eq!(parsed("team/app"), "docker.io/team/app");
        assert_eq!(parsed("[::1]:5000/app"), "[::1]:5000/app");
    }

    #[test]
    fn a_digest_wins_over_a_tag() {
        let image = ImageReference::parse(&format!("r.io/app:latest@{}", digest())).unwrap();
        assert_eq!(image.effective_tag(), None);
        assert_eq!(image.digest.unwrap().as_str(), digest());
    }

    #[test]
    fn prefixes_end_at_a_slash() {
        let image = |text: &str| ImageReference::parse(text).unwrap();
        assert!(image("registry.io/team/app").is_under("registry.io/team"));
        assert!(image("registry.io/team/app").is_under("registry.io/team/"));
        assert!(!image("registry.io/teamX/app".to_lowercase().as_str()).is_under("registry.io/team"));
        assert!(!image("docker.io.evil.com/app").is_under("docker.io"));
        assert!(image("nginx").is_under("index.docker.io/library"));
        assert!(!image("registry.io:5000/app").is_under("registry.io"));
    }

    #[test]
    fn refuses_what_no_registry_accepts() {
        for text in [
            "",
            "UPPER/case/Path",
            "a//b",
            "-a/b",
            "a/b-",
            "a/b:",
            "a/b:-x",
            "a/b@sha256:12",
            "a/b@md5:00",
            "a b",
            "http://r.io/a",
            "r.io:port/a",
            "a/$(IMAGE)",
            "..",
            "r.io/../a",
        ] {
            assert!(ImageReference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn knows_a_registry_that_is_an_address() {
        assert!(ImageReference::parse("10.0.0.1:5000/app").unwrap().registry_is_ip());
        assert!(ImageReference::parse("[::1]:5000/app").unwrap().registry_is_ip());
        assert!(!ImageReference::parse("10.example.com/app").unwrap().registry_is_ip());
    }
}
