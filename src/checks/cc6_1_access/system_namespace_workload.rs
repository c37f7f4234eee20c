//! Asks that people and pipelines put nothing of theirs into the namespaces of the cluster itself.

use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
    request::{Operation, Requester},
};

pub(super) const CHECK: Check = Check {
    id: "system-namespace-workload",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "keeps workloads apart from the components that run the cluster"),
        Support::supporting(
            Criterion::CC8_1,
            "changes to the cluster's own namespaces come from those who may make them",
        ),
    ],
    severity: Severity::Medium,
    needs: &[Need::Request],
    title: "workload in a system namespace",
    why: "The cluster's own namespaces hold its credentials and are often left out of other rules; what is in `default` \
          belongs to nobody. Whoever may create something there can use both.",
    fix: "Use a namespace of your own; an add-on manager can be named in the parameter `allow`.",
    references: &[Reference::Nsa("t1.12"), Reference::Cis("5.6.4")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: kube-system}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecsAnd(&OTHER_KINDS), configure),
};

const OTHER_KINDS: [Kind; 7] = [
    Kind::Service,
    Kind::Ingress,
    Kind::ConfigMap,
    Kind::Secret,
    Kind::ServiceAccount,
    Kind::Role,
    Kind::RoleBinding,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    namespaces: Vec<String>,
    /// Who may create things there beside the cluster's own components.
    allow: Vec<Principal>,
}

impl Default for Parameters {
    fn default() -> Self {
        let namespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];
        Self { namespaces: namespaces.map(str::to_owned).to_vec(), allow: Vec::new() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if parameters.namespaces.is_empty() {
        return Err(params.refuse("`namespaces` is empty: name one, or set the mode to off"));
    }
    if parameters.namespaces.iter().any(|name| name.is_empty() || name.contains('*')) {
        return Err(params.refuse("`namespaces` has a pattern: write each namespace by its full name"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.created(ask, report))))
}

impl Parameters {
    fn created(&self, ask: &Ask<'_>, report: &mut Report) {
        let request = ask.request;
        let namespace = &*request.namespace;
        match request.operation {
            Some(Operation::Create) => {}
            Some(_) => return,
            None if namespace.is_empty() => {
                return report.not_assessable(Missing::NAMESPACE);
            }
            None => {}
        }
        if !self.namespaces.iter().any(|listed| listed == namespace) {
            return;
        }
        match &request.requester {
            Some(requester) if self.permits(requester) => return,
            None if request.operation.is_some() => {
                return report.not_assessable(Missing::NotKnownHere("the requester is not known".into()));
            }
            // A file is judged as if somebody applied it.
            _ => {}
        }
        let what = format!("is {}, which no workload should use", quoted(namespace));
        report.violation_of(Place::of("metadata.namespace"), namespace, what);
    }

    fn permits(&self, requester: &Requester<'_>) -> bool {
        requester.is_component() || self.allow.iter().any(|principal| principal.includes(requester))
    }
}
