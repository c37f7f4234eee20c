//! Warns of gateways that take traffic in the clear, or that cannot take it otherwise.

use serde::Deserialize;

use super::is_acme_challenge;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Gateway, Kind, Listener, Object, ObjectReference, Place, Route, RouteRule},
};

pub(super) const CHECK: Check = Check {
    id: "plaintext-gateway",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_7, "what enters and leaves the cluster is encrypted on its way"),
        Support::supporting(Criterion::CC6_6, "a way in from outside proves whom it belongs to"),
    ],
    severity: Severity::High,
    needs: &[Need::Optional(Part::Routes), Need::Optional(Part::Namespaces)],
    title: "gateway without TLS",
    why: "Whoever sits between a user and the cluster reads and changes what goes over a listener without TLS. Where \
          TLS is passed through, nobody at the boundary sees what certificate is shown.",
    fix: "Make the listener HTTPS or TLS with `certificateRefs`; let plain HTTP only redirect to it.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
  - {name: web, protocol: HTTP, port: 80}
",
        "
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: public, namespace: edge}
spec:
  gatewayClassName: example
  listeners:
  - {name: web, protocol: HTTPS, port: 443, tls: {certificateRefs: [{name: public-tls}]}}
",
    ),
    examine: Examine::Configured(
        Kinds::These(&[Kind::Gateway, Kind::ListenerSet, Kind::XListenerSet]),
        configure,
    ),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Protocols that are fine as they are: a vendor's own with TLS inside, UDP for QUIC.
    allow_protocols: Vec<String>,
    /// Gateways, `name` or `namespace/name`, that may pass TLS through.
    allow_passthrough: Vec<String>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    if let Some(name) = parameters.allow_passthrough.iter().find(|name| name.is_empty() || name.contains('*'))
    {
        return Err(params.refuse(format!("{} in `allowPassthrough` is no name of a gateway", quoted(name))));
    }
    if parameters.allow_protocols.iter().any(|protocol| protocol == "HTTP") {
        return Err(params.refuse("`allowProtocols` with HTTP leaves nothing to judge: set the mode to off"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.listeners(ask, report))))
}

impl Parameters {
    fn listeners(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(object) = ask.object else { return };
        let Body::Gateway(gateway) = &object.body else { return };
        let Gateway { listeners, .. } = gateway;
        for (position, listener) in listeners.iter().enumerate() {
            let merge_key = format!("name={}", &*listener.name);
            let place = || Place::of("spec").item("listeners", position, &merge_key);
            match &*listener.protocol {
                protocol if self.allow_protocols.iter().any(|own| own == protocol) => {}
                "HTTPS" | "TLS" => self.tls(object, listener, place(), report),
                "HTTP" => plain_http(ask, object, listener, place().field("protocol"), report),
                protocol => {
                    let what = format!("is {}, which is not known to encrypt", quoted(protocol));
                    report.violation_of(place().field("protocol"), protocol, what);
                }
            }
        }
    }

    fn tls(&self, object: &Object<'_>, listener: &Listener, place: Place, report: &mut Report) {
        let tls = listener.tls.as_ref();
        if tls.is_some_and(|tls| *tls.mode == *"Passthrough") {
            let (namespace, name) = (&*object.metadata.namespace, &*object.metadata.name);
            let is_allowed = |own: &String| match own.split_once('/') {
                Some((of, own)) => of == namespace && own == name,
                None => own == name,
            };
            if !self.allow_passthrough.iter().any(is_allowed) {
                report.violation(place.field("tls.mode"), "is Passthrough");
            }
        } else if tls.is_none_or(|tls| tls.certificate_refs.is_empty() && tls.options.is_empty()) {
            report.violation(place.field("tls"), "names no certificate");
        }
    }
}

/// Plain HTTP is fine where all it does is to send everybody elsewhere.
fn plain_http(ask: &Ask<'_>, object: &Object<'_>, listener: &Listener, place: Place, report: &mut Report) {
    let Some(routes) = ask.inventory.routes.ready() else {
        let what = "is HTTP, and the routes that might redirect it are not known here";
        return report.doubtful_violation_of(place, "HTTP", what);
    };
    let mut is_redirected = false;
    for (namespace, routes) in routes {
        for (name, route) in routes.iter() {
            if !is_attached(ask, object, listener, namespace, route) {
                continue;
            }
            is_redirected |= route.rules.iter().any(redirects);
            if route.rules.is_empty() || !route.rules.iter().all(|rule| redirects(rule) || is_challenge(rule))
            {
                let what = format!("is HTTP, and route {} does more than redirect", quoted(name));
                return report.violation_of(place, "HTTP", what);
            }
        }
    }
    if !is_redirected {
        report.violation_of(place, "HTTP", "is HTTP, and no route redirects it");
    }
}

fn redirects(rule: &RouteRule) -> bool {
    rule.filters.iter().any(|filter| {
        *filter.filter_type == *"RequestRedirect"
            && filter.request_redirect.as_ref().is_some_and(|redirect| *redirect.scheme == *"https")
    })
}

/// What answers an authority that checks a host before it gives out a certificate.
fn is_challenge(rule: &RouteRule) -> bool {
    !rule.matches.is_empty()
        && rule.matches.iter().all(|own| own.path.as_ref().is_some_and(|path| is_acme_challenge(&path.value)))
}

/// Whether a route of `namespace` takes part in a listener. In doubt it does.
fn is_attached(
    ask: &Ask<'_>,
    object: &Object<'_>,
    listener: &Listener,
    namespace: &str,
    route: &Route,
) -> bool {
    let refers = |parent: &ObjectReference| {
        let is_or = |own: &str, default: &str, wanted: &str| {
            let own = if own.is_empty() { default } else { own };
            own == wanted
        };
        is_or(&parent.group, Kind::Gateway.group(), object.kind.group())
            && is_or(&parent.kind, Kind::Gateway.name(), object.kind.name())
            && is_or(&parent.namespace, namespace, &object.metadata.namespace)
            && *parent.name == *object.metadata.name
            && is_or(&parent.section_name, &listener.name, &listener.name)
            && parent.port.is_none_or(|port| listener.port == Some(port))
    };
    route.parent_refs.iter().any(refers)
        && admits(ask, &object.metadata.namespace, listener, namespace)
        && shares_a_host(listener, route)
}

/// Whether a listener takes routes of a namespace.
fn admits(ask: &Ask<'_>, own: &str, listener: &Listener, namespace: &str) -> bool {
    let allowed = listener.allowed_routes.as_ref().and_then(|allowed| allowed.namespaces.as_ref());
    match allowed.map_or("", |allowed| &*allowed.from) {
        "All" => true,
        "None" => false,
        "Selector" => {
            let selector = allowed.and_then(|allowed| allowed.selector.as_ref());
            let labels = ask.inventory.namespaces.ready().and_then(|known| known.get(namespace));
            match (selector, labels) {
                (Some(selector), Some(known)) => selector.selects_labels(&known.labels),
                _ => true,
            }
        }
        _ => own == namespace,
    }
}

/// Whether a listener and a route have a host in common: each may have none, which means every host, and `*.` stands
/// for any number of labels.
fn shares_a_host(listener: &Listener, route: &Route) -> bool {
    let own = &*listener.hostname;
    let includes = |wide: &str, host: &str| {
        wide.eq_ignore_ascii_case(host)
            || wide.strip_prefix('*').is_some_and(|end| {
                host.len() > end.len()
                    && host.get(host.len() - end.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
            })
    };
    own.is_empty()
        || route.hostnames.is_empty()
        || route.hostnames.iter().any(|host| includes(own, host) || includes(host, own))
}
