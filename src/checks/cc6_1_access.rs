//! CC6.1: a workload holds no power over the node that runs it.

mod added_capability;
mod custom_selinux_option;
mod host_namespace;
mod host_path_volume;
mod host_port;
mod missing_seccomp_profile;
mod possible_root_user;
mod privilege_escalation;
mod privileged_container;
mod probe_host_override;
mod proc_working_directory;
mod root_user;
mod sensitive_host_path;
mod system_namespace_workload;
mod unconfined_apparmor;
mod unconfined_seccomp;
mod undropped_capability;
mod unlisted_volume_type;
mod unmasked_proc_in_user_namespace;
mod unmasked_proc_mount;
mod unsafe_sysctl;
mod windows_host_process;

use crate::{
    check::{Ask, Check},
    object::PodAt,
};

pub(super) const CHECKS: &[&Check] = &[
    // Pod Security Standards, baseline.
    &privileged_container::CHECK,
    &host_namespace::CHECK,
    &added_capability::CHECK,
    &host_path_volume::CHECK,
    &host_port::CHECK,
    &probe_host_override::CHECK,
    &unconfined_apparmor::CHECK,
    &custom_selinux_option::CHECK,
    &unmasked_proc_mount::CHECK,
    &unconfined_seccomp::CHECK,
    &unsafe_sysctl::CHECK,
    &windows_host_process::CHECK,
    // Pod Security Standards, restricted.
    &unlisted_volume_type::CHECK,
    &privilege_escalation::CHECK,
    &possible_root_user::CHECK,
    &root_user::CHECK,
    &missing_seccomp_profile::CHECK,
    &undropped_capability::CHECK,
    &unmasked_proc_in_user_namespace::CHECK,
    // Beyond the standard.
    &sensitive_host_path::CHECK,
    &proc_working_directory::CHECK,
    &system_namespace_workload::CHECK,
];

/// Whether the standard takes root in this pod for harmless: from 1.35, in a user namespace of its own.
fn root_is_harmless(pod: &PodAt<'_>, ask: &Ask<'_>) -> bool {
    ask.version.at_least(35) && pod.spec.has_user_namespace()
}

/// Whether the standard leaves out what Windows does not have: from 1.25, where kubelets refuse a pod that names
/// another system than their own.
fn is_excused_windows(pod: &PodAt<'_>, ask: &Ask<'_>) -> bool {
    ask.version.at_least(25) && pod.spec.is_windows()
}
