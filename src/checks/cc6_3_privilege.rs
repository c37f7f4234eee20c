//! CC6.3: nobody gets more than the role needs, nobody switches the controls off.

mod loosened_network_policy;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[
    // Tampering with controls.
    &loosened_network_policy::CHECK,
];
