//! The webhook's door: an AdmissionReview in, a decision, an AdmissionReview out.

mod answer;
mod depth;
mod gate;
mod review;
mod slim;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    decision::{self, Decision},
    inventory::Inventory,
    policy::PolicySet,
    request::Request,
};

pub use answer::{Identity, denial, encode};
pub use gate::{Gate, Reply, Witness, metrics};
pub use review::{Review, Unreadable};

/// Reads and decides one review. Pure, like [`decision::decide`]: what it returns is acted upon by the caller.
///
/// # Errors
/// [`Unreadable::NotAReview`] when there is not even a `uid` to answer to.
pub fn decide<'b>(
    body: &'b [u8],
    policies: &PolicySet,
    inventory: &Inventory,
    now: Timestamp,
) -> Result<(Request<'b>, Cow<'b, str>, Decision), Unreadable<'b>> {
    match Review::read(body) {
        Ok(review) => {
            let decision = decision::decide(policies, &review.request, inventory, now);
            Ok((review.request, review.uid, decision))
        }
        Err(Unreadable::Object { uid, request, reason }) => {
            let decision = decision::undecidable(policies, &request, reason);
            Ok((*request, uid, decision))
        }
        Err(not_a_review) => Err(not_a_review),
    }
}
