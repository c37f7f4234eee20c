//! CC7.1: the control plane keeps the standard.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
