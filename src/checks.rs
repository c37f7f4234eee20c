//! The catalogue: every check, one file each, in the folder of its criterion.

mod cc6_1_access;
mod cc6_7_secrets;
mod cc6_8_software;

use crate::check::Check;

/// The folders in the order of their criteria.
const FOLDERS: &[&[&Check]] = &[cc6_1_access::CHECKS, cc6_7_secrets::CHECKS, cc6_8_software::CHECKS];

/// Every check, by folder.
pub fn all() -> impl Iterator<Item = &'static Check> {
    FOLDERS.iter().flat_map(|folder| folder.iter().copied())
}

/// The check of this id.
pub fn find(id: &str) -> Option<&'static Check> {
    all().find(|check| check.id == id)
}
