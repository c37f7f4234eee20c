//! Who can be at the other end, in realms that do not mix: pods of the namespace, pods elsewhere, addresses.

use std::collections::BTreeMap;

use super::{
    Isolation, Peer, Port,
    labels::{Bearer, Condition, Sketch, Status, conditions},
    ports::Ports,
    search::{Budget, Cover, TooMuch, uncovered},
};
use crate::object::{
    Address, Direction, Family, Intervals, Labels, List, Map, NetworkPolicy, NetworkPolicyPeer,
    NetworkPolicyRule, Operator, Selector,
};

/// The label that the API server gives to every namespace: its name.
const NAME: &str = "kubernetes.io/metadata.name";

/// A pod, somebody at the other end, and a port between them.
#[derive(Clone, Debug)]
pub struct Witness {
    pub pod: Labels,
    pub other: Somebody,
    pub port: Port,
}

/// Somebody who could be at the other end.
#[derive(Clone, Debug)]
pub enum Somebody {
    Pod { namespace: String, namespace_labels: Labels, labels: Labels },
    Address(Address),
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Realm {
    Elsewhere,
    Inside,
    Outside(Family),
}

/// What lets things through, for the pods that a selector selects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause<'p> {
    selector: &'p Selector,
    /// None where everything goes.
    rules: Option<&'p [NetworkPolicyRule]>,
}

/// Selects every pod.
static EVERY_POD: Selector =
    Selector { match_labels: Map(BTreeMap::new()), match_expressions: List(Vec::new()) };

/// Part of a realm: everybody, or whom a peer means.
type Region<'p> = Option<&'p NetworkPolicyPeer>;

/// What lets things through in one realm and direction.
#[derive(Debug)]
pub(super) struct Ground<'p> {
    realm: Realm,
    direction: Direction,
    /// Each cover with the addresses that it is about, where the realm has any.
    covers: Vec<(Intervals, Cover<'p>)>,
}

impl Realm {
    pub(super) const ALL: [Self; 4] =
        [Self::Elsewhere, Self::Inside, Self::Outside(Family::V4), Self::Outside(Family::V6)];
}

impl<'p> Clause<'p> {
    /// Everything goes.
    pub(super) const fn everything(selector: &'p Selector) -> Self {
        Self { selector, rules: None }
    }

    /// What the rules of a policy allow.
    pub(super) fn rules(policy: &'p NetworkPolicy, direction: Direction) -> Self {
        Self { selector: &policy.pod_selector, rules: Some(policy.rules(direction)) }
    }

    /// The same where the policy is known to select the pod.
    pub(super) fn for_every_pod(self) -> Self {
        Self { selector: &EVERY_POD, ..self }
    }
}

impl Somebody {
    pub fn as_peer(&self) -> Peer<'_> {
        match self {
            Self::Pod { namespace, namespace_labels, labels } => {
                Peer::Pod { namespace, namespace_labels, labels }
            }
            Self::Address(address) => Peer::Address(*address),
        }
    }
}

impl<'p> Isolation<'p> {
    /// What is known of everybody in a realm.
    pub(super) fn sketch(&self, realm: Realm) -> Sketch<'p> {
        let mut sketch = Sketch::default();
        match (realm, self.labels) {
            (Realm::Inside, Some(labels)) => sketch.know_namespace(labels),
            (Realm::Inside, None) => {
                sketch.demand(&Condition::of_namespace(NAME, Operator::In, self.namespace));
            }
            (Realm::Elsewhere, _) => {
                sketch.demand(&Condition::of_namespace(NAME, Operator::Exists, self.namespace));
                sketch.demand(&Condition::of_namespace(NAME, Operator::NotIn, self.namespace));
            }
            (Realm::Outside(_), _) => {}
        }
        sketch
    }

    /// Every realm, and what clauses let through there.
    pub(super) fn grounds(direction: Direction, clauses: &[Clause<'p>]) -> Vec<Ground<'p>> {
        Realm::ALL.into_iter().map(|realm| Ground::of(realm, direction, clauses)).collect()
    }

    /// Somebody among the peers of a rule and a pod that fits the conditions, between whom a wanted port is open by
    /// nothing that the ground lets through.
    pub(super) fn uncovered(
        &self,
        ground: &Ground<'p>,
        pod: &[Condition<'p>],
        peers: &'p [NetworkPolicyPeer],
        wanted: &Ports<'p>,
        budget: &mut Budget,
    ) -> Result<Option<Witness>, TooMuch> {
        let mut sketch = self.sketch(ground.realm);
        if !sketch.demand_all(pod.iter().copied()) {
            return Ok(None);
        }
        let wanted = ground.nameable(wanted.clone());
        if let Realm::Outside(family) = ground.realm {
            return ground.uncovered_address(sketch, family, peers, &wanted, budget);
        }
        let covers = ground.covers.iter().map(|(_, cover)| cover);
        for (_, of_peer) in regions(peers).filter_map(|region| ground.realm.meant(region)) {
            let mut sketch = sketch.clone();
            if sketch.demand_all(of_peer.into_iter())
                && let Some((sketch, port)) = uncovered(&sketch, &wanted, covers.clone(), budget)?
            {
                let other = self.pod(&sketch, ground.realm);
                return Ok(Some(Witness { pod: sketch.example(Bearer::Pod), other, port }));
            }
        }
        Ok(None)
    }

    fn pod(&self, sketch: &Sketch<'p>, realm: Realm) -> Somebody {
        let namespace_labels = sketch.example(Bearer::Namespace);
        let elsewhere = || namespace_labels.text(NAME).unwrap_or_default().to_owned();
        let namespace = if realm == Realm::Inside { self.namespace.to_owned() } else { elsewhere() };
        Somebody::Pod { namespace, namespace_labels, labels: sketch.example(Bearer::Peer) }
    }
}

impl Realm {
    /// What must hold of somebody for a peer to mean them; none where it means nobody in the realm.
    fn meant<'p>(self, region: Region<'p>) -> Option<(Intervals, Vec<Condition<'p>>)> {
        let Some(peer) = region else {
            let all = if let Self::Outside(family) = self { family.every() } else { Intervals::default() };
            return Some((all, Vec::new()));
        };
        let NetworkPolicyPeer { pod_selector, namespace_selector, ip_block } = peer;
        let names_pods = match self {
            Self::Outside(family) => {
                let block = ip_block.as_ref().filter(|_| peer.is_address())?;
                let addresses = block.addresses(family).filter(|addresses| !addresses.is_empty())?;
                return Some((addresses, Vec::new()));
            }
            Self::Inside => namespace_selector.is_some() || pod_selector.is_some(),
            Self::Elsewhere => namespace_selector.is_some(),
        };
        let selector = |bearer, selector: &'p Option<Selector>| {
            selector.iter().flat_map(move |selector| conditions(bearer, selector))
        };
        let namespace = selector(Bearer::Namespace, namespace_selector);
        let all = || namespace.chain(selector(Bearer::Peer, pod_selector)).collect();
        (names_pods && ip_block.is_none()).then(|| (Intervals::default(), all()))
    }
}

impl<'p> Ground<'p> {
    fn of(realm: Realm, direction: Direction, clauses: &[Clause<'p>]) -> Self {
        let mut ground = Self { realm, direction, covers: Vec::new() };
        for clause in clauses {
            let Some(rules) = clause.rules else {
                ground.add(clause.selector, None, Ports::all());
                continue;
            };
            for rule in rules {
                for region in regions(rule.peers(direction)) {
                    ground.add(clause.selector, region, Ports::of(rule));
                }
            }
        }
        ground
    }

    fn add(&mut self, pods: &'p Selector, region: Region<'p>, ports: Ports<'p>) {
        if let Some((addresses, of_peer)) = self.realm.meant(region) {
            let conditions = conditions(Bearer::Pod, pods).chain(of_peer).collect();
            let ports = self.nameable(ports);
            self.covers.push((addresses, Cover { conditions, ports }));
        }
    }

    /// The ports as the far end can name them: an address outside gives no names.
    fn nameable(&self, ports: Ports<'p>) -> Ports<'p> {
        let is_nameless = matches!(self.realm, Realm::Outside(_)) && self.direction == Direction::Egress;
        if is_nameless { ports.without_names() } else { ports }
    }

    fn uncovered_address(
        &self,
        sketch: Sketch<'p>,
        family: Family,
        peers: &'p [NetworkPolicyPeer],
        wanted: &Ports<'p>,
        budget: &mut Budget,
    ) -> Result<Option<Witness>, TooMuch> {
        let meant = regions(peers).filter_map(|region| self.realm.meant(region));
        let meant: Intervals = meant.flat_map(|(all, _)| all.ranges().collect::<Vec<_>>()).collect();
        // Long lists of blocks stay as they were; only what is not plainly covered is looked at one by one.
        let is_plain = |cover: &Cover<'p>| {
            sketch.status(&cover.conditions) == Status::Holds && cover.ports.cover(wanted)
        };
        budget.spend_on(self.covers.len())?;
        let plain = self.covers.iter().filter(|(_, cover)| is_plain(cover));
        let meant = meant.without(&plain.flat_map(|(addresses, _)| addresses.ranges()).collect());
        let near: Vec<_> = self.covers.iter().filter(|(addresses, _)| addresses.meets(&meant)).collect();
        // Between two borders no block tells addresses apart, so that the first one stands for all.
        for number in borders(&meant, near.iter().map(|(addresses, _)| addresses)) {
            budget.spend_on(near.len())?;
            let covers = near.iter().filter(|(addresses, _)| addresses.contains(number));
            if let Some((sketch, port)) = uncovered(&sketch, wanted, covers.map(|(_, cover)| cover), budget)?
            {
                let other = Somebody::Address(Address { family, number });
                return Ok(Some(Witness { pod: sketch.example(Bearer::Pod), other, port }));
            }
        }
        Ok(None)
    }
}

/// The regions that the peers of a rule are; nobody named is everybody.
fn regions(peers: &[NetworkPolicyPeer]) -> impl Iterator<Item = Region<'_>> {
    let everybody = peers.is_empty().then_some(None);
    everybody.into_iter().chain(peers.iter().map(Some))
}

/// The first address of every stretch that no block divides.
fn borders<'a>(within: &Intervals, blocks: impl Iterator<Item = &'a Intervals>) -> Vec<u128> {
    let starts = |(first, last): (u128, u128)| [Some(first), last.checked_add(1)].into_iter().flatten();
    let of_blocks = blocks.flat_map(|addresses| addresses.ranges()).flat_map(starts);
    let own = within.ranges().map(|(first, _)| first);
    let mut borders: Vec<_> = of_blocks.filter(|number| within.contains(*number)).chain(own).collect();
    borders.sort_unstable();
    borders.dedup();
    borders
}
