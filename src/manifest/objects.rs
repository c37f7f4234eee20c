//! Takes the objects out of documents: one each, or all items of a list.

use super::{Document, Key, Node, Unusable, Value};

/// What a document holds.
pub enum Content {
    /// An object of an API, or several if it is a list.
    Objects(Vec<Document>),
    /// Something that no API server would take; the place and what is missing.
    Foreign(Unusable),
}

/// Takes a document apart. Lists within lists are unwrapped too, as `kubectl` does.
pub fn open(document: Document) -> Content {
    let mut objects = Vec::new();
    let mut pending = vec![document];
    while let Some(mut document) = pending.pop() {
        if let Err(foreign) = identified(&document) {
            return Content::Foreign(foreign);
        }
        match take_items(&mut document.root) {
            Some(items) => {
                let file = &document.file;
                pending.extend(items.into_iter().rev().map(|root| Document { file: file.clone(), root }));
            }
            None => objects.push(document),
        }
    }
    Content::Objects(objects)
}

/// Whether the document says which kind of object it is.
fn identified(document: &Document) -> Result<(), Unusable> {
    let root = &document.root;
    if !matches!(root.value, Value::Map(_)) {
        return Err(document.unusable(root.place, format!("an object is a map, this is {}", root.kind())));
    }
    for field in ["apiVersion", "kind"] {
        match root.get(field) {
            None => {
                let message = format!("this object has no `{field}`: add it");
                return Err(document.unusable(root.place, message));
            }
            Some(node) if node.as_str().is_none_or(str::is_empty) => {
                let message = format!("`{field}` is {}: write the text that names it", node.kind());
                return Err(document.unusable(node.place, message));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The items of a `List` or of a list of one kind (`PodList`), whose items need not repeat what they are.
fn take_items(root: &mut Node) -> Option<Vec<Node>> {
    let kind = root.get("kind")?.as_str()?.strip_suffix("List")?.to_owned();
    let version = root.get("apiVersion")?.clone();
    let Value::Map(entries) = &mut root.value else { return None };
    let (_, list) = entries.iter_mut().find(|(key, _)| key.name == "items")?;
    let Value::Seq(items) = &mut list.value else { return None };
    let mut items = std::mem::take(items);
    if !kind.is_empty() {
        for item in &mut items {
            let kind = Node { value: Value::String(kind.clone()), place: item.place };
            complete(item, "kind", kind);
            complete(item, "apiVersion", version.clone());
        }
    }
    Some(items)
}

fn complete(item: &mut Node, field: &str, node: Node) {
    if item.get(field).is_none()
        && let Value::Map(entries) = &mut item.value
    {
        entries.push((Key { name: field.to_owned(), place: node.place }, node));
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    fn opened(text: &str) -> Result<Vec<(String, u32)>, String> {
        let document = parse("t", text).unwrap().remove(0);
        match open(document) {
            Content::Foreign(unusable) => Err(unusable.to_string()),
            Content::Objects(objects) => Ok(objects
                .iter()
                .map(|object| {
                    let word = |field| object.root.get(field).and_then(Node::as_str).unwrap_or("?");
                    (format!("{} {}", word("apiVersion"), word("kind")), object.root.place.line)
                })
                .collect()),
        }
    }

    #[test]
    fn lists_are_unwrapped_with_the_places_of_their_items() {
        for (text, expected) in [
            ("apiVersion: v1\nkind: Pod", vec![("v1 Pod", 1)]),
            (
                "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Secret}",
                vec![("v1 Pod", 4), ("v1 Secret", 5)],
            ),
            (
                "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- metadata: {}",
                vec![("apps/v1 Deployment", 4)],
            ),
            ("apiVersion: v1\nkind: List\nitems: []", vec![]),
            ("apiVersion: x/v1\nkind: AllowList\nspec: {}", vec![("x/v1 AllowList", 1)]),
            (
                "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - {apiVersion: v1, kind: Pod}",
                vec![("v1 Pod", 7)],
            ),
        ] {
            let expected = expected.into_iter().map(|(name, line)| (name.to_owned(), line)).collect();
            assert_eq!(opened(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_does_not_say_what_it_is_is_foreign() {
        for (text, expected) in [
            ("replicas: 3", "t:1:1: this object has no `apiVersion`: add it"),
            ("apiVersion: v1", "t:1:1: this object has no `kind`: add it"),
            ("apiVersion: v1\nkind: yes", "t:2:7: `kind` is a boolean: write the text that names it"),
            ("- 1", "t:1:1: an object is a map, this is a list"),
            (
                "apiVersion: v1\nkind: List\nitems:\n- kind: Pod",
                "t:4:3: this object has no `apiVersion`: add it",
            ),
        ] {
            assert_eq!(opened(text), Err(expected.to_owned()), "{text}");
        }
    }
}
