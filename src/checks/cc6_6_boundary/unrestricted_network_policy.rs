//! Refuses rules of network policies that are for everybody.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    installation,
    manifest::Unusable,
    object::{Direction, Kind, Object, Place, Selector, TrafficRuleAt},
};

pub(super) const CHECK: Check = Check {
    id: "unrestricted-network-policy",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "a rule of the boundary says whom it lets through"),
        Support::direct(Criterion::CC6_1, "workloads of one network are segmented from each other"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "network policy for everybody",
    why: "A rule that names no peer lets in, or out to, everybody: the internet as well as every pod. Policies add up, so \
          that no other policy takes it back.",
    fix: "Name the peers: a podSelector, a namespaceSelector with labels, or an ipBlock.",
    references: &[Reference::Kubernetes("Network Policies"), Reference::Nsa("t2.0")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - ports: [{port: 8080}]
",
        "
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
  - ports: [{port: 8080}]
    from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::NetworkPolicy]), configure),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Whether a rule may be for everybody if it names ports.
    allow_with_ports: bool,
    /// Whether a rule may be for every pod of every namespace.
    all_namespaces: AllNamespaces,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AllNamespaces {
    #[default]
    Deny,
    Allow,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    let home = params.home().namespace.to_owned();
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let name = ask.request.object_name();
        // Whoever calls the gate and whom it calls, the API server, has no address that a policy could name.
        let is_own = |rule: &TrafficRuleAt<'_>| {
            *ask.request.namespace == *home
                && installation::is_own_traffic_rule(name, rule.direction, rule.rule)
        };
        for rule in ask.object.into_iter().flat_map(Object::traffic_rules).filter(|rule| !is_own(rule)) {
            parameters.examine(rule, report);
        }
    })))
}

impl Parameters {
    fn examine(&self, rule: TrafficRuleAt<'_>, report: &mut Report) {
        if self.allow_with_ports && !rule.rule.ports.is_empty() {
            return;
        }
        if rule.rule.peers(rule.direction).is_empty() {
            opened(rule, &rule.peers_place(), "names nobody", "everybody", report);
        }
        if self.all_namespaces == AllNamespaces::Allow {
            return;
        }
        for at in rule.peers() {
            let every_pod = at.peer.pod_selector.as_ref().is_none_or(Selector::is_empty);
            let every_namespace = at.peer.namespace_selector.as_ref().is_some_and(Selector::is_empty);
            // Beside an `ipBlock` it means nothing: no API server takes both.
            if every_pod && every_namespace && at.peer.ip_block.is_none() {
                let place = at.at("namespaceSelector", "{}");
                opened(rule, &place, "selects every namespace", "every pod of the cluster", report);
            }
        }
    }
}

/// Reports a rule, once for each port: one more is more.
fn opened(rule: TrafficRuleAt<'_>, place: &Place, how: &str, who: &str, report: &mut Report) {
    let (before, after) = match rule.direction {
        Direction::Ingress => (format!("{who} may connect"), ""),
        Direction::Egress => ("the pods may connect".to_owned(), who),
    };
    let to = if after.is_empty() { String::new() } else { format!(" to {after}") };
    let mut ports: Vec<_> = rule.ports().collect();
    if ports.is_empty() {
        ports.push(String::new());
    }
    for port in ports {
        let on = if port.is_empty() { String::new() } else { format!(" on {port}") };
        report.violation_of(place.clone(), &port, format!("{how}, so that {before}{to}{on}"));
    }
}
