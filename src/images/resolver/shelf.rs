//! What registries answered, kept on disk: a gate that starts anew while a registry is down knows what it knew.
//!
//! Documents are kept, not verdicts: signatures are verified again when they are read.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper::body::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::schedule::{Key, key};
use crate::{
    images::{Attached, Documents, Found},
    object::{Digest, ImageReference},
};

/// A directory with one file for each image.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    directory: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    image: String,
    children: Vec<String>,
    attached: Vec<KeptDocument>,
    left_out: Option<String>,
    asked_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct KeptDocument {
    found: String,
    manifest: String,
    media_type: String,
    annotations: BTreeMap<String, String>,
    bytes: String,
}

const FOUND: [(Found, &str); 3] = [
    (Found::Referrer, "referrer"),
    (Found::SignatureTag, "signature-tag"),
    (Found::AttestationTag, "attestation-tag"),
];

impl Shelf {
    /// # Errors
    /// When the directory cannot be made.
    pub(super) fn open(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// Keeps an answer in place of the one before. What is half-written when the power fails is never taken for whole.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&self, documents: &Documents, asked_at: Timestamp) -> io::Result<()> {
        let image = pinned(documents);
        let kept = Kept {
            image: image.to_string(),
            children: documents.children.iter().map(ToString::to_string).collect(),
            attached: documents.attached.iter().map(KeptDocument::of).collect(),
            left_out: documents.left_out.clone(),
            asked_at,
        };
        let path = self.path(&key(&image));
        // Replicas may share the directory.
        let unfinished = path.with_extension(format!("{}.unfinished", uuid::Uuid::now_v7()));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(&kept)?)?;
        file.sync_all()?;
        fs::rename(unfinished, path)
    }

    /// Everything that is kept and can be read. What cannot be is asked for again like everything new.
    pub(super) fn all(&self) -> impl Iterator<Item = (Documents, Timestamp)> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "json"));
        files.filter_map(|path| {
            let kept: Kept = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            let asked_at = kept.asked_at;
            Some((kept.documents()?, asked_at))
        })
    }

    /// Lets go of what is kept of an image.
    pub(super) fn remove(&self, key: &Key) {
        // It may never have been kept.
        let _ = fs::remove_file(self.path(key));
    }

    fn path(&self, key: &str) -> PathBuf {
        let name: String =
            digest(&SHA256, key.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.directory.join(name).with_extension("json")
    }
}

fn pinned(documents: &Documents) -> ImageReference {
    ImageReference { tag: None, digest: Some(documents.digest.clone()), ..documents.image.clone() }
}

impl Kept {
    fn documents(self) -> Option<Documents> {
        let image = ImageReference::parse(&self.image).ok()?;
        Some(Documents {
            digest: image.digest.clone()?,
            image,
            children: self.children.iter().map(|text| Digest::parse(text)).collect::<Option<_>>()?,
            attached: self.attached.into_iter().map(KeptDocument::attached).collect::<Option<_>>()?,
            left_out: self.left_out,
        })
    }
}

impl KeptDocument {
    fn of(attached: &Attached) -> Self {
        let found = FOUND.iter().find(|(found, _)| *found == attached.found).map_or("", |(_, name)| name);
        Self {
            found: found.to_owned(),
            manifest: attached.manifest.to_string(),
            media_type: attached.media_type.clone(),
            annotations: attached.annotations.clone(),
            bytes: BASE64_STANDARD.encode(&attached.bytes),
        }
    }

    fn attached(self) -> Option<Attached> {
        Some(Attached {
            found: FOUND.iter().find(|(_, name)| *name == self.found).map(|(found, _)| *found)?,
            manifest: Digest::parse(&self.manifest)?,
            media_type: self.media_type,
            annotations: self.annotations,
            bytes: Bytes::from(BASE64_STANDARD.decode(self.bytes).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        let image = format!("r.example.com/app@sha256:{}", "1".repeat(64));
        let image = ImageReference::parse(&image).unwrap();
        Documents {
            digest: image.digest.clone().unwrap(),
            children: Vec::new(),
            attached: vec![Attached {
                found: Found::Referrer,
                manifest: Digest::parse(&format!("sha256:{}", "2".repeat(64))).unwrap(),
                media_type: "application/json".to_owned(),
                annotations: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                bytes: Bytes::from_static(b"\0whatever"),
            }],
            left_out: Some("one".to_owned()),
            image,
        }
    }

    #[test]
    fn gives_back_what_was_kept_and_nothing_that_was_not_finished() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(directory.path()).unwrap();
        let asked_at = "2026-06-15T12:00:00Z".parse().unwrap();
        shelf.keep(&documents(), asked_at).unwrap();
        fs::write(directory.path().join("torn.json"), "{\"image\":").unwrap();
        fs::write(directory.path().join("other.unfinished"), "{}").unwrap();
        assert_eq!(shelf.all().collect::<Vec<_>>(), [(documents(), asked_at)]);
        shelf.remove(&key(&documents().image));
        assert_eq!(shelf.all().count(), 0);
    }
}
