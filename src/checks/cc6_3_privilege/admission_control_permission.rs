//! Refuses roles that change what the API server asks before it stores an object.

use serde::Deserialize;

use super::permission::{self, fits};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
};

pub(super) const CHECK: Check = Check {
    id: "admission-control-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody switches off the controls over their own work"),
        Support::supporting(Criterion::CC7_1, "the standard of admission changes through few hands"),
        Support::supporting(
            Criterion::CC8_1,
            "changes of the controls are made by those who may approve them",
        ),
    ],
    severity: Severity::Critical,
    needs: &[Need::OldObject],
    title: "permission to change admission",
    why: "Webhooks and admission policies see every object, secrets among them, and can change or refuse \
          it; API services and custom resources reach as far. Whoever writes them reads the cluster and \
          switches its controls off, this gate included.",
    fix: "List in `resourceNames` the configurations that are meant, with get, update or patch.",
    references: &[
        Reference::Cis("5.1.12"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ca-injector}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  verbs: [get, update]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: ca-injector}
rules:
- apiGroups: [admissionregistration.k8s.io]
  resources: [validatingwebhookconfigurations]
  resourceNames: [shop-webhook]
  verbs: [get, update]
",
    ),
    examine: Examine::Configured(Kinds::Roles, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Names of the gate's own configurations and definitions; one that ends in `*` stands for all that begin so.
    own: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { own: permission::ADMISSION_CONTROL.names() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { own } = params.read()?;
    permission::refuse_unusable(params, "own", &own)?;
    Ok(Examiner::Rule(Box::new(move |at, ask, report| {
        let is_own = |name: &str| own.iter().any(|listed| fits(listed, name));
        permission::ADMISSION_CONTROL.examine_listing(at, ask, report, &is_own);
    })))
}
