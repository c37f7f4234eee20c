//! A policy as people write it: YAML of kind `ControlPolicy`, refused with its place if anything in it is unknown.

use serde::{Deserialize, de::IgnoredAny};

use super::{Mode, applies::Match};
use crate::{
    check::Version,
    criterion::Criterion,
    manifest::{Document, Node, Unusable},
};

/// A control with its checks, modes, parameters and scope.
#[derive(Clone, Debug)]
pub struct ControlPolicy {
    pub name: String,
    pub criterion: Criterion,
    /// What we promise about the criterion, in one sentence.
    pub control: String,
    /// Where it applies; everywhere if absent.
    pub scope: Match,
    /// Judges by this version instead of the cluster's.
    pub version: Option<Version>,
    pub exemptions: ExemptionLimits,
    pub checks: Vec<CheckEntry>,
}

/// One check of a policy.
#[derive(Clone, Debug)]
pub struct CheckEntry {
    pub id: String,
    pub mode: Mode,
    /// Why it is weaker than `enforce`, or was made weaker.
    pub reason: Option<String>,
    /// Position in `spec.checks`, to find the parameters and to name the place.
    pub position: usize,
}

/// What a policy allows its exemptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ExemptionLimits {
    /// The longest an exemption may last, in days.
    pub max_days: u16,
}

impl Default for ExemptionLimits {
    fn default() -> Self {
        Self { max_days: 90 }
    }
}

/// The API group and version of our own kinds.
pub const API_VERSION: &str = "soc2gate.io/v1";

/// Whether a document holds tests of policies, which may stand beside them.
pub(super) fn is_policy_test(document: &Document) -> bool {
    let is = |field: &str, text: &str| document.root.get(field).and_then(Node::as_str) == Some(text);
    is("kind", "PolicyTest") && is("apiVersion", API_VERSION)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manifest {
    api_version: String,
    kind: String,
    metadata: OwnMetadata,
    spec: Spec,
    /// Written by the gate itself, for people.
    #[serde(default, rename = "status")]
    _status: IgnoredAny,
}

/// Metadata of our own kinds. What the API server adds is read over.
#[derive(Deserialize)]
pub(super) struct OwnMetadata {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    criterion: String,
    control: String,
    #[serde(default, rename = "match")]
    scope: Match,
    #[serde(default)]
    kubernetes_version: Option<String>,
    #[serde(default)]
    exemptions: ExemptionLimits,
    checks: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    mode: Mode,
    #[serde(default)]
    reason: Option<String>,
    /// Read by the check itself, which knows its own parameters.
    #[serde(default, rename = "params")]
    _params: IgnoredAny,
}

impl ControlPolicy {
    /// Reads one document.
    ///
    /// # Errors
    /// The field that does not fit, with its place.
    pub fn read(document: &Document) -> Result<Self, Unusable> {
        let manifest: Manifest = document.decode()?;
        let refuse = |path: &str, message: String| Err(document.unusable(document.place(path), message));
        if manifest.api_version != API_VERSION {
            return refuse(
                "apiVersion",
                format!("unknown apiVersion `{}`, write `{API_VERSION}`", manifest.api_version),
            );
        }
        if manifest.kind != "ControlPolicy" {
            return refuse("kind", format!("unknown kind `{}`, write `ControlPolicy`", manifest.kind));
        }
        let spec = manifest.spec;
        let criterion = match spec.criterion.parse() {
            Ok(criterion) => criterion,
            Err(message) => return refuse("spec.criterion", message),
        };
        let version = match spec.kubernetes_version.as_deref().map(str::parse).transpose() {
            Ok(version) => version,
            Err(message) => return refuse("spec.kubernetesVersion", message),
        };
        if let Err((field, message)) = spec.scope.validate() {
            return refuse(&format!("spec.match.{field}"), message);
        }
        if manifest.metadata.name.is_empty() {
            return refuse("metadata.name", "a policy needs a name: policies are merged by it".to_owned());
        }
        if spec.control.trim().is_empty() {
            return refuse(
                "spec.control",
                "is empty: write in one sentence what the policy promises".to_owned(),
            );
        }
        if spec.exemptions.max_days == 0 {
            return refuse("spec.exemptions.maxDays", "write a number of days from 1 on".to_owned());
        }
        let mut checks = Vec::new();
        for (position, Entry { id, mode, reason, .. }) in spec.checks.into_iter().enumerate() {
            if reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
                let message = "is empty: say why, or leave it out".to_owned();
                return refuse(&format!("spec.checks[{position}].reason"), message);
            }
            checks.push(CheckEntry { id, mode, reason, position });
        }
        Ok(Self {
            name: manifest.metadata.name,
            criterion,
            control: spec.control,
            scope: spec.scope,
            version,
            exemptions: spec.exemptions,
            checks,
        })
    }
}
