//! CC6.1: a workload holds no power over the node that runs it.

mod privileged_container;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[
    // Pod Security Standards, baseline.
    &privileged_container::CHECK,
];
