//! Who may reach which pod of a namespace, and whom its pods may reach: by the union of the namespace's policies.
//!
//! Pods come and go, and so the questions are about every pod that there could be: label sets are told apart by what
//! selectors ask of them, addresses by the blocks that rules name, ports by ranges and names.

mod change;
mod exposure;
mod labels;
mod ports;
mod realm;
mod search;

pub use change::{Cause, Change, Loosening};
pub use exposure::Exposure;
pub use ports::{Port, Protocol};
pub use realm::{Somebody, Witness};

use self::ports::Ports;
use crate::object::{Address, Direction, Labels, NetworkPolicy, NetworkPolicyPeer};

/// A namespace and the policies in it.
#[derive(Clone, Debug)]
pub struct Isolation<'p> {
    namespace: &'p str,
    /// Unknown where nothing but its name is.
    labels: Option<&'p Labels>,
    policies: Vec<&'p NetworkPolicy>,
}

/// Somebody at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub enum Peer<'a> {
    Pod {
        namespace: &'a str,
        namespace_labels: &'a Labels,
        labels: &'a Labels,
    },
    /// An address that is no pod's.
    Address(Address),
}

impl<'p> Isolation<'p> {
    pub fn new(
        namespace: &'p str,
        labels: Option<&'p Labels>,
        policies: impl IntoIterator<Item = &'p NetworkPolicy>,
    ) -> Self {
        Self { namespace, labels, policies: policies.into_iter().collect() }
    }

    /// Whether the policies let a pod of the namespace be connected to (ingress), or connect (egress), by the letter
    /// of the API. The port is one of whoever is connected to.
    pub fn allows(&self, direction: Direction, pod: &Labels, peer: Peer<'_>, port: &Port) -> bool {
        let mut isolating =
            self.isolating(direction).filter(|policy| policy.pod_selector.selects_labels(pod)).peekable();
        isolating.peek().is_none()
            || isolating.flat_map(|policy| policy.rules(direction)).any(|rule| {
                let peers = rule.peers(direction);
                let named = peers.is_empty() || peers.iter().any(|named| self.means(named, peer));
                let outside = direction == Direction::Egress && matches!(peer, Peer::Address(_));
                let ports = Ports::of(rule);
                let ports = if outside { ports.without_names() } else { ports };
                named && ports.contains(port)
            })
    }

    /// The policies that isolate anything in a direction.
    fn isolating(&self, direction: Direction) -> impl Iterator<Item = &'p NetworkPolicy> + Clone {
        self.policies.iter().copied().filter(move |policy| policy.isolates(direction))
    }

    /// Whether a peer of a rule means somebody.
    fn means(&self, named: &NetworkPolicyPeer, peer: Peer<'_>) -> bool {
        let NetworkPolicyPeer { pod_selector, namespace_selector, ip_block } = named;
        match (ip_block, peer) {
            (Some(block), Peer::Address(Address { family, number })) => {
                named.is_address() && block.addresses(family).is_some_and(|all| all.contains(number))
            }
            (None, Peer::Pod { namespace, namespace_labels, labels }) => {
                let namespace_fits = match namespace_selector {
                    Some(selector) => selector.selects_labels(namespace_labels),
                    None => pod_selector.is_some() && namespace == self.namespace,
                };
                namespace_fits && pod_selector.as_ref().is_none_or(|selector| selector.selects_labels(labels))
            }
            _ => false,
        }
    }
}
