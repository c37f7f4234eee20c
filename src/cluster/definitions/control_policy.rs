//! The definition of ControlPolicy: a schema that takes what the reader takes and explains itself to `kubectl explain`.

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::{Schema, json_schema};
use serde::{Deserialize, Serialize};

use super::condition::Condition;
use crate::{criterion::Criterion, policy::Mode};

/// A control: what is promised about one SOC 2 criterion, and the checks that keep the promise.
#[derive(CustomResource, KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "soc2gate.io",
    version = "v1",
    kind = "ControlPolicy",
    plural = "controlpolicies",
    shortname = "cpol",
    category = "soc2gate",
    status = "ControlPolicyStatus",
    doc = "A promise about one SOC 2 criterion with the checks that keep it. One named like a policy that comes with soc2gate, or like one of its directory, stands in place of that one; any other is added.",
    printcolumn(name = "Criterion", type_ = "string", json_path = ".spec.criterion"),
    printcolumn(name = "Control", type_ = "string", json_path = ".spec.control", priority = 1),
    printcolumn(
        name = "Checks",
        type_ = "integer",
        json_path = ".status.checks.total",
        description = "Checks in force."
    ),
    printcolumn(
        name = "Enforce",
        type_ = "integer",
        json_path = ".status.checks.enforce",
        description = "Checks that deny."
    ),
    printcolumn(
        name = "Warn",
        type_ = "integer",
        json_path = ".status.checks.warn",
        description = "Checks that admit with a warning."
    ),
    printcolumn(
        name = "Audit",
        type_ = "integer",
        json_path = ".status.checks.audit",
        description = "Checks that only record."
    ),
    printcolumn(
        name = "Findings",
        type_ = "integer",
        json_path = ".status.findings",
        description = "What the last scan of the cluster found under this policy."
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status",
        description = "Whether the newest version is the one in force."
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
pub struct ControlPolicySpec {
    /// The Trust Services Criterion that the policy speaks to, as auditors number it.
    #[schemars(schema_with = "criteria")]
    pub criterion: String,
    /// What is promised about the criterion, in one sentence.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: write in one sentence what the policy promises"))]
    pub control: String,
    /// Where the policy applies. Left out, it applies everywhere.
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// Judge by this version of Kubernetes, `1.33` or `latest`, instead of the cluster's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), regex(pattern = r"^(latest|v?1\.[0-9]{1,4}([.+-].*)?)$"))]
    pub kubernetes_version: Option<String>,
    /// What the policy allows its exemptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exemptions: Option<Limits>,
    /// The checks and how hard each is applied. `soc2gate policies` lists all there are.
    #[schemars(length(max = 500))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["id".into()]))]
    pub checks: Vec<Entry>,
}

/// Where a policy applies. All that is given must fit; what is left out does not narrow.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// Only objects of these kinds, by their names: `Deployment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 200), inner(length(max = 253)))]
    pub kinds: Option<Vec<String>>,
    /// Only objects in namespaces with these labels. What is in no namespace is never left out by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<Selector>,
    /// Only objects with these labels, which their authors write: it chooses a scope, it protects nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_selector: Option<Selector>,
    /// Not in these namespaces, each by its full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1000), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = Rule::new("self.all(name, !name.contains('*'))").message("write each namespace by its full name"))]
    pub exclude_namespaces: Option<Vec<String>>,
}

/// A label selector: all of its requirements must hold.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Labels that must have these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Further requirements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub match_expressions: Option<Vec<Requirement>>,
}

/// One requirement on a label.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[x_kube(validation = Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)")
    .message("`values` go with In and NotIn, and only with them"))]
pub struct Requirement {
    /// The label's key.
    #[schemars(length(max = 317))]
    pub key: String,
    /// How the label's value is compared.
    #[schemars(schema_with = "operators")]
    pub operator: String,
    /// What it is compared with; none for Exists and DoesNotExist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200), inner(length(max = 63)))]
    pub values: Option<Vec<String>>,
}

/// What a policy allows its exemptions.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// The longest that an exemption from a check of this policy may last, in days; 90 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub max_days: Option<i64>,
}

/// One check and how hard it is applied.
#[derive(KubeSchema, Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The check; `soc2gate explain ID` tells what it refuses, why, and how to fix it.
    #[schemars(length(min = 1, max = 63))]
    pub id: String,
    /// `enforce` denies, `warn` admits with a warning, `audit` only records, `off` (in quotes) does nothing.
    #[schemars(schema_with = "modes")]
    pub mode: String,
    /// Why the mode is weaker than `enforce`; mandatory for whoever lowers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    #[x_kube(validation = Rule::new("self.trim() != ''").message("is empty: say why, or leave it out"))]
    pub reason: Option<String>,
    /// What the check is told; each check knows its own parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub params: Option<serde_json::Value>,
}

/// What the gate says of the policy.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ControlPolicyStatus {
    /// The generation of the policy that this was said of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The checks that this object has in force, under the mode ceiling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Counts>,
    /// What the last scan of the cluster found under this policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findings: Option<i64>,
    /// `Ready` tells whether the newest version is the one in force, and if not, why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}

/// Checks by mode. Those that are off are not counted.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Counts {
    /// All of them.
    pub total: i64,
    /// Those that deny.
    pub enforce: i64,
    /// Those that admit with a warning.
    pub warn: i64,
    /// Those that only record.
    pub audit: i64,
}

impl Counts {
    /// Counts checks by their modes.
    pub fn of(modes: impl IntoIterator<Item = Mode>) -> Self {
        modes.into_iter().fold(Self::default(), |mut counts, mode| {
            let of_mode = match mode {
                Mode::Off => return counts,
                Mode::Audit => &mut counts.audit,
                Mode::Warn => &mut counts.warn,
                Mode::Enforce => &mut counts.enforce,
            };
            *of_mode += 1;
            counts.total += 1;
            counts
        })
    }
}

fn words(words: impl IntoIterator<Item = &'static str>) -> Schema {
    json_schema!({"type": "string", "enum": words.into_iter().collect::<Vec<_>>()})
}

fn criteria(_: &mut schemars::SchemaGenerator) -> Schema {
    words(Criterion::ALL.map(Criterion::id))
}

fn modes(_: &mut schemars::SchemaGenerator) -> Schema {
    words(Mode::ALL.into_iter().rev().map(Mode::id))
}

fn operators(_: &mut schemars::SchemaGenerator) -> Schema {
    words(["In", "NotIn", "Exists", "DoesNotExist"])
}

fn anything(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}
