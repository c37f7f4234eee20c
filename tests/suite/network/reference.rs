//! NetworkPolicy by the letter of the API, slow and plain, over the JSON of the objects: what everything else is held to.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::Value;

pub(super) type Labels = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    In,
    Out,
}

/// Somebody at the other end.
#[derive(Clone, Debug)]
pub(super) enum Other {
    Pod { namespace: String, namespace_labels: Labels, labels: Labels },
    Address(IpAddr),
}

/// A port of whoever is connected to, and what its containers call it.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) protocol: &'static str,
    pub(super) number: i64,
    pub(super) names: &'static [&'static str],
}

/// Whether the policies of a namespace let something through in one direction.
pub(super) fn lets_through(
    (namespace, policies): (&str, &[&Value]),
    way: Way,
    pod: &Labels,
    other: &Other,
    port: &Port,
) -> bool {
    opens(&openings((namespace, policies), way, pod, other), way, other, port)
}

/// The `ports` of every rule that is for this pod and this peer; nothing if no policy isolates the pod.
pub(super) fn openings<'v>(
    (namespace, policies): (&str, &[&'v Value]),
    way: Way,
    pod: &Labels,
    other: &Other,
) -> Option<Vec<&'v Value>> {
    let selecting = policies
        .iter()
        .map(|policy| &policy["spec"])
        .filter(|spec| is_in_effect(spec, way) && selects(&spec["podSelector"], pod));
    let selecting: Vec<_> = selecting.collect();
    if selecting.is_empty() {
        return None;
    }
    let (rules, peers) = if way == Way::In { ("ingress", "from") } else { ("egress", "to") };
    let all = selecting.iter().flat_map(|spec| items(&spec[rules]));
    let fitting = all.filter(|rule| {
        items(&rule[peers]).is_empty()
            || items(&rule[peers]).iter().any(|peer| is_meant(peer, namespace, other))
    });
    Some(fitting.map(|rule| &rule["ports"]).collect())
}

/// Whether one of the openings has the port.
pub(super) fn opens(openings: &Option<Vec<&Value>>, way: Way, other: &Other, port: &Port) -> bool {
    let Some(openings) = openings else { return true };
    // Nobody outside the cluster gives names to ports.
    let has_names = way == Way::In || matches!(other, Other::Pod { .. });
    openings.iter().any(|ports| {
        items(ports).is_empty() || items(ports).iter().any(|entry| is_port(entry, port, has_names))
    })
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn is_in_effect(spec: &Value, way: Way) -> bool {
    let listed = items(&spec["policyTypes"]);
    match way {
        _ if !listed.is_empty() => {
            listed.contains(&Value::from(if way == Way::In { "Ingress" } else { "Egress" }))
        }
        Way::In => true,
        Way::Out => !items(&spec["egress"]).is_empty(),
    }
}

pub(super) fn selects(selector: &Value, labels: &Labels) -> bool {
    let none = serde_json::Map::new();
    let pairs = selector["matchLabels"].as_object().unwrap_or(&none);
    pairs.iter().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
        && items(&selector["matchExpressions"]).iter().all(|requirement| {
            let value = labels.get(requirement["key"].as_str().unwrap());
            let is_listed = value
                .is_some_and(|value| items(&requirement["values"]).contains(&Value::from(value.as_str())));
            match requirement["operator"].as_str().unwrap() {
                "In" => is_listed,
                "NotIn" => !is_listed,
                "Exists" => value.is_some(),
                "DoesNotExist" => value.is_none(),
                other => panic!("{other}"),
            }
        })
}

fn is_meant(peer: &Value, own_namespace: &str, other: &Other) -> bool {
    match other {
        Other::Address(address) => {
            let block = &peer["ipBlock"];
            !block.is_null()
                && holds(&block["cidr"], *address)
                && !items(&block["except"]).iter().any(|except| holds(except, *address))
        }
        Other::Pod { namespace, namespace_labels, labels } => {
            let (namespaces, pods) = (&peer["namespaceSelector"], &peer["podSelector"]);
            let is_there = if namespaces.is_null() {
                namespace == own_namespace
            } else {
                selects(namespaces, namespace_labels)
            };
            peer["ipBlock"].is_null() && is_there && (pods.is_null() || selects(pods, labels))
        }
    }
}

/// Compares bit by bit.
fn holds(cidr: &Value, address: IpAddr) -> bool {
    let (network, length) = cidr.as_str().unwrap().split_once('/').unwrap();
    let bits = |address: IpAddr| -> Vec<bool> {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        octets.iter().flat_map(|octet| (0..8).map(move |bit| octet & (128 >> bit) != 0)).collect()
    };
    let (network, address) = (bits(network.parse().unwrap()), bits(address));
    network.len() == address.len()
        && network.iter().zip(&address).take(length.parse().unwrap()).all(|(a, b)| a == b)
}

fn is_port(entry: &Value, port: &Port, has_names: bool) -> bool {
    let protocol = entry["protocol"].as_str().unwrap_or("TCP");
    protocol == port.protocol
        && match &entry["port"] {
            Value::Null => true,
            Value::String(name) => has_names && port.names.contains(&name.as_str()),
            first => {
                let first = first.as_i64().unwrap();
                (first..=entry["endPort"].as_i64().unwrap_or(first)).contains(&port.number)
            }
        }
}
