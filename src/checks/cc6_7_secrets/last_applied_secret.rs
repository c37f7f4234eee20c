//! Warns of Secrets whose contents `kubectl apply` has copied into an annotation.

use serde_json::Value;

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::{Kind, Place},
    secrets::LAST_APPLIED,
};

pub(super) const CHECK: Check = Check {
    id: "last-applied-secret",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are kept from those who need not have them"),
        Support::supporting(Criterion::C1_1, "a credential is confidential information, stored as such"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "secret in the last applied configuration",
    why: "The annotation repeats the contents of the Secret in metadata, which caches, backups and tools read that \
          never touch `data`.",
    fix: "Use `kubectl apply --server-side`, remove the annotation and rotate what it held.",
    references: &[Reference::Kubernetes("Good practices for Kubernetes Secrets")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Secret
metadata:
  name: web
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"kind\": \"Secret\", \"data\": {\"mode\": \"cHJvZA==\"}}'
",
        "
apiVersion: v1
kind: Secret
metadata:
  name: web
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{\"kind\": \"Secret\", \"metadata\": {\"name\": \"web\"}}'
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Secret]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let applied = ask.object.and_then(|object| object.metadata.annotations.get(LAST_APPLIED));
    let Some(applied) = applied.and_then(|text| serde_json::from_str::<Value>(text).ok()) else { return };
    for field in ["data", "stringData"] {
        if applied.get(field).and_then(Value::as_object).is_some_and(|contents| !contents.is_empty()) {
            let place = Place::of("metadata").entry("annotations", LAST_APPLIED);
            report.violation_of(place, field, format!("repeats the Secret's `{field}`"));
        }
    }
}
