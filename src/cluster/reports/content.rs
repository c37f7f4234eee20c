//! A report as the API server takes it, with a digest by which it is recognised as unchanged.

use std::{collections::BTreeMap, fmt::Write};

use aws_lc_rs::digest::{Context, SHA256};
use kube::{
    api::DynamicObject,
    core::{ApiResource, ObjectMeta, TypeMeta},
};
use serde_json::Value;

use crate::cluster::NAME;

/// The label of what we wrote.
pub(super) const LABEL: &str = "app.kubernetes.io/managed-by";

/// The annotation with the digest of what a report says.
pub(super) const DIGEST: &str = "soc2gate.io/digest";

/// What a report says.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// `scope`, `summary` and `results`.
    pub body: Value,
    /// What else is to be known, as annotations by the last part of their name.
    pub notes: BTreeMap<&'static str, String>,
}

pub(super) struct Document {
    pub(super) object: DynamicObject,
    pub(super) digest: String,
}

impl Content {
    pub(super) fn document(self, resource: &ApiResource, namespace: &str) -> Document {
        let Self { mut body, notes } = self;
        // The older API knows a source of results alone.
        if resource.group == "openreports.io"
            && let Value::Object(fields) = &mut body
        {
            fields.insert("source".to_owned(), NAME.into());
        }
        let digest = digest(&body, &notes);
        let notes = notes.into_iter().map(|(name, text)| (format!("soc2gate.io/{name}"), text));
        let metadata = ObjectMeta {
            name: Some(NAME.to_owned()),
            namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
            labels: Some(BTreeMap::from([(LABEL.to_owned(), NAME.to_owned())])),
            annotations: Some(notes.chain([(DIGEST.to_owned(), digest.clone())]).collect()),
            ..ObjectMeta::default()
        };
        let types = TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() };
        Document { object: DynamicObject { types: Some(types), metadata, data: body }, digest }
    }
}

/// SHA-256 over all that is said. The keys of maps come in their order, so that it is the same every time.
fn digest(body: &Value, notes: &BTreeMap<&'static str, String>) -> String {
    let mut context = Context::new(&SHA256);
    context.update(body.to_string().as_bytes());
    for (name, text) in notes {
        context.update(format!("\n{name}={text}").as_bytes());
    }
    context.finish().as_ref().iter().fold(String::from("sha256:"), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
