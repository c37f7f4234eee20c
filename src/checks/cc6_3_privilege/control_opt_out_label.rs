//! Refuses labels and annotations by which a namespace leaves a control of the cluster.

use serde::Deserialize;

use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Object, Pairs, Place},
    request::Operation,
};

pub(super) const CHECK: Check = Check {
    id: "control-opt-out-label",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "who is held to a control does not decide whether it holds"),
        Support::direct(Criterion::CC7_1, "a setting that switches a control off is noticed when it is made"),
    ],
    severity: Severity::Critical,
    needs: &[Need::Request, Need::OldObject],
    title: "label that opts a namespace out of a control",
    why: "Admission gates, meshes and signature checks choose their namespaces by label. One label takes all workloads of \
          a namespace out of a control, silently, and whoever may edit the namespace may set it.",
    fix: "Take the label off, or back; a platform's own namespace can be named in `allow`.",
    references: &[Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: disabled}}
",
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Namespace]), configure),
};

/// Labels and annotations that take a namespace out of a control.
const SET: [&str; 5] = [
    "admission.gatekeeper.sh/ignore",
    "istio-injection=disabled",
    "istio.io/dataplane-mode=none",
    "linkerd.io/inject=disabled",
    "resource.kubernetes.io/admin-access",
];

/// Labels that put a namespace under a control, so that their absence takes it out.
const REMOVED: [&str; 1] = ["policy.sigstore.dev/include"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// `key` (any value) or `key=value`: must not be set.
    set: Vec<String>,
    /// `key` (any value) or `key=value`: must not go away.
    removed: Vec<String>,
    allow: Vec<Allowed>,
}

impl Default for Parameters {
    fn default() -> Self {
        let (set, removed) = (SET.map(str::to_owned).to_vec(), REMOVED.map(str::to_owned).to_vec());
        Self { set, removed, allow: Vec::new() }
    }
}

/// Who may do it in which namespaces; both must fit.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowed {
    principals: Vec<Principal>,
    namespaces: Vec<String>,
}

/// A label or annotation, with a value or with any.
struct Mark {
    key: String,
    value: Option<String>,
}

/// The parameters as they are asked.
struct Marks {
    set: Vec<Mark>,
    removed: Vec<Mark>,
    allow: Vec<Allowed>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { set, removed, allow } = params.read()?;
    let full = |name: &String| !name.is_empty() && !name.contains('*');
    for one in &allow {
        if one.principals.is_empty() || one.namespaces.is_empty() || !one.namespaces.iter().all(full) {
            return Err(
                params.refuse("an entry of `allow` needs principals, and namespaces by their full names")
            );
        }
    }
    let read = |texts: &[String]| texts.iter().map(|text| Mark::read(params, text)).collect::<Result<_, _>>();
    let marks = Marks { set: read(&set)?, removed: read(&removed)?, allow };
    Ok(Examiner::Whole(Box::new(move |ask, report| marks.examine(ask, report))))
}

impl Mark {
    fn read(params: &Params<'_>, text: &str) -> Result<Self, Unusable> {
        let (key, value) = text.split_once('=').map_or((text, None), |(key, value)| (key, Some(value)));
        if key.is_empty() || key.contains([' ', '*']) {
            return Err(params.refuse(format!("`{text}` names no label: write `key` or `key=value`")));
        }
        Ok(Self { key: key.to_owned(), value: value.map(str::to_owned) })
    }

    /// The value that stands there, if it is one that counts.
    fn found<'o>(&self, pairs: &'o Pairs<'_>) -> Option<&'o str> {
        pairs.get(&self.key).filter(|value| self.value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

/// The two maps in which such marks stand.
fn maps<'o>(namespace: &'o Object<'_>) -> [(&'static str, &'o Pairs<'o>); 2] {
    [("labels", &namespace.metadata.labels), ("annotations", &namespace.metadata.annotations)]
}

impl Marks {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(namespace) = ask.object else { return };
        let mut found = Report::default();
        self.look_for_set(namespace, &mut found);
        match ask.old {
            Some(old) => self.look_for_removed(old, namespace, &mut found),
            None if ask.request.operation == Some(Operation::Create) || self.removed.is_empty() => {}
            None => {
                let reason = "the labels that the namespace had are not known";
                report.not_assessable(Missing::NotKnownHere(reason.into()));
            }
        }
        if found.violations.is_empty() {
            return;
        }
        match self.permits(ask) {
            Some(true) => {}
            Some(false) => report.violations.append(&mut found.violations),
            None => report.not_assessable(Missing::NotKnownHere("the requester is not known".into())),
        }
    }

    fn look_for_set(&self, namespace: &Object<'_>, report: &mut Report) {
        for mark in &self.set {
            for (map, pairs) in maps(namespace) {
                let Some(value) = mark.found(pairs) else { continue };
                let what = format!("is {}, which takes the namespace out of a control", quoted(value));
                report.violation_of(Place::of("metadata").entry(map, &mark.key), value, what);
            }
        }
    }

    fn look_for_removed(&self, old: &Object<'_>, new: &Object<'_>, report: &mut Report) {
        for mark in &self.removed {
            for ((map, was), (_, is)) in maps(old).into_iter().zip(maps(new)) {
                let (Some(was), None) = (mark.found(was), mark.found(is)) else { continue };
                let now =
                    is.get(&mark.key).map_or_else(|| "is gone".to_owned(), |is| format!("is {}", quoted(is)));
                let what = format!("{now} and was {}, which put the namespace under a control", quoted(was));
                report.violation_of(Place::of("metadata").entry(map, &mark.key), was, what);
            }
        }
    }

    /// Whether the policy lets this requester do it there; unknown where it depends on a requester that is not known.
    fn permits(&self, ask: &Ask<'_>) -> Option<bool> {
        let name = ask.request.object_name();
        let mut of_namespace = self
            .allow
            .iter()
            .filter(|one| one.namespaces.iter().any(|namespace| namespace == name))
            .peekable();
        if of_namespace.peek().is_none() {
            return Some(false);
        }
        let requester = ask.request.requester.as_ref()?;
        Some(of_namespace.any(|one| one.principals.iter().any(|principal| principal.includes(requester))))
    }
}
