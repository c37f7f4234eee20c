//! Refuses changes of the roles and bindings that Kubernetes makes for itself.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{kubernetes, permission};
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Object, Place, Text},
    request::{Operation, Requester},
};

pub(super) const CHECK: Check = Check {
    id: "changed-system-role",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "the roles that everything else rests on stay as they were made"),
        Support::supporting(Criterion::CC8_1, "they change with a version of Kubernetes and not in between"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "change of one of Kubernetes' own roles",
    why: "The cluster's components and many bindings rest on these roles. A rule or subject added to one is a back door \
          under a name that nobody looks at twice; one that is removed can stop the cluster.",
    fix: "Make a role of your own; upgrade robots and add-ons can be listed in `allow` and `addOns`.",
    references: &[
        Reference::Kubernetes("Using RBAC Authorization"),
        Reference::Kubernetes("Role Based Access Control Good Practices"),
    ],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: 'system:monitoring', labels: {kubernetes.io/bootstrapping: rbac-defaults}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:monitoring'}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: shop-monitoring}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:monitoring'}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
",
    ),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 4] = [Kind::Role, Kind::ClusterRole, Kind::RoleBinding, Kind::ClusterRoleBinding];

/// Tells the API server, when it is `"false"`, not to put the object right when it starts.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Who may change them beside the API server.
    allow: Vec<Principal>,
    /// Names that begin with `system:` and belong to add-ons; one that ends in `*` stands for all that begin so. By
    /// default those that the manifests of kubeadm, CoreDNS, metrics-server and the documentation use.
    add_ons: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        let add_ons = [
            "system:coredns",
            "system:metrics-server",
            "system:aggregated-metrics-reader",
            "system:cloud-controller-manager",
            "system:konnectivity-server",
        ];
        Self { allow: Vec::new(), add_ons: add_ons.map(str::to_owned).to_vec() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    permission::refuse_unusable(params, "addOns", &parameters.add_ons)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(object) = ask.object.or(ask.request.going.as_ref()) else { return };
        if !self.is_system(object) && !ask.old.is_some_and(|old| self.is_system(old)) {
            return;
        }
        let requester = ask.request.requester.as_ref();
        if requester.is_some_and(|requester| self.permits(requester)) {
            return;
        }
        if object.metadata.annotations.get(AUTOUPDATE) == Some("false") && ask.request.going.is_none() {
            let place = Place::of("metadata").entry("annotations", AUTOUPDATE);
            report.violation_of(place, "false", "keeps the API server from putting the object right");
        }
        let (Some(requester), Some(operation)) = (requester, ask.request.operation) else {
            let reason = "who applies it is not known, and only the API server may";
            return report.not_assessable(Missing::NotKnownHere(reason.into()));
        };
        match (operation, ask.old) {
            (Operation::Delete, _) if requester.is_controller() => {}
            (Operation::Update, Some(old)) => {
                changed(object, old, kubernetes::is_aggregator(requester), report);
            }
            (Operation::Update, None) if ask.request.old.is_present() => {
                report.not_assessable(Missing::Unavailable("the object as it was cannot be read".into()));
            }
            (Operation::Update, None) => {
                report.not_assessable(Missing::NotKnownHere("the object as it was is not known".into()));
            }
            _ => {
                let name = object.display_name();
                let what = format!("is {}: only the API server may {} it", quoted(name), verb(operation));
                report.violation_of(Place::of("metadata.name"), name, what);
            }
        }
    }

    /// Whether an object is Kubernetes' own, or passes for it.
    fn is_system(&self, object: &Object<'_>) -> bool {
        let name = object.display_name();
        (name.starts_with("system:") || kubernetes::bears_label(object))
            && !self.add_ons.iter().any(|add_on| permission::fits(add_on, name))
    }

    fn permits(&self, requester: &Requester<'_>) -> bool {
        kubernetes::is_api_server(requester)
            || self.allow.iter().any(|principal| principal.includes(requester))
    }
}

const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "make",
        Operation::Delete => "delete",
        Operation::Update | Operation::Connect => "change",
    }
}

/// Reports every part that an UPDATE changes. The aggregation controller may change the rules of what it aggregates.
fn changed(object: &Object<'_>, old: &Object<'_>, by_aggregator: bool, report: &mut Report) {
    let mut parts = Vec::new();
    match (&object.body, &old.body) {
        (Body::Role(new), Body::Role(old_role)) => {
            let is_copy = by_aggregator && old.aggregation().is_some();
            parts.push(("rules", new.rules != old_role.rules && !is_copy));
            parts.push(("aggregationRule", new.aggregation_rule != old_role.aggregation_rule));
        }
        (Body::Binding(new), Body::Binding(old_binding)) => {
            parts.push(("subjects", new.subjects != old_binding.subjects));
            parts.push(("roleRef", new.role_ref != old_binding.role_ref));
        }
        _ => {}
    }
    // By its labels a role is found by aggregation, and by the API server.
    parts.push(("metadata.labels", !same_labels(object, old)));
    for (part, _) in parts.into_iter().filter(|(_, is_changed)| *is_changed) {
        let what = format!("of {} may be changed by the API server alone", quoted(object.display_name()));
        report.violation_of(Place::of(part), "changed", what);
    }
}

fn same_labels(object: &Object<'_>, old: &Object<'_>) -> bool {
    let labels = |object: &Object<'_>| -> BTreeMap<String, String> {
        let owned = |(key, value): &(Text<'_>, Text<'_>)| (key.to_string(), value.to_string());
        object.metadata.labels.iter().map(owned).collect()
    };
    labels(object) == labels(old)
}
