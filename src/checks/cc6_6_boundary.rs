//! CC6.6: what the outside can reach is chosen.

mod allow_all_authorization_policy;
mod contested_host;
mod default_deny;
mod external_ip;
mod external_name_service;
mod forged_load_balancer_status;
mod ingress_snippet;
mod missing_default_deny;
mod missing_egress_default_deny;
mod node_port;
mod open_gateway;
mod open_load_balancer;
mod permitted_hosts;
mod retired_ingress_controller;
mod unrestricted_network_policy;
mod wildcard_host;
mod world_open_ip_block;

use crate::{
    check::{Ask, Check},
    object::{Body, Object, Service},
};

pub(super) const CHECKS: &[&Check] = &[
    // Between pods.
    &missing_default_deny::CHECK,
    &missing_egress_default_deny::CHECK,
    &unrestricted_network_policy::CHECK,
    &world_open_ip_block::CHECK,
    &allow_all_authorization_policy::CHECK,
    // Services that the outside reaches, or that reach outside.
    &node_port::CHECK,
    &open_load_balancer::CHECK,
    &external_ip::CHECK,
    &forged_load_balancer_status::CHECK,
    &external_name_service::CHECK,
    // Front doors.
    &wildcard_host::CHECK,
    &contested_host::CHECK,
    &open_gateway::CHECK,
    &ingress_snippet::CHECK,
    &retired_ingress_controller::CHECK,
];

/// The object of the request and what it holds, if it is a Service.
fn service<'r>(ask: &Ask<'r>) -> Option<(&'r Object<'r>, &'r Service)> {
    let object = ask.object?;
    match &object.body {
        Body::Service(service) => Some((object, service)),
        _ => None,
    }
}
