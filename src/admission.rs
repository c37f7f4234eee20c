//! The webhook's door: an AdmissionReview in, a decision, an AdmissionReview out.

mod answer;
mod definition;
mod depth;
mod gate;
mod review;
mod slim;

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{
    decision::{self, Decision},
    inventory::Inventory,
    policy::{Flaw, PolicySet},
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
            let mut decision = decision::decide(policies, &review.request, inventory, now);
            decision.refuse(definition::flaws(&review.request, policies, now));
            Ok((review.request, review.uid, decision))
        }
        Err(Unreadable::Object { uid, request, reason }) => {
            // What of the gate's own cannot be read could not be in force either.
            let flaw = definition::writes(&request).then(|| Flaw::new("", reason.clone()));
            let mut decision = decision::undecidable(policies, &request, reason);
            decision.refuse(flaw.into_iter().collect());
            Ok((*request, uid, decision))
        }
        Err(not_a_review) => Err(not_a_review),
    }
}
