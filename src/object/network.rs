//! What opens a way into or out of a workload: network policies, Services, Ingresses, the Gateway API.

use serde::Deserialize;

use super::{
    address::{Cidr, Family},
    intervals::Intervals,
    owned::{IntOrString, Labels, Map, Word},
    selector::Selector,
    text::{List, or_default},
};

/// Which way traffic goes, seen from the pod that a policy selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    pub const ALL: [Self; 2] = [Self::Ingress, Self::Egress];

    /// As `policyTypes` writes it.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Ingress => "Ingress",
            Self::Egress => "Egress",
        }
    }

    /// The field that holds its rules.
    pub const fn field(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }

    /// The field of a rule that holds its peers.
    pub const fn peers_field(self) -> &'static str {
        match self {
            Self::Ingress => "from",
            Self::Egress => "to",
        }
    }
}

/// The `spec` of a NetworkPolicy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicy {
    /// Empty selects every pod of the namespace.
    #[serde(deserialize_with = "or_default")]
    pub pod_selector: Selector,
    /// As written; absent means Ingress, and Egress too if there are egress rules.
    pub policy_types: List<Word>,
    pub ingress: List<NetworkPolicyRule>,
    pub egress: List<NetworkPolicyRule>,
}

impl NetworkPolicy {
    /// Whether the pods that it selects are isolated in this direction: only what some rule allows goes through.
    pub fn isolates(&self, direction: Direction) -> bool {
        match direction {
            _ if !self.policy_types.is_empty() => {
                self.policy_types.iter().any(|listed| **listed == *direction.id())
            }
            Direction::Ingress => true,
            Direction::Egress => !self.egress.is_empty(),
        }
    }

    /// The rules of a direction; none where the policy has no say.
    pub fn rules(&self, direction: Direction) -> &[NetworkPolicyRule] {
        match direction {
            _ if !self.isolates(direction) => &[],
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

impl NetworkPolicyRule {
    /// Whom the rule is about; nobody named means everybody.
    pub fn peers(&self, direction: Direction) -> &[NetworkPolicyPeer] {
        match direction {
            Direction::Ingress => &self.from,
            Direction::Egress => &self.to,
        }
    }
}

/// One rule: `from` of an ingress rule, `to` of an egress rule. No peers means everybody, no ports every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct NetworkPolicyRule {
    pub from: List<NetworkPolicyPeer>,
    pub to: List<NetworkPolicyPeer>,
    pub ports: List<NetworkPolicyPort>,
}

/// Somebody whom a rule lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPeer {
    pub pod_selector: Option<Selector>,
    pub namespace_selector: Option<Selector>,
    pub ip_block: Option<IpBlock>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    pub cidr: Word,
    pub except: List<Word>,
}

impl NetworkPolicyPeer {
    /// Whether it means addresses; together with a selector a block means nothing that an API server takes.
    pub fn is_address(&self) -> bool {
        self.ip_block.is_some() && self.pod_selector.is_none() && self.namespace_selector.is_none()
    }
}

impl IpBlock {
    /// Its addresses of a family; none if a block in it cannot be read.
    pub fn addresses(&self, family: Family) -> Option<Intervals> {
        let block = Cidr::parse(&self.cidr)?;
        let except: Option<Vec<_>> = self.except.iter().map(|except| Cidr::parse(except)).collect();
        let own_family = |cidr: &Cidr| cidr.first.family == family;
        let within =
            |cidrs: &[Cidr]| cidrs.iter().copied().filter(own_family).map(|cidr| cidr.range()).collect();
        let all: Intervals = within(&[block]);
        Some(all.without(&within(&except?)))
    }
}

/// A port that a rule opens. Absent protocol is TCP, absent port is every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPort {
    pub protocol: Word,
    pub port: Option<IntOrString>,
    pub end_port: Option<i64>,
}

/// The `spec` of a Service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    /// Absent means ClusterIP.
    #[serde(rename = "type")]
    pub service_type: Word,
    pub selector: Labels,
    #[serde(rename = "externalIPs")]
    pub external_ips: List<Word>,
    pub external_name: Word,
    pub load_balancer_source_ranges: List<Word>,
    /// Absent means `true`.
    pub allocate_load_balancer_node_ports: Option<bool>,
    /// `status.loadBalancer.ingress`: where a load balancer is said to answer.
    #[serde(skip)]
    pub balanced_at: List<Balanced>,
}

/// One address or host at which a load balancer is said to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Balanced {
    pub ip: Word,
    pub hostname: Word,
    /// VIP or Proxy; absent means VIP.
    pub ip_mode: Word,
}

/// The `spec` of an Ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Ingress {
    pub ingress_class_name: Word,
    pub rules: List<IngressRule>,
    pub tls: List<IngressTls>,
    /// Takes what no rule takes; `backend` before `networking.k8s.io/v1`.
    #[serde(alias = "backend")]
    pub default_backend: Option<Backend>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressRule {
    /// Empty means every host.
    pub host: Word,
    pub http: Option<IngressPaths>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressPaths {
    pub paths: List<IngressPath>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IngressPath {
    /// Empty means every path.
    pub path: Word,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IngressTls {
    /// Empty means every host.
    pub hosts: List<Word>,
    pub secret_name: Word,
}

/// A backend, of which only its presence is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Backend {}

/// The `spec` of a Gateway or ListenerSet (Gateway API).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Gateway {
    pub listeners: List<Listener>,
    /// From where ListenerSets may attach.
    pub allowed_listeners: Option<Allowed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Listener {
    pub name: Word,
    pub hostname: Word,
    pub port: Option<i64>,
    /// HTTP, HTTPS, TLS, TCP, UDP or a vendor's own.
    pub protocol: Word,
    pub tls: Option<ListenerTls>,
    pub allowed_routes: Option<Allowed>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ListenerTls {
    /// Absent means Terminate.
    pub mode: Word,
    pub certificate_refs: List<ObjectReference>,
    pub options: Map<Word>,
}

/// From which namespaces something may attach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Allowed {
    pub namespaces: Option<AllowedNamespaces>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct AllowedNamespaces {
    /// All, Selector, Same or None; what absence means depends on the field.
    pub from: Word,
    pub selector: Option<Selector>,
}

/// A reference to another object, or to a section of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    pub group: Word,
    pub kind: Word,
    pub namespace: Word,
    pub name: Word,
    pub section_name: Word,
    pub port: Option<i64>,
}

/// The `spec` of an HTTPRoute, GRPCRoute or TLSRoute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Route {
    pub hostnames: List<Word>,
    pub parent_refs: List<ObjectReference>,
    pub rules: List<RouteRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteRule {
    /// None means every request.
    pub matches: List<RouteMatch>,
    pub filters: List<RouteFilter>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RouteMatch {
    /// Absent means every path.
    pub path: Option<PathMatch>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PathMatch {
    pub value: Word,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RouteFilter {
    #[serde(rename = "type")]
    pub filter_type: Word,
    pub request_redirect: Option<RequestRedirect>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct RequestRedirect {
    pub scheme: Word,
}
