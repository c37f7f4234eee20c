//! The same object for a gate in another namespace: every field that names the gate's namespace, each by what it means.

use serde_json::Value;

use super::{
    NAMESPACE,
    field::{field, items, replace, text},
};

/// Moves an object of the installation to another namespace.
pub(super) fn move_to(object: &mut Value, namespace: &str) {
    let name = |field: Option<&mut Value>| {
        if let Some(field) = field.filter(|field| **field == NAMESPACE) {
            *field = namespace.into();
        }
    };
    name(field(object, "metadata.namespace"));
    match text(object, "kind") {
        "Namespace" => name(field(object, "metadata.name")),
        "RoleBinding" | "ClusterRoleBinding" => {
            items(object, "subjects").for_each(|subject| name(subject.get_mut("namespace")));
        }
        "Certificate" => items(object, "spec.dnsNames").for_each(|host| host_in(host, namespace)),
        "ValidatingWebhookConfiguration" => {
            for webhook in items(object, "webhooks") {
                name(field(webhook, "clientConfig.service.namespace"));
                for expression in items(webhook, "namespaceSelector.matchExpressions") {
                    items(expression, "values").for_each(|value| name(Some(value)));
                }
            }
        }
        "ValidatingAdmissionPolicy" => {
            let labels = field(object, "spec.matchConstraints.namespaceSelector.matchLabels");
            name(labels.and_then(|labels| labels.get_mut("kubernetes.io/metadata.name")));
            // The gate's account, as a string of CEL.
            let account = |namespace: &str| format!("\"system:serviceaccount:{namespace}:soc2gate\"");
            for part in ["spec.matchConditions", "spec.variables", "spec.validations"] {
                for one in items(object, part) {
                    replace(one, "expression", &account(NAMESPACE), &account(namespace));
                }
            }
        }
        _ => {}
    }
}

/// `service.namespace.svc`
fn host_in(host: &mut Value, namespace: &str) {
    let rest = host.as_str().and_then(|host| host.strip_prefix("soc2gate.soc2gate.svc"));
    if let Some(rest) = rest {
        *host = format!("soc2gate.{namespace}.svc{rest}").into();
    }
}
