//! CC8.1: only approved changes reach production.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
