//! From an image reference to the evidence about it: the states of image evidence, told apart once.
//!
//! An empty reference is judged by no check of this folder: a template may leave it to be injected, and the API
//! server refuses it in a Pod.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    attested::{Named, left, named, why_unknown},
    identity::{Identities, Written},
};
use crate::{
    check::{Ask, Missing, Params, Report},
    inventory::{
        ImageEvidence, Source,
        image_evidence::{Evidence, Judged, Scan},
    },
    manifest::Unusable,
    object::{Digest, ImageAt, ImageReference},
};

/// What to do with a reference that has no digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TagOnly {
    /// No scan can be for it: a tag names something else tomorrow.
    #[default]
    Violation,
    /// Judge the digest that the registry says the tag names, or without a registry the one that a report last saw
    /// under it, and say so.
    Resolve,
}

/// What may stand for a scan of an image.
pub(super) struct Sources {
    pub(super) tag_only: TagOnly,
    /// Whose attested scans count. Files and reports of the cluster need no signature.
    pub(super) attestors: Identities,
}

impl Sources {
    pub(super) fn read(
        params: &Params<'_>,
        tag_only: TagOnly,
        attestors: Vec<Written>,
    ) -> Result<Self, Unusable> {
        Ok(Self { tag_only, attestors: Identities::read(params, "attestors", attestors)? })
    }
}

/// What is known of an image.
pub(super) enum State<'e> {
    Scanned(Scanned<'e>),
    Unscanned {
        digest: &'e Digest,
        /// Why a scan that somebody attested does not count: the end of a sentence.
        disregarded: String,
    },
    /// Without a digest, or without one that is well-formed.
    TagOnly,
}

/// An image with scans.
pub(super) struct Scanned<'e> {
    pub(super) image: &'e ImageReference,
    pub(super) evidence: &'e ImageEvidence,
    /// Of the manifest, or of each platform of the index. Never empty.
    pub(super) judged: Vec<Judged<'e>>,
    /// How the digest was found, when not by the reference: the end of a sentence.
    pub(super) found: String,
}

/// Finds the evidence for an image. Where there is nothing to judge, or no telling, the report says why.
pub(super) fn state<'e>(
    at: &ImageAt<'_>,
    sources: &Sources,
    ask: &Ask<'e>,
    report: &mut Report,
) -> Option<State<'e>> {
    if at.reference.is_empty() {
        return None;
    }
    let evidence = ready(ask, report)?;
    let Ok(image) = ask.image(at) else { return Some(State::TagOnly) };
    let (digest, found) = match (&image.digest, sources.tag_only) {
        (Some(digest), _) => (digest, String::new()),
        (None, TagOnly::Violation) => return Some(State::TagOnly),
        (None, TagOnly::Resolve) => match resolved(evidence, image, ask.now) {
            Some(Named::Digest { digest, found }) => {
                report.resolved(at.reference, digest);
                (digest, found)
            }
            Some(Named::Unknown(reason)) => {
                report.not_assessable(left(reason));
                return None;
            }
            None => return Some(State::TagOnly),
        },
    };
    let attestors = &sources.attestors;
    let counts = |scan: &Scan| scan.attester.as_ref().is_none_or(|by| attestors.allow(image, by));
    let found_none = match evidence.of(digest, ask.now, &counts) {
        Evidence::Scanned(judged) => {
            return Some(State::Scanned(Scanned { image, evidence, judged, found }));
        }
        Evidence::Unscanned => None,
        Evidence::Unknown(reason) => Some(reason),
    };
    // What somebody who counts attested may still be on its way.
    if attestors.cover(image)
        && let Some(reason) = why_unknown(evidence, image, digest, ask.now)
    {
        report.not_assessable(left(reason));
        return None;
    }
    if let Some(reason) = found_none {
        report.not_assessable(Missing::Unavailable(reason.to_owned().into()));
        return None;
    }
    let disregarded = disregarded(evidence, image, digest, attestors, ask.now);
    Some(State::Unscanned { digest, disregarded })
}

/// What a tag is taken for: what its registry says, if that is asked, else what a report last saw under it.
fn resolved<'e>(evidence: &'e ImageEvidence, image: &ImageReference, now: Timestamp) -> Option<Named<'e>> {
    if let Some(registry) = evidence.registry().filter(|registry| registry.covers(image)) {
        return Some(named(registry, image, now));
    }
    let (digest, scan) = evidence.last_seen(image, now)?;
    let age = ago(scan.scanned_at, now);
    let found = format!(", judged by {}, which the tag named {age}", digest.short());
    Some(Named::Digest { digest, found })
}

/// Who attested a scan of an image that has no other, where their word does not count.
fn disregarded(
    evidence: &ImageEvidence,
    image: &ImageReference,
    digest: &Digest,
    attestors: &Identities,
    now: Timestamp,
) -> String {
    let Evidence::Scanned(judged) = evidence.of(digest, now, &|_| true) else { return String::new() };
    let refused = judged.iter().find_map(|judged| {
        let by = judged.newest.attester.as_ref().filter(|by| !attestors.allow(image, by))?;
        Some(attestors.judge(image, by).reason(by))
    });
    refused.map_or(String::new(), |reason| format!("; the attested one {reason} (`attestors`)"))
}

/// The same for a check that has nothing to say about an image without a scan: that is not assessable, not a pass.
pub(super) fn scanned<'e>(
    at: &ImageAt<'_>,
    sources: &Sources,
    ask: &Ask<'e>,
    report: &mut Report,
) -> Option<Scanned<'e>> {
    match state(at, sources, ask, report)? {
        State::Scanned(scanned) => return Some(scanned),
        State::Unscanned { .. } => report.not_assessable(Missing::NotKnownHere(
            "an image has no scan (see `unscanned-image`)".into(),
        )),
        State::TagOnly => report.not_assessable(Missing::NotKnownHere(
            "an image is named without a digest, so that no scan is known to be of it (see `unscanned-image`)"
                .into(),
        )),
    }
    None
}

fn ready<'e>(ask: &Ask<'e>, report: &mut Report) -> Option<&'e ImageEvidence> {
    let missing = match &ask.inventory.image_evidence {
        Source::Ready(evidence) => return Some(evidence),
        Source::NotConfigured => Missing::NotKnownHere("no scan reports are configured".into()),
        Source::Unavailable(reason) => Missing::Unavailable(reason.clone().into()),
    };
    report.not_assessable(missing);
    None
}

/// `3 s ago`, `3 days ago`, as people count.
pub(super) fn ago(then: Option<Timestamp>, now: Timestamp) -> Cow<'static, str> {
    let Some(then) = then else { return Cow::Borrowed("at an unknown time") };
    match days(then, now) {
        ..0 => Cow::Borrowed("in the future"),
        0 => Cow::Owned(match now.duration_since(then).as_secs() {
            seconds @ ..60 => format!("{seconds} s ago"),
            seconds @ ..3_600 => format!("{} min ago", seconds / 60),
            seconds => format!("{} h ago", seconds / 3_600),
        }),
        1 => Cow::Borrowed("1 day ago"),
        days => Cow::Owned(format!("{days} days ago")),
    }
}

/// Whole days from one moment to another; negative when it lies the other way, even by less than a day.
pub(super) fn days(from: Timestamp, to: Timestamp) -> i64 {
    to.duration_since(from).as_secs().div_euclid(SECONDS_OF_A_DAY)
}

const SECONDS_OF_A_DAY: i64 = 86_400;

/// Whether more than `limit` days lie between two moments.
pub(super) fn is_older(from: Timestamp, to: Timestamp, limit: u16) -> bool {
    to.duration_since(from).as_secs() > i64::from(limit) * SECONDS_OF_A_DAY
}
