//! What a patch makes of an object: JSON patch (RFC 6902), JSON merge patch (RFC 7386), and lists merged by name.

use serde_json::{Map, Value};

use super::store::Refusal;

/// The object after a patch of this content type.
pub(super) fn patched(old: &Value, content_type: &str, patch: &Value) -> Result<Value, Refusal> {
    let mut new = old.clone();
    match content_type.split(';').next().unwrap_or_default() {
        "application/json-patch+json" => {
            let Some(steps) = patch.as_array() else {
                return Err(Refusal::bad_request("a JSON patch is a list of operations"));
            };
            for step in steps {
                apply(&mut new, step)
                    .ok_or_else(|| Refusal::invalid(format!("this cannot be done to the object: {step}")))?;
            }
        }
        "application/merge-patch+json" => merge(&mut new, patch, false),
        // Ownership of fields is not kept: what somebody no longer applies stays.
        "application/apply-patch+yaml" | "application/strategic-merge-patch+json" => {
            merge(&mut new, patch, true);
        }
        other => {
            return Err(Refusal::new(415, "UnsupportedMediaType", format!("no patch is of type {other:?}")));
        }
    }
    Ok(new)
}

/// One operation of a JSON patch. None if it is none, or cannot be done.
fn apply(document: &mut Value, step: &Value) -> Option<()> {
    let path = step.get("path")?.as_str()?;
    let value = || step.get("value").cloned();
    let from = || step.get("from")?.as_str();
    match step.get("op")?.as_str()? {
        "add" => add(document, path, value()?),
        "remove" => remove(document, path).map(drop),
        "replace" => document.pointer_mut(path).zip(value()).map(|(old, new)| *old = new),
        "move" => {
            let moved = remove(document, from()?)?;
            add(document, path, moved)
        }
        "copy" => {
            let copied = document.pointer(from()?)?.clone();
            add(document, path, copied)
        }
        "test" => (document.pointer(path)? == step.get("value")?).then_some(()),
        _ => None,
    }
}

/// The value that holds what the path points to, and the last step.
fn parent<'a>(document: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((document.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(document: &mut Value, path: &str, value: Value) -> Option<()> {
    if path.is_empty() {
        *document = value;
        return Some(());
    }
    match parent(document, path)? {
        (Value::Object(fields), last) => drop(fields.insert(last, value)),
        (Value::Array(items), last) if last == "-" => items.push(value),
        (Value::Array(items), last) => {
            let at = last.parse().ok().filter(|at| *at <= items.len())?;
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(document: &mut Value, path: &str) -> Option<Value> {
    match parent(document, path)? {
        (Value::Object(fields), last) => fields.remove(&last),
        (Value::Array(items), last) => {
            let at: usize = last.parse().ok().filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

/// Merges fields; null takes one away. Lists replace each other, or are merged where their items have names.
fn merge(into: &mut Value, patch: &Value, by_name: bool) {
    match (into, patch) {
        (Value::Array(items), Value::Array(patches)) if by_name && keyed(items, patches).is_some() => {
            let key = keyed(items, patches).unwrap_or_default();
            for patch in patches {
                match items.iter_mut().find(|item| item[key] == patch[key]) {
                    Some(item) => merge(item, patch, by_name),
                    None => items.push(patch.clone()),
                }
            }
        }
        (into, Value::Object(fields)) => {
            if !into.is_object() {
                *into = Value::Object(Map::new());
            }
            let Value::Object(merged) = into else { return };
            for (name, value) in fields {
                if value.is_null() {
                    merged.remove(name);
                } else {
                    merge(merged.entry(name.clone()).or_insert(Value::Null), value, by_name);
                }
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}

/// The field that names every item of both lists, if one does: conditions have a type, owners a uid.
fn keyed(items: &[Value], patches: &[Value]) -> Option<&'static str> {
    let mut keys = ["name", "type", "uid"].into_iter();
    keys.find(|key| items.iter().chain(patches).all(|item| item.get(*key).is_some_and(Value::is_string)))
}
