//! The cluster's minor version: Pod Security controls differ by it.

use std::{fmt, str::FromStr};

/// A minor version of Kubernetes 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u16);

impl Version {
    /// The newest version whose controls this program knows.
    pub const NEWEST: Self = Self(37);

    /// Kubernetes `1.<minor>`.
    pub const fn minor(minor: u16) -> Self {
        Self(minor)
    }

    /// Whether this is Kubernetes `1.<minor>` or newer.
    pub const fn at_least(self, minor: u16) -> bool {
        self.0 >= minor
    }
}

impl Default for Version {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.0)
    }
}

impl FromStr for Version {
    type Err = String;

    /// Reads `1.29`, `v1.29`, `1.29.3` and `latest`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "latest" {
            return Ok(Self::NEWEST);
        }
        let refuse = || format!("`{text}` is not a Kubernetes version, write it as `1.29`");
        let digits = text.strip_prefix('v').unwrap_or(text).strip_prefix("1.").ok_or_else(refuse)?;
        let minor = digits.split(['.', '+', '-']).next().unwrap_or_default();
        minor.parse().map(Self).map_err(|_| refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn reads_what_kubectl_prints() {
        for text in ["1.29", "v1.29", "v1.29.3", "1.29.3-gke.10", "1.29+"] {
            assert_eq!(text.parse(), Ok(Version::minor(29)), "{text}");
        }
        assert_eq!("latest".parse(), Ok(Version::NEWEST));
        for text in ["", "29", "2.1", "1.x", "one"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
    }
}
