//! Gathers what is attached to one image: cosign's tags first, which are few, then the referrers.

use std::collections::{BTreeMap, HashMap, HashSet};

use hyper::{StatusCode, body::Bytes, header::LINK};

use super::{
    super::{Attached, Documents, Failure, Found},
    host::{Answer, Host, Question},
    limits::Budget,
    wire::{self, Descriptor, Manifest, Referrers},
};
use crate::object::{Digest, ImageReference};

/// So many reasons for leaving something out are told; the others are counted.
const MOST_REASONS: usize = 5;

/// Everything that is attached to a manifest.
pub(super) async fn gather(
    host: &Host,
    image: &ImageReference,
    digest: &Digest,
) -> Result<Documents, Failure> {
    let mut gathering = Gathering {
        host,
        repository: &image.repository,
        digest,
        budget: Budget::of(&host.limits),
        manifests_read: 0,
        blobs: HashMap::new(),
        attached: Vec::new(),
        reasons: Vec::new(),
    };
    let bytes = gathering.manifest(digest).await?;
    let read = wire::read::<Manifest<'_>>(&bytes);
    let children = read.and_then(|manifest| {
        let inside = manifest.attestations();
        if inside > 0 {
            gathering.reasons.push(format!(
                "{inside} attestations lie in the index itself, as builders leave them: nobody signed these"
            ));
        }
        manifest.children()
    });
    let children =
        children.map_err(|reason| Failure::Unusable(format!("{} at {digest}: {reason}", image.name())))?;
    gathering.tagged(Found::SignatureTag, "sig").await?;
    gathering.tagged(Found::AttestationTag, "att").await?;
    gathering.referrers().await?;
    Ok(Documents {
        image: image.clone(),
        digest: digest.clone(),
        children,
        left_out: gathering.left_out(),
        attached: gathering.attached,
    })
}

struct Gathering<'a> {
    host: &'a Host,
    repository: &'a str,
    digest: &'a Digest,
    budget: Budget,
    manifests_read: usize,
    /// One payload that many signed is fetched once.
    blobs: HashMap<Digest, Bytes>,
    attached: Vec<Attached>,
    reasons: Vec<String>,
}

impl Gathering<'_> {
    async fn ask(&mut self, question: &Question<'_>) -> Result<Answer, Failure> {
        self.host.ask(question, &mut self.budget).await
    }

    /// A manifest whose bytes have this digest.
    async fn manifest(&mut self, digest: &Digest) -> Result<Bytes, Failure> {
        let question = Question::manifest(self.repository, digest.as_str(), self.host.limits.manifest);
        let bytes = self.ask(&question).await?.found(self.host, &question)?.bytes;
        self.verified(bytes, digest)
    }

    fn verified(&self, bytes: Bytes, digest: &Digest) -> Result<Bytes, Failure> {
        if wire::has_digest(&bytes, digest) {
            return Ok(bytes);
        }
        let name = &self.host.name;
        Err(Failure::Unusable(format!(
            "{name} answers for {} with content of another digest",
            digest.short()
        )))
    }

    /// What stands under one of cosign's tags; mostly nothing does.
    async fn tagged(&mut self, found: Found, suffix: &str) -> Result<(), Failure> {
        let tag = format!("{}.{suffix}", self.schema_tag());
        match self.by_tag(&tag).await {
            Ok(Some(bytes)) => {
                self.manifests_read += 1;
                let Some(digest) = wire::sha256(&bytes) else { return Ok(()) };
                self.take(found, &digest, &bytes).await
            }
            Ok(None) => Ok(()),
            Err(failure) => self.tolerate(failure),
        }
    }

    async fn by_tag(&mut self, tag: &str) -> Result<Option<Bytes>, Failure> {
        let question = Question::manifest(self.repository, tag, self.host.limits.manifest);
        let answer = self.ask(&question).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(answer.found(self.host, &question)?.bytes))
    }

    /// `sha256-<hex>`; longer digests are cut, as the specification has it.
    fn schema_tag(&self) -> String {
        let (algorithm, hex) = self.digest.as_str().split_once(':').unwrap_or_default();
        format!("{algorithm}-{}", hex.get(..64).unwrap_or(hex))
    }

    async fn referrers(&mut self) -> Result<(), Failure> {
        let (mut listed, dropped) = self.list().await?;
        let mut seen = HashSet::new();
        listed.retain(|referrer| referrer.digest().is_none_or(|digest| seen.insert(digest)));
        listed.sort_by_key(Descriptor::rank);
        let total = listed.len() + dropped;
        for (read, referrer) in listed.iter().enumerate() {
            if self.manifests_read >= self.host.limits.attached {
                // The most telling of the reasons, so it is told first.
                self.reasons.insert(0, format!("{read} of {total} referrers were read"));
                return Ok(());
            }
            self.manifests_read += 1;
            self.referrer(referrer).await?;
        }
        if dropped > 0 {
            self.reasons.insert(0, format!("{} of {total} referrers were read", listed.len()));
        }
        Ok(())
    }

    async fn referrer(&mut self, referrer: &Descriptor) -> Result<(), Failure> {
        let Some(digest) = referrer.digest() else {
            self.reasons.push("a referrer has no digest".to_owned());
            return Ok(());
        };
        match self.manifest(&digest).await {
            Ok(bytes) => self.take(Found::Referrer, &digest, &bytes).await,
            Err(failure) => self.tolerate(failure),
        }
    }

    /// The list of referrers as far as it can be read, and how many entries were not kept.
    async fn list(&mut self) -> Result<(Vec<Descriptor>, usize), Failure> {
        let mut next = Some(format!("/v2/{}/referrers/{}", self.repository, self.digest));
        let (mut listed, mut dropped, mut pages) = (Vec::new(), 0, 0);
        while let Some(path) = next.take() {
            if pages == self.host.limits.pages {
                self.reasons.push(format!("the list of referrers has more than {pages} pages"));
                break;
            }
            match self.page(path, pages == 0, &mut next).await {
                Ok(Some(page)) => {
                    listed.extend(page.manifests.kept);
                    dropped += page.manifests.dropped;
                    pages += 1;
                }
                Ok(None) => break,
                Err(failure) => {
                    self.tolerate(failure)?;
                    break;
                }
            }
        }
        Ok((listed, dropped))
    }

    /// One page of the list; by the tag schema where the registry does not know the API, and none if it has neither.
    async fn page(
        &mut self,
        path: String,
        is_first: bool,
        next: &mut Option<String>,
    ) -> Result<Option<Referrers>, Failure> {
        let question = Question::referrers(self.repository, path, self.host.limits.manifest);
        let answer = self.ask(&question).await?;
        let bytes = match answer.status {
            // The API is not known here. 404 is the specification's word, the others are old registries'.
            StatusCode::NOT_FOUND
            | StatusCode::BAD_REQUEST
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::NOT_IMPLEMENTED
                if is_first =>
            {
                let Some(bytes) = self.by_tag(&self.schema_tag()).await? else { return Ok(None) };
                bytes
            }
            _ => {
                let answer = answer.found(self.host, &question)?;
                match next_page(&answer) {
                    Some(Ok(path)) => *next = Some(path),
                    Some(Err(reason)) => self.reasons.push(reason.to_owned()),
                    None => {}
                }
                answer.bytes
            }
        };
        let unusable = |reason| Failure::Unusable(format!("the referrers in {}: {reason}", self.host.name));
        wire::read(&bytes).map(Some).map_err(unusable)
    }

    /// Takes the documents of an attached manifest.
    async fn take(&mut self, found: Found, digest: &Digest, bytes: &[u8]) -> Result<(), Failure> {
        let manifest: Manifest<'_> = match wire::read(bytes) {
            Ok(manifest) => manifest,
            Err(reason) => {
                self.reasons.push(format!("{}: {reason}", digest.short()));
                return Ok(());
            }
        };
        let subject = manifest.subject.as_ref().map(Descriptor::digest);
        let is_of_it = match &subject {
            Some(subject) => subject.as_ref() == Some(self.digest),
            // Cosign's tags say whose they are by their name.
            None => found != Found::Referrer,
        };
        if !is_of_it {
            self.reasons.push(format!("{} is attached to another subject", digest.short()));
            return Ok(());
        }
        let annotations = manifest.annotations.unwrap_or_default();
        for layer in manifest.layers.kept.into_iter().filter(Descriptor::is_document) {
            if self.attached.len() >= self.host.limits.documents {
                self.reasons.push(format!("{} documents were read, and there are more", self.attached.len()));
                return Ok(());
            }
            match self.document(found, digest, &annotations, layer).await {
                Ok(attached) => self.attached.push(attached),
                Err(failure) => self.tolerate(failure)?,
            }
        }
        Ok(())
    }

    async fn document(
        &mut self,
        found: Found,
        manifest: &Digest,
        annotations: &BTreeMap<String, String>,
        layer: Descriptor,
    ) -> Result<Attached, Failure> {
        let limits = &self.host.limits;
        let Some(digest) = layer.digest() else {
            return Err(Failure::Unusable(format!("{} has a layer without a digest", manifest.short())));
        };
        if usize::try_from(layer.size).map_or(true, |size| size > limits.blob) {
            let message = format!("{} has {} bytes, more than are read", digest.short(), layer.size);
            return Err(Failure::Unusable(message));
        }
        let mut annotations = annotations.clone();
        annotations.extend(layer.annotations.unwrap_or_default());
        // They are kept for every layer, so they count for every layer.
        let room: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
        let Some(left) = self.budget.bytes.checked_sub(room) else {
            self.budget.bytes = 0;
            return Err(Failure::Unusable(format!("the annotations of {} are too large", manifest.short())));
        };
        self.budget.bytes = left;
        let bytes = match self.blobs.get(&digest) {
            Some(bytes) => bytes.clone(),
            None => {
                let question = Question::blob(self.repository, digest.as_str(), limits.blob);
                let bytes = self.ask(&question).await?.found(self.host, &question)?.bytes;
                let bytes = self.verified(bytes, &digest)?;
                self.blobs.insert(digest, bytes.clone());
                bytes
            }
        };
        Ok(Attached { found, manifest: manifest.clone(), media_type: layer.media_type, annotations, bytes })
    }

    /// One broken attachment, which anybody who may push can leave behind, must not hide the others.
    fn tolerate(&mut self, failure: Failure) -> Result<(), Failure> {
        match failure {
            Failure::Absent(reason) | Failure::Unusable(reason) => {
                self.reasons.push(reason);
                Ok(())
            }
            other => Err(other),
        }
    }

    fn left_out(&self) -> Option<String> {
        let told: Vec<&str> = self.reasons.iter().take(MOST_REASONS).map(String::as_str).collect();
        let more = self.reasons.len().saturating_sub(told.len());
        let told = told.join("; ");
        match (told.is_empty(), more) {
            (true, _) => None,
            (false, 0) => Some(told),
            (false, more) => Some(format!("{told}; +{more} more")),
        }
    }
}

/// The path of the next page, if there is one. Pages are asked of the same registry, whatever host the link names.
fn next_page(answer: &Answer) -> Option<Result<String, &'static str>> {
    let links = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let mut links = links.flat_map(|value| value.split(", "));
    let next = links.find(|link| link.contains("rel=\"next\"") || link.contains("rel=next"))?;
    let path = || {
        let (target, _) = next.trim().strip_prefix('<')?.split_once('>')?;
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.get(rest.find('/')?..)?,
            None => target,
        };
        path.starts_with("/v2/").then(|| path.to_owned())
    };
    Some(path().ok_or("the next page of referrers has no usable address"))
}
