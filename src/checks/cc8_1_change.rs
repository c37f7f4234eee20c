//! CC8.1: only approved changes reach production.

mod direct_production_change;
mod missing_change_reference;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[&direct_production_change::CHECK, &missing_change_reference::CHECK];
