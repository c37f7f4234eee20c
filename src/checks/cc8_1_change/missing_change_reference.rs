//! Asks that what is deployed names the change that it belongs to.

use regex::Regex;
use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
    request::Requester,
};

pub(super) const CHECK: Check = Check {
    id: "missing-change-reference",
    criterion: Criterion::CC8_1,
    tsc: &[Support::direct(
        Criterion::CC8_1,
        "ties what was deployed to the record in which it was approved",
    )],
    severity: Severity::Medium,
    needs: &[Need::Optional(Part::Namespaces)],
    title: "no reference to a change",
    why: "Whoever has to find out a year later why this was deployed starts from the object. Without the number of the \
          change nobody can show the request, the review and the approval that belong to it.",
    fix: "Set the annotation to the number of the change, on the object or on its namespace.",
    references: &[Reference::Kubernetes("Annotations")],
    examples: Examples::new(
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations: {soc2gate.io/change-id: SHOP-1042}
spec:
  template:
    spec:
      containers:
      - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 15] = [
    Kind::Pod,
    Kind::PodTemplate,
    Kind::ReplicationController,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::Job,
    Kind::CronJob,
    Kind::Role,
    Kind::ClusterRole,
    Kind::RoleBinding,
    Kind::ClusterRoleBinding,
    Kind::Ingress,
    Kind::NetworkPolicy,
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// The annotation.
    key: String,
    /// What the whole value must match.
    pattern: String,
    /// Whether the annotation of the namespace speaks for what is in it.
    inherit: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        let (key, pattern) = ("soc2gate.io/change-id".to_owned(), "[A-Z][A-Z0-9]+-[0-9]+".to_owned());
        Self { key, pattern, inherit: true }
    }
}

/// The parameters as they are asked.
struct Reader {
    key: String,
    pattern: String,
    whole: Regex,
    inherit: bool,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { key, pattern, inherit } = params.read()?;
    if key.trim().is_empty() {
        return Err(params.refuse("`key` is empty: name the annotation"));
    }
    // By itself first: inside the anchors `a)|(b` would become something else.
    let whole = Regex::new(&pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| params.refuse(format!("`pattern` is no regular expression: {error}")))?;
    if whole.is_match("") {
        return Err(params.refuse("`pattern` matches an empty value: ask for at least one character"));
    }
    let reader = Reader { key, pattern, whole, inherit };
    Ok(Examiner::Whole(Box::new(move |ask, report| reader.examine(ask, report))))
}

impl Reader {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        // What the cluster does by itself carries out a change that somebody else made.
        let by_component = ask.request.requester.as_ref().is_some_and(Requester::is_component);
        if by_component || !ask.request.subresource.is_empty() {
            return;
        }
        // A controller's children come with the change of their owner.
        let Some(object) = ask.object.filter(|object| object.metadata.controller().is_none()) else { return };
        let own = object.metadata.annotations.get(&self.key);
        let fits = |value: Option<&str>| value.is_some_and(|value| self.whole.is_match(value));
        if fits(own) || fits(self.inherited(ask)) {
            return;
        }
        let what = match own {
            Some(value) => format!("is {}, which does not match `{}`", quoted(value), self.pattern),
            None if !self.inherit || ask.request.namespace.is_empty() => "is absent".to_owned(),
            None if ask.inventory.namespaces.ready().is_none() => {
                "is absent, and what its namespace says is not known here".to_owned()
            }
            None => "is absent, and its namespace has none that counts".to_owned(),
        };
        let place = Place::of("metadata").entry("annotations", &self.key);
        report.violation_of(place, own.unwrap_or_default(), what);
    }

    /// The annotation of the namespace; where namespaces are not known there is none.
    fn inherited<'r>(&self, ask: &Ask<'r>) -> Option<&'r str> {
        let namespaces = ask.inventory.namespaces.ready().filter(|_| self.inherit)?;
        namespaces.get(&*ask.request.namespace)?.annotations.text(&self.key)
    }
}
