//! Manifests and indexes as registries send them; only what is read, and never more of it than is bounded.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::super::index;
use crate::object::Digest;

/// Every kind of manifest; a registry converts or refuses what is not asked for.
pub(super) const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// So many entries of one list are kept: an entry takes far more room here than in the text.
const MOST_ENTRIES: usize = 10_000;

/// An image manifest or an attached one.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest<'a> {
    pub(super) layers: Bounded<Descriptor>,
    pub(super) subject: Option<Descriptor>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
    #[serde(borrow)]
    manifests: Option<Bounded<index::Manifest<'a>>>,
}

/// A list of referrers.
#[derive(Deserialize)]
pub(super) struct Referrers {
    pub(super) manifests: Bounded<Descriptor>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    digest: String,
    pub(super) size: u64,
    artifact_type: Option<String>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    pub(super) fn digest(&self) -> Option<Digest> {
        Digest::parse(&self.digest)
    }

    /// Whether it is a document that can speak of an image.
    pub(super) fn is_document(&self) -> bool {
        speaks(&self.media_type)
    }

    /// Referrers that say they hold such documents go first: a flood of others must not crowd them out.
    pub(super) fn rank(&self) -> u8 {
        match self.artifact_type.as_deref() {
            Some(kind) if speaks(kind) || kind.starts_with("application/vnd.dev.cosign.") => 0,
            Some("") | None => 1,
            Some(_) => 2,
        }
    }
}

fn speaks(media_type: &str) -> bool {
    // Sigstore bundles name their version in two ways: `.v0.3+json`, and `+json;version=0.2` before.
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
        || media_type.starts_with("application/vnd.in-toto")
        || media_type == "application/vnd.dsse.envelope.v1+json"
        || media_type == "application/vnd.dev.cosign.simplesigning.v1+json"
}

impl Manifest<'_> {
    /// How many manifests of an index hold attestations that its builder wrote, unsigned.
    pub(super) fn attestations(&self) -> usize {
        self.manifests.as_ref().map_or(0, |manifests| index::attestations(&manifests.kept))
    }

    /// The manifests of its platforms; none if it is no index.
    pub(super) fn children(&self) -> Result<Vec<Digest>, String> {
        let Some(manifests) = &self.manifests else { return Ok(Vec::new()) };
        if manifests.dropped > 0 {
            return Err(format!("it is an index of more than {MOST_ENTRIES} manifests"));
        }
        index::children(&manifests.kept)
            .ok_or_else(|| "it is an index, and a manifest in it has no digest".to_owned())
    }
}

/// Reads JSON. The reason never quotes the text.
pub(super) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    // Derived readers would take a list for the fields in their order.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err("it is no JSON object".to_owned());
    }
    serde_json::from_slice(bytes).map_err(|error| {
        format!("it is no manifest in JSON (line {}, column {})", error.line(), error.column())
    })
}

/// Whether bytes have a digest.
pub(super) fn has_digest(bytes: &[u8], expected: &Digest) -> bool {
    let (algorithm, hex): (&Algorithm, _) = match expected.as_str().split_once(':') {
        Some(("sha256", hex)) => (&SHA256, hex),
        Some(("sha384", hex)) => (&SHA384, hex),
        Some(("sha512", hex)) => (&SHA512, hex),
        _ => return false,
    };
    hex_of(algorithm, bytes) == hex
}

/// The usual digest of bytes.
pub(super) fn sha256(bytes: &[u8]) -> Option<Digest> {
    Digest::parse(&format!("sha256:{}", hex_of(&SHA256, bytes)))
}

fn hex_of(algorithm: &'static Algorithm, bytes: &[u8]) -> String {
    digest(algorithm, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The first entries of a list, and how many more there are.
pub(super) struct Bounded<T> {
    pub(super) kept: Vec<T>,
    pub(super) dropped: usize,
}

impl<T> Default for Bounded<T> {
    fn default() -> Self {
        Self { kept: Vec::new(), dropped: 0 }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Bounded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Bounded<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            // What Go programs write for an empty list.
            fn visit_unit<E>(self) -> Result<Bounded<T>, E> {
                Ok(Bounded::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bounded<T>, A::Error> {
                let mut entries = Bounded::default();
                while entries.kept.len() < MOST_ENTRIES {
                    let Some(entry) = list.next_element()? else { return Ok(entries) };
                    entries.kept.push(entry);
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    entries.dropped += 1;
                }
                Ok(entries)
            }
        }

        deserializer.deserialize_any(Entries(PhantomData))
    }
}
