//! A prefix of image references, as lists of allowed and refused images hold them.

use super::{ImageReference, ImageReferenceError, host, is_path_component};

/// `host[:port][/path]`: a registry, or a part of one. Covers on `/` boundaries only: `registry.io/team` does not
/// cover `registry.io/teamX`, and `docker.io` does not cover `docker.io.evil.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImagePrefix {
    host: String,
    path: Option<String>,
}

impl ImagePrefix {
    /// Parses a prefix. It needs its host: `team` could mean a registry or a part of Docker Hub.
    ///
    /// # Errors
    /// What of it no image could begin with; a tag or a digest among them.
    pub fn parse(text: &str) -> Result<Self, ImageReferenceError> {
        let text = text.strip_suffix('/').unwrap_or(text);
        if text.is_empty() {
            return Err(ImageReferenceError::Empty);
        }
        let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
        if !host::is_host(host) {
            return Err(ImageReferenceError::Host);
        }
        let host = host::normalise(host).ok_or(ImageReferenceError::Host)?;
        if path.is_some_and(|path| !path.split('/').all(is_path_component)) {
            return Err(ImageReferenceError::Repository);
        }
        Ok(Self { host, path: path.map(str::to_owned) })
    }

    pub fn covers(&self, image: &ImageReference) -> bool {
        let rest = match &self.path {
            None => return self.host == image.registry,
            Some(path) => image.repository.strip_prefix(&**path),
        };
        self.host == image.registry && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}
