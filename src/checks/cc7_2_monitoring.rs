//! CC7.2: what happens in the cluster is recorded, so that somebody can see it.

mod audit_policy;
mod blind_audit_policy;
mod log_collection_opt_out;
mod missing_probe;
mod probes;
mod short_audit_retention;
mod unaudited_api_server;

use crate::check::Check;

pub(super) const CHECKS: &[&Check] = &[
    &unaudited_api_server::CHECK,
    &blind_audit_policy::CHECK,
    &short_audit_retention::CHECK,
    &log_collection_opt_out::CHECK,
    &missing_probe::CHECK,
];
