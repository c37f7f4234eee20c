//! Image references, parsed once by the distribution grammar so that nobody compares strings.

mod digest;
mod host;
mod prefix;

use std::fmt;

pub use digest::Digest;
pub use prefix::ImagePrefix;

/// A normalised image reference: `nginx` is `docker.io/library/nginx:latest`.
///
/// Grammar: `github.com/distribution/reference` v0.6, which kubelet uses. Hosts are lower-cased, `index.docker.io` is
/// `docker.io`. Displaying and parsing it again gives the same reference.
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

/// Why a reference does not parse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    #[error("it is empty")]
    Empty,
    #[error("64 hexadecimal digits are an image id of one node, not a name")]
    ImageId,
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

/// In characters, without the host.
const LONGEST_REPOSITORY: usize = 255;

impl ImageReference {
    /// Parses a reference as a manifest writes it.
    ///
    /// # Errors
    /// The part that kubelet would refuse as well (`InvalidImageName`).
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        if text.is_empty() {
            return Err(ImageReferenceError::Empty);
        }
        if is_image_id(text) {
            return Err(ImageReferenceError::ImageId);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(Digest::parse(digest).ok_or(ImageReferenceError::Digest)?)),
            None => (text, None),
        };
        let (host, path) = host::split(rest);
        // A colon after the last slash begins the tag; one before it belongs to a host's port.
        let (path, tag) = match path.split_once(':') {
            Some((path, tag)) => (path, Some(tag)),
            None => (path, None),
        };
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(ImageReferenceError::Tag);
        }
        let registry = match host {
            Some(host) => host::normalise(host).ok_or(ImageReferenceError::Host)?,
            None => "docker.io".to_owned(),
        };
        if !path.split('/').all(is_path_component) {
            return Err(ImageReferenceError::Repository);
        }
        let official = registry == "docker.io" && !path.contains('/');
        let repository = if official { format!("library/{path}") } else { path.to_owned() };
        if repository.len() > LONGEST_REPOSITORY {
            return Err(ImageReferenceError::TooLong);
        }
        Ok(Self { registry, repository, tag: tag.map(str::to_owned), digest })
    }

    /// `registry/repository`, without tag and digest.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Whether this is its [name](Self::name).
    pub fn is_named(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&*self.registry).and_then(|rest| rest.strip_prefix('/'));
        rest == Some(&*self.repository)
    }

    /// The tag that a pull would use; none when a digest decides.
    pub fn effective_tag(&self) -> Option<&str> {
        if self.digest.is_some() { None } else { Some(self.tag.as_deref().unwrap_or("latest")) }
    }

    /// Whether `host[:port][/path]` covers this image; see [`ImagePrefix`]. A malformed prefix covers nothing.
    pub fn is_under(&self, prefix: &str) -> bool {
        ImagePrefix::parse(prefix).is_ok_and(|prefix| prefix.covers(self))
    }

    /// Whether the registry is addressed by number instead of by name.
    pub fn registry_is_ip(&self) -> bool {
        host::is_address(&self.registry)
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

/// A bare image id is refused: a runtime would take it for an image that its node happens to hold.
fn is_image_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Lower-case alphanumerics joined by `.`, `_`, `__` or any number of `-`.
fn is_path_component(component: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = component;
    loop {
        let after_word = rest.trim_start_matches(is_word);
        if after_word.len() == rest.len() {
            return false;
        }
        if after_word.is_empty() {
            return true;
        }
        let after_dashes = after_word.trim_start_matches('-');
        rest = if after_dashes.len() < after_word.len() {
            after_dashes
        } else {
            match ["__", "_", "."].into_iter().find_map(|joint| after_word.strip_prefix(joint)) {
                Some(rest) => rest,
                None => return false,
            }
        };
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= 128
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

#[cfg(test)]
mod tests;
