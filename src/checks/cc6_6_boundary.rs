//! CC6.6: what the outside can reach is chosen.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
