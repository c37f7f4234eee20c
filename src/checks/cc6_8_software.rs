//! CC6.8: only known, scanned, trusted software runs.

mod attested;
mod identity;
mod malicious_image;
mod mismatched_attestation;
mod missing_provenance;
mod missing_sbom;
mod mutable_image_tag;
mod opinion;
mod overdue_vulnerability;
mod signers;
mod stale_scan;
mod subject;
mod unknown_image_evidence;
mod unpinned_image;
mod unscanned_image;
mod unsigned_image;
mod untrusted_registry;
mod untrusted_signer;
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
    &overdue_vulnerability::CHECK,
    // What is attested of the digest, and by whom.
    &unsigned_image::CHECK,
    &untrusted_signer::CHECK,
    &missing_provenance::CHECK,
    &missing_sbom::CHECK,
    &mismatched_attestation::CHECK,
    &unknown_image_evidence::CHECK,
    // What is known to be hostile.
    &malicious_image::CHECK,
];
