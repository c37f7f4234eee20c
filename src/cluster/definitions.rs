//! The gate's own kinds in the cluster, ControlPolicy, Exemption and ImageScan: how they are defined, what is known of each object,
//! and what is said of it.

#[expect(unreachable_pub, reason = "the derive repeats the visibility where nobody can see it")]
mod condition;
#[expect(unreachable_pub, reason = "the derive repeats the visibility where nobody can see it")]
#[expect(clippy::duplicated_attributes, reason = "columns and rules repeat the names of their parts")]
mod control_policy;
#[expect(unreachable_pub, reason = "the derive repeats the visibility where nobody can see it")]
#[expect(clippy::duplicated_attributes, reason = "columns and rules repeat the names of their parts")]
mod exemption;
mod follow;
mod held;
#[expect(unreachable_pub, reason = "the derive repeats the visibility where nobody can see it")]
#[expect(clippy::duplicated_attributes, reason = "columns repeat the names of their parts")]
mod image_scan;
mod status;
mod warning;
mod writer;

pub use condition::Condition;
pub use control_policy::{ControlPolicy, ControlPolicyStatus, Counts};
pub use exemption::{Exemption, ExemptionStatus};
pub use follow::{Told, follow};
pub use held::{Held, Holding, Judge, News};
pub use image_scan::{HandedIn, ImageScan, ImageScanSpec};
pub use status::{PolicyFacts, exemption_news, next_change};
pub use writer::{Facts, Known, StatusWriter};

use kube::{CustomResourceExt, core::ApiResource};
use serde_json::Value;

use super::NAME;

/// What a reader of the generated file should know.
const HEAD: &str = "\
# The gate's own kinds: `kubectl explain controlpolicy.spec`, and so for exemption and imagescan.
# Generated from the program; `UPDATE=1 cargo test --test suite generated` writes it anew.
";

/// ControlPolicy as the API serves it.
pub fn policy_resource() -> ApiResource {
    ApiResource::erase::<ControlPolicy>(&())
}

/// Exemption as the API serves it.
pub fn exemption_resource() -> ApiResource {
    ApiResource::erase::<Exemption>(&())
}

/// ImageScan as the API serves it.
pub fn image_scan_resource() -> ApiResource {
    ApiResource::erase::<ImageScan>(&())
}

/// The definitions as manifests, in YAML.
///
/// # Errors
/// None for the definitions as they stand: a test writes them.
pub fn manifests() -> Result<String, serde_saphyr::ser::Error> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: 110, compact_list_indent: false };
    let mut text = HEAD.to_owned();
    for definition in [ControlPolicy::crd(), Exemption::crd(), ImageScan::crd()] {
        let mut tree = serde_json::to_value(definition).unwrap_or_default();
        forbid_null(&mut tree);
        // Whoever takes the gate away takes what bears its label.
        if let Some(metadata) = tree.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("labels".to_owned(), serde_json::json!({"app.kubernetes.io/part-of": NAME}));
        }
        if !text.ends_with(HEAD) {
            text.push_str("---\n");
        }
        text.push_str(&serde_saphyr::to_string_with_options(&tree, options.clone())?);
    }
    Ok(text)
}

/// What may be left out is left out: a field that is there and `null` would count as given, and mean nothing.
fn forbid_null(tree: &mut Value) {
    match tree {
        Value::Object(fields) => {
            fields.retain(|name, value| name != "nullable" || *value != Value::Bool(true));
            fields.values_mut().for_each(forbid_null);
        }
        Value::Array(items) => items.iter_mut().for_each(forbid_null),
        _ => {}
    }
}
