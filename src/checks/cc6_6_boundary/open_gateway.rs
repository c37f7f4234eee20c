//! Asks that a Gateway says from where routes may attach to it.

use crate::{
    check::{Check, Examine, Examples, Kinds, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::{Allowed, Body, Kind, Object, Place, Selector},
};

pub(super) const CHECK: Check = Check {
    id: "open-gateway",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(Criterion::CC6_6, "who may publish something to the outside is chosen")],
    severity: Severity::Medium,
    needs: &[],
    title: "Gateway for routes of every namespace",
    why: "Every namespace may then publish what it likes at this front door, under its address, its certificates and any \
          host that the listener takes.",
    fix: "Set `from: Same`, or `from: Selector` with labels that only an administrator gives to namespaces.",
    references: &[Reference::Kubernetes("Gateway API")],
    examples: Examples::new(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: infra}
spec:
  gatewayClassName: internal
  listeners:
  - name: https
    hostname: shop.example.com
    port: 443
    protocol: HTTPS
    allowedRoutes: {namespaces: {from: All}}
",
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: infra}
spec:
  gatewayClassName: internal
  listeners:
  - name: https
    hostname: shop.example.com
    port: 443
    protocol: HTTPS
    allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {front-door: 'true'}}}}
",
    ),
    examine: Examine::Whole(
        Kinds::These(&[Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet]),
        |ask, report| {
            if let Some(object) = ask.object {
                examine(object, report);
            }
        },
    ),
};

fn examine(object: &Object<'_>, report: &mut Report) {
    for at in object.listeners() {
        // Absent means Same.
        attached(at.listener.allowed_routes.as_ref(), || at.at("allowedRoutes.namespaces"), report);
    }
    if let Body::Gateway(gateway) = &object.body {
        // Absent means None.
        let place = || Place::of("spec.allowedListeners.namespaces");
        attached(gateway.allowed_listeners.as_ref(), place, report);
    }
}

fn attached(allowed: Option<&Allowed>, place: impl Fn() -> Place, report: &mut Report) {
    let Some(namespaces) = allowed.and_then(|allowed| allowed.namespaces.as_ref()) else { return };
    match &*namespaces.from {
        "All" => report.violation(place().field("from"), "is All"),
        // Without a selector nothing may attach.
        "Selector" if namespaces.selector.as_ref().is_some_and(Selector::is_empty) => {
            report.violation(place().field("selector"), "is empty, which means every namespace");
        }
        _ => {}
    }
}
