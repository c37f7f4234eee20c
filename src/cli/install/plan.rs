//! What applying would do to each object, told before it is done.

use std::fmt;

use serde_json::Value;

use crate::{
    cli::access::explain,
    cluster::{Id, Objects},
    installation::PART_OF,
};

/// The field manager of what is installed.
pub(super) const MANAGER: &str = "soc2gate-install";

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Create,
    Change,
    Keep,
    Remove,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Create => "create",
            Self::Change => "change",
            Self::Keep => "unchanged",
            Self::Remove => "remove",
        })
    }
}

/// What applying makes of an object, given how it is and how a dry run would leave it.
pub(super) fn change(live: Option<&Value>, after: Option<&Value>) -> Effect {
    match (live, after) {
        (None, _) => Effect::Create,
        (Some(live), Some(after)) if essence(live) == essence(after) => Effect::Keep,
        (Some(_), _) => Effect::Change,
    }
}

/// An object without what the API server keeps about it.
fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            for kept in ["managedFields", "resourceVersion", "generation", "creationTimestamp", "uid"] {
                metadata.remove(kept);
            }
        }
    }
    object
}

/// Whether an object is one of ours: what bears our name by chance is left alone.
pub(in crate::cli) fn is_ours(object: &Value) -> bool {
    let labels = object.get("metadata").and_then(|metadata| metadata.get("labels"));
    labels.and_then(|labels| labels.get(PART_OF.0)).is_some_and(|label| label == PART_OF.1)
}

/// What applying `objects` and dropping `left_out` would do, in that order.
///
/// # Errors
/// The first refusal, in words: nothing has been changed.
pub(super) async fn plan(
    cluster: &mut Objects,
    objects: &[Value],
    left_out: &[Value],
) -> Result<Vec<(Effect, Id)>, String> {
    let mut plan = Vec::new();
    stays_where_it_is(cluster, objects).await?;
    for object in objects {
        let id = Id::of(object);
        let refused = |error| format!("{id}: {}", explain(&error));
        let live = cluster.get(&id).await.map_err(refused)?;
        let after = match &live {
            None => match cluster.apply(object, MANAGER, true).await {
                Ok(after) => after,
                // Its namespace or its definition is created by the same installation.
                Err(kube::Error::Api(status)) if status.code == 404 => None,
                Err(error) => return Err(refused(error)),
            },
            Some(_) => cluster.apply(object, MANAGER, true).await.map_err(refused)?,
        };
        if after.is_none() && !cluster.serves(&id).await.map_err(refused)? && !is_defined(objects, &id) {
            let Id { api_version, kind, .. } = &id;
            return Err(format!(
                "{id}: the cluster serves no {kind} of {api_version}: install what defines it first, or leave out the flag \
                 that asks for it"
            ));
        }
        plan.push((change(live.as_ref(), after.as_ref()), id));
    }
    for object in left_out {
        let id = Id::of(object);
        let live = cluster.get(&id).await.map_err(|error| format!("{id}: {}", explain(&error)))?;
        if live.as_ref().is_some_and(is_ours) {
            plan.push((Effect::Remove, id));
        }
    }
    Ok(plan)
}

/// Refuses to register a gate in another namespace than the one that is registered: what is there would stay, unguarded.
async fn stays_where_it_is(cluster: &mut Objects, objects: &[Value]) -> Result<(), String> {
    const CALLED: &str = "/webhooks/0/clientConfig/service/namespace";
    let is_registration = |object: &&Value| Id::of(object).kind == "ValidatingWebhookConfiguration";
    let Some(registration) = objects.iter().find(is_registration) else { return Ok(()) };
    let id = Id::of(registration);
    let live =
        cluster.get(&id).await.map_err(|error| format!("{id}: {}", explain(&error)))?.unwrap_or_default();
    match (live.pointer(CALLED), registration.pointer(CALLED)) {
        (Some(there), Some(wanted)) if there != wanted => {
            let there = there.as_str().unwrap_or_default();
            Err(format!(
                "the gate is installed in namespace {there}: write `--namespace {there}`, or uninstall it first"
            ))
        }
        _ => Ok(()),
    }
}

/// Whether one of the objects defines the kind.
fn is_defined(objects: &[Value], id: &Id) -> bool {
    let defines = |object: &Value| {
        let names = object.get("spec").and_then(|spec| spec.get("names"));
        names.and_then(|names| names.get("kind")).is_some_and(|kind| *kind == id.kind)
    };
    objects.iter().any(|object| Id::of(object).kind == "CustomResourceDefinition" && defines(object))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_the_api_server_writes_is_no_change() {
        let object = |version: &str, value: u32| {
            json!({
                "metadata": {"name": "a", "resourceVersion": version, "generation": value, "managedFields": [version]},
                "spec": {"replicas": 2},
                "status": {"replicas": value},
            })
        };
        assert_eq!(change(Some(&object("1", 1)), Some(&object("2", 2))), Effect::Keep);
        let mut other = object("2", 2);
        other["spec"]["replicas"] = 3.into();
        assert_eq!(change(Some(&object("1", 1)), Some(&other)), Effect::Change);
        assert_eq!(change(None, Some(&other)), Effect::Create);
        assert_eq!(change(None, None), Effect::Create);
    }

    #[test]
    fn what_bears_no_label_of_ours_is_not_ours() {
        assert!(is_ours(&json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "soc2gate"}}})));
        assert!(!is_ours(&json!({"metadata": {"labels": {"app.kubernetes.io/part-of": "soc2gate-2"}}})));
        assert!(!is_ours(&json!({"metadata": {"name": "soc2gate"}})));
    }
}
