//! C1: confidential data is known and kept.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
