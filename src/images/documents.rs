//! What a registry holds about an image, fetched and not yet believed: plain data between fetching and verifying.

use std::collections::BTreeMap;

use hyper::body::Bytes;

use crate::object::{Digest, ImageReference};

/// Everything that was found attached to one manifest in one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// The repository that was asked; tag and digest do not matter.
    pub image: ImageReference,
    /// The manifest, whose bytes had this digest when they were fetched.
    pub digest: Digest,
    /// The platform manifests, if it is an index.
    pub children: Vec<Digest>,
    pub attached: Vec<Attached>,
    /// What was left out, and why: `20 of 10,000 referrers were read`. Nothing is left out silently.
    pub left_out: Option<String>,
}

/// One document attached to an image: a layer of an attached manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    pub found: Found,
    /// The manifest that it is a layer of.
    pub manifest: Digest,
    /// The layer's media type.
    pub media_type: String,
    /// The manifest's annotations, and over them the layer's.
    pub annotations: BTreeMap<String, String>,
    pub bytes: Bytes,
}

/// How a document was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// By the referrers API of OCI 1.1, or its tag schema where the registry has none.
    Referrer,
    /// Under cosign's tag `sha256-<hex>.sig`.
    SignatureTag,
    /// Under cosign's tag `sha256-<hex>.att`.
    AttestationTag,
}
