//! CC6.2: only known identities reach the cluster.

mod unapproved_privileged_binding;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[&unapproved_privileged_binding::CHECK];
