//! Refuses changes of network policies that let something through that nothing let through before.

use crate::{
    check::{
        Ask, Check, Examine, Examples, Kinds, Missing, Need, Part, Reference, Report, labelled_pod, quoted,
    },
    criterion::{Criterion, Severity, Support},
    inventory::isolation::{Cause, Change, Isolation, Loosening, Somebody, Witness},
    object::{Body, Direction, Kind, NetworkPolicy, Object, Place},
    request::{Operation, Request},
};

pub(super) const CHECK: Check = Check {
    id: "loosened-network-policy",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_6, "the boundary between workloads is not opened unseen"),
        Support::supporting(Criterion::CC6_1, "workloads of one network stay segmented from each other"),
        Support::supporting(
            Criterion::CC7_1,
            "a change that opens a way to attack is noticed when it is made",
        ),
    ],
    severity: Severity::High,
    needs: &[
        Need::Request,
        Need::OldObject,
        Need::Inventory(Part::NetworkPolicies),
        Need::Inventory(Part::Namespaces),
    ],
    title: "loosened network policy",
    why: "Whoever has got into one pod opens the way to the next by editing or deleting the policy in between. All \
          policies of the namespace are compared, before and after, for every pod that there could be: deleting a rule \
          below a standing default-deny opens nothing.",
    fix: "Keep what isolates the pods, name narrower peers and ports, or ask for an exemption.",
    references: &[Reference::Kubernetes("Network Policies")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - ports: [{port: 5432}]
    from: [{podSelector: {}}]
",
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - ports: [{port: 5432}]
    from: [{podSelector: {matchLabels: {app: web, tier: front}}}]
",
    )
    .after(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress:
  - ports: [{port: 5432}]
    from: [{podSelector: {matchLabels: {app: web}}}]
",
    )
    .amid(
        "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::NetworkPolicy]), examine),
};

fn examine(ask: &Ask<'_>, report: &mut Report) {
    let request = ask.request;
    let (before, after) = match request.operation {
        Some(Operation::Update) => (ask.old, ask.object),
        Some(Operation::Delete) => (request.going.as_ref(), None),
        Some(_) => return,
        None => {
            let reason = "a manifest does not tell how the policy was before";
            return report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    };
    let (Some(before), after) = (before.and_then(policy), after.and_then(policy)) else {
        let reason = "the policy as it was is not known";
        return report.not_assessable(Missing::Unavailable(reason.into()));
    };
    if after == Some(before) {
        return;
    }
    let (Some(policies), Some(namespaces)) = (
        ask.known(Part::NetworkPolicies, &ask.inventory.network_policies, report),
        ask.known(Part::Namespaces, &ask.inventory.namespaces, report),
    ) else {
        return;
    };
    let name = request.object_name();
    let namespace = namespace(request);
    let own = namespaces.get(namespace);
    // The namespace takes all its policies with it, in whatever order.
    if own.is_some_and(|own| own.is_terminating) || is_by_namespace_controller(request) {
        return;
    }
    let others =
        policies.get(namespace).into_iter().flat_map(|own| own.iter()).filter(|(other, _)| *other != name);
    let standing = Isolation::new(namespace, own.map(|own| &own.labels), others.map(|(_, policy)| policy));
    let change = Change { standing, before, after };
    for loosening in change.loosened() {
        let (place, what) = told(&change, &loosening, name, namespace);
        report.violation_of(place, loosening.direction.id(), what);
    }
}

fn policy<'o>(object: &'o Object<'_>) -> Option<&'o NetworkPolicy> {
    match &object.body {
        Body::NetworkPolicy(policy) => Some(policy),
        _ => None,
    }
}

/// In a `deletecollection` the request may name nothing, and the object says where it is.
fn namespace<'r>(request: &'r Request<'_>) -> &'r str {
    let of_object = || request.subject().map_or("", |object| &object.metadata.namespace);
    if request.namespace.is_empty() { of_object() } else { &request.namespace }
}

fn is_by_namespace_controller(request: &Request<'_>) -> bool {
    let account = request.requester.as_ref().and_then(|requester| requester.service_account());
    account == Some(("kube-system", "namespace-controller"))
}

/// Where it stands and what is wrong with it.
fn told(change: &Change<'_>, loosening: &Loosening, name: &str, namespace: &str) -> (Place, String) {
    let Loosening { direction, cause, witness } = loosening;
    let spec = Place::of("spec");
    let (place, how) = match (cause, change.after) {
        (Cause::Rule(position), _) => {
            (spec.item(direction.field(), *position, &position.to_string()), "lets".to_owned())
        }
        (Cause::Isolation, None) => {
            // Named, as a deletion of many does not say which of them was refused.
            (Place::of("metadata.name"), format!("is {}, a policy that goes, which lets", quoted(name)))
        }
        (Cause::Isolation, Some(after)) if after.isolates(*direction) => {
            (spec.field("podSelector"), "leaves pods out, which lets".to_owned())
        }
        (Cause::Isolation, Some(_)) => {
            (spec.field("policyTypes"), "gives up a direction, which lets".to_owned())
        }
    };
    let what = match witness {
        Some(witness) => {
            format!("{how} {}, as nothing did before", in_words(*direction, witness, namespace))
        }
        None => "is too much to compare with the other policies, and so counts as loosened".to_owned(),
    };
    (place, what)
}

/// Who reaches whom on which port.
fn in_words(direction: Direction, Witness { pod, other, port }: &Witness, own: &str) -> String {
    let pod = labelled_pod(pod);
    let other = match other {
        Somebody::Address(address) => format!("the address {address}"),
        Somebody::Pod { namespace, labels, .. } if namespace == own => {
            format!("{} of the same namespace", labelled_pod(labels))
        }
        Somebody::Pod { namespace, namespace_labels, labels } => {
            // Its name is the one label that every namespace has.
            let such = match namespace_labels.len() {
                0 | 1 => format!("such as {}", quoted(namespace)),
                _ => format!("labelled {}", quoted(&namespace_labels.to_string())),
            };
            format!("{} of another namespace {such}", labelled_pod(labels))
        }
    };
    match direction {
        Direction::Ingress => format!("{other} reach {pod} on {port}"),
        Direction::Egress => format!("{pod} reach {other} on {port}"),
    }
}
