//! Where a policy applies: kinds, namespaces, labels.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::{
    inventory::Inventory,
    object::{List, Map, Operator, Requirement, Selector, Word},
    request::{Operation, Request},
};

/// The `match` of a policy. What is absent does not narrow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    pub kinds: Option<Vec<String>>,
    #[serde(deserialize_with = "selector")]
    pub namespace_selector: Option<Selector>,
    /// Evaluated on the object's own labels, which its author writes: it chooses a scope, it protects nothing.
    #[serde(deserialize_with = "selector")]
    pub object_selector: Option<Selector>,
    pub exclude_namespaces: Vec<String>,
}

/// A label selector as a policy writes it: what is unknown in it is refused.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Written {
    match_labels: BTreeMap<String, Word>,
    match_expressions: Vec<WrittenRequirement>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequirement {
    key: Word,
    operator: WrittenOperator,
    #[serde(default)]
    values: Vec<Word>,
}

#[derive(Deserialize)]
enum WrittenOperator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

fn selector<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Selector>, D::Error> {
    Ok(Option::<Written>::deserialize(deserializer)?.map(|written| Selector {
        match_labels: Map(written.match_labels),
        match_expressions: List(written.match_expressions.into_iter().map(Requirement::from).collect()),
    }))
}

impl From<WrittenRequirement> for Requirement {
    fn from(written: WrittenRequirement) -> Self {
        let operator = match written.operator {
            WrittenOperator::In => Operator::In,
            WrittenOperator::NotIn => Operator::NotIn,
            WrittenOperator::Exists => Operator::Exists,
            WrittenOperator::DoesNotExist => Operator::DoesNotExist,
        };
        Self { key: written.key, operator, values: List(written.values) }
    }
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
            for requirement in selector.iter().flat_map(|selector| selector.match_expressions.iter()) {
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
            match selected(selector, request, inventory) {
                None => return Applies::Unknown("the labels of the object are not known here"),
                Some(false) => return Applies::No,
                Some(true) => {}
            }
        }
        let Some(selector) = &self.namespace_selector else { return Applies::Yes };
        if namespace.is_empty() {
            // Objects outside namespaces are never left out by a namespace selector, as with the API server.
            return Applies::Yes;
        }
        match inventory.namespaces.ready().and_then(|namespaces| namespaces.get(namespace)) {
            None => Applies::Unknown("the labels of the namespace are not known here"),
            Some(known) if selector.selects_labels(&known.labels) => Applies::Yes,
            Some(_) => Applies::No,
        }
    }
}

/// Whether a selector fits the labels of what the request is about, if they are known. A connection carries options
/// instead of an object; the labels are then those of the pod that it leads to.
fn selected(selector: &Selector, request: &Request<'_>, inventory: &Inventory) -> Option<bool> {
    if request.operation == Some(Operation::Connect) {
        let pod = inventory.target(request)?;
        return Some(selector.selects_labels(&pod.labels));
    }
    let labels = &request.subject()?.metadata.labels;
    Some(selector.selects(|key| labels.get(key)))
}
