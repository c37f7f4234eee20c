//! What the `securityContext` of a pod and of a container have in common, so that a check reads both alike.

use super::{
    container::{SeLinuxOptions, TypedProfile},
    place::{ContainerAt, Place, PodAt},
    pod::PodSecurityContext,
};

/// One `securityContext`, the pod's or a container's, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct SecurityAt<'o> {
    pub run_as_user: Option<i64>,
    pub host_process: Option<bool>,
    pub seccomp_profile: Option<&'o TypedProfile<'o>>,
    pub app_armor_profile: Option<&'o TypedProfile<'o>>,
    pub se_linux_options: Option<&'o SeLinuxOptions<'o>>,
    holder: Holder<'o>,
}

#[derive(Clone, Copy, Debug)]
enum Holder<'o> {
    Pod(PodAt<'o>),
    Container(ContainerAt<'o>),
}

impl<'o> SecurityAt<'o> {
    pub(super) fn of_pod(pod: PodAt<'o>, context: &'o PodSecurityContext<'o>) -> Self {
        Self {
            run_as_user: context.run_as_user,
            host_process: context.windows_options.as_ref().and_then(|options| options.host_process),
            seccomp_profile: context.seccomp_profile.as_ref(),
            app_armor_profile: context.app_armor_profile.as_ref(),
            se_linux_options: context.se_linux_options.as_ref(),
            holder: Holder::Pod(pod),
        }
    }

    pub(super) fn of_container(at: ContainerAt<'o>) -> Option<Self> {
        let context = at.container.security_context.as_ref()?;
        Some(Self {
            run_as_user: context.run_as_user,
            host_process: context.windows_options.as_ref().and_then(|options| options.host_process),
            seccomp_profile: context.seccomp_profile.as_ref(),
            app_armor_profile: context.app_armor_profile.as_ref(),
            se_linux_options: context.se_linux_options.as_ref(),
            holder: Holder::Container(at),
        })
    }

    /// A field of this `securityContext`.
    pub fn at(&self, field: &str) -> Place {
        match &self.holder {
            Holder::Pod(pod) => pod.at("securityContext"),
            Holder::Container(container) => container.at("securityContext"),
        }
        .field(field)
    }
}
