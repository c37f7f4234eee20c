//! One rule of a NetworkPolicy and one peer of it, with the place where it stands.

use super::{Body, Direction, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicyRule, Object, Place};

/// One rule of a NetworkPolicy.
#[derive(Clone, Copy, Debug)]
pub struct TrafficRuleAt<'o> {
    pub direction: Direction,
    pub rule: &'o NetworkPolicyRule,
    position: usize,
}

/// One peer of a rule.
#[derive(Clone, Copy, Debug)]
pub struct PeerAt<'o> {
    pub peer: &'o NetworkPolicyPeer,
    rule: TrafficRuleAt<'o>,
    position: usize,
}

impl<'a> Object<'a> {
    /// The rules of a NetworkPolicy that are in force: what `policyTypes` leaves out has no say.
    pub fn traffic_rules(&self) -> impl Iterator<Item = TrafficRuleAt<'_>> {
        let policy = match &self.body {
            Body::NetworkPolicy(policy) => Some(policy),
            _ => None,
        };
        policy.into_iter().flat_map(|policy| {
            Direction::ALL.into_iter().flat_map(move |direction| {
                policy.rules(direction).iter().enumerate().map(move |(position, rule)| TrafficRuleAt {
                    direction,
                    rule,
                    position,
                })
            })
        })
    }
}

impl<'o> TrafficRuleAt<'o> {
    /// The peers that the rule names.
    pub fn peers(self) -> impl Iterator<Item = PeerAt<'o>> {
        let peers = self.rule.peers(self.direction).iter().enumerate();
        peers.map(move |(position, peer)| PeerAt { peer, rule: self, position })
    }

    /// The field that names its peers. A rule has no name, so that the key leaves out where it stands.
    pub fn peers_place(&self) -> Place {
        let (rules, peers) = (self.direction.field(), self.direction.peers_field());
        Place {
            path: format!("spec.{rules}[{}].{peers}", self.position),
            key: format!("spec.{rules}.{peers}"),
            container: None,
        }
    }

    /// What the rule opens, each port as `TCP/443`; none means every port.
    pub fn ports(&self) -> impl Iterator<Item = String> + use<'o> {
        self.rule.ports.iter().map(NetworkPolicyPort::to_string)
    }
}

impl PeerAt<'_> {
    /// A field of the peer, recognised by what it says.
    pub fn at(&self, field: &str, says: &str) -> Place {
        let rule = self.rule.peers_place();
        Place {
            path: format!("{}[{}].{field}", rule.path, self.position),
            key: format!("{}[{field}={says}]", rule.key),
            container: None,
        }
    }
}

impl std::fmt::Display for NetworkPolicyPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.protocol.is_empty() { "TCP" } else { &self.protocol })?;
        if let Some(port) = &self.port {
            write!(f, "/{port}")?;
        }
        if let Some(last) = self.end_port {
            write!(f, "-{last}")?;
        }
        Ok(())
    }
}
