//! Plain Ingresses: which hosts TLS covers, who answers for certificates, and what keeps HTTP open.

use super::assert_told;
use crate::library::told;

const CHECK: &str = "plaintext-ingress";

fn ingress(metadata: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{name: web, {metadata}}}, spec: {spec}}}"
    )
}

/// What is said of one rule for a host beside one entry of `spec.tls`.
fn covered(host: &str, tls: &str) -> bool {
    let rule = if host.is_empty() { "{}".to_owned() } else { format!("{{host: '{host}'}}") };
    let spec = format!("{{rules: [{rule}], tls: [{{secretName: s, hosts: {tls}}}]}}");
    told(CHECK, "", &ingress("", &spec)).is_empty()
}

#[test]
fn a_host_is_covered_by_itself_by_a_wildcard_for_one_label_and_by_an_entry_without_hosts() {
    for (host, tls, expected) in [
        ("a.example", "[a.example]", true),
        ("a.example", "[b.example, a.example]", true),
        ("A.Example", "[a.eXample]", true),
        ("a.example.", "[a.example]", true),
        ("a.example", "[a.example.]", true),
        ("a.example", "['*.example']", true),
        ("A.Example.", "['*.example']", true),
        ("a.b.example", "['*.example']", false),
        ("example", "['*.example']", false),
        (".example", "['*.example']", false),
        ("aexample", "['*.example']", false),
        ("*.example", "['*.example']", true),
        ("*.example", "[a.example]", false),
        ("*.b.example", "['*.example']", false),
        ("*.b.example", "['*.b.example']", true),
        ("a.example", "[]", true),
        ("a.example", "null", true),
        ("", "[]", true),
        ("", "[a.example]", false),
        ("", "['*.example']", false),
        ("", "['']", false),
        ("b.example", "[a.example]", false),
    ] {
        assert_eq!(covered(host, tls), expected, "{host} by {tls}");
    }
}

#[test]
fn every_host_without_tls_is_a_finding_of_its_own() {
    let spec =
        "{rules: [{host: a.example}, {host: b.example}, {}], tls: [{hosts: [b.example], secretName: s}]}";
    assert_told(
        CHECK,
        &[
            (
                &ingress("", spec),
                &[
                    "spec.rules[0].host is `a.example`, which no entry of `spec.tls` covers",
                    "spec.rules[2] serves every host, and no entry of `spec.tls` does",
                ],
            ),
            (
                &ingress("", "{defaultBackend: {service: {name: web}}}"),
                &["spec.defaultBackend serves every host, and no entry of `spec.tls` does"],
            ),
            (&ingress("", "{defaultBackend: {service: {name: web}}, tls: [{secretName: s}]}"), &[]),
            // Beside rules it answers for hosts that nobody claims.
            (
                &ingress("", "{defaultBackend: {}, rules: [{host: a}], tls: [{hosts: [a], secretName: s}]}"),
                &[],
            ),
            (&ingress("", "null"), &[]),
            (&ingress("", "{rules: null, tls: null}"), &[]),
        ],
    );
    let old = "{apiVersion: extensions/v1beta1, kind: Ingress, spec: {backend: {serviceName: web}}}";
    assert_eq!(told(CHECK, "", old).len(), 1);
}

#[test]
fn an_entry_without_a_secret_counts_only_where_the_controller_has_a_certificate_of_its_own() {
    let bare =
        ingress("", "{rules: [{host: a}, {host: b}], tls: [{hosts: [a]}, {hosts: [b], secretName: s}]}");
    assert_eq!(told(CHECK, "", &bare), ["spec.tls[0] names no Secret with a certificate"]);
    assert!(told(CHECK, "{defaultCertificate: allow}", &bare).is_empty());
    let both = ingress("", "{rules: [{host: a}], tls: [{hosts: [a]}, {hosts: [a], secretName: s}]}");
    assert!(told(CHECK, "", &both).is_empty());
    // It covers nobody who asks.
    let idle = ingress("", "{rules: [{host: a}], tls: [{hosts: [b]}, {hosts: [a], secretName: s}]}");
    assert!(told(CHECK, "", &idle).is_empty());
}

#[test]
fn an_answer_to_an_acme_challenge_is_plain_by_its_nature_and_its_label_excuses_nothing_else() {
    let path = |path: &str| format!("{{rules: [{{host: a, http: {{paths: [{{path: {path}}}]}}}}]}}");
    let label = "labels: {acme.cert-manager.io/http01-solver: 'true'}";
    let challenge = path("/.well-known/acme-challenge/x9");
    assert!(told(CHECK, "", &ingress(label, &challenge)).is_empty());
    assert_eq!(told(CHECK, "", &ingress("", &challenge)).len(), 1);
    assert_eq!(told(CHECK, "", &ingress(label, &path("/"))).len(), 1);
    assert_eq!(told(CHECK, "", &ingress(label, &path("/.well-known/acme-challengers"))).len(), 1);
    assert_eq!(told(CHECK, "", &ingress(label, "{defaultBackend: {}}")).len(), 1);
    assert_eq!(told(CHECK, "{skipLabels: []}", &ingress(label, &challenge)).len(), 1);
    assert!(told(CHECK, "{skipLabels: [own]}", &ingress("labels: {own: ''}", &challenge)).is_empty());
}

#[test]
fn a_class_whose_load_balancer_ends_tls_is_left_alone_when_the_policy_says_so() {
    for (metadata, class, expected) in [
        ("", "ingressClassName: edge, ", 0),
        ("annotations: {kubernetes.io/ingress.class: edge}", "", 0),
        // The field wins over the old annotation.
        ("annotations: {kubernetes.io/ingress.class: edge}", "ingressClassName: inner, ", 1),
        ("", "", 1),
    ] {
        let text = ingress(metadata, &format!("{{{class}rules: [{{host: a}}]}}"));
        assert_eq!(told(CHECK, "{tlsUpstream: [edge]}", &text).len(), expected, "{text}");
    }
}

#[test]
fn annotations_that_keep_http_open_are_findings_beside_tls() {
    for (annotations, expected) in [
        ("nginx.ingress.kubernetes.io/ssl-redirect: 'false'", true),
        ("nginx.ingress.kubernetes.io/ssl-redirect: 'False'", true),
        ("nginx.ingress.kubernetes.io/ssl-redirect: 'true'", false),
        ("haproxy.org/ssl-redirect: 'false'", true),
        ("kubernetes.io/ingress.allow-http: 'true'", true),
        ("kubernetes.io/ingress.allow-http: 'false'", false),
        ("alb.ingress.kubernetes.io/listen-ports: '[{\"HTTP\": 80}, {\"HTTPS\": 443}]'", true),
        ("alb.ingress.kubernetes.io/listen-ports: '[{\"HTTPS\": 443}]'", false),
        ("alb.ingress.kubernetes.io/listen-ports: nonsense", false),
        (
            "alb.ingress.kubernetes.io/listen-ports: '[{\"HTTP\": 80}]', alb.ingress.kubernetes.io/ssl-redirect: '443'",
            false,
        ),
        ("example.com/no-ssl-redirect: 'false'", false),
    ] {
        let spec = "{rules: [{host: a}], tls: [{hosts: [a], secretName: s}]}";
        let text = ingress(&format!("annotations: {{{annotations}}}"), spec);
        assert_eq!(!told(CHECK, "", &text).is_empty(), expected, "{annotations}");
    }
}

#[test]
fn a_certificate_at_a_clouds_load_balancer_covers_the_hosts_of_its_own_class_only() {
    for (annotation, class, expected) in [
        ("alb.ingress.kubernetes.io/certificate-arn: 'arn:aws:acm:x'", "alb", true),
        ("alb.ingress.kubernetes.io/certificate-arn: ''", "alb", false),
        ("alb.ingress.kubernetes.io/certificate-arn: 'arn:aws:acm:x'", "nginx", false),
        ("networking.gke.io/managed-certificates: shop", "gce", true),
        ("networking.gke.io/managed-certificates: shop", "", true),
        ("ingress.gcp.kubernetes.io/pre-shared-cert: shop", "gce", true),
        ("appgw.ingress.kubernetes.io/appgw-ssl-certificate: shop", "azure-application-gateway", true),
        ("appgw.ingress.kubernetes.io/appgw-ssl-certificate: shop", "", false),
    ] {
        let spec = format!("{{ingressClassName: '{class}', rules: [{{host: a}}]}}");
        let text = ingress(&format!("annotations: {{{annotation}}}"), &spec);
        assert_eq!(told(CHECK, "", &text).is_empty(), expected, "{annotation} {class}");
    }
}
