//! CC7.2: what happens can be seen.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
