//! The inventory that a case describes by the objects that also exist.

use std::collections::BTreeMap;

use crate::{
    inventory::{Inventory, Labels},
    manifest::{Document, Node, Value},
};

/// The label that every namespace has, whoever made it (Kubernetes 1.21).
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The inventory of a cluster in which these objects exist and no others.
pub(super) fn inventory_of(documents: &[Document]) -> Inventory {
    let namespaces: BTreeMap<_, _> = documents.iter().filter_map(namespace).collect();
    Inventory { namespaces: Some(namespaces), ..Inventory::default() }
}

/// The name and the labels of a namespace, if the object is one.
fn namespace(document: &Document) -> Option<(String, Labels)> {
    let text = |node: Option<&Node>| node.and_then(Node::as_str).map(str::to_owned);
    let root = &document.root;
    let is = |field: &str, expected: &str| text(root.get(field)).as_deref() == Some(expected);
    if !is("apiVersion", "v1") || !is("kind", "Namespace") {
        return None;
    }
    let metadata = root.get("metadata")?;
    let name = text(metadata.get("name"))?;
    let mut labels = Labels::from([(NAME_LABEL.to_owned(), name.clone())]);
    if let Some(Value::Map(entries)) = metadata.get("labels").map(|labels| &labels.value) {
        labels.extend(entries.iter().filter_map(|(key, value)| Some((key.name.clone(), text(Some(value))?))));
    }
    Some((name, labels))
}
