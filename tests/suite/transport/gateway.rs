//! Plain gateways: what a listener speaks, and which routes redirect it.

use crate::library::{Sent, found, policies, told, told_amid, world};

const CHECK: &str = "plaintext-gateway";

fn gateway(listener: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{name: public, namespace: edge}}, \
         spec: {{listeners: [{{name: web, port: 80, {listener}}}]}}}}"
    )
}

fn route(kind: &str, name: &str, namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}}}, \
         spec: {spec}}}"
    )
}

const REDIRECT: &str = "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]";
const SERVE: &str = "[{backendRefs: [{name: web, port: 80}]}]";

fn http_route(name: &str, parent: &str, rules: &str) -> String {
    route("HTTPRoute", name, "edge", &format!("{{parentRefs: [{parent}], rules: {rules}}}"))
}

/// What is said of an HTTP listener (with these fields beside) amid routes.
fn amid(listener: &str, routes: &[String]) -> Vec<String> {
    told_amid(world(&routes.join("\n---\n")), CHECK, "", &gateway(&format!("protocol: HTTP, {listener}")))
}

#[test]
fn a_listener_needs_a_protocol_that_encrypts_and_a_certificate() {
    let certificate = "tls: {certificateRefs: [{name: c}]}";
    for (listener, params, expected) in [
        (format!("protocol: HTTPS, {certificate}"), "", ""),
        (format!("protocol: TLS, {certificate}"), "", ""),
        ("protocol: HTTPS, tls: {options: {a: b}}".to_owned(), "", ""),
        ("protocol: HTTPS".to_owned(), "", "tls names no certificate"),
        ("protocol: HTTPS, tls: null".to_owned(), "", "tls names no certificate"),
        (
            "protocol: HTTPS, tls: {mode: Terminate, certificateRefs: []}".to_owned(),
            "",
            "tls names no certificate",
        ),
        ("protocol: TLS, tls: {mode: Passthrough}".to_owned(), "", "tls.mode is Passthrough"),
        ("protocol: TLS, tls: {mode: Passthrough}".to_owned(), "{allowPassthrough: [public]}", ""),
        ("protocol: TLS, tls: {mode: Passthrough}".to_owned(), "{allowPassthrough: [edge/public]}", ""),
        (
            "protocol: TLS, tls: {mode: Passthrough}".to_owned(),
            "{allowPassthrough: [shop/public]}",
            "tls.mode is Passthrough",
        ),
        ("protocol: TCP".to_owned(), "", "protocol is `TCP`, which is not known to encrypt"),
        ("protocol: UDP".to_owned(), "", "protocol is `UDP`, which is not known to encrypt"),
        ("protocol: UDP".to_owned(), "{allowProtocols: [UDP]}", ""),
        (
            "protocol: example.com/quic".to_owned(),
            "",
            "protocol is `example.com/quic`, which is not known to encrypt",
        ),
        ("protocol: https".to_owned(), "", "protocol is `https`, which is not known to encrypt"),
        ("protocol: ''".to_owned(), "", "protocol is empty, which is not known to encrypt"),
    ] {
        let told = told(CHECK, params, &gateway(&listener));
        let expected: Vec<_> = Some(expected)
            .filter(|e| !e.is_empty())
            .map(|e| format!("spec.listeners[0].{e}"))
            .into_iter()
            .collect();
        assert_eq!(told, expected, "{listener} {params}");
    }
}

#[test]
fn an_http_listener_passes_where_every_route_on_it_only_redirects() {
    let redirect = http_route("redirect", "{name: public, sectionName: web}", REDIRECT);
    let serves = ["spec.listeners[0].protocol is HTTP, and route `app` does more than redirect"];
    let idle = ["spec.listeners[0].protocol is HTTP, and no route redirects it"];
    assert_eq!(amid("", &[]), idle);
    assert!(amid("", std::slice::from_ref(&redirect)).is_empty());
    for (parent, is_on_it) in [
        ("{name: public}", true),
        ("{name: public, namespace: edge, kind: Gateway, group: gateway.networking.k8s.io}", true),
        ("{name: public, port: 80}", true),
        ("{name: public, port: 443}", false),
        ("{name: public, sectionName: secure}", false),
        ("{name: other}", false),
        ("{name: public, namespace: shop}", false),
        ("{name: public, kind: ListenerSet}", false),
        ("{name: other}, {name: public, sectionName: web}", true),
    ] {
        let app = http_route("app", parent, SERVE);
        let told = amid("", &[redirect.clone(), app]);
        assert_eq!(told, if is_on_it { &serves[..] } else { &[] }, "{parent}");
    }
}

#[test]
fn only_a_redirect_to_https_is_one() {
    let on_it = "{name: public}";
    for rules in [
        "[{filters: [{type: RequestRedirect, requestRedirect: {hostname: b}}]}]",
        "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: http}}]}]",
        "[{filters: [{type: RequestHeaderModifier}]}]",
        "[{filters: [{type: RequestRedirect, requestRedirect: null}]}]",
        "[]",
        "null",
    ] {
        assert_eq!(amid("", &[http_route("app", on_it, rules)]).len(), 1, "{rules}");
    }
    let half = format!("[{}, {}]", &REDIRECT[1..REDIRECT.len() - 1], &SERVE[1..SERVE.len() - 1]);
    assert_eq!(amid("", &[http_route("app", on_it, &half)]).len(), 1);
}

#[test]
fn an_answer_to_an_acme_challenge_may_stand_beside_the_redirect_and_not_alone() {
    let challenge = |path: &str| {
        http_route(
            "solver",
            "{name: public}",
            &format!("[{{matches: [{{path: {{value: {path}}}}}], backendRefs: [{{name: s}}]}}]"),
        )
    };
    let redirect = http_route("redirect", "{name: public}", REDIRECT);
    let solver = challenge("/.well-known/acme-challenge/x");
    assert!(amid("", &[redirect.clone(), solver.clone()]).is_empty());
    assert_eq!(amid("", &[solver]).len(), 1);
    assert_eq!(amid("", &[redirect, challenge("/")]).len(), 1);
}

#[test]
fn a_route_that_the_listener_does_not_take_is_not_on_it() {
    let redirect = http_route("redirect", "{name: public}", REDIRECT);
    let foreign = route(
        "HTTPRoute",
        "app",
        "shop",
        &format!("{{parentRefs: [{{name: public, namespace: edge}}], rules: {SERVE}}}"),
    );
    let labelled =
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {public: 'yes'}}}".to_owned();
    let routes = [redirect.clone(), foreign, labelled];
    for (allowed, findings) in [
        ("", 0),
        ("allowedRoutes: {namespaces: {from: Same}}", 0),
        ("allowedRoutes: {namespaces: {from: All}}", 1),
        ("allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {public: 'yes'}}}}", 1),
        ("allowedRoutes: {namespaces: {from: Selector, selector: {matchLabels: {public: 'no'}}}}", 0),
    ] {
        assert_eq!(amid(allowed, &routes).len(), findings, "{allowed}");
    }
    let host = |host: &str| {
        route(
            "HTTPRoute",
            "app",
            "edge",
            &format!("{{hostnames: ['{host}'], parentRefs: [{{name: public}}], rules: {SERVE}}}"),
        )
    };
    for (listener, of_route, findings) in [
        ("a.example", "a.example", 1),
        ("a.example", "A.example", 1),
        ("a.example", "b.example", 0),
        ("*.example", "a.b.example", 1),
        ("*.example", "example", 0),
        ("a.example", "*.example", 1),
    ] {
        let told = amid(&format!("hostname: '{listener}'"), &[redirect.clone(), host(of_route)]);
        assert_eq!(told.len(), findings, "{listener} {of_route}");
    }
}

#[test]
fn routes_of_two_kinds_with_one_name_are_both_seen() {
    let redirect = http_route("app", "{name: public}", REDIRECT);
    let calls =
        route("GRPCRoute", "app", "edge", &format!("{{parentRefs: [{{name: public}}], rules: {SERVE}}}"));
    assert_eq!(amid("", &[redirect.clone(), calls.clone()]).len(), 1);
    assert_eq!(amid("", &[calls, redirect]).len(), 1);
}

#[test]
fn a_listener_set_has_routes_of_its_own() {
    for (version, kind) in [
        ("gateway.networking.k8s.io/v1", "ListenerSet"),
        ("gateway.networking.x-k8s.io/v1alpha1", "XListenerSet"),
    ] {
        let set = format!(
            "{{apiVersion: {version}, kind: {kind}, metadata: {{name: public, namespace: edge}}, \
             spec: {{listeners: [{{name: web, port: 80, protocol: HTTP}}]}}}}"
        );
        let group = version.split('/').next().unwrap();
        let own = http_route("own", &format!("{{name: public, kind: {kind}, group: {group}}}"), REDIRECT);
        let of_gateway = http_route("app", "{name: public}", SERVE);
        assert!(told_amid(world(&format!("{own}\n---\n{of_gateway}")), CHECK, "", &set).is_empty(), "{kind}");
        assert_eq!(told_amid(world(&of_gateway), CHECK, "", &set).len(), 1, "{kind}");
    }
}

#[test]
fn where_routes_are_not_known_http_is_warned_of_and_never_denied() {
    let enforced = policies(&["
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: p}
spec:
  criterion: CC6.7
  control: c
  checks: [{id: plaintext-gateway, mode: enforce}]
"]);
    let http = gateway("protocol: HTTP");
    let blind = Sent::create(&http).decide(&enforced);
    assert_eq!(blind.outcome.id(), "warn");
    assert_eq!(found(&blind), ["new plaintext-gateway spec.listeners[name=web].protocol"]);
    assert_eq!(Sent::create(&http).amid(world("")).decide(&enforced).outcome.id(), "deny");
    // What is wrong by itself is denied all the same.
    assert_eq!(Sent::create(&gateway("protocol: TCP")).decide(&enforced).outcome.id(), "deny");
}
