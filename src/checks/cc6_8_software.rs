//! CC6.8: only known, scanned, trusted software runs.

mod malicious_image;
mod mutable_image_tag;
mod stale_scan;
mod subject;
mod unpinned_image;
mod unscanned_image;
mod untrusted_registry;
mod vulnerable_image;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[
    // What the reference itself says.
    &untrusted_registry::CHECK,
    &mutable_image_tag::CHECK,
    &unpinned_image::CHECK,
    // What scanners say of the digest.
    &unscanned_image::CHECK,
    &stale_scan::CHECK,
    &vulnerable_image::CHECK,
    // What is known to be hostile.
    &malicious_image::CHECK,
];
