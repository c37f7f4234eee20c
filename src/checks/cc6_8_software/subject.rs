//! From an image reference to the evidence about it: the states of image evidence, told apart once.
//!
//! An empty reference is judged by no check of this folder: a template may leave it to be injected, and the API
//! server refuses it in a Pod.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    check::{Ask, Missing, Report},
    inventory::{
        ImageEvidence, Source,
        image_evidence::{Evidence, Judged},
    },
    object::{Digest, ImageAt, ImageReference},
};

/// What to do with a reference that has no digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum TagOnly {
    /// No scan can be for it: a tag names something else tomorrow.
    #[default]
    Violation,
    /// Judge the digest that a report last saw under this tag, and say so.
    Resolve,
}

/// What is known of an image.
pub(super) enum State<'e> {
    Scanned(Scanned<'e>),
    Unscanned(Digest),
    /// Without a digest, or without one that is well-formed.
    TagOnly,
}

/// An image with scans.
pub(super) struct Scanned<'e> {
    pub(super) evidence: &'e ImageEvidence,
    /// Of the manifest, or of each platform of the index. Never empty.
    pub(super) judged: Vec<Judged<'e>>,
    /// How the digest was found, when not by the reference: the end of a sentence.
    pub(super) found: String,
}

/// Finds the evidence for an image. Where there is nothing to judge, or no telling, the report says why.
pub(super) fn state<'e>(
    image: &ImageAt<'_>,
    tag_only: TagOnly,
    ask: &Ask<'e>,
    report: &mut Report,
) -> Option<State<'e>> {
    if image.reference.is_empty() {
        return None;
    }
    let evidence = ready(ask, report)?;
    let reference = ImageReference::parse(image.reference).ok();
    let (digest, found) = match reference {
        Some(ImageReference { digest: Some(digest), .. }) => (digest, String::new()),
        Some(reference) if tag_only == TagOnly::Resolve => match evidence.last_seen(&reference, ask.now) {
            Some((digest, scan)) => {
                let age = ago(scan.scanned_at, ask.now);
                (digest.clone(), format!(", judged by {}, which the tag named {age}", digest.short()))
            }
            None => return Some(State::TagOnly),
        },
        _ => return Some(State::TagOnly),
    };
    match evidence.of(&digest, ask.now, &|scan| scan.attester.is_none()) {
        Evidence::Scanned(judged) => Some(State::Scanned(Scanned { evidence, judged, found })),
        Evidence::Unscanned => Some(State::Unscanned(digest)),
        Evidence::Unknown(reason) => {
            report.not_assessable(Missing::Unavailable(reason.to_owned().into()));
            None
        }
    }
}

/// The same for a check that has nothing to say about an image without a scan: that is not assessable, not a pass.
pub(super) fn scanned<'e>(
    image: &ImageAt<'_>,
    tag_only: TagOnly,
    ask: &Ask<'e>,
    report: &mut Report,
) -> Option<Scanned<'e>> {
    match state(image, tag_only, ask, report)? {
        State::Scanned(scanned) => return Some(scanned),
        State::Unscanned(_) => report.not_assessable(Missing::NotKnownHere(
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

/// `3 days ago`, as people count.
pub(super) fn ago(then: Option<Timestamp>, now: Timestamp) -> Cow<'static, str> {
    let Some(then) = then else { return Cow::Borrowed("at an unknown time") };
    match days(then, now) {
        ..0 => Cow::Borrowed("in the future"),
        0 => Cow::Borrowed("less than a day ago"),
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
