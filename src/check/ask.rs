//! What a check may look at while it examines one request.

use jiff::Timestamp;

use crate::{
    check::{Missing, Part, References, Report, Version},
    inventory::{Inventory, Source},
    object::{ImageAt, ImageReference, ImageReferenceError, Object},
    request::Request,
    secrets::SharedScan,
};

/// One request in its surroundings. Plain data: no clock, no I/O, no lock.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'r> {
    pub request: &'r Request<'r>,
    /// The object under examination; for the ratchet this is the old one.
    pub object: Option<&'r Object<'r>>,
    /// On UPDATE, the object as it was, for checks that declare to need it.
    pub old: Option<&'r Object<'r>>,
    pub inventory: &'r Inventory,
    /// When the decision is made (UTC).
    pub now: Timestamp,
    pub version: Version,
    /// The secrets of `object`, looked for when the first check asks.
    pub secrets: &'r SharedScan,
    /// The images of `object`, parsed when the first check asks.
    pub references: &'r References,
}

impl<'r> Ask<'r> {
    /// What an image of the object is.
    ///
    /// # Errors
    /// Why its reference is none.
    pub fn image(&self, at: &ImageAt<'_>) -> Result<&'r ImageReference, ImageReferenceError> {
        self.object.map_or(Err(ImageReferenceError::Empty), |object| self.references.of(object, at.position))
    }

    /// What a part of the inventory holds; where it holds nothing the report says why the check cannot tell.
    pub fn known<T>(&self, part: Part, source: &'r Source<T>, report: &mut Report) -> Option<&'r T> {
        let missing = match source {
            Source::Ready(content) => return Some(content),
            // Said of most requests where there is no inventory, so that it must cost nothing.
            Source::NotConfigured => Missing::NotKnownHere(part.absence().into()),
            Source::Unavailable(reason) => {
                let reason = format!("the inventory of {} is unavailable: {reason}", part.id());
                Missing::Unavailable(reason.into())
            }
        };
        report.not_assessable(missing);
        None
    }
}
