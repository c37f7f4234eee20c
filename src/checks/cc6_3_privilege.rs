//! CC6.3: nobody gets more than the role needs, nobody switches the controls off.

mod cluster_identity_change;
mod control_opt_out_label;
mod deleted_gate_crd;
mod gate_namespace_change;
mod loosened_policy;
mod loosening;
mod lowered_pod_security_level;
mod registration;
mod removed_security_tool;
mod self_approved_exemption;
mod weakened_gate_registration;

use crate::{
    check::{Check, Params},
    manifest::Unusable,
};

pub(super) const CHECKS: &[&Check] = &[
    // Tampering with controls.
    &weakened_gate_registration::CHECK,
    &gate_namespace_change::CHECK,
    &loosened_policy::CHECK,
    &control_opt_out_label::CHECK,
    &lowered_pod_security_level::CHECK,
    &self_approved_exemption::CHECK,
    &deleted_gate_crd::CHECK,
    &removed_security_tool::CHECK,
    &cluster_identity_change::CHECK,
];

/// An object's namespace and name in a parameter, written `namespace/name`; the name may end in `*`.
struct NamePattern {
    namespace: String,
    name: String,
    is_prefix: bool,
}

impl NamePattern {
    fn read_all(params: &Params<'_>, parameter: &str, texts: &[String]) -> Result<Vec<Self>, Unusable> {
        let read = |text: &String| {
            Self::read(text).ok_or_else(|| {
                let how = "write `namespace/name`; only the name may end in `*`";
                params.refuse(format!("`{text}` in `{parameter}` names no object: {how}"))
            })
        };
        texts.iter().map(read).collect()
    }

    fn read(text: &str) -> Option<Self> {
        let (namespace, written) = text.split_once('/')?;
        let (name, is_prefix) = written.strip_suffix('*').map_or((written, false), |start| (start, true));
        let is_sound = !namespace.is_empty()
            && !written.is_empty()
            && !format!("{namespace}{name}").contains(['*', '/']);
        is_sound.then(|| Self { namespace: namespace.to_owned(), name: name.to_owned(), is_prefix })
    }

    fn fits(&self, namespace: &str, name: &str) -> bool {
        namespace == self.namespace
            && if self.is_prefix {
                name.starts_with(&self.name)
            } else {
                !name.is_empty() && name == self.name
            }
    }
}
