//! The objects that a policy's parameters name.

use crate::{check::Params, manifest::Unusable};

/// An object's namespace and name in a parameter, written `namespace/name`; the name may end in `*`.
pub(super) struct NamePattern {
    pub(super) namespace: String,
    name: String,
    is_prefix: bool,
}

impl NamePattern {
    pub(super) fn read_all(
        params: &Params<'_>,
        parameter: &str,
        texts: &[String],
    ) -> Result<Vec<Self>, Unusable> {
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

    pub(super) fn fits(&self, namespace: &str, name: &str) -> bool {
        namespace == self.namespace
            && if self.is_prefix {
                name.starts_with(&self.name)
            } else {
                !name.is_empty() && name == self.name
            }
    }
}
