//! Asks that a host belongs to one namespace.

use super::permitted_hosts::PermittedHosts;
use crate::{
    check::{
        Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Need, Params, Part, Reference, Report,
        quoted,
    },
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Object},
};

pub(super) const CHECK: Check = Check {
    id: "contested-host",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(
        Criterion::CC6_6,
        "traffic from outside reaches the workload that it is meant for",
    )],
    severity: Severity::Medium,
    needs: &[Need::Inventory(Part::Routes)],
    title: "host of another namespace",
    why: "Two namespaces that claim one host share its traffic, or the older or the more exact rule wins. Whoever adds \
          the second one reads requests, cookies and passwords that were meant for the first.",
    fix: "Use a host of your own, or let its owner route to you; hosts that are shared go into `allow`.",
    references: &[Reference::Kubernetes("Ingress")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: lab}
spec:
  rules:
  - host: shop.example.com
",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: lab}
spec:
  rules:
  - host: lab.example.com
",
    )
    .amid(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: shop}
spec:
  hostnames: [shop.example.com]
",
    ),
    examine: Examine::Configured(
        Kinds::These(&[Kind::Ingress, Kind::HTTPRoute, Kind::GRPCRoute, Kind::TLSRoute]),
        configure,
    ),
};

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allow = PermittedHosts::read_named(params)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &allow, report))))
}

fn examine(ask: &Ask<'_>, allow: &PermittedHosts, report: &mut Report) {
    let hosts = ask.object.into_iter().flat_map(Object::hosts);
    let mut claims = hosts.filter_map(|at| Some((at, at.claimed()?))).peekable();
    if claims.peek().is_none() {
        return;
    }
    let namespace = &*ask.request.namespace;
    if namespace.is_empty() {
        return report.not_assessable(Missing::NAMESPACE);
    }
    let Some(known) = ask.known(Part::Routes, &ask.inventory.hosts, report) else { return };
    for (at, host) in claims.filter(|(_, host)| !allow.permit(host)) {
        let others = known.get(&host).into_iter().flatten();
        if let Some(other) = others.into_iter().find(|other| *other != namespace && !other.is_empty()) {
            let what = format!("({}) is claimed by namespace {} too", quoted(&host), quoted(other));
            report.violation_of(at.place(), &host, what);
        }
    }
}
