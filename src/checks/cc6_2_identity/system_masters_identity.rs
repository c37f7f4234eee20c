//! Refuses the one group whose members no authorizer stops: in bindings, and in requests for certificates.

use super::{bound, certificate_request};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::{Body, Kind, Place, SubjectAt},
};

pub(super) const CHECK: Check = Check {
    id: "system-masters-identity",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps out identities that no access rule can hold"),
        Support::supporting(Criterion::CC6_2, "no credential is issued that could not be withdrawn again"),
        Support::supporting(Criterion::CC6_3, "nobody stands above the roles that were granted"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "identity in system:masters",
    why: "The API server lets the group `system:masters` do everything before it looks at any role, so removing bindings \
          takes nothing away, and a certificate with that group lasts until it ends. A binding of the group adds \
          nothing to its power and hides what was meant.",
    fix: "Bind a group of your own to the role it needs; for a certificate, ask for such a group as its O.",
    references: &[Reference::Cis("5.1.7"), Reference::Kubernetes("RBAC Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: operators}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:masters'}
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: operators}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: edit}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform-team}
",
    ),
    examine: Examine::Whole(
        Kinds::These(&[Kind::RoleBinding, Kind::ClusterRoleBinding, Kind::CertificateSigningRequest]),
        examine,
    ),
};

const MASTERS: &str = "system:masters";

fn examine(ask: &Ask<'_>, report: &mut Report) {
    let Some(object) = ask.object else { return };
    for at in object.subjects().filter(|at| at.is_group(MASTERS) && !is_bootstrap(at)) {
        report.violation_of(at.place(), &at.binding.role_ref.name, bound(&at));
    }
    let Body::CertificateSigningRequest(csr) = &object.body else { return };
    let what = match certificate_request::groups(&csr.request) {
        Ok(groups) if groups.iter().any(|group| group == MASTERS) => {
            format!("asks for the group `{MASTERS}` (an O of its subject)")
        }
        Ok(_) => return,
        Err(reason) => format!("{reason}, so that nobody can tell for whom it is"),
    };
    report.violation(Place::of("spec.request"), what);
}

/// The binding that every API server makes when it first starts.
fn is_bootstrap(at: &SubjectAt<'_>) -> bool {
    let role = &at.binding.role_ref;
    at.object.kind == Kind::ClusterRoleBinding
        && *at.object.metadata.name == *"cluster-admin"
        && *role.kind == *"ClusterRole"
        && *role.name == *"cluster-admin"
}
