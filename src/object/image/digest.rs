//! Content digests, checked when they are read so that nothing later compares malformed ones.

use std::{fmt, sync::Arc};

/// A content digest of a registered algorithm and the right length, `sha256:...`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(Arc<str>);

impl Digest {
    /// Parses `algorithm:hex`; sha256, sha384 and sha512 are registered by the OCI image specification, which
    /// wants the digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let (algorithm, hex) = text.split_once(':')?;
        let length = match algorithm {
            "sha256" => 64,
            "sha384" => 96,
            "sha512" => 128,
            _ => return None,
        };
        let right = hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        right.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Enough of it for a person to recognise: the algorithm and twelve digits.
    pub fn short(&self) -> &str {
        let digits = self.0.find(':').map_or(0, |colon| colon + 1 + 12);
        self.0.get(..digits).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
