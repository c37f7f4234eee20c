//! What to apply so that what is ready is raised, and nothing else is: as text for kubectl, since people apply it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use crate::policy::{API_VERSION, Mode};

/// A policy that is in force.
pub(super) struct Policy {
    pub(super) name: String,
    /// The whole manifest.
    pub(super) manifest: Value,
    pub(super) from: From,
}

/// Where a policy comes from, which says how to change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// An object of the cluster.
    Cluster,
    /// It comes with the program.
    Program,
    File(String),
}

/// What is wanted.
pub(super) struct Wanted<'w> {
    pub(super) to: Mode,
    /// Of each check that is ready, the policies to raise it in.
    pub(super) ready: BTreeMap<&'w str, Vec<String>>,
    /// Raised in these namespaces only; everywhere if there are none.
    pub(super) namespaces: &'w [String],
    /// Under which everything runs until it is taken away.
    pub(super) ceiling: Option<Mode>,
    /// Why what is not ready stays below what its policy states.
    pub(super) reason: String,
}

/// One thing to apply.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// For an object of the cluster: a JSON patch.
    Patch { policy: String, operations: Value },
    /// For `kubectl apply -f -`: a policy of its own, or one in place of what comes with the program.
    Manifest { policy: String, yaml: String },
    /// For a file: its name, and what to write at which path.
    Edit { policy: String, file: String, fields: Vec<(String, String)> },
}

/// A check of a policy whose entry is to change.
struct Change {
    position: usize,
    id: String,
    stated: Mode,
    wanted: Mode,
    /// A mode that is lowered says why; the gate refuses it otherwise.
    reason: Option<String>,
}

/// Everything to apply, policy by policy.
pub(super) fn steps(policies: &[Policy], wanted: &Wanted<'_>) -> Vec<Step> {
    if wanted.ready.is_empty() {
        return Vec::new();
    }
    let mut steps: Vec<_> = policies.iter().filter_map(|policy| in_place(policy, wanted)).collect();
    if !wanted.namespaces.is_empty() {
        steps.extend(policies.iter().filter_map(|policy| beside(policy, policies, wanted)));
    }
    steps
}

/// The change of a policy itself.
fn in_place(policy: &Policy, wanted: &Wanted<'_>) -> Option<Step> {
    let changes = changes(policy, wanted);
    if changes.is_empty() {
        return None;
    }
    let name = policy.name.clone();
    Some(match &policy.from {
        From::Cluster => Step::Patch { policy: name, operations: operations(&changes) },
        From::File(file) => Step::Edit { policy: name, file: file.clone(), fields: fields(&changes) },
        From::Program => {
            let mut manifest = policy.manifest.clone();
            apply(&mut manifest, &changes);
            Step::Manifest { policy: name, yaml: yaml(&manifest) }
        }
    })
}

fn changes(policy: &Policy, wanted: &Wanted<'_>) -> Vec<Change> {
    let is_raised = |id: &str| {
        wanted.namespaces.is_empty()
            && wanted.ready.get(id).is_some_and(|policies| policies.contains(&policy.name))
    };
    let change = |(position, entry): (usize, &Value)| {
        let id = entry.get("id")?.as_str()?;
        let stated = mode_of(entry)?;
        let under = wanted.ceiling.map_or(stated, |ceiling| stated.min(ceiling));
        let mode = if is_raised(id) && stated != Mode::Off { under.max(wanted.to) } else { under };
        let lacks_reason = entry.get("reason").is_none_or(Value::is_null);
        let reason = (mode < stated && lacks_reason).then(|| wanted.reason.clone());
        (mode != stated).then(|| Change { position, id: id.to_owned(), stated, wanted: mode, reason })
    };
    entries(&policy.manifest).iter().enumerate().filter_map(change).collect()
}

fn entries(manifest: &Value) -> &[Value] {
    let entries = manifest.get("spec").and_then(|spec| spec.get("checks")?.as_array());
    entries.map_or(&[], Vec::as_slice)
}

/// `off` without quotes was a boolean to whoever read the YAML.
fn mode_of(entry: &Value) -> Option<Mode> {
    match entry.get("mode")? {
        Value::Bool(false) => Some(Mode::Off),
        mode => mode.as_str()?.parse().ok(),
    }
}

/// Tests first: of a policy that has changed meanwhile nothing is changed.
fn operations(changes: &[Change]) -> Value {
    let tests = changes.iter().flat_map(|Change { position, id, stated, .. }| {
        let at = format!("/spec/checks/{position}");
        [
            json!({"op": "test", "path": format!("{at}/id"), "value": id}),
            json!({"op": "test", "path": format!("{at}/mode"), "value": stated.id()}),
        ]
    });
    let replacements = changes.iter().flat_map(|Change { position, wanted, reason, .. }| {
        let at = format!("/spec/checks/{position}");
        let mode = json!({"op": "replace", "path": format!("{at}/mode"), "value": wanted.id()});
        let reason = reason
            .as_ref()
            .map(|reason| json!({"op": "add", "path": format!("{at}/reason"), "value": reason}));
        std::iter::once(mode).chain(reason)
    });
    tests.chain(replacements).collect()
}

fn fields(changes: &[Change]) -> Vec<(String, String)> {
    let fields = changes.iter().flat_map(|Change { position, wanted, reason, .. }| {
        let at = format!("spec.checks[{position}]");
        let mode = (format!("{at}.mode"), wanted.id().to_owned());
        let reason = reason.as_ref().map(|reason| (format!("{at}.reason"), reason.clone()));
        std::iter::once(mode).chain(reason)
    });
    fields.collect()
}

fn apply(manifest: &mut Value, changes: &[Change]) {
    for Change { position, wanted, reason, .. } in changes {
        let Some(Value::Object(entry)) = manifest.pointer_mut(&format!("/spec/checks/{position}")) else {
            continue;
        };
        entry.insert("mode".to_owned(), wanted.id().into());
        if let Some(reason) = reason {
            entry.insert("reason".to_owned(), reason.as_str().into());
        }
    }
}

/// A policy of the same checks for some namespaces only, with what was in it before.
fn beside(policy: &Policy, all: &[Policy], wanted: &Wanted<'_>) -> Option<Step> {
    let is_ready = |entry: &&Value| {
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
        wanted.ready.get(id).is_some_and(|policies| policies.contains(&policy.name))
    };
    let mut checks: Vec<Value> = entries(&policy.manifest).iter().filter(is_ready).cloned().collect();
    if checks.is_empty() {
        return None;
    }
    for check in checks.iter_mut().filter_map(Value::as_object_mut) {
        check.insert("mode".to_owned(), wanted.to.id().into());
    }
    let mut namespaces = wanted.namespaces.to_vec();
    namespaces.sort();
    let name = format!("{}.{}", policy.name, namespaces.join("."));
    // Applying it replaces the one that was applied before.
    let before = all.iter().find(|other| other.name == name);
    let raised: BTreeSet<_> =
        checks.iter().map(|check| check.get("id").cloned().map(|id| id.to_string())).collect();
    let id = |check: &Value| check.get("id").map(Value::to_string);
    let kept = before.into_iter().flat_map(|before| entries(&before.manifest));
    let kept: Vec<_> = kept.filter(|check| !raised.contains(&id(check))).cloned().collect();
    let checks = Value::Array(kept.into_iter().chain(checks).collect());
    let own = json!({"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces});
    let spec = policy.manifest.get("spec")?;
    let mut scope = spec.get("match").and_then(Value::as_object).cloned().unwrap_or_default();
    scope.remove("excludeNamespaces");
    scope.insert("namespaceSelector".to_owned(), json!({"matchExpressions": [own]}));
    let mut narrow: Map<String, Value> = spec.as_object().cloned().unwrap_or_default();
    narrow.insert("match".to_owned(), Value::Object(scope));
    narrow.insert("checks".to_owned(), checks);
    let manifest = json!({"apiVersion": API_VERSION, "kind": "ControlPolicy", "metadata": {"name": name}, "spec": narrow});
    Some(Step::Manifest { policy: name, yaml: yaml(&manifest) })
}

/// A manifest as people write it.
fn yaml(manifest: &Value) -> String {
    // Maps with names for keys, lists and scalars: there is nothing that YAML could not say.
    serde_saphyr::to_string(&Ordered(manifest)).unwrap_or_default()
}

/// With the fields in the order in which they are read.
struct Ordered<'v>(&'v Value);

const ORDER: [&str; 13] = [
    "apiVersion",
    "kind",
    "metadata",
    "spec",
    "criterion",
    "control",
    "match",
    "kubernetesVersion",
    "exemptions",
    "checks",
    "id",
    "mode",
    "reason",
];

impl Serialize for Ordered<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
                fields.sort_by_key(|(name, _)| rank(name));
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Ordered(value))?;
                }
                map.end()
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Ordered)),
            scalar => scalar.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests;
