//! Refuses bindings that make somebody an administrator of everything.

use serde::Deserialize;

use super::{kubernetes, permission};
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, SubjectAt},
};

pub(super) const CHECK: Check = Check {
    id: "cluster-admin-binding",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "nobody gets all rights where a role of some would do"),
        Support::supporting(Criterion::CC6_1, "few can reach every asset of the cluster"),
        Support::supporting(Criterion::CC6_2, "administrators are those who were named as such"),
    ],
    severity: Severity::Critical,
    needs: &[Need::Optional(Part::Roles)],
    title: "binding to an administrator's role",
    why: "The role allows everything: reading every secret, running anything on every node, switching off every control. \
          In one namespace it still allows all of that there.",
    fix: "Bind a role with the rights that the work needs; administrators can be listed in `allowSubjects`.",
    references: &[Reference::Cis("5.1.1"), Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: deployer, namespace: shop}]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
subjects: [{kind: ServiceAccount, name: deployer, namespace: shop}]
",
    ),
    examine: Examine::Configured(Kinds::Bindings, configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// ClusterRoles that nobody may be bound to, not even in one namespace.
    roles: Vec<String>,
    /// ClusterRoles that nobody may be bound to in every namespace.
    cluster_wide: Vec<String>,
    /// The administrators. By default those whom kubeadm makes: only who holds the cluster's CA can add one.
    allow_subjects: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            roles: vec!["cluster-admin".to_owned()],
            cluster_wide: vec!["admin".to_owned()],
            allow_subjects: vec![Principal::group("kubeadm:cluster-admins")],
        }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    permission::refuse_unusable(params, "roles", &parameters.roles)?;
    permission::refuse_unusable(params, "clusterWide", &parameters.cluster_wide)?;
    Ok(Examiner::Subject(Box::new(move |at, ask, report| parameters.examine(at, ask, report))))
}

impl Parameters {
    fn examine(&self, at: &SubjectAt<'_>, ask: &Ask<'_>, report: &mut Report) {
        let Some(power) = self.power(at, ask) else { return };
        let is_master = *at.subject.kind == *"Group" && *at.subject.name == *"system:masters";
        let is_own = is_master && kubernetes::is_own(at.object, ask.request);
        if is_own || self.allow_subjects.iter().any(|allowed| allowed.is_subject(at)) {
            return;
        }
        let role = &at.binding.role_ref;
        let value = format!("{}/{}", role.kind, role.name);
        let kind = if *role.kind == *"Role" { "Role" } else { "ClusterRole" };
        let what = format!("gets {kind} {}, {power}", quoted(&role.name));
        report.violation_of(at.place(), &value, what);
    }

    /// What the binding makes of its subjects, if it makes them administrators.
    fn power(&self, at: &SubjectAt<'_>, ask: &Ask<'_>) -> Option<&'static str> {
        let role = &at.binding.role_ref;
        let lists = |names: &[String]| {
            *role.kind == *"ClusterRole" && names.iter().any(|listed| permission::fits(listed, &role.name))
        };
        let is_cluster_wide = at.object.kind == Kind::ClusterRoleBinding;
        let is_everything = || {
            let roles = ask.inventory.roles.ready()?;
            let known = roles.referred(role, &at.object.metadata.namespace)?;
            Some(roles.rules(known).iter().any(|rule| rule.is_everything()))
        };
        let (here, everywhere) = ("which allows everything in the namespace", "which allows everything");
        if lists(&self.roles) || is_everything() == Some(true) {
            return Some(if is_cluster_wide { everywhere } else { here });
        }
        (is_cluster_wide && lists(&self.cluster_wide))
            .then_some("which administers every namespace when bound in all")
    }
}
