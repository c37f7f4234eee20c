//! The catalogue: every check, one file each, in the folder of its criterion.

mod a1_availability;
mod c1_confidentiality;
mod cc6_1_access;
mod cc6_2_identity;
mod cc6_3_privilege;
mod cc6_6_boundary;
mod cc6_7_secrets;
mod cc6_8_software;
mod cc7_1_configuration;
mod cc7_2_monitoring;
mod cc8_1_change;

use crate::{check::Check, manifest::closest};

/// The folders in the order of their criteria.
const FOLDERS: &[&[&Check]] = &[
    cc6_1_access::CHECKS,
    cc6_2_identity::CHECKS,
    cc6_3_privilege::CHECKS,
    cc6_6_boundary::CHECKS,
    cc6_7_secrets::CHECKS,
    cc6_8_software::CHECKS,
    cc7_1_configuration::CHECKS,
    cc7_2_monitoring::CHECKS,
    cc8_1_change::CHECKS,
    a1_availability::CHECKS,
    c1_confidentiality::CHECKS,
];

/// Every check, by folder.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FOLDERS.iter().flat_map(|folder| folder.iter().copied())
}

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}

/// `, did you mean ...` for an unknown id that is near a known one; empty for any other.
pub fn meant(id: &str) -> String {
    let near = closest(id, all().map(|check| check.id)).filter(|near| *near != id);
    near.map_or(String::new(), |near| format!(", did you mean `{near}`"))
}
