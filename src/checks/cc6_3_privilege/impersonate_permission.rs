//! Refuses roles that let their holders act as somebody else.

use serde::Deserialize;

use super::{grant::Grant, permission};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Reference},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
};

pub(super) const CHECK: Check = Check {
    id: "impersonate-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody borrows rights that were given to another"),
        Support::supporting(Criterion::CC6_1, "what is done is done under the name of who does it"),
    ],
    severity: Severity::Critical,
    needs: &[Need::OldObject],
    title: "permission to impersonate",
    why: "Whoever may impersonate has the rights of everybody who may be named, up to the group that no \
          rule binds. The records then show the borrowed name first.",
    fix: "Remove it, or list in `resourceNames` the users and groups meant, none of them `system:`.",
    references: &[
        Reference::Cis("5.1.8"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
        Reference::Kep(5284),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: support}
rules:
- apiGroups: ['']
  resources: [users, groups]
  verbs: [impersonate]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: support}
rules:
- apiGroups: ['']
  resources: [users, groups]
  resourceNames: [shop-viewer]
  verbs: [impersonate]
",
    ),
    examine: Examine::Configured(Kinds::Roles, configure),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Modes of constrained impersonation that may be granted: `associated-node` for agents that act as their node.
    allow_modes: Vec<String>,
}

const MODES: [&str; 4] = ["user-info", "serviceaccount", "arbitrary-node", "associated-node"];

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow_modes } = params.read()?;
    if let Some(unknown) = allow_modes.iter().find(|mode| !MODES.contains(&mode.as_str())) {
        let message = format!("`allowModes` has no mode `{unknown}`: use {}", MODES.join(", "));
        return Err(params.refuse(message));
    }
    Ok(Examiner::Rule(Box::new(move |at, ask, report| {
        let counts = |grant: &Grant<'_>| {
            mode(grant.verb).is_none_or(|mode| !allow_modes.iter().any(|allowed| allowed == mode))
        };
        permission::IMPERSONATION.examine_counting(at, ask, report, &counts);
    })))
}

/// The mode that a verb of constrained impersonation names: `impersonate:<mode>`, `impersonate-on:<mode>:<verb>`.
fn mode(verb: &str) -> Option<&str> {
    match verb.strip_prefix("impersonate-on:") {
        Some(rest) => rest.split_once(':').map(|(mode, _)| mode),
        None => verb.strip_prefix("impersonate:"),
    }
}
