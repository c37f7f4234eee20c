//! A condition of a status, in the shape that Kubernetes' own tools wait for.

use jiff::Timestamp;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The condition that says whether an object is in force.
pub(super) const READY: &str = "Ready";

/// The longest message, in characters. The API allows more; nobody reads it.
const LONGEST: usize = 1_000;

/// One thing that is so, or is not.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What it tells of.
    #[schemars(length(max = 316))]
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    #[schemars(schema_with = "statuses")]
    pub status: String,
    /// Why, in one word.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why, for a person, and what to do about it.
    #[schemars(length(max = 32768))]
    pub message: String,
    /// When `status` last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// The generation that it was said of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl Condition {
    /// That an object is in force, or is not. The time is that of an earlier condition as long as the status stays.
    pub fn ready(
        before: &[Self],
        is_ready: bool,
        reason: &str,
        message: &str,
        (generation, now): (i64, Timestamp),
    ) -> Self {
        let status = if is_ready { "True" } else { "False" };
        let since = before.iter().find(|one| one.r#type == READY && one.status == status);
        Self {
            r#type: READY.to_owned(),
            status: status.to_owned(),
            reason: reason.to_owned(),
            message: message.chars().take(LONGEST).collect(),
            last_transition_time: since.map_or_else(
                || now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
                |one| one.last_transition_time.clone(),
            ),
            observed_generation: Some(generation),
        }
    }
}

fn statuses(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": ["True", "False", "Unknown"]})
}
