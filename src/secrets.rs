//! The secret engine: tells credentials from everything that merely looks or sounds like one.
//!
//! Pure and linear in its input. A value passes one Aho-Corasick automaton first, and nearly every value ends
//! there; a hit leads to an anchored pattern, then to a checksum or a structure. What no rule knows is judged by
//! its name and its entropy, and what references, names or describes a secret is excluded. No type of this
//! module holds a secret's value, so none can print one.

mod checksum;
mod decode;
mod engine;
mod exclusion;
mod fingerprint;
mod inspect;
mod locate;
mod name;
mod pairs;
mod redact;
mod rule;
mod rules;
pub mod sample;
mod scan;
mod sweep;
mod value;

pub use engine::{Engine, MOST_BYTES};
pub use fingerprint::FingerprintKey;
pub use inspect::{Inspected, LAST_APPLIED, SharedScan, Site, Spot};
pub use rule::{Certainty, Class, Rule};
pub use scan::may_be_shown;
pub use sweep::{Found, Sweep, Swept};

/// A secret found in one place. It tells everything about the secret except the secret.
#[derive(Clone, Debug)]
pub struct Hit {
    pub rule: &'static Rule,
    pub certainty: Certainty,
    pub class: Class,
    /// The key inside the value, where the value is a document: of a dotenv file, of JSON, of a query.
    pub inner: Option<String>,
    /// In characters.
    pub length: usize,
    /// The first 16 hex digits of HMAC-SHA256 over the value; absent without a key.
    pub fingerprint: Option<String>,
    reason: &'static str,
    half: Option<Half>,
}

impl Hit {
    /// One clause for a message: "GitHub token, checksum valid".
    #[must_use]
    pub fn why(&self) -> String {
        format!("{}, {}", self.rule.title, self.reason)
    }
}

/// A finding that another place of the object can make certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    AwsKeyId,
    AwsSecret,
}

#[cfg(test)]
mod tests;
