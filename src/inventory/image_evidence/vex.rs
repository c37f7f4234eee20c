//! Statements that a vulnerability does or does not concern an image (OpenVEX 0.2.0): facts, believed by the checks.

use std::sync::Arc;

use jiff::Timestamp;

use super::Attester;
use crate::object::Digest;

/// One statement about one vulnerability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexStatement {
    /// The vulnerability's name and its aliases; never empty.
    pub vulnerabilities: Vec<Arc<str>>,
    pub products: Vec<Product>,
    pub status: VexStatus,
    /// The justification, else the impact statement; empty where neither is needed.
    pub why: Arc<str>,
    /// Who says so, in the document's own words.
    pub author: Arc<str>,
    /// When they said so (UTC).
    pub at: Timestamp,
    /// Who signed it, of an attestation.
    pub by: Option<Attester>,
    /// The image that an attestation is bound to; a file is bound to none.
    pub subject: Option<Digest>,
}

/// What a statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Product {
    /// An image by its manifest digest.
    Image(Digest),
    /// A package, as a purl; with packages inside it as subcomponents.
    Package { purl: Arc<str>, subcomponents: Vec<Arc<str>> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VexStatus {
    NotAffected,
    Affected,
    Fixed,
    UnderInvestigation,
}

impl VexStatus {
    /// OpenVEX's word.
    pub const fn id(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}
