//! Asks that only load balancers say where they answer.

use serde::Deserialize;

use super::service;
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Principal, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Balanced, Body, Kind, Place},
    request::{Operation, Requester},
};

pub(super) const CHECK: Check = Check {
    id: "forged-load-balancer-status",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(Criterion::CC6_6, "traffic for an outside address reaches that address")],
    severity: Severity::High,
    needs: &[Need::Request, Need::OldObject],
    title: "load balancer status that no load balancer wrote",
    why: "Nodes send traffic for the address in a Service's status to that Service. Who may write the status can so read \
          what other pods send to an address that belongs to somebody else.",
    fix: "Leave the status to the cloud's controller; if you run one, name it in the parameter `allow`.",
    references: &[Reference::Cve("CVE-2020-8554")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 443}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}, {ip: 203.0.113.7}]}}
",
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 443}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}
",
    )
    .after(
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 443}]}
status: {loadBalancer: {ingress: [{ip: 192.0.2.10}]}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Service]), configure),
};

/// Accounts that clouds and load balancers come with: of Kubernetes' own controllers, of the AWS Load Balancer
/// Controller, kube-vip, Cilium and MetalLB.
const CONTROLLERS: [(&str, &str); 8] = [
    ("kube-system", "service-controller"),
    ("kube-system", "cloud-controller-manager"),
    ("kube-system", "cloud-provider"),
    ("kube-system", "aws-load-balancer-controller"),
    ("kube-system", "kube-vip"),
    ("kube-system", "cilium-operator"),
    ("metallb-system", "controller"),
    ("metallb-system", "metallb-controller"),
];

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Who writes the status beside the controllers that are known.
    allow: Vec<Principal>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.examine(ask, report))))
}

impl Parameters {
    fn examine(&self, ask: &Ask<'_>, report: &mut Report) {
        let request = ask.request;
        let Some((_, service)) = service(ask) else { return };
        // The API server drops the status of a new Service, and in an update of the rest keeps it as it was.
        if request.operation != Some(Operation::Update) {
            return;
        }
        match &request.requester {
            None => return report.not_assessable(Missing::NotKnownHere("the requester is not known".into())),
            Some(requester) if self.permits(requester) => return,
            Some(_) => {}
        }
        let known: &[Balanced] = match ask.old.map(|old| &old.body) {
            Some(Body::Service(old)) => &old.balanced_at,
            _ => &[],
        };
        for (position, entry) in service.balanced_at.iter().enumerate() {
            if known.contains(entry) {
                continue;
            }
            let written = if entry.ip.is_empty() { &entry.hostname } else { &entry.ip };
            let place = Place::of("status.loadBalancer").item("ingress", position, written);
            report.violation_of(
                place,
                written,
                format!("says that the load balancer answers at {}", quoted(written)),
            );
        }
    }

    fn permits(&self, requester: &Requester<'_>) -> bool {
        ["system:kube-controller-manager", "system:cloud-controller-manager"].contains(&requester.username())
            || requester.service_account().is_some_and(|account| CONTROLLERS.contains(&account))
            || self.allow.iter().any(|principal| principal.includes(requester))
    }
}
