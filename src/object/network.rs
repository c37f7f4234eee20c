//! What opens a way into or out of a workload: network policies, Services, Ingresses, the Gateway API.

use serde::Deserialize;

use super::{
    owned::{IntOrString, Labels, Map, Word},
    selector::Selector,
    text::List,
};

/// The `spec` of a NetworkPolicy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicy {
    /// Empty selects every pod of the namespace.
    pub pod_selector: Selector,
    /// As written; absent means Ingress, and Egress too if there are egress rules.
    pub policy_types: List<Word>,
    pub ingress: List<NetworkPolicyRule>,
    pub egress: List<NetworkPolicyRule>,
}

/// One rule: `from` of an ingress rule, `to` of an egress rule. No peers means everybody, no ports every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct NetworkPolicyRule {
    pub from: List<NetworkPolicyPeer>,
    pub to: List<NetworkPolicyPeer>,
    pub ports: List<NetworkPolicyPort>,
}

/// Somebody whom a rule lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicyPeer {
    pub pod_selector: Option<Selector>,
    pub namespace_selector: Option<Selector>,
    pub ip_block: Option<IpBlock>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    pub cidr: Word,
    pub except: List<Word>,
}

/// A port that a rule opens. Absent protocol is TCP, absent port is every port.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
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
    pub load_balancer_class: Word,
    /// Absent means `true`.
    pub allocate_load_balancer_node_ports: Option<bool>,
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
    pub gateway_class_name: Word,
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
    pub backend_refs: List<ObjectReference>,
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
