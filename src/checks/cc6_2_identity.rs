//! CC6.2: only known identities reach the cluster.

mod anonymous_subject;
mod attach_to_container;
mod automounted_token;
mod catch_all_subject;
mod certificate_request;
mod cloud_identity_annotation;
mod debug_container;
mod default_service_account_binding;
mod exec_into_container;
mod foreign_account_binding;
mod long_lived_token;
mod long_lived_token_secret;
mod node_proxy_connection;
mod port_forward_to_pod;
mod service_proxy_connection;
mod system_masters_identity;
mod token_requested_by_human;
mod unapproved_privileged_binding;
mod user_client_certificate;
mod way_in;

use crate::{
    check::{Check, quoted},
    object::SubjectAt,
};

pub(super) const CHECKS: &[&Check] = &[
    // Who is given rights.
    &anonymous_subject::CHECK,
    &catch_all_subject::CHECK,
    &system_masters_identity::CHECK,
    &default_service_account_binding::CHECK,
    &foreign_account_binding::CHECK,
    &unapproved_privileged_binding::CHECK,
    // Which credentials exist.
    &automounted_token::CHECK,
    &long_lived_token_secret::CHECK,
    &long_lived_token::CHECK,
    &token_requested_by_human::CHECK,
    &user_client_certificate::CHECK,
    &cloud_identity_annotation::CHECK,
    // Ways in.
    &exec_into_container::CHECK,
    &attach_to_container::CHECK,
    &port_forward_to_pod::CHECK,
    &debug_container::CHECK,
    &node_proxy_connection::CHECK,
    &service_proxy_connection::CHECK,
];

/// A subject and its role, as the rest of a sentence: is Group `dev`, bound to ClusterRole `view`.
fn bound(at: &SubjectAt<'_>) -> String {
    let subject = at.subject;
    let name = match &*subject.kind {
        "ServiceAccount" => quoted(&format!("{}/{}", at.namespace(), &*subject.name)),
        _ => quoted(&subject.name),
    };
    let role = &at.binding.role_ref;
    let role_kind = if *role.kind == *"Role" { "Role" } else { "ClusterRole" };
    format!("is {} {name}, bound to {role_kind} {}", &*subject.kind, quoted(&role.name))
}
