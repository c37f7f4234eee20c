//! The objects of an installation, in the order in which they are applied.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    INSTALLERS, PART_OF, Wanted,
    field::{items, list, mark, replace, set, text},
    move_to::move_to,
    shipped::{CERT_MANAGER, GATE, MONITORING, REGISTRATION, objects},
};
use crate::manifest::Unusable;

/// Every object of the installation, in the order in which it is applied.
///
/// # Errors
/// None in a released program: a test renders them.
pub fn render(wanted: &Wanted) -> Result<Vec<Value>, Unusable> {
    let mut all = objects(GATE)?;
    // Before the Deployment, whose pods wait for the Secret.
    let deployment = all.iter().position(|object| is(object, "Deployment")).unwrap_or(all.len());
    if wanted.cert_manager {
        all.splice(deployment..deployment, objects(CERT_MANAGER)?);
        // What only a gate that keeps its own certificate may do.
        all.retain(|object| {
            text(object, "metadata.name") != "soc2gate-certificates"
                || text(object, "apiVersion") != "rbac.authorization.k8s.io/v1"
        });
    }
    if !wanted.has_budget() {
        all.retain(|object| !is(object, "PodDisruptionBudget"));
    }
    if wanted.monitoring {
        all.extend(objects(MONITORING)?);
    }
    all.iter_mut().filter(|object| is(object, "Deployment")).for_each(|object| run(object, wanted));
    all.iter_mut().for_each(|object| move_to(object, &wanted.namespace));
    all.extend(registration(wanted)?);
    all.iter_mut().for_each(|object| mark(object, "labels", PART_OF.0, PART_OF.1));
    Ok(all)
}

/// The registration with the API server and what guards it, without the labels of the installation.
///
/// # Errors
/// None in a released program: a test renders it.
pub fn registration(wanted: &Wanted) -> Result<Vec<Value>, Unusable> {
    let mut all = objects(REGISTRATION)?;
    for object in &mut all {
        match text(object, "kind") {
            "ValidatingWebhookConfiguration" => register(object, wanted),
            "ValidatingAdmissionPolicy" => guard(object, wanted),
            _ => {}
        }
        move_to(object, &wanted.namespace);
    }
    Ok(all)
}

/// What other choices would have installed and this one does not.
///
/// # Errors
/// None in a released program.
pub fn left_out(wanted: &Wanted) -> Result<Vec<Value>, Unusable> {
    let kept: BTreeSet<_> = render(wanted)?.iter().map(identity).collect();
    let mut all = everything(&wanted.namespace)?;
    all.retain(|object| !kept.contains(&identity(object)));
    Ok(all)
}

/// Every object that any choice installs in this namespace, in the order in which it is applied.
///
/// # Errors
/// None in a released program.
pub fn everything(namespace: &str) -> Result<Vec<Value>, Unusable> {
    let wanted = Wanted { namespace: namespace.to_owned(), monitoring: true, ..Wanted::default() };
    let mut all = render(&wanted)?;
    let known: BTreeSet<_> = all.iter().map(identity).collect();
    let by_cert_manager = render(&Wanted { cert_manager: true, ..wanted })?;
    // Beside what else is in the namespace.
    let others = by_cert_manager.into_iter().filter(|object| !known.contains(&identity(object)));
    all.splice(1..1, others);
    Ok(all)
}

/// What tells an object from every other.
fn identity(object: &Value) -> [String; 4] {
    ["apiVersion", "kind", "metadata.namespace", "metadata.name"].map(|path| text(object, path).to_owned())
}

fn is(object: &Value, kind: &str) -> bool {
    text(object, "kind") == kind
}

/// The Deployment.
fn run(deployment: &mut Value, wanted: &Wanted) {
    set(deployment, "spec", "replicas", wanted.replicas);
    if wanted.cert_manager {
        let volumes =
            json!([{"name": "tls", "secret": {"secretName": "soc2gate-tls", "defaultMode": 0o440}}]);
        set(deployment, "spec.template.spec", "volumes", volumes);
    }
    for container in items(deployment, "spec.template.spec.containers") {
        if let Some(image) = &wanted.image {
            set(container, "", "image", image.as_str());
        }
        for variable in items(container, "env") {
            if text(variable, "name") == "SOC2GATE_MODE_CEILING" {
                set(variable, "", "value", wanted.ceiling);
            }
        }
        if wanted.installers != [INSTALLERS]
            && let Some(args) = list(container, "args")
        {
            // The checks know them too.
            args.extend(wanted.installers.iter().map(|group| format!("--installer-group={group}").into()));
        }
        if wanted.cert_manager {
            if let Some(args) = list(container, "args") {
                args.retain(|arg| !arg.as_str().is_some_and(|arg| arg.starts_with("--tls-secret=")));
                args.push("--tls-cert=/etc/soc2gate/tls/tls.crt".into());
                args.push("--tls-key=/etc/soc2gate/tls/tls.key".into());
            }
            let mounts = json!([{"name": "tls", "mountPath": "/etc/soc2gate/tls", "readOnly": true}]);
            set(container, "", "volumeMounts", mounts);
        }
    }
}

/// The ValidatingWebhookConfiguration.
fn register(configuration: &mut Value, wanted: &Wanted) {
    if wanted.cert_manager {
        let from = format!("{}/soc2gate-tls", wanted.namespace);
        mark(configuration, "annotations", "cert-manager.io/inject-ca-from", &from);
    }
    let waits: Vec<_> = wanted.fail_closed.iter().map(|entry| entry.webhook()).collect();
    for webhook in items(configuration, "webhooks") {
        if waits.iter().any(|name| text(webhook, "name") == name) {
            set(webhook, "", "failurePolicy", "Fail");
        }
        for expression in items(webhook, "namespaceSelector.matchExpressions") {
            let Some(values) = list(expression, "values") else { continue };
            for namespace in &wanted.exclude_namespaces {
                if !values.iter().any(|known| known == namespace) {
                    values.push(namespace.as_str().into());
                }
            }
        }
    }
}

/// The ValidatingAdmissionPolicy.
fn guard(policy: &mut Value, wanted: &Wanted) {
    // JSON writes a string as CEL does.
    let groups = Value::from(wanted.installers.clone()).to_string();
    for condition in items(policy, "spec.matchConditions") {
        if text(condition, "name") == "not-the-installer" {
            replace(condition, "expression", &format!("[\"{INSTALLERS}\"]"), &groups);
        }
    }
    let whom = match &wanted.installers[..] {
        [one] => format!("the group {one}"),
        all => format!("the groups {}", all.join(", ")),
    };
    for validation in items(policy, "spec.validations") {
        replace(validation, "message", &format!("the group {INSTALLERS}"), &whom);
    }
    if !wanted.cert_manager {
        return;
    }
    for variable in items(policy, "spec.variables") {
        match text(variable, "name") {
            "certificateInjectors" => set(variable, "", "expression", CERT_MANAGER_INJECTORS),
            "writesTheKey" => set(variable, "", "expression", CERT_MANAGER_WRITES_THE_KEY),
            _ => {}
        }
    }
    if let Some(rules) = list(policy, "spec.matchConstraints.resourceRules") {
        rules.push(json!({
            "apiGroups": ["cert-manager.io"],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE", "DELETE"],
            "resources": ["certificates", "issuers"],
        }));
    }
}

/// Who writes `caBundle` where cert-manager keeps the certificate.
const CERT_MANAGER_INJECTORS: &str = r#"["system:serviceaccount:cert-manager:cert-manager-cainjector"]"#;

/// What its controller may write: the Secrets of the two certificates, and one for each key that is on its way.
const CERT_MANAGER_WRITES_THE_KEY: &str = "request.userInfo.username == \
     \"system:serviceaccount:cert-manager:cert-manager\" && request.resource.group == \"\" && request.resource.resource == \
     \"secrets\" && (request.operation == \"DELETE\" ? oldObject : object).metadata.name.startsWith(\"soc2gate-\")";
