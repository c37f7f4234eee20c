//! From an image reference to what its registry holds about it, or to why nobody can tell yet.

use std::borrow::Cow;

use jiff::Timestamp;

use super::{
    subject::{TagOnly, ago},
    unknown_image_evidence,
};
use crate::{
    check::{Ask, Missing, Report},
    inventory::{
        ImageEvidence, Source,
        image_evidence::{Answer, Attested, RegistryEvidence, Tagged},
    },
    object::{Digest, ImageAt, ImageReference},
};

/// How far the look for what is attested of an image gets.
pub(super) enum Look<'e> {
    /// There is no image to ask about: the reference is empty, or no node can pull it.
    Nothing,
    Missing(Missing),
    /// Without a digest, where a tag is not to be resolved.
    TagOnly,
    /// Not known yet, as the rest of a sentence that begins with the image.
    Unknown(String),
    Held(Held<'e>),
}

/// What a registry holds about one image.
pub(super) struct Held<'e> {
    pub(super) image: &'e ImageReference,
    /// Of the manifest, which may be an index.
    pub(super) digest: &'e Digest,
    /// About the manifest itself.
    own: &'e Attested,
    /// About each platform manifest of an index, if all were asked for.
    platforms: Vec<&'e Attested>,
    /// Why that is not known of some platform.
    pub(super) unknown: Option<String>,
    /// How the digest was found, when not by the reference: the end of a sentence.
    pub(super) found: String,
}

/// What a tag is taken for.
pub(super) enum Named<'e> {
    Digest {
        digest: &'e Digest,
        /// The end of a sentence.
        found: String,
    },
    Unknown(String),
}

impl<'e> Held<'e> {
    /// Whether this holds of the image: of the manifest itself or, of an index, of every platform manifest. `None`
    /// where only platforms could say so and not all of them are known.
    pub(super) fn is(&self, such: &dyn Fn(&Attested) -> bool, report: &mut Report) -> Option<bool> {
        if such(self.own) {
            return Some(true);
        }
        if let Some(reason) = &self.unknown {
            report.not_assessable(left(reason.clone()));
            return None;
        }
        Some(!self.platforms.is_empty() && self.platforms.iter().all(|platform| such(platform)))
    }

    /// Everything that is held about it, the manifest's own first.
    pub(super) fn all(&self) -> impl Iterator<Item = &'e Attested> {
        std::iter::once(self.own).chain(self.platforms.iter().copied())
    }
}

/// Looks for what is attested of an image.
pub(super) fn look<'e>(at: &ImageAt<'_>, tag_only: TagOnly, ask: &Ask<'e>) -> Look<'e> {
    let Ok(image) = ask.image(at) else { return Look::Nothing };
    let evidence = match &ask.inventory.image_evidence {
        Source::Ready(evidence) => evidence,
        Source::NotConfigured => return Look::Missing(NOBODY_ASKS),
        Source::Unavailable(reason) => return Look::Missing(Missing::Unavailable(reason.clone().into())),
    };
    let Some(registry) = evidence.registry() else { return Look::Missing(NOBODY_ASKS) };
    if !registry.covers(image) {
        return Look::Missing(Missing::NotKnownHere(
            format!(
                "the registry {} is not asked about images: list it in `allow` of `untrusted-registry`",
                image.registry
            )
            .into(),
        ));
    }
    let (digest, found) = match (&image.digest, tag_only) {
        (Some(digest), _) => (digest, String::new()),
        (None, TagOnly::Violation) => return Look::TagOnly,
        (None, TagOnly::Resolve) => match named(registry, image, ask.now) {
            Named::Digest { digest, found } => (digest, found),
            Named::Unknown(reason) => return Look::Unknown(reason),
        },
    };
    match registry.about(image, digest) {
        Answer::Known(own) => {
            Look::Held(with_platforms(evidence, registry, image, digest, own, found, ask.now))
        }
        answer => Look::Unknown(unknown("evidence", image, answer, ask.now).unwrap_or_default()),
    }
}

const NOBODY_ASKS: Missing = Missing::NotKnownHere(Cow::Borrowed(
    "no registry is asked about images: name the registries to ask with `--registries`",
));

fn with_platforms<'e>(
    evidence: &ImageEvidence,
    registry: &'e RegistryEvidence,
    image: &'e ImageReference,
    digest: &'e Digest,
    own: &'e Attested,
    found: String,
    now: Timestamp,
) -> Held<'e> {
    let children = evidence.children(digest);
    let mut held = Held { image, digest, own, platforms: Vec::new(), unknown: None, found };
    for child in children {
        match registry.about(held.image, child) {
            Answer::Known(attested) => held.platforms.push(attested),
            // Nobody asked for it: nothing will ever come, and the image stands on what it has itself.
            Answer::NotCovered | Answer::Pending { since: None } => {
                held.platforms.clear();
                break;
            }
            answer => {
                let what = format!("evidence on its platform {}", child.short());
                held.unknown = unknown(&what, held.image, answer, now);
            }
        }
    }
    if held.platforms.len() < children.len() {
        held.platforms.clear();
    }
    held
}

/// What the registry says that the tag of `image` names. A digest found so binds the verdict, not the node.
pub(super) fn named<'e>(registry: &'e RegistryEvidence, image: &ImageReference, now: Timestamp) -> Named<'e> {
    let answer = match registry.tagged(image) {
        Some(Tagged::Resolved { digest, asked_at }) => {
            let found = format!(
                ", judged by {}, which the tag named {} in the registry; the node may pull another: pin the digest",
                digest.short(),
                ago(Some(*asked_at), now)
            );
            return Named::Digest { digest, found };
        }
        Some(Tagged::Pending { since }) => Answer::Pending { since: Some(*since) },
        Some(Tagged::Failed { reason, since, retry_at }) => {
            Answer::Failed { reason, since: *since, retry_at: *retry_at }
        }
        None => Answer::Pending { since: None },
    };
    Named::Unknown(unknown("digest", image, answer, now).unwrap_or_default())
}

/// Why what is attested of an image, or of a platform of it, is not known yet; nothing if it is, or never will be.
pub(super) fn why_unknown<'e>(
    evidence: &'e ImageEvidence,
    image: &'e ImageReference,
    digest: &'e Digest,
    now: Timestamp,
) -> Option<String> {
    let registry = evidence.registry()?;
    match registry.about(image, digest) {
        Answer::Known(own) => {
            with_platforms(evidence, registry, image, digest, own, String::new(), now).unknown
        }
        answer => unknown("evidence", image, answer, now),
    }
}

/// Why something about an image is not known yet: `its evidence is being fetched from ...`.
pub(super) fn unknown(
    what: &str,
    image: &ImageReference,
    answer: Answer<'_>,
    now: Timestamp,
) -> Option<String> {
    let host = &image.registry;
    match answer {
        Answer::Known(_) | Answer::NotCovered => None,
        Answer::Pending { since: None } => {
            Some(format!("its {what} is about to be fetched from {host}: try again in half a minute"))
        }
        Answer::Pending { since: Some(since) } => Some(format!(
            "its {what} is being fetched from {host} since {} s; try again in half a minute",
            now.duration_since(since).as_secs().max(0)
        )),
        Answer::Failed { reason, since, retry_at } => {
            let since = ago(Some(since), now);
            let next = retry_at.duration_since(now).as_secs().max(0);
            Some(format!(
                "its {what} could not be fetched from {host}, first {since}: {reason}; it is asked again in {next} s"
            ))
        }
    }
}

/// What has words and a mode of its own.
pub(super) fn left(reason: String) -> Missing {
    Missing::LeftTo { check: unknown_image_evidence::CHECK.id, reason: reason.into() }
}
