//! Front doors: the hosts of Ingresses, Gateways and routes, who may attach to them, and what configures them.

use soc2gate::check::Missing;

use super::{enforced, refused, reported_amid, said, said_amid};
use crate::library::{self, Sent, found, world};

fn none() -> Vec<String> {
    Vec::new()
}

fn object(kind: &str, spec: &str) -> String {
    let group = match kind {
        "Ingress" => "networking.k8s.io/v1",
        "XListenerSet" => "gateway.networking.x-k8s.io/v1alpha1",
        _ => "gateway.networking.k8s.io/v1",
    };
    format!(
        "{{apiVersion: {group}, kind: {kind}, metadata: {{name: front, namespace: shop}}, spec: {{{spec}}}}}"
    )
}

#[test]
fn a_front_door_names_its_hosts() {
    let any = "is not set, which means any host";
    for (kind, spec, sentences) in [
        ("Ingress", "rules: [{host: shop.example.com}]", vec![]),
        (
            "Ingress",
            "rules: [{host: shop.example.com}, {http: {}}]",
            vec![format!("spec.rules[1].host {any}")],
        ),
        ("Ingress", "rules: [{host: null}]", vec![format!("spec.rules[0].host {any}")]),
        ("Ingress", "rules: [null]", vec![format!("spec.rules[0].host {any}")]),
        ("Ingress", "rules: [{host: '*'}]", vec!["spec.rules[0].host is `*`".to_owned()]),
        (
            "Ingress",
            "rules: [{host: '*.example.com'}]",
            vec!["spec.rules[0].host is `*.example.com`".to_owned()],
        ),
        (
            "Ingress",
            "defaultBackend: {service: {name: web}}",
            vec!["spec.defaultBackend takes whatever no rule takes, for any host".to_owned()],
        ),
        ("Ingress", "rules: null, defaultBackend: null", vec![]),
        ("Gateway", "listeners: [{name: a, protocol: HTTPS, hostname: shop.example.com}]", vec![]),
        (
            "Gateway",
            "listeners: [{name: a, protocol: HTTP}]",
            vec![format!("spec.listeners[0].hostname {any}")],
        ),
        (
            "Gateway",
            "listeners: [{name: a, protocol: TLS, hostname: null}]",
            vec![format!("spec.listeners[0].hostname {any}")],
        ),
        ("Gateway", "listeners: [{name: a, protocol: TCP}, {name: b, protocol: UDP}]", vec![]),
        // A protocol that nobody here knows may know hosts.
        (
            "Gateway",
            "listeners: [{name: a, protocol: example.com/quic}]",
            vec![format!("spec.listeners[0].hostname {any}")],
        ),
        (
            "ListenerSet",
            "listeners: [{name: a, protocol: HTTP}]",
            vec![format!("spec.listeners[0].hostname {any}")],
        ),
        (
            "XListenerSet",
            "listeners: [{name: a, protocol: HTTP, hostname: '*.example.com'}]",
            vec!["spec.listeners[0].hostname is `*.example.com`".to_owned()],
        ),
        (
            "HTTPRoute",
            "hostnames: [shop.example.com, '*.example.com']",
            vec!["spec.hostnames[1] is `*.example.com`".to_owned()],
        ),
        (
            "GRPCRoute",
            "hostnames: ['*.example.com']",
            vec!["spec.hostnames[0] is `*.example.com`".to_owned()],
        ),
        ("TLSRoute", "hostnames: ['*.example.com']", vec!["spec.hostnames[0] is `*.example.com`".to_owned()]),
        // A route without hosts takes those of its listener.
        ("HTTPRoute", "rules: []", vec![]),
    ] {
        assert_eq!(said("wildcard-host", "", &object(kind, spec)), sentences, "{kind} {spec}");
    }
    let old = object("Ingress", "backend: {serviceName: web}")
        .replace("networking.k8s.io/v1", "extensions/v1beta1");
    assert_eq!(said("wildcard-host", "", &old).len(), 1);
}

#[test]
fn wildcards_that_are_meant_are_permitted_with_what_lies_below() {
    let rule = |host: &str| object("Ingress", &format!("rules: [{{host: '{host}'}}]"));
    for (allow, host, is_allowed) in [
        ("'*.example.com'", "*.example.com", true),
        ("'*.EXAMPLE.com'", "*.example.COM", true),
        ("'*.example.com'", "*.a.example.com", true),
        ("'*.example.com'", "*.com", false),
        ("'*.example.com'", "*.badexample.com", false),
        ("'*.example.com'", "", false),
        ("'*.example.com'", "*", false),
        ("'*'", "", true),
        ("'*'", "*", true),
        ("'*'", "*.example.com", false),
    ] {
        let said = said("wildcard-host", &format!("allow: [{allow}]"), &rule(host));
        assert_eq!(said.is_empty(), is_allowed, "{host} under {allow}: {said:?}");
    }
    assert_eq!(said("wildcard-host", "allow: ['*']", &object("Ingress", "defaultBackend: {}")), none());
    assert!(refused("wildcard-host", "allow: [shop.example.com]").contains("`*.shop.example.com`"));
    assert!(refused("wildcard-host", "allow: ['']").contains("no host"));
}

#[test]
fn a_wildcard_stays_as_it_was_when_it_moves() {
    let before = object("Ingress", "rules: [{host: '*.example.com'}, {host: a.example.com}]");
    let after = object("Ingress", "rules: [{host: a.example.com}, {host: '*.example.com'}, {host: '*'}]");
    let lines = found(&Sent::update(&before, &after).decide(&enforced("wildcard-host")));
    assert_eq!(
        lines,
        [
            "pre-existing wildcard-host spec.rules[host=*.example.com].host",
            "new wildcard-host spec.rules[host=*].host",
        ]
    );
}

#[test]
fn a_host_belongs_to_one_namespace() {
    let check = "contested-host";
    let elsewhere = |kind: &str, spec: &str| object(kind, spec).replace("namespace: shop", "namespace: lab");
    let ingress = object("Ingress", "rules: [{host: Shop.example.com}, {host: b.example.com}, {}]");
    let claimed =
        |at: usize, host: &str| format!("spec.rules[{at}].host (`{host}`) is claimed by namespace `lab` too");
    for (other, sentences) in [
        (elsewhere("Ingress", "rules: [{host: shop.example.com}]"), vec![claimed(0, "shop.example.com")]),
        (elsewhere("HTTPRoute", "hostnames: [b.EXAMPLE.com]"), vec![claimed(1, "b.example.com")]),
        (elsewhere("TLSRoute", "hostnames: [x.example.com]"), vec![]),
        // A listener is a door; whose it is does not say who is behind it.
        (elsewhere("Gateway", "listeners: [{name: a, protocol: HTTPS, hostname: shop.example.com}]"), vec![]),
        // Nobody claims any host, nor a wildcard each of its hosts.
        (elsewhere("Ingress", "rules: [{}], defaultBackend: {}"), vec![]),
        (elsewhere("Ingress", "rules: [{host: '*.example.com'}]"), vec![]),
        (object("HTTPRoute", "hostnames: [shop.example.com]"), vec![]),
        (object("Ingress", "rules: [{host: shop.example.com}]").replace(", namespace: shop", ""), vec![]),
    ] {
        assert_eq!(
            said_amid(check, "", &[&*ingress, &other].join("\n---\n"), &ingress),
            sentences,
            "{other}"
        );
    }
    let other = elsewhere("GRPCRoute", "hostnames: [shop.example.com]");
    assert_eq!(said_amid(check, "allow: [shop.example.com]", &other, &ingress), none());
    assert_eq!(said_amid(check, "allow: ['*.example.com']", &other, &ingress), none());
    assert!(refused(check, "allow: ['*']").contains("every host"));
    // The second claim is new, and then it stays.
    let before = object("Ingress", "rules: [{host: b.example.com}]");
    let decide = |old: &str| found(&Sent::update(old, &ingress).amid(world(&other)).decide(&enforced(check)));
    assert_eq!(decide(&before), ["new contested-host spec.rules[host=Shop.example.com].host"]);
    assert_eq!(decide(&ingress), ["pre-existing contested-host spec.rules[host=Shop.example.com].host"]);
    // What it cannot know it says.
    let nowhere = ingress.replace(", namespace: shop", "");
    assert!(matches!(&reported_amid(check, "", &other, &nowhere).missing[..], [Missing::NotKnownHere(_)]));
    let decision = Sent::create(&ingress).decide(&enforced(check));
    assert_eq!((decision.findings.len(), decision.unassessed.len()), (0, 1));
}

#[test]
fn a_gateway_says_from_where_routes_and_listeners_may_attach() {
    let listener =
        |allowed: &str| object("Gateway", &format!("listeners: [{{name: a, allowedRoutes: {allowed}}}]"));
    for (allowed, sentences) in [
        ("null", &[][..]),
        ("{}", &[]),
        ("{namespaces: null}", &[]),
        ("{namespaces: {}}", &[]),
        ("{namespaces: {from: Same}}", &[]),
        ("{namespaces: {from: None}}", &[]),
        ("{namespaces: {from: all}}", &[]),
        ("{namespaces: {from: All}}", &["spec.listeners[0].allowedRoutes.namespaces.from is All"]),
        ("{namespaces: {from: Selector}}", &[]),
        ("{namespaces: {from: Selector, selector: {matchLabels: {a: b}}}}", &[]),
        (
            "{namespaces: {from: Selector, selector: {}}}",
            &["spec.listeners[0].allowedRoutes.namespaces.selector is empty, which means every namespace"],
        ),
        ("{namespaces: {from: Same, selector: {}}}", &[]),
    ] {
        assert_eq!(said("open-gateway", "", &listener(allowed)), sentences, "{allowed}");
    }
    let listeners = object("Gateway", "listeners: [], allowedListeners: {namespaces: {from: All}}");
    assert_eq!(said("open-gateway", "", &listeners), ["spec.allowedListeners.namespaces.from is All"]);
    let set = object("ListenerSet", "listeners: [{name: a, allowedRoutes: {namespaces: {from: All}}}]");
    assert_eq!(said("open-gateway", "", &set).len(), 1);
}

/// An object with this annotation.
fn annotated(kind: &str, key: &str) -> String {
    let version = if kind == "Service" { "v1" } else { "networking.k8s.io/v1" };
    format!(
        "{{apiVersion: {version}, kind: {kind}, metadata: {{name: a, annotations: {{'{key}': 'proxy_set_header x y;'}}}}, spec: {{}}}}"
    )
}

#[test]
fn a_snippet_is_known_by_prefix_and_ending() {
    let check = "ingress-snippet";
    for (key, is_snippet) in [
        ("nginx.ingress.kubernetes.io/configuration-snippet", true),
        ("nginx.ingress.kubernetes.io/server-snippet", true),
        ("nginx.ingress.kubernetes.io/auth-snippet", true),
        ("nginx.ingress.kubernetes.io/stream-snippet", true),
        ("nginx.ingress.kubernetes.io/modsecurity-snippet", true),
        ("nginx.org/location-snippets", true),
        ("nginx.org/server-snippets", true),
        ("haproxy.org/backend-config-snippet", true),
        ("haproxy.com/backend-config-snippet", true),
        ("ingress.kubernetes.io/config-backend", true),
        ("haproxy-ingress.github.io/config-backend", true),
        ("haproxy-ingress.github.io/config-tcp-service", true),
        ("haproxy.org/config-backend", false),
        ("nginx.ingress.kubernetes.io/rewrite-target", false),
        ("nginx.ingress.kubernetes.io/snippet-of-nothing", false),
        ("example.com/configuration-snippet", false),
        ("evil-nginx.org/server-snippets", false),
        ("configuration-snippet", false),
        ("Nginx.org/server-snippets", false),
    ] {
        for kind in ["Ingress", "Service"] {
            let expected: Vec<_> = is_snippet
                .then(|| {
                    format!(
                        "metadata.annotations[{key}] puts 21 characters into the controller's configuration"
                    )
                })
                .into_iter()
                .collect();
            assert_eq!(said(check, "", &annotated(kind, key)), expected, "{kind} {key}");
        }
    }
    let own = "prefixes: [ingress.example.com]";
    assert_eq!(said(check, own, &annotated("Ingress", "ingress.example.com/server-snippet")).len(), 1);
    assert_eq!(said(check, own, &annotated("Ingress", "nginx.org/server-snippets")), none());
    assert!(refused(check, "prefixes: [nginx.org/]").contains("no prefix"));
    assert!(refused(check, "prefixes: ['']").contains("no prefix"));
}

#[test]
fn a_snippet_that_changes_is_new_and_its_text_stays_out_of_the_message() {
    let before = annotated("Ingress", "nginx.org/server-snippets");
    let decide = |after: &str| Sent::update(&before, after).decide(&enforced("ingress-snippet"));
    let key = "ingress-snippet metadata.annotations[nginx.org/server-snippets]";
    assert_eq!(
        found(&decide(&before.replace("name: a,", "name: a, labels: {a: b},"))),
        [format!("pre-existing {key}")]
    );
    let changed = decide(&before.replace("x y", "x z"));
    assert_eq!(found(&changed), [format!("new {key}")]);
    assert!(!changed.findings[0].line().contains("proxy_set_header"));
}

#[test]
fn snippets_are_switched_on_in_every_spelling_that_go_takes_for_true() {
    let map = |value: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: c}}, data: {{allow-snippet-annotations: {value}}}}}"
        )
    };
    for value in ["1", "t", "T", "true", "TRUE", "True"] {
        let said = said("ingress-snippet", "", &map(&format!("'{value}'")));
        assert_eq!(said, [format!("data[allow-snippet-annotations] is `{value}`")]);
    }
    for value in ["'false'", "''", "null", "'yes'", "'tRUE'", "' true'", "'0'"] {
        assert_eq!(said("ingress-snippet", "", &map(value)), none(), "{value}");
    }
    let other = map("'true'").replace("allow-snippet-annotations", "allow-snippets");
    assert_eq!(said("ingress-snippet", "", &other), none());
}

fn authorization(spec: &str) -> String {
    format!(
        "{{apiVersion: security.istio.io/v1, kind: AuthorizationPolicy, metadata: {{name: a, namespace: shop}}, spec: {spec}}}"
    )
}

#[test]
fn a_rule_of_the_mesh_without_a_condition_allows_everybody() {
    let check = "allow-all-authorization-policy";
    for (rule, is_open) in [
        ("{}", true),
        ("null", true),
        ("{from: [], to: null, when: []}", true),
        ("{from: [{}]}", true),
        ("{from: [{source: {}}], to: [{operation: {}}]}", true),
        ("{from: [{source: {principals: []}}]}", true),
        ("{to: [{operation: {paths: ['*'], methods: ['*'], hosts: ['*']}}]}", true),
        ("{to: [{operation: {paths: [/admin]}}, {operation: {paths: ['/*']}}]}", true),
        ("{from: [{source: {ipBlocks: [0.0.0.0/0]}}]}", true),
        ("{from: [{source: {remoteIpBlocks: [0.0.0.0/1, 128.0.0.0/1]}}]}", true),
        ("{from: [{source: {ipBlocks: [0.0.0.0/1]}}]}", false),
        ("{from: [{source: {principals: ['*']}}]}", false),
        ("{from: [{source: {namespaces: [shop]}}]}", false),
        ("{from: [{source: {notNamespaces: [lab]}}]}", false),
        ("{from: [{source: {ipBlocks: [0.0.0.0/0], notIpBlocks: [10.0.0.0/8]}}]}", false),
        ("{to: [{operation: {ports: ['8080']}}]}", false),
        ("{to: [{operation: {paths: ['*'], notPaths: [/admin]}}]}", false),
        ("{when: [{key: 'request.auth.claims[iss]', values: ['*']}]}", false),
    ] {
        let policy =
            authorization(&format!("{{rules: [{{to: [{{operation: {{methods: [GET]}}}}]}}, {rule}]}}"));
        let expected: Vec<_> = is_open.then_some("spec.rules[1] allows every request").into_iter().collect();
        assert_eq!(said(check, "", &policy), expected, "{rule}");
    }
    for (spec, is_open) in [
        ("{action: ALLOW, rules: [{}]}", true),
        ("{action: null, rules: [{}]}", true),
        ("{action: DENY, rules: [{}]}", false),
        ("{action: AUDIT, rules: [{}]}", false),
        ("{action: CUSTOM, rules: [{}]}", false),
        // Without rules nothing is allowed.
        ("{action: ALLOW}", false),
        ("{action: ALLOW, rules: []}", false),
        ("{}", false),
        ("null", false),
    ] {
        assert_eq!(!said(check, "", &authorization(spec)).is_empty(), is_open, "{spec}");
    }
}

#[test]
fn a_namespace_of_the_mesh_without_a_policy_lets_everybody_call() {
    let check = "allow-all-authorization-policy";
    let namespace = |labels: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: shop, labels: {{{labels}}}}}}}")
    };
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {}}";
    let sentence = "metadata.name is `shop`, where no AuthorizationPolicy says who may call";
    for (labels, is_member) in [
        ("istio-injection: enabled", true),
        ("istio.io/rev: stable", true),
        ("istio.io/dataplane-mode: ambient", true),
        ("istio-injection: disabled", false),
        ("istio.io/rev: ''", false),
        ("", false),
    ] {
        let expected: Vec<_> = is_member.then_some(sentence).into_iter().collect();
        assert_eq!(said_amid(check, "", pod, &namespace(labels)), expected, "{labels}");
    }
    let member = namespace("istio-injection: enabled");
    let own = authorization("{}");
    let root = own.replace("namespace: shop", "namespace: istio-system");
    for (world, params, is_open) in [
        ("", "", false),
        (pod, "", true),
        (&*[pod, &own].join("\n---\n"), "", false),
        (&*[pod, &root].join("\n---\n"), "", false),
        (&*[pod, &root].join("\n---\n"), "rootNamespace: mesh", true),
    ] {
        assert_eq!(!said_amid(check, params, world, &member).is_empty(), is_open, "{world}");
    }
    // Without a world it decides on less, and a change of the namespace lets nobody call anything.
    assert_eq!(said(check, "", &member), none());
    assert_eq!(found(&Sent::create(&member).amid(world(pod)).decide(&enforced(check))), none());
}

#[test]
fn an_ingress_of_a_retired_controller_is_found_by_field_and_by_annotation() {
    let ingress = |class: &str, annotation: &str| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: a, annotations: \
             {{kubernetes.io/ingress.class: '{annotation}'}}}}, spec: {{ingressClassName: '{class}'}}}}"
        )
    };
    for (class, annotation, params, found) in [
        ("nginx", "", "", 1),
        ("nginx", "nginx", "", 2),
        ("", "nginx", "", 1),
        ("", "", "", 0),
        ("NGINX", "nginx-internal", "", 0),
        ("nginx", "", "classes: [public]", 0),
        ("public", "", "classes: [public]", 1),
    ] {
        let told = library::told("retired-ingress-controller", params, &ingress(class, annotation));
        assert_eq!(told.len(), found, "{class} {annotation} {params}: {told:?}");
    }
    for params in ["{classes: []}", "{classes: ['']}", "{class: [nginx]}"] {
        assert!(!library::refusal("retired-ingress-controller", params).is_empty(), "{params}");
    }
}
