//! What a check may look at while it examines one request.

use jiff::Timestamp;

use crate::{check::Version, inventory::Inventory, object::Object, request::Request, secrets::SharedScan};

/// One request in its surroundings. Plain data: no clock, no I/O, no lock.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'r> {
    pub request: &'r Request<'r>,
    /// The object under examination; for the ratchet this is the old one.
    pub object: Option<&'r Object<'r>>,
    pub inventory: &'r Inventory,
    /// When the decision is made (UTC).
    pub now: Timestamp,
    pub version: Version,
    /// The secrets of `object`, looked for when the first check asks.
    pub secrets: &'r SharedScan,
}
