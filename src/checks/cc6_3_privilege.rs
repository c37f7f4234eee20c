//! CC6.3: nobody gets more than the role needs, nobody switches the controls off.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
