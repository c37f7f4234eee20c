//! The manifests, embedded, so that none can be missing.

use serde_json::Value;

use crate::manifest::{self, Unusable};

/// Files of manifests, by name and text.
pub(super) type Files = [(&'static str, &'static str)];

macro_rules! files {
    ($($file:literal),+ $(,)?) => {
        &[$((concat!("manifests/", $file), include_str!(concat!("../../manifests/", $file)))),+]
    };
}

/// The gate itself, in audit mode, in the order in which it is applied.
pub(super) const GATE: &Files = files![
    "base/00-namespace.yaml",
    "base/05-definitions.yaml",
    "base/10-service-account.yaml",
    "base/11-rbac.yaml",
    "base/20-deployment.yaml",
    "base/21-pod-disruption-budget.yaml",
    "base/30-service.yaml",
    "base/31-network-policy.yaml",
];

/// How the API server comes to ask it, and what keeps it: after everything else.
pub(super) const REGISTRATION: &Files = files!["base/40-webhook.yaml", "base/50-guard.yaml"];

pub(super) const CERT_MANAGER: &Files = files!["components/cert-manager/certificates.yaml"];

pub(super) const MONITORING: &Files =
    files!["components/monitoring/service-monitor.yaml", "components/monitoring/prometheus-rule.yaml"];

/// The objects of files, in their order.
///
/// # Errors
/// None in a released program: a test reads them.
pub(super) fn objects(files: &Files) -> Result<Vec<Value>, Unusable> {
    let mut objects = Vec::new();
    for (file, text) in files {
        for document in manifest::parse(file, text)? {
            let object = serde_json::from_str(&document.to_json_text())
                .map_err(|error| document.unusable(document.place("kind"), error.to_string()))?;
            objects.push(object);
        }
    }
    Ok(objects)
}
