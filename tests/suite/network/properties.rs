//! Random worlds: what the program says of network policies is what the letter of the API says.

use proptest::prelude::*;
use serde::de::DeserializeSeed;
use serde_json::{Value, json};
use soc2gate::{
    inventory::isolation::{self, Change, Exposure, Isolation, Peer, Somebody, Witness},
    object::{self, Address, Body, Direction, Kind, Map, NetworkPolicy, OfKind, Word},
};

use super::{
    enforced,
    reference::{Labels, Other, Port, Way, lets_through, openings, opens},
    worlds::{OWN, edited, namespaces, others, own_labels, pods, policies, policy, ports},
};
use crate::library::{self, Sent};

const WAYS: [(Way, Direction); 2] = [(Way::In, Direction::Ingress), (Way::Out, Direction::Egress)];

fn decoded(policy: &Value) -> NetworkPolicy {
    let text = policy.to_string();
    let object =
        OfKind(Kind::NetworkPolicy).deserialize(&mut serde_json::Deserializer::from_str(&text)).unwrap();
    match object.body {
        Body::NetworkPolicy(policy) => policy,
        body => panic!("{body:?}"),
    }
}

fn labels(labels: &Labels) -> object::Labels {
    Map(labels.iter().map(|(key, value)| (key.clone(), Word(value.clone()))).collect())
}

fn plain(labels: &object::Labels) -> Labels {
    labels.iter().map(|(key, value)| (key.clone(), value.0.clone())).collect()
}

fn port(port: &Port) -> isolation::Port {
    let protocol = match port.protocol {
        "TCP" => isolation::Protocol::Tcp,
        "UDP" => isolation::Protocol::Udp,
        _ => isolation::Protocol::Sctp,
    };
    let names = port.names.iter().map(|name| (*name).to_owned()).collect();
    isolation::Port { protocol, number: u16::try_from(port.number).unwrap(), names }
}

/// What of this is open before and what afterwards: the first that is open only afterwards.
fn opened_by_the_letter(
    way: Way,
    own: Option<&Labels>,
    before: &[&Value],
    after: &[&Value],
) -> Option<(Labels, Other, Port)> {
    let ports = ports();
    for pod in pods() {
        for other in others(own) {
            let [was, is] = [before, after].map(|policies| openings((OWN, policies), way, &pod, &other));
            let new =
                ports.iter().find(|port| opens(&is, way, &other, port) && !opens(&was, way, &other, port));
            if let Some(port) = new {
                return Some((pod, other, port.clone()));
            }
        }
    }
    None
}

/// Whether a witness of the program's holds by the letter.
fn holds(witness: &Witness, way: Way, before: &[&Value], after: &[&Value]) -> bool {
    let other = match &witness.other {
        Somebody::Address(address) => Other::Address(address.to_string().parse().unwrap()),
        Somebody::Pod { namespace, namespace_labels, labels } => Other::Pod {
            namespace: namespace.clone(),
            namespace_labels: plain(namespace_labels),
            labels: plain(labels),
        },
    };
    let names: &[&str] = match witness.port.names.first().map(String::as_str) {
        None => &[],
        Some("http") => &["http"],
        Some("dns") => &["dns"],
        Some(name) => panic!("{name}"),
    };
    let port = Port { protocol: witness.port.protocol.id(), number: witness.port.number.into(), names };
    let through = |policies| lets_through((OWN, policies), way, &plain(&witness.pod), &other, &port);
    through(after) && !through(before)
}

/// Everybody is let in, or out: the brute meaning of a namespace that some pod is open in.
fn is_exposed_by_the_letter(way: Way, own: Option<&Labels>, policies: &[&Value]) -> bool {
    let peers = if way == Way::In { ("ingress", "from") } else { ("egress", "to") };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let for_all = policies.iter().map(|policy| &policy["spec"]).any(|spec| {
        let alone = json!({"spec": spec});
        let isolates = openings((OWN, &[&alone]), way, &Labels::new(), &Other::Address([0, 0, 0, 0].into()));
        spec["podSelector"] == json!({})
            && isolates.is_some()
            && list(&spec[peers.0]).iter().any(|rule| list(&rule[peers.1]).is_empty())
    });
    let ports = ports();
    for_all
        || pods().iter().any(|pod| {
            others(own).iter().all(|other| {
                let open = openings((OWN, policies), way, pod, other);
                ports.iter().all(|port| opens(&open, way, other, port))
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_connection_is_allowed_exactly_if_the_letter_of_the_api_allows_it(
        policies in policies(4),
        own in own_labels(),
    ) {
        let typed: Vec<_> = policies.iter().map(decoded).collect();
        let policies: Vec<_> = policies.iter().collect();
        let known = labels(&own);
        let isolation = Isolation::new(OWN, Some(&known), &typed);
        for other in others(Some(&own)) {
            let (namespace_labels, of_peer) = match &other {
                Other::Pod { namespace_labels, labels: own, .. } => (labels(namespace_labels), labels(own)),
                Other::Address(_) => Default::default(),
            };
            let peer = match &other {
                Other::Pod { namespace, .. } => {
                    Peer::Pod { namespace, namespace_labels: &namespace_labels, labels: &of_peer }
                }
                Other::Address(address) => Peer::Address(Address::parse(&address.to_string()).unwrap()),
            };
            for pod in pods().iter().step_by(2) {
                for (way, direction) in WAYS {
                    let open = openings((OWN, &policies), way, pod, &other);
                    for number in ports().iter().step_by(3) {
                        prop_assert_eq!(
                            isolation.allows(direction, &labels(pod), peer, &port(number)),
                            opens(&open, way, &other, number),
                            "{:?} {:?} {:?} {:?}", way, pod, other, number
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_namespace_is_closed_exactly_if_no_pod_of_it_whatever_its_labels_is_open_to_everybody(
        policies in policies(4),
        own in prop::option::of(own_labels()),
    ) {
        let typed: Vec<_> = policies.iter().map(decoded).collect();
        let policies: Vec<_> = policies.iter().collect();
        let known = own.as_ref().map(labels);
        let isolation = Isolation::new(OWN, known.as_ref(), &typed);
        for (way, direction) in WAYS {
            let exposure = isolation.exposure(direction);
            let exposed = is_exposed_by_the_letter(way, own.as_ref(), &policies);
            prop_assert_eq!(exposure != Exposure::Closed, exposed, "{:?}: {:?}", way, exposure);
            if let Exposure::Unisolated(pod) = &exposure {
                let nobody = Other::Address([192, 0, 2, 1].into());
                prop_assert!(openings((OWN, &policies), way, &plain(pod), &nobody).is_none(), "{}", pod);
            }
        }
    }

    #[test]
    fn a_change_counts_as_loosened_exactly_if_some_connection_opens(
        (standing, before, after) in (policies(3), policy()).prop_flat_map(|(standing, before)| {
            let after = prop::option::of(edited(before.clone()));
            (Just(standing), Just(before), after)
        }),
        own in prop::option::of(own_labels()),
    ) {
        let named = |mut policy: Value| { policy["metadata"]["name"] = json!("changed"); policy };
        let (before, after) = (named(before), after.map(named));
        let typed: Vec<_> = standing.iter().map(decoded).collect();
        let (old, new) = (decoded(&before), after.as_ref().map(decoded));
        let known = own.as_ref().map(labels);
        let change = Change {
            standing: Isolation::new(OWN, known.as_ref(), &typed),
            before: &old,
            after: new.as_ref(),
        };
        let loosened = change.loosened();
        let was: Vec<_> = standing.iter().chain([&before]).collect();
        let is: Vec<_> = standing.iter().chain(&after).collect();
        for (way, direction) in WAYS {
            let found: Vec<_> = loosened.iter().filter(|one| one.direction == direction).collect();
            let opened = opened_by_the_letter(way, own.as_ref(), &was, &is);
            prop_assert_eq!(!found.is_empty(), opened.is_some(), "{:?}: {:?} {:?}", way, found, opened);
            for loosening in found {
                // No world as small as this one exhausts the search.
                prop_assert!(holds(loosening.witness.as_ref().unwrap(), way, &was, &is), "{:?}", loosening);
            }
        }
        // The check says the same of the request, whatever stands in the inventory under the policy's own name.
        let world: Vec<_> = was.iter().map(|policy| policy.to_string()).chain(own.iter().map(namespace)).collect();
        let sent = match &after {
            Some(after) => Sent::update(&before.to_string(), &after.to_string()),
            None => Sent::delete(&before.to_string()),
        };
        let decision = sent.amid(library::world(&world.join("\n---\n"))).decide(&enforced("loosened-network-policy"));
        let both = decision.findings.iter().filter(|finding| finding.denies()).count();
        prop_assert_eq!(both, loosened.len(), "{:?}", decision.findings);
    }

    #[test]
    fn no_pair_of_pods_of_a_world_comes_to_reach_each_other_unreported(
        (standing, before, after, elsewhere) in (policies(2), policy(), policies(2)).prop_flat_map(
            |(standing, before, elsewhere)| {
                let after = prop::option::of(edited(before.clone()));
                (Just(standing), Just(before), after, Just(elsewhere))
            },
        ),
    ) {
        let typed: Vec<_> = standing.iter().map(decoded).collect();
        let (old, new) = (decoded(&before), after.as_ref().map(decoded));
        let change =
            Change { standing: Isolation::new(OWN, None, &typed), before: &old, after: new.as_ref() };
        let was: Vec<_> = standing.iter().chain([&before]).collect();
        let is: Vec<_> = standing.iter().chain(&after).collect();
        let elsewhere: Vec<_> = elsewhere.iter().collect();
        let is_reported = !change.loosened().is_empty();
        // Whoever has it their way in both directions: out of the one namespace and into the other.
        for (from, from_labels) in namespaces(None).iter().step_by(2) {
            for (to, to_labels) in namespaces(None).iter().step_by(2) {
                for source in pods().iter().step_by(3) {
                    for target in pods().iter().step_by(2) {
                        let as_other = |namespace: &str, namespace_labels: &Labels, labels: &Labels| Other::Pod {
                            namespace: namespace.to_owned(),
                            namespace_labels: namespace_labels.clone(),
                            labels: labels.clone(),
                        };
                        let (source_seen, target_seen) =
                            (as_other(from, from_labels, source), as_other(to, to_labels, target));
                        let reach = |own: &[&Value]| {
                            let of = |namespace: &str| if namespace == OWN { own.to_vec() } else { elsewhere.clone() };
                            let (out, into) = (of(from), of(to));
                            let out = openings((from, &out), Way::Out, source, &target_seen).map(owned);
                            let into = openings((to, &into), Way::In, target, &source_seen).map(owned);
                            (out, into)
                        };
                        let ((out_was, in_was), (out_is, in_is)) = (reach(&was), reach(&is));
                        let through = |out: &Option<Vec<Value>>, into: &Option<Vec<Value>>, port: &Port| {
                            let open = |list: &Option<Vec<Value>>, way, other: &Other| {
                                opens(&list.as_ref().map(|list| list.iter().collect()), way, other, port)
                            };
                            open(out, Way::Out, &target_seen) && open(into, Way::In, &source_seen)
                        };
                        for port in ports().iter().step_by(2) {
                            if through(&out_is, &in_is, port) && !through(&out_was, &in_was, port) {
                                prop_assert!(is_reported, "{:?} to {:?} on {:?}", source_seen, target_seen, port);
                            }
                        }
                    }
                }
            }
        }
    }
}

fn owned(list: Vec<&Value>) -> Vec<Value> {
    list.into_iter().cloned().collect()
}

fn namespace(labels: &Labels) -> String {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OWN, "labels": labels}}).to_string()
}
