//! Where a policy applies: kinds, namespaces, labels.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{inventory::Inventory, request::Request};

/// The `match` of a policy. What is absent does not narrow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    pub kinds: Option<Vec<String>>,
    pub namespace_selector: Option<Selector>,
    /// Evaluated on the object's own labels, which its author writes: it chooses a scope, it protects nothing.
    pub object_selector: Option<Selector>,
    pub exclude_namespaces: Vec<String>,
}

/// A label selector with Kubernetes' semantics: all requirements hold; an empty one selects everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    pub match_labels: BTreeMap<String, String>,
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    pub key: String,
    pub operator: Operator,
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// What came of matching a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    Yes,
    No,
    /// It could not be told, so the policy applies: nothing passes unseen because matching failed.
    Unknown(&'static str),
}

impl Match {
    /// Refuses a scope that could only be a mistake, with the field.
    pub(super) fn validate(&self) -> Result<(), (&'static str, String)> {
        if self.kinds.as_ref().is_some_and(Vec::is_empty) {
            return Err((
                "kinds",
                "an empty list of kinds would match nothing: leave it out or name a kind".into(),
            ));
        }
        if self.exclude_namespaces.iter().any(|name| name.is_empty() || name.contains('*')) {
            return Err(("excludeNamespaces", "write each namespace by its full name".into()));
        }
        for (field, selector) in
            [("namespaceSelector", &self.namespace_selector), ("objectSelector", &self.object_selector)]
        {
            for requirement in selector.iter().flat_map(|selector| &selector.match_expressions) {
                let listed = matches!(requirement.operator, Operator::In | Operator::NotIn);
                if listed == requirement.values.is_empty() {
                    let message = format!("`values` of `{}` do not go with its operator", requirement.key);
                    return Err((field, message));
                }
            }
        }
        Ok(())
    }

    /// Whether the policy applies to a request.
    pub fn applies(&self, request: &Request<'_>, inventory: &Inventory) -> Applies {
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.iter().any(|kind| kind == request.kind_name())) {
            return Applies::No;
        }
        let namespace = &*request.namespace;
        if !namespace.is_empty() && self.exclude_namespaces.iter().any(|excluded| excluded == namespace) {
            return Applies::No;
        }
        if let Some(selector) = &self.object_selector {
            let labels = request.subject().map(|object| &object.metadata.labels);
            match labels {
                None => return Applies::Unknown("the labels of the object are not known here"),
                Some(labels) if !selector.selects(|key| labels.get(key)) => return Applies::No,
                Some(_) => {}
            }
        }
        let Some(selector) = &self.namespace_selector else { return Applies::Yes };
        if namespace.is_empty() {
            // Objects outside namespaces are never left out by a namespace selector, as with the API server.
            return Applies::Yes;
        }
        match inventory.namespaces.as_ref().and_then(|namespaces| namespaces.get(namespace)) {
            None => Applies::Unknown("the labels of the namespace are not known here"),
            Some(labels) if selector.selects(|key| labels.get(key).map(String::as_str)) => Applies::Yes,
            Some(_) => Applies::No,
        }
    }
}

impl Selector {
    /// Whether labels, looked up by key, satisfy every requirement.
    pub fn selects<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.match_labels.iter().all(|(key, value)| label(key) == Some(value))
            && self.match_expressions.iter().all(|requirement| {
                let value = label(&requirement.key);
                let listed = value.is_some_and(|value| requirement.values.iter().any(|v| v == value));
                match requirement.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}
