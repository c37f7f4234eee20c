//! Small worlds in which things collide: few labels, few blocks of addresses, few ports.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Value, json};

use super::reference::{Labels, Other, Port};

/// The namespace whose policies are judged.
pub(super) const OWN: &str = "shop";
const NAME: &str = "kubernetes.io/metadata.name";

/// Blocks with what may be left out of them.
const BLOCKS: [(&str, &[&str]); 9] = [
    ("0.0.0.0/0", &["10.0.0.0/8", "0.0.0.0/1", "128.0.0.0/1"]),
    ("0.0.0.0/1", &["10.0.0.0/8", "10.1.0.0/16"]),
    ("128.0.0.0/1", &["192.0.2.0/24"]),
    ("10.0.0.0/8", &["10.1.0.0/16"]),
    ("10.1.2.3/16", &[]),
    ("192.0.2.0/24", &[]),
    ("::/0", &["2001:db8::/32"]),
    ("2001:db8::/32", &["2001:db8:1::/48"]),
    ("8000::/1", &[]),
];

/// An address between any two borders that blocks can draw.
const ADDRESSES: [&str; 13] = [
    "9.255.255.255",
    "10.0.0.0",
    "10.1.0.0",
    "10.1.255.255",
    "10.2.0.0",
    "127.255.255.255",
    "128.0.0.0",
    "192.0.2.255",
    "192.0.3.0",
    "::1",
    "2001:db8::1",
    "2001:db8:1::1",
    "8000::",
];

const PORTS: [&str; 13] = [
    "{}",
    r#"{"port": 80}"#,
    r#"{"port": 443, "protocol": "TCP"}"#,
    r#"{"port": 80, "endPort": 443}"#,
    r#"{"port": 1, "endPort": 79}"#,
    r#"{"port": 80, "endPort": 65535}"#,
    r#"{"port": 1, "endPort": 65535}"#,
    r#"{"port": "http"}"#,
    r#"{"port": "dns", "protocol": "UDP"}"#,
    r#"{"port": 53, "protocol": "UDP"}"#,
    r#"{"protocol": "UDP"}"#,
    r#"{"protocol": "SCTP"}"#,
    r#"{"port": null, "protocol": "TCP"}"#,
];

/// A port between any two borders that rules can draw, with every set of names.
pub(super) fn ports() -> Vec<Port> {
    let numbers = [("TCP", &[1, 79, 80, 81, 443, 444, 65535][..]), ("UDP", &[1, 53, 54]), ("SCTP", &[7])];
    let names: [&[&str]; 4] = [&[], &["http"], &["dns"], &["http", "dns"]];
    let mut all = Vec::new();
    for (protocol, numbers) in numbers {
        for number in numbers {
            all.extend(names.map(|names| Port { protocol, number: *number, names }));
        }
    }
    all
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

/// Every set of labels that selectors can tell apart, `z` standing for all values that nobody names.
pub(super) fn pods() -> Vec<Labels> {
    let of_a = |a| ["", "x", "z"].map(|b| labels(&[("a", a), ("b", b)]));
    ["", "x", "y", "z"].into_iter().flat_map(of_a).collect()
}

/// Every namespace that selectors can tell apart; of the own one the labels may be known.
pub(super) fn namespaces(own: Option<&Labels>) -> Vec<(String, Labels)> {
    let named =
        |name: &'static str| ["", "x", "z"].map(|t| (name.to_owned(), labels(&[("t", t), (NAME, name)])));
    let own = own.map_or_else(|| named(OWN).to_vec(), |own| vec![(OWN.to_owned(), own.clone())]);
    own.into_iter().chain(named("infra")).chain(named("zoo")).collect()
}

/// Everybody whom rules can tell apart.
pub(super) fn others(own: Option<&Labels>) -> Vec<Other> {
    let everywhere = namespaces(own).into_iter().flat_map(|(namespace, namespace_labels)| {
        pods().into_iter().map(move |labels| Other::Pod {
            namespace: namespace.clone(),
            namespace_labels: namespace_labels.clone(),
            labels,
        })
    });
    everywhere.chain(ADDRESSES.map(|text| Other::Address(text.parse().unwrap()))).collect()
}

/// The labels that the own namespace has.
pub(super) fn own_labels() -> impl Strategy<Value = Labels> {
    select(vec!["", "x", "z"]).prop_map(|t| labels(&[("t", t), (NAME, OWN)]))
}

fn requirement(keys: &'static [(&'static str, &'static [&'static str])]) -> impl Strategy<Value = Value> {
    (select(keys), 0..4_usize).prop_flat_map(|((key, values), operator)| {
        subsequence(values.to_vec(), 1..=values.len()).prop_map(move |values| match operator {
            0 => json!({"key": key, "operator": "In", "values": values}),
            1 => json!({"key": key, "operator": "NotIn", "values": values}),
            2 => json!({"key": key, "operator": "Exists"}),
            _ => json!({"key": key, "operator": "DoesNotExist", "values": null}),
        })
    })
}

fn selector(keys: &'static [(&'static str, &'static [&'static str])]) -> impl Strategy<Value = Value> {
    let pair = select(keys).prop_flat_map(|(key, values)| (Just(key), select(values)));
    prop_oneof![
        3 => Just(json!({})),
        3 => prop::collection::btree_map(Just(()), pair, 1..=1).prop_map(|pairs| {
            let pairs: BTreeMap<_, _> = pairs.into_values().collect();
            json!({"matchLabels": pairs})
        }),
        3 => prop::collection::vec(requirement(keys), 1..=2)
            .prop_map(|all| json!({"matchLabels": null, "matchExpressions": all})),
        1 => requirement(keys).prop_map(|one| json!({"matchLabels": {keys[0].0: keys[0].1[0]}, "matchExpressions": [one]})),
    ]
}

fn of_pods() -> impl Strategy<Value = Value> {
    selector(&[("a", &["x", "y"]), ("b", &["x"])])
}

fn of_namespaces() -> impl Strategy<Value = Value> {
    selector(&[("t", &["x"]), (NAME, &["shop", "infra"])])
}

fn block() -> impl Strategy<Value = Value> {
    select(BLOCKS.to_vec()).prop_flat_map(|(cidr, within)| {
        subsequence(within.to_vec(), 0..=within.len()).prop_map(move |except| {
            let except = if except.is_empty() { Value::Null } else { json!(except) };
            json!({"ipBlock": {"cidr": cidr, "except": except}})
        })
    })
}

fn peer() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => of_pods().prop_map(|pods| json!({"podSelector": pods})),
        2 => of_namespaces().prop_map(|all| json!({"namespaceSelector": all, "podSelector": null})),
        2 => (of_namespaces(), of_pods())
            .prop_map(|(all, pods)| json!({"namespaceSelector": all, "podSelector": pods})),
        3 => block(),
    ]
}

fn rule(peers: &'static str) -> impl Strategy<Value = Value> {
    let ports = subsequence(PORTS.to_vec(), 0..=2);
    (prop::collection::vec(peer(), 0..=3), ports).prop_map(move |(all, ports)| {
        let ports: Vec<Value> = ports.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let ports = if ports.is_empty() { Value::Null } else { json!(ports) };
        json!({peers: all, "ports": ports})
    })
}

/// A policy of the own namespace.
pub(super) fn policy() -> impl Strategy<Value = Value> {
    let types = select(vec![
        Value::Null,
        json!([]),
        json!(["Ingress"]),
        json!(["Egress"]),
        json!(["Ingress", "Egress"]),
    ]);
    let rules = |peers| prop::collection::vec(rule(peers), 0..=2);
    (of_pods(), types, rules("from"), rules("to")).prop_map(|(pods, types, ingress, egress)| {
        let spec = json!({"podSelector": pods, "policyTypes": types, "ingress": ingress, "egress": egress});
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"namespace": OWN}, "spec": spec})
    })
}

/// Some policies with names of their own.
pub(super) fn policies(most: usize) -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(policy(), 0..=most).prop_map(|mut all| {
        for (number, policy) in all.iter_mut().enumerate() {
            policy["metadata"]["name"] = json!(format!("p{number}"));
        }
        all
    })
}

/// A policy as it could be after an edit: in one part another, or anew.
pub(super) fn edited(before: Value) -> impl Strategy<Value = Value> {
    (policy(), 0..6_usize, any::<prop::sample::Index>()).prop_map(move |(other, part, at)| {
        let mut after = before.clone();
        let (from, spec) = (&other["spec"], &mut after["spec"]);
        match part {
            0 => spec["podSelector"] = from["podSelector"].clone(),
            1 => spec["policyTypes"] = from["policyTypes"].clone(),
            2 | 3 => {
                let rules = spec[["ingress", "egress"][part - 2]].as_array_mut().unwrap();
                if !rules.is_empty() {
                    rules.remove(at.index(rules.len()));
                }
            }
            4 => {
                for rules in ["ingress", "egress"] {
                    let new = from[rules].as_array().unwrap().clone();
                    spec[rules].as_array_mut().unwrap().extend(new);
                }
            }
            _ => *spec = from.clone(),
        }
        after
    })
}
