//! An image index (OCI) or manifest list (Docker), as a registry serves it: `crane manifest`, `docker buildx imagetools
//! inspect --raw`. Its digest is that of its own bytes, so that nobody can claim children for somebody else's index.

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;

use super::report::Content;
use crate::object::{Digest, List, Text};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest<'a> {
    #[serde(borrow)]
    digest: Option<Text<'a>>,
    #[serde(borrow)]
    platform: Option<Platform<'a>>,
    #[serde(borrow)]
    annotations: Option<Annotations<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Annotations<'a> {
    #[serde(rename = "vnd.docker.reference.type", borrow)]
    docker_type: Option<Text<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Platform<'a> {
    #[serde(borrow)]
    os: Option<Text<'a>>,
    #[serde(borrow)]
    architecture: Option<Text<'a>>,
}

impl Manifest<'_> {
    /// Attestations hang in an index as manifests of the platform `unknown/unknown`, which no node runs.
    fn runs(&self) -> bool {
        let is_unknown = |text: &Option<Text<'_>>| text.as_deref() == Some("unknown");
        !self.platform.as_ref().is_some_and(|of| is_unknown(&of.os) && is_unknown(&of.architecture))
    }
}

/// How many of them hold what BuildKit attests of the others, without a signature.
pub(super) fn attestations(manifests: &[Manifest<'_>]) -> usize {
    let annotations = manifests.iter().filter_map(|manifest| manifest.annotations.as_ref());
    annotations.filter(|all| all.docker_type.as_deref() == Some("attestation-manifest")).count()
}

/// The manifests of an index that nodes run; none if one of them has no digest.
pub(super) fn children(manifests: &[Manifest<'_>]) -> Option<Vec<Digest>> {
    let children = manifests.iter().filter(|manifest| manifest.runs());
    children.map(|manifest| Digest::parse(manifest.digest.as_deref()?)).collect()
}

pub(super) fn tell(manifests: &List<Manifest<'_>>, bytes: &[u8], tell: &mut dyn FnMut(Content<'_>)) {
    let Some(children) = children(manifests).filter(|children| !children.is_empty()) else {
        return tell(Content::Problem(
            "an image index, but not every manifest in it has a digest".to_owned(),
        ));
    };
    // Tools that print an index end it with a line break that the registry did not send.
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let hex: String = digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(digest) = Digest::parse(&format!("sha256:{hex}")) {
        tell(Content::Index { digest, children });
    }
}
