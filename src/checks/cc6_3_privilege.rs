//! CC6.3: nobody gets more than the role needs, nobody switches the controls off.

mod admission_control_permission;
mod aggregated_privilege;
mod certificate_approval_permission;
mod changed_system_role;
mod cluster_admin_binding;
mod cluster_identity_change;
mod control_opt_out_label;
mod deleted_gate_crd;
mod escalation_verb;
mod exec_permission;
mod gate_namespace_change;
mod grant;
mod impersonate_permission;
pub(super) mod kubernetes;
mod loosened_network_policy;
mod loosened_policy;
mod loosening;
mod lowered_pod_security_level;
mod name_pattern;
mod namespace_label_permission;
mod node_proxy_permission;
mod permission;
mod persistent_volume_permission;
mod registration;
mod removed_security_tool;
mod secret_read_permission;
mod self_approved_exemption;
mod token_creation_permission;
mod weakened_gate_registration;
mod webhook_attestation_permission;
mod wildcard_rule;
mod workload_creation_permission;

use crate::{check::Check, object::PolicyRule};

pub(super) const CHECKS: &[&Check] = &[
    // Roles and bindings.
    &wildcard_rule::CHECK,
    &cluster_admin_binding::CHECK,
    &escalation_verb::CHECK,
    &impersonate_permission::CHECK,
    &node_proxy_permission::CHECK,
    &certificate_approval_permission::CHECK,
    &admission_control_permission::CHECK,
    &aggregated_privilege::CHECK,
    &changed_system_role::CHECK,
    &secret_read_permission::CHECK,
    &exec_permission::CHECK,
    &token_creation_permission::CHECK,
    &namespace_label_permission::CHECK,
    &persistent_volume_permission::CHECK,
    &webhook_attestation_permission::CHECK,
    &workload_creation_permission::CHECK,
    // Tampering with controls.
    &weakened_gate_registration::CHECK,
    &gate_namespace_change::CHECK,
    &loosened_policy::CHECK,
    &loosened_network_policy::CHECK,
    &control_opt_out_label::CHECK,
    &lowered_pod_security_level::CHECK,
    &self_approved_exemption::CHECK,
    &deleted_gate_crd::CHECK,
    &removed_security_tool::CHECK,
    &cluster_identity_change::CHECK,
];

/// The worst check that a rule breaks by its default parameters, where it holds in every namespace or only in one.
pub(super) fn broken(rule: &PolicyRule, is_cluster_wide: bool) -> Option<&'static str> {
    let breaks = |one: &&&permission::Permission| !one.grants(rule, &|| is_cluster_wide).is_empty();
    let is_wide = || !wildcard_rule::grants(rule, &wildcard_rule::OwnGroups::default()).is_empty();
    let broken = permission::ALL.iter().find(breaks).map(|one| one.id);
    broken.or_else(|| is_wide().then_some(wildcard_rule::CHECK.id))
}
