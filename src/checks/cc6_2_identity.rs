//! CC6.2: only known identities reach the cluster.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
