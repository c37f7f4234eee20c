//! Asks that front doors name the hosts that they are for.

use super::permitted_hosts::PermittedHosts;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{HostAt, Kind, Object},
};

pub(super) const CHECK: Check = Check {
    id: "wildcard-host",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(Criterion::CC6_6, "each way in from outside is one that somebody has named")],
    severity: Severity::Medium,
    needs: &[],
    title: "front door for any host",
    why: "A rule without a host, or with a wildcard, takes traffic for names that nobody has meant: those of other teams, \
          and whatever an attacker's DNS points here.",
    fix: "Write each host in full; a wildcard that is meant goes into the policy's `allow`.",
    references: &[Reference::Kubernetes("Ingress")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules:
  - host: '*.example.com'
    http:
      paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: shop}
spec:
  rules:
  - host: shop.example.com
    http:
      paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]
",
    ),
    examine: Examine::Configured(Kinds::These(&KINDS), configure),
};

const KINDS: [Kind; 7] = [
    Kind::Ingress,
    Kind::Gateway,
    Kind::ListenerSet,
    Kind::XListenerSet,
    Kind::HTTPRoute,
    Kind::GRPCRoute,
    Kind::TLSRoute,
];

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allow = PermittedHosts::read(params)?;
    if let Some(host) = allow.iter().find(|host| !host.contains('*')) {
        return Err(params.refuse(format!(
            "`{host}` in `allow` has no wildcard and so needs no permission: write `*.{host}` for the hosts below it"
        )));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        for at in ask.object.into_iter().flat_map(Object::hosts) {
            examine(&at, &allow, report);
        }
    })))
}

fn examine(at: &HostAt<'_>, allow: &PermittedHosts, report: &mut Report) {
    let host = if at.host.is_empty() { "*" } else { at.host };
    if !host.contains('*') || allow.permit(host) {
        return;
    }
    let what = if at.is_default_backend() {
        "takes whatever no rule takes, for any host".to_owned()
    } else if at.host.is_empty() {
        "is not set, which means any host".to_owned()
    } else {
        format!("is {}", quoted(host))
    };
    report.violation_of(at.place(), &host.to_ascii_lowercase(), what);
}
