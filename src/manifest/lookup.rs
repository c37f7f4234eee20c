//! Finds where a field path stands in a document.

use super::node::{Node, Place, Value};

/// The place of the key or list entry that `path` names, or of its nearest ancestor that exists.
pub(super) fn place(root: &Node, path: &str) -> Place {
    let (mut node, mut rest, mut place) = (root, path, root.place);
    while let Some((next, found, left)) = step(node, rest) {
        (node, place, rest) = (next, found, left);
    }
    place
}

/// The path of the key or value at a place, if something stands there; of several that begin there the outermost.
pub(super) fn field(node: &Node, place: Place) -> Option<String> {
    if node.place == place {
        return Some(String::new());
    }
    match &node.value {
        Value::Seq(items) => items
            .iter()
            .enumerate()
            .find_map(|(at, item)| Some(format!("[{at}]{}", after_dot(field(item, place)?)))),
        Value::Map(entries) => entries.iter().find_map(|(key, child)| {
            let below = if key.place == place { String::new() } else { field(child, place)? };
            let name = &key.name;
            let own = if name.contains(['.', '/']) { format!("[{name}]") } else { name.clone() };
            Some(format!("{own}{}", after_dot(below)))
        }),
        _ => None,
    }
}

/// The rest of a path, with the dot that parts it from what stands before.
fn after_dot(rest: String) -> String {
    if rest.is_empty() || rest.starts_with('[') { rest } else { format!(".{rest}") }
}

/// One step down: the child that `path` begins with, its place, and the rest of the path.
fn step<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(&'n Node, Place, &'p str)> {
    match &node.value {
        Value::Seq(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, item.place, rest))
        }
        Value::Map(entries) => entries
            .iter()
            .filter_map(|(key, child)| Some((child, key.place, after(path, &key.name)?)))
            // A key may hold dots itself (`tls.crt`): the longest that fits is the one meant.
            .min_by_key(|(_, _, rest)| rest.len()),
        _ => None,
    }
}

/// What is left of the path after this key, if the path begins with it, plain or in brackets.
fn after<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    if let Some(bracketed) = path.strip_prefix('[') {
        return bracketed.strip_prefix(name)?.strip_prefix(']');
    }
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(name)?;
    (!name.is_empty() && (rest.is_empty() || rest.starts_with(['.', '[']))).then_some(rest)
}

#[cfg(test)]
mod tests {
    use crate::manifest::parse;

    const POD: &str = "\
metadata:
  annotations:
    example.com/owner: me
    container.apparmor.security.beta.kubernetes.io/web: unconfined
data:
  tls: old
  tls.crt: new
spec:
  containers:
  - name: web
    image: a
  - name: log
    securityContext:
      privileged: true
";

    #[test]
    fn a_place_leads_back_to_its_path() {
        // In JSON no two values begin at one place.
        let json = parse("pod.yaml", POD).unwrap()[0].to_json_text();
        let document = &parse("pod.json", &json).unwrap()[0];
        for path in [
            "spec.containers[1].securityContext.privileged",
            "spec.containers[0]",
            "metadata.annotations[example.com/owner]",
            "data[tls.crt]",
            "",
        ] {
            assert_eq!(document.field(document.place(path)), path);
        }
    }

    #[test]
    fn a_path_leads_to_its_key_or_to_the_nearest_ancestor() {
        let documents = parse("pod.yaml", POD).unwrap();
        for (path, line, column) in [
            ("spec.containers[1].securityContext.privileged", 14, 7),
            ("spec.containers[1]", 12, 5),
            ("spec.containers[0].securityContext.privileged", 10, 5),
            ("spec.containers[7].image", 9, 3),
            ("spec.volumes[0].hostPath", 8, 1),
            ("metadata.annotations[example.com/owner]", 3, 5),
            ("metadata.annotations[container.apparmor.security.beta.kubernetes.io/web]", 4, 5),
            ("metadata.annotations.example.com/owner", 3, 5),
            ("data.tls.crt", 7, 3),
            ("data.tls", 6, 3),
            ("", 1, 1),
            ("nowhere", 1, 1),
            ("spec.containers[x", 9, 3),
        ] {
            let place = documents[0].place(path);
            assert_eq!((place.line, place.column), (line, column), "{path}");
        }
    }
}
