//! The pod spec: what applies to the pod as a whole.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    capacity::Resources,
    container::{Container, SeLinuxOptions, TypedProfile, WindowsOptions},
    text::{List, Text, or_default},
    volume::Volume,
};

/// A pod spec, from a Pod or from any template.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec<'a> {
    #[serde(borrow)]
    pub containers: List<Container<'a>>,
    #[serde(borrow)]
    pub init_containers: List<Container<'a>>,
    #[serde(borrow)]
    pub ephemeral_containers: List<Container<'a>>,
    #[serde(borrow)]
    pub volumes: List<Volume<'a>>,
    #[serde(borrow)]
    pub security_context: Option<PodSecurityContext<'a>>,
    #[serde(rename = "hostPID")]
    pub host_pid: Option<bool>,
    #[serde(rename = "hostIPC")]
    pub host_ipc: Option<bool>,
    pub host_network: Option<bool>,
    /// See [`PodSpec::has_user_namespace`].
    pub host_users: Option<bool>,
    #[serde(borrow)]
    pub os: Option<PodOs<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub node_name: Text<'a>,
    /// See [`PodSpec::account`].
    #[serde(borrow, deserialize_with = "or_default")]
    pub service_account_name: Text<'a>,
    /// What the field was called at first; old manifests still use it.
    #[serde(borrow, deserialize_with = "or_default")]
    pub service_account: Text<'a>,
    /// Absent leaves it to the account.
    pub automount_service_account_token: Option<bool>,
    /// For all containers together (KEP-2837).
    #[serde(borrow)]
    pub resources: Option<Resources<'a>>,
    /// How many rules spread the pods over nodes and zones; what they say is not read.
    pub topology_spread_constraints: List<IgnoredAny>,
    pub affinity: Option<Affinity>,
}

/// Which nodes the pod prefers or needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Affinity {
    /// Which pods it keeps away from, of which only the presence is asked.
    pub pod_anti_affinity: Option<PodAntiAffinity>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PodAntiAffinity {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    pub required: List<IgnoredAny>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    pub preferred: List<IgnoredAny>,
}

/// The operating system that the pod says it needs.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub struct PodOs<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub name: Text<'a>,
}

/// `spec.securityContext`.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSecurityContext<'a> {
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    #[serde(borrow)]
    pub seccomp_profile: Option<TypedProfile<'a>>,
    #[serde(borrow)]
    pub app_armor_profile: Option<TypedProfile<'a>>,
    #[serde(borrow)]
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    pub windows_options: Option<WindowsOptions>,
    #[serde(borrow)]
    pub sysctls: List<Sysctl<'a>>,
}

/// A kernel parameter that the pod sets.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Sysctl<'a> {
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub name: Text<'a>,
}

impl PodSpec<'_> {
    /// The service account that the pod acts as: `default` if it names none.
    pub fn account(&self) -> &str {
        let named = [&self.service_account_name, &self.service_account];
        named.into_iter().find(|name| !name.is_empty()).map_or("default", |name| name)
    }

    /// Whether root in the pod is somebody without power on the node (`hostUsers: false`, KEP-127). Absent is not
    /// `false`.
    pub fn has_user_namespace(&self) -> bool {
        self.host_users == Some(false)
    }

    /// Whether the pod declares itself a Windows pod (`os.name`).
    pub fn is_windows(&self) -> bool {
        self.os.as_ref().is_some_and(|os| &*os.name == "windows")
    }
}
