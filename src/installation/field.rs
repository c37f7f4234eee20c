//! Fields of objects by their path, where nothing is made that was not there.

use serde_json::{Map, Value};

/// A field by its path, `spec.template.spec`; none if some part of it is absent.
pub(super) fn field<'o>(object: &'o mut Value, path: &str) -> Option<&'o mut Value> {
    path.split('.').try_fold(object, |value, part| value.get_mut(part))
}

/// The items of a list at a path; none of anything else.
pub(super) fn items<'o>(object: &'o mut Value, path: &str) -> impl Iterator<Item = &'o mut Value> {
    list(object, path).into_iter().flatten()
}

/// The list at a path.
pub(super) fn list<'o>(object: &'o mut Value, path: &str) -> Option<&'o mut Vec<Value>> {
    field(object, path)?.as_array_mut()
}

/// Writes a field of the object at a path; an empty path is the object itself.
pub(super) fn set(object: &mut Value, path: &str, name: &str, value: impl Into<Value>) {
    let parent = if path.is_empty() { Some(object) } else { field(object, path) };
    if let Some(fields) = parent.and_then(Value::as_object_mut) {
        fields.insert(name.to_owned(), value.into());
    }
}

/// Writes a label or an annotation.
pub(super) fn mark(object: &mut Value, kind: &str, key: &str, value: &str) {
    let metadata = field(object, "metadata").and_then(Value::as_object_mut);
    let marks = metadata.map(|metadata| metadata.entry(kind).or_insert_with(|| Map::new().into()));
    if let Some(marks) = marks.and_then(Value::as_object_mut) {
        marks.insert(key.to_owned(), value.into());
    }
}

/// A text of an object by its path; empty if there is none.
pub(super) fn text<'o>(object: &'o Value, path: &str) -> &'o str {
    let found = path.split('.').try_fold(object, |value, part| value.get(part));
    found.and_then(Value::as_str).unwrap_or_default()
}

/// Replaces a part of the text at a path.
pub(super) fn replace(object: &mut Value, path: &str, before: &str, after: &str) {
    if let Some(found) = field(object, path)
        && let Some(text) = found.as_str()
    {
        *found = text.replace(before, after).into();
    }
}
