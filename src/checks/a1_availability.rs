//! A1: it bears load and loss.

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[];
