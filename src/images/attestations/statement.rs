//! In-toto statements and cosign's simple signing: about which image something is said.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{
    super::report::{Content, unparsable},
    Unbelieved, predicate, vulnerabilities,
};
use crate::{
    images::Documents,
    inventory::image_evidence::Subject as Scanned,
    object::{Digest, ImageReference},
};

/// An in-toto statement, of version 0.1 or 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default)]
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(borrow, default)]
    predicate: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Subject {
    #[serde(default)]
    name: Option<String>,
    /// Of other software in other shapes; those of images are texts.
    #[serde(default)]
    digest: BTreeMap<String, Value>,
}

impl<'a> Statement<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, String> {
        let statement: Self = serde_json::from_slice(payload).map_err(|error| unparsable(&error))?;
        if !statement.kind.starts_with("https://in-toto.io/Statement/v") {
            return Err("what it signs is no in-toto statement".to_owned());
        }
        Ok(statement)
    }

    pub(super) fn predicate_type(&self) -> String {
        self.predicate_type.chars().take(120).collect()
    }

    pub(super) fn is_signature(&self) -> bool {
        predicate::is_signature(&self.predicate_type)
    }

    /// What it says of its subject, as JSON.
    pub(super) fn predicate(&self) -> &'a str {
        self.predicate.map_or("{}", RawValue::get)
    }

    /// The repository that it names, if it is about this image.
    pub(super) fn about(&self, documents: &Documents) -> Result<Option<Arc<str>>, Unbelieved> {
        if let Some(subject) = self.subject.iter().find(|subject| subject.is(&documents.digest)) {
            return Ok(subject.repository());
        }
        let child =
            documents.children.iter().find(|child| self.subject.iter().any(|subject| subject.is(child)));
        if let Some(child) = child {
            return Err(
                format!("its subject is {child}, one platform of this image and not the whole").into()
            );
        }
        let other = self.subject.iter().flat_map(Subject::digests).next();
        Err(other.map_or_else(|| "it names no image digest".to_owned().into(), Unbelieved::of_another))
    }
}

impl Subject {
    fn digests(&self) -> impl Iterator<Item = Digest> {
        let texts = self.digest.iter().filter_map(|(algorithm, hex)| Some((algorithm, hex.as_str()?)));
        texts.filter_map(|(algorithm, hex)| Digest::parse(&format!("{algorithm}:{hex}")))
    }

    fn is(&self, digest: &Digest) -> bool {
        self.digests().any(|own| own == *digest)
    }

    /// The same in the words of scans.
    fn scanned(&self) -> impl Iterator<Item = Scanned> {
        let repository = self.repository().unwrap_or_else(|| "".into());
        self.digests().map(move |digest| Scanned { repository: repository.clone(), digest })
    }

    fn repository(&self) -> Option<Arc<str>> {
        repository(self.name.as_deref()?)
    }
}

/// `registry/repository` of a name that has both; `web` alone could be anything.
fn repository(name: &str) -> Option<Arc<str>> {
    let (host, _) = name.split_once('/')?;
    if host.starts_with("pkg:") || !(host.contains(['.', ':']) || host == "localhost") {
        return None;
    }
    Some(ImageReference::parse(name).ok()?.name().into())
}

#[derive(Deserialize)]
struct Simple {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(default)]
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

/// What cosign signs by its old format: the repository that it names, if it is about this image.
pub(super) fn simple(payload: &[u8], documents: &Documents) -> Result<Option<Arc<str>>, Unbelieved> {
    let Simple { critical } = serde_json::from_slice(payload).map_err(|error| unparsable(&error))?;
    if critical.kind != "cosign container image signature" && !predicate::is_signature(&critical.kind) {
        return Err("what it signs is no image signature of cosign".to_owned().into());
    }
    if critical.image.digest != documents.digest.as_str() {
        if let Some(other) = Digest::parse(&critical.image.digest) {
            return Err(Unbelieved::of_another(other));
        }
        let digest: String = critical.image.digest.chars().take(80).collect();
        return Err(format!("its subject is {digest}, no image digest").into());
    }
    let reference = critical.identity.reference;
    if reference.is_empty() {
        return Ok(None);
    }
    let image =
        ImageReference::parse(&reference).map_err(|error| format!("the image it names is none: {error}"))?;
    Ok(Some(image.name().into()))
}

/// Reads a statement that lies in a file, unsigned: whoever may write there is believed.
pub(in crate::images) fn tell(bytes: &[u8], tell: &mut dyn FnMut(Content<'_>)) {
    let scan = Statement::read(bytes).and_then(|statement| {
        let scan = vulnerabilities::read(&statement.predicate_type, statement.predicate());
        let mut scan = scan.ok_or("an in-toto statement, but not on vulnerabilities")??;
        scan.subjects = statement.subject.iter().flat_map(Subject::scanned).collect();
        Ok(scan)
    });
    tell(Content::of(scan));
}
