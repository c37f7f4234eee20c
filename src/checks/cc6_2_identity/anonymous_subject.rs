//! Refuses rights for whoever asks without saying who they are.

use serde::Deserialize;

use super::bound;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, SubjectAt},
};

pub(super) const CHECK: Check = Check {
    id: "anonymous-subject",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps requests without credentials away from the cluster's data"),
        Support::supporting(Criterion::CC6_2, "nobody gets rights who was not registered"),
        Support::supporting(Criterion::CC6_3, "rights are given to roles of known people and programs"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "rights for anonymous requests",
    why: "Requests without credentials run as `system:anonymous` in the group `system:unauthenticated`. A role bound to \
          either belongs to everybody who reaches the API server's port, and its use is attributed to nobody.",
    fix: "Name the users, groups or service accounts that need the role, and remove this subject.",
    references: &[
        Reference::Cis("1.2.1"),
        Reference::Kubernetes("RBAC Good Practices"),
        Reference::Kep(4633),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: dashboard}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: 'system:unauthenticated'}
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: dashboard}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: platform-team}
",
    ),
    examine: Examine::Configured(Kinds::Bindings, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    allow: Vec<Allowed>,
}

/// A role that anonymous requests may have.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Allowed {
    /// Of the RoleBinding; left out, a ClusterRoleBinding is meant.
    #[serde(default)]
    namespace: String,
    role_ref: AllowedRole,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowedRole {
    kind: RoleKind,
    name: String,
}

#[derive(Clone, Copy, Deserialize)]
enum RoleKind {
    Role,
    ClusterRole,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    for Allowed { namespace, role_ref } in &allow {
        if role_ref.name.is_empty() || [namespace, &role_ref.name].iter().any(|text| text.contains('*')) {
            return Err(params.refuse("`allow` has a pattern or an empty name: write each name in full"));
        }
    }
    Ok(Examiner::Subject(Box::new(move |at, _: &Ask<'_>, report| examine(at, &allow, report))))
}

fn examine(at: &SubjectAt<'_>, allow: &[Allowed], report: &mut Report) {
    let is_user = *at.subject.kind == *"User" && *at.subject.name == *"system:anonymous";
    if !is_user && !at.is_group("system:unauthenticated") {
        return;
    }
    if !is_built_in(at) && !allow.iter().any(|allowed| allowed.covers(at)) {
        report.violation_of(at.place(), &at.binding.role_ref.name, bound(at));
    }
}

/// What a cluster needs before anybody has credentials: health and version, and kubeadm's description of the cluster
/// for a node that is about to join.
fn is_built_in(at: &SubjectAt<'_>) -> bool {
    const CLUSTER_INFO: &str = "kubeadm:bootstrap-signer-clusterinfo";
    let (metadata, role) = (&at.object.metadata, &at.binding.role_ref);
    let is_cluster_info = at.object.kind == Kind::RoleBinding
        && *metadata.namespace == *"kube-public"
        && *metadata.name == *CLUSTER_INFO
        && *role.kind == *"Role"
        && *role.name == *CLUSTER_INFO;
    is_cluster_info || (*role.kind == *"ClusterRole" && *role.name == *"system:public-info-viewer")
}

impl Allowed {
    fn covers(&self, at: &SubjectAt<'_>) -> bool {
        let namespace = match at.object.kind {
            Kind::ClusterRoleBinding => "",
            _ => &at.object.metadata.namespace,
        };
        let kind = match self.role_ref.kind {
            RoleKind::Role => "Role",
            RoleKind::ClusterRole => "ClusterRole",
        };
        let role = &at.binding.role_ref;
        // A RoleBinding in a file may not say its namespace, and is then not the ClusterRoleBinding that is meant.
        let is_cluster_wide = at.object.kind == Kind::ClusterRoleBinding;
        self.namespace == namespace
            && self.namespace.is_empty() == is_cluster_wide
            && *role.kind == *kind
            && *role.name == *self.role_ref.name
    }
}
