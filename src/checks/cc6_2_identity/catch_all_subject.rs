//! Refuses rights for everybody at once.

use serde::Deserialize;

use super::bound;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, SubjectAt},
};

pub(super) const CHECK: Check = Check {
    id: "catch-all-subject",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_3, "rights are given to those who need them and not to everybody"),
        Support::supporting(Criterion::CC6_2, "a new account gets no rights before somebody grants them"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "rights for everybody",
    why: "Every signed-in user is in the group `system:authenticated`, and every pod's account in `system:serviceaccounts` \
          and in the group of its namespace. A role bound to one of them comes with every account that is ever made.",
    fix: "Name the groups or service accounts that need the role instead of everybody.",
    references: &[Reference::Kubernetes("RBAC Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:authenticated'}
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: readers}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform-team}
",
    ),
    examine: Examine::Configured(Kinds::Bindings, configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// ClusterRoles that everybody may have.
    allow_roles: Vec<String>,
    /// Whether a RoleBinding may name the group of all accounts of its own namespace.
    allow_own_namespace: bool,
}

/// What Kubernetes itself gives to everybody who is signed in, or to every account.
const FOR_EVERYBODY: [&str; 5] = [
    "system:basic-user",
    "system:cluster-trust-bundle-discovery",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

impl Default for Parameters {
    fn default() -> Self {
        Self { allow_roles: FOR_EVERYBODY.map(str::to_owned).to_vec(), allow_own_namespace: false }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if parameters.allow_roles.iter().any(|name| name.is_empty() || name.contains('*')) {
        return Err(params.refuse("`allowRoles` has a pattern or an empty name: write each role's full name"));
    }
    Ok(Examiner::Subject(Box::new(move |at, _: &Ask<'_>, report| parameters.examine(at, report))))
}

impl Parameters {
    fn examine(&self, at: &SubjectAt<'_>, report: &mut Report) {
        const ACCOUNTS_OF: &str = "system:serviceaccounts:";
        let name = &*at.subject.name;
        let of_namespace = name.strip_prefix(ACCOUNTS_OF);
        let is_everybody =
            matches!(name, "system:authenticated" | "system:serviceaccounts") || of_namespace.is_some();
        if !is_everybody || !at.is_group(name) {
            return;
        }
        let role = &at.binding.role_ref;
        let may_have =
            *role.kind == *"ClusterRole" && self.allow_roles.iter().any(|allowed| *allowed == *role.name);
        let is_own = at.object.kind == Kind::RoleBinding
            && of_namespace.is_some_and(|namespace| *namespace == *at.object.metadata.namespace);
        let is_allowed = may_have || (self.allow_own_namespace && is_own);
        if !is_allowed {
            report.violation_of(at.place(), &role.name, bound(at));
        }
    }
}
