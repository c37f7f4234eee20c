//! One container, whichever of the three lists it stands in.

use serde::Deserialize;

use super::{
    capacity::Resources,
    text::{List, Text, or_default},
};

/// A container, init container or ephemeral container: their fields have the same names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub image: Text<'a>,
    #[serde(borrow)]
    pub command: List<Text<'a>>,
    #[serde(borrow)]
    pub args: List<Text<'a>>,
    #[serde(borrow)]
    pub env: List<EnvVar<'a>>,
    #[serde(borrow)]
    pub env_from: List<EnvFrom<'a>>,
    #[serde(borrow)]
    pub ports: List<ContainerPort<'a>>,
    #[serde(borrow)]
    pub volume_mounts: List<VolumeMount<'a>>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub working_dir: Text<'a>,
    #[serde(borrow)]
    pub security_context: Option<SecurityContext<'a>>,
    #[serde(borrow)]
    pub liveness_probe: Option<Probe<'a>>,
    #[serde(borrow)]
    pub readiness_probe: Option<Probe<'a>>,
    #[serde(borrow)]
    pub startup_probe: Option<Probe<'a>>,
    #[serde(borrow)]
    pub lifecycle: Option<Lifecycle<'a>>,
    #[serde(borrow)]
    pub resources: Option<Resources<'a>>,
}

/// An environment variable: a literal, or a reference.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvVar<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub value: Text<'a>,
    #[serde(borrow)]
    pub value_from: Option<EnvSource<'a>>,
}

/// Where a variable gets its value; of the sources only a Secret is told apart.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvSource<'a> {
    #[serde(borrow)]
    pub secret_key_ref: Option<SecretReference<'a>>,
}

/// All entries of a Secret or ConfigMap as variables; of the two only a Secret is told apart.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvFrom<'a> {
    #[serde(borrow)]
    pub secret_ref: Option<SecretReference<'a>>,
}

/// A Secret, or one entry of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SecretReference<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub key: Text<'a>,
}

/// A port of a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    pub container_port: Option<i64>,
    pub host_port: Option<i64>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub protocol: Text<'a>,
}

/// Where a volume appears inside a container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub mount_path: Text<'a>,
    pub read_only: Option<bool>,
}

/// A container's `securityContext`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecurityContext<'a> {
    pub privileged: Option<bool>,
    pub allow_privilege_escalation: Option<bool>,
    pub run_as_non_root: Option<bool>,
    pub run_as_user: Option<i64>,
    #[serde(borrow)]
    pub proc_mount: Option<Text<'a>>,
    #[serde(borrow)]
    pub capabilities: Option<Capabilities<'a>>,
    #[serde(borrow)]
    pub seccomp_profile: Option<TypedProfile<'a>>,
    #[serde(borrow)]
    pub app_armor_profile: Option<TypedProfile<'a>>,
    #[serde(borrow)]
    pub se_linux_options: Option<SeLinuxOptions<'a>>,
    pub windows_options: Option<WindowsOptions>,
}

/// Linux capabilities added to and dropped from the runtime's default set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Capabilities<'a> {
    #[serde(borrow)]
    pub add: List<Text<'a>>,
    #[serde(borrow)]
    pub drop: List<Text<'a>>,
}

/// A seccomp or AppArmor profile: only its type matters to a check.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TypedProfile<'a> {
    #[serde(borrow, rename = "type", deserialize_with = "or_default")]
    pub kind: Text<'a>,
}

impl TypedProfile<'_> {
    /// Whether it confines the program: the runtime's own profile, or one that the node's administrator installed.
    /// Everything else does not, an empty type and a type that nobody knows yet included.
    pub fn confines(&self) -> bool {
        matches!(&*self.kind, "RuntimeDefault" | "Localhost")
    }
}

/// SELinux labels of a pod or container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct SeLinuxOptions<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub user: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub role: Text<'a>,
    #[serde(borrow, rename = "type", deserialize_with = "or_default")]
    pub kind: Text<'a>,
}

/// Settings that only Windows containers know.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WindowsOptions {
    pub host_process: Option<bool>,
}

/// A probe and a lifecycle handler share their actions.
pub type Probe<'a> = Handler<'a>;

/// What the kubelet does to probe a container or at a lifecycle hook.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handler<'a> {
    #[serde(borrow)]
    pub exec: Option<ExecAction<'a>>,
    #[serde(borrow)]
    pub http_get: Option<HttpGetAction<'a>>,
    #[serde(borrow)]
    pub tcp_socket: Option<TcpSocketAction<'a>>,
}

/// Hooks around a container's life.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle<'a> {
    #[serde(borrow)]
    pub post_start: Option<Handler<'a>>,
    #[serde(borrow)]
    pub pre_stop: Option<Handler<'a>>,
}

/// A command run inside the container.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ExecAction<'a> {
    #[serde(borrow)]
    pub command: List<Text<'a>>,
}

/// An HTTP request that the kubelet makes.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpGetAction<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub host: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub path: Text<'a>,
    #[serde(borrow)]
    pub http_headers: List<HttpHeader<'a>>,
}

/// A header of that request.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpHeader<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub name: Text<'a>,
    #[serde(borrow, deserialize_with = "or_default")]
    pub value: Text<'a>,
}

/// A TCP connection that the kubelet opens.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct TcpSocketAction<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    pub host: Text<'a>,
}

impl<'a> Container<'a> {
    /// The three probes that are set, each with its field name.
    pub fn probes(&self) -> impl Iterator<Item = (&'static str, &Probe<'a>)> {
        [
            ("livenessProbe", &self.liveness_probe),
            ("readinessProbe", &self.readiness_probe),
            ("startupProbe", &self.startup_probe),
        ]
        .into_iter()
        .filter_map(|(field, probe)| Some((field, probe.as_ref()?)))
    }

    /// The lifecycle hooks that are set, each with its field path.
    pub fn hooks(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        let lifecycle = self.lifecycle.as_ref();
        [
            ("lifecycle.postStart", lifecycle.and_then(|hooks| hooks.post_start.as_ref())),
            ("lifecycle.preStop", lifecycle.and_then(|hooks| hooks.pre_stop.as_ref())),
        ]
        .into_iter()
        .filter_map(|(field, hook)| Some((field, hook?)))
    }

    /// Everything the kubelet runs or calls for the container: probes, then hooks, each with its field path.
    pub fn handlers(&self) -> impl Iterator<Item = (&'static str, &Handler<'a>)> {
        self.probes().chain(self.hooks())
    }
}
