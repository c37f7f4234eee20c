//! Warns of Ingresses that serve a host without TLS.

use serde::Deserialize;
use serde_json::Value;

use super::is_acme_challenge;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Ingress, IngressTls, Kind, Metadata, Object, Place},
};

pub(super) const CHECK: Check = Check {
    id: "plaintext-ingress",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_7, "what enters and leaves the cluster is encrypted on its way"),
        Support::supporting(Criterion::CC6_6, "a way in from outside proves whom it belongs to"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "Ingress without TLS",
    why: "Whoever sits between a user and the cluster reads and changes what goes over plain HTTP, session cookies and \
          passwords included.",
    fix: "Name the host and a certificate's Secret under `spec.tls`, and let plain HTTP only redirect.",
    references: &[Reference::Kubernetes("Ingress, TLS")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: public
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: public
  tls: [{hosts: [shop.example.com], secretName: web-tls}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Ingress]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Whether a certificate of the controller's own will do where none is named.
    default_certificate: DefaultCertificate,
    /// Ingress classes whose load balancer has ended TLS before the controller.
    tls_upstream: Vec<String>,
    /// Labels of what answers ACME challenges, which come over plain HTTP. Whatever else such an Ingress serves is
    /// judged all the same.
    skip_labels: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum DefaultCertificate {
    Allow,
    Deny,
}

impl Default for Parameters {
    fn default() -> Self {
        let skip_labels = vec!["acme.cert-manager.io/http01-solver".to_owned()];
        Self { default_certificate: DefaultCertificate::Deny, tls_upstream: Vec::new(), skip_labels }
    }
}

/// Annotations that give a cloud's load balancer its certificate, each with the classes that heed it. Without a class
/// the cloud's own is meant.
const CLOUD_CERTIFICATES: [(&str, &[&str]); 4] = [
    ("alb.ingress.kubernetes.io/certificate-arn", &["", "alb"]),
    ("networking.gke.io/managed-certificates", &["", "gce", "gce-internal"]),
    ("ingress.gcp.kubernetes.io/pre-shared-cert", &["", "gce", "gce-internal"]),
    (
        "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
        &["azure-application-gateway", "azure/application-gateway"],
    ),
];

const LEGACY_CLASS: &str = "kubernetes.io/ingress.class";
const ALB_PORTS: &str = "alb.ingress.kubernetes.io/listen-ports";
const ALB_REDIRECT: &str = "alb.ingress.kubernetes.io/ssl-redirect";

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    for (field, list) in [("tlsUpstream", &parameters.tls_upstream), ("skipLabels", &parameters.skip_labels)]
    {
        if list.iter().any(|item| item.is_empty() || item.contains('*')) {
            return Err(params.refuse(format!("`{field}` has a pattern or an empty name: write full names")));
        }
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| parameters.served(ask, report))))
}

impl Parameters {
    fn served(&self, ask: &Ask<'_>, report: &mut Report) {
        let Some(Object { metadata, body: Body::Ingress(ingress), .. }) = ask.object else { return };
        let class = class(ingress, metadata);
        if self.tls_upstream.iter().any(|own| own == class) || self.only_answers_acme(ingress, metadata) {
            return;
        }
        opened_by_annotation(metadata, report);
        let has_cloud_certificate = CLOUD_CERTIFICATES.iter().any(|(annotation, classes)| {
            classes.contains(&class)
                && metadata.annotations.get(annotation).is_some_and(|value| !value.is_empty())
        });
        if !has_cloud_certificate {
            self.uncovered(ingress, report);
        }
    }

    fn only_answers_acme(&self, ingress: &Ingress, metadata: &Metadata<'_>) -> bool {
        let mut paths =
            ingress.rules.iter().flat_map(|rule| rule.http.iter()).flat_map(|http| http.paths.iter());
        self.skip_labels.iter().any(|label| metadata.labels.get(label).is_some())
            && ingress.default_backend.is_none()
            && paths.all(|path| is_acme_challenge(&path.path))
    }

    /// Reports the hosts that no entry of `spec.tls` covers, and the entries that cover them without a certificate.
    fn uncovered(&self, ingress: &Ingress, report: &mut Report) {
        let needs_secret = self.default_certificate == DefaultCertificate::Deny;
        let mut without_secret = Vec::new();
        let mut judge = |host: &str, place: Place, report: &mut Report| {
            let covering = || ingress.tls.iter().enumerate().filter(|(_, tls)| covers(tls, host));
            if covering().next().is_none() {
                let what = if host.is_empty() {
                    "serves every host, and no entry of `spec.tls` does".to_owned()
                } else {
                    format!("is {}, which no entry of `spec.tls` covers", quoted(host))
                };
                report.violation_of(place, host, what);
            } else if needs_secret && covering().all(|(_, tls)| tls.secret_name.is_empty()) {
                without_secret.extend(covering().map(|(position, _)| position));
            }
        };
        for (position, rule) in ingress.rules.iter().enumerate() {
            let place = Place::of("spec").item("rules", position, &format!("host={}", &*rule.host));
            judge(&rule.host, if rule.host.is_empty() { place } else { place.field("host") }, report);
        }
        // Beside rules it is what answers for hosts that nobody claims.
        if ingress.rules.is_empty() && ingress.default_backend.is_some() {
            judge("", Place::of("spec.defaultBackend"), report);
        }
        without_secret.sort_unstable();
        without_secret.dedup();
        for (position, tls) in ingress.tls.iter().enumerate() {
            if without_secret.contains(&position) {
                let host = tls.hosts.first().map_or("", |host| host);
                let place = Place::of("spec").item("tls", position, &format!("host={host}"));
                report.violation_of(place, "secretName", "names no Secret with a certificate");
            }
        }
    }
}

/// The class that is asked to serve it.
fn class<'o>(ingress: &'o Ingress, metadata: &'o Metadata<'_>) -> &'o str {
    let own = &*ingress.ingress_class_name;
    if own.is_empty() { metadata.annotations.get(LEGACY_CLASS).unwrap_or_default() } else { own }
}

/// Whether an entry of `spec.tls` holds for a host: all do where it names none; a `*` stands for one label.
fn covers(tls: &IngressTls, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let covers_host = |own: &str| {
        let own = own.trim_end_matches('.');
        own.eq_ignore_ascii_case(host)
            || own.strip_prefix("*.").is_some_and(|parent| {
                host.split_once('.').is_some_and(|(label, rest)| {
                    !matches!(label, "" | "*") && rest.eq_ignore_ascii_case(parent)
                })
            })
    };
    tls.hosts.is_empty() || (!host.is_empty() && tls.hosts.iter().any(|own| covers_host(own)))
}

/// Reports annotations that keep plain HTTP open beside TLS.
fn opened_by_annotation(metadata: &Metadata<'_>, report: &mut Report) {
    for (key, value) in metadata.annotations.iter() {
        let opens = match &**key {
            "kubernetes.io/ingress.allow-http" => value.trim().eq_ignore_ascii_case("true"),
            ALB_PORTS => metadata.annotations.get(ALB_REDIRECT).is_none() && listens_in_the_clear(value),
            key => key.ends_with("/ssl-redirect") && is_false(value),
        };
        if opens {
            let place = Place::of("metadata").entry("annotations", key);
            report.violation_of(place, value, format!("is {}, which keeps plain HTTP open", quoted(value)));
        }
    }
}

/// Whether a list of ports, `[{"HTTP": 80}, {"HTTPS": 443}]`, has one for plain HTTP.
fn listens_in_the_clear(ports: &str) -> bool {
    let ports = serde_json::from_str::<Vec<Value>>(ports).unwrap_or_default();
    ports.iter().any(|port| port.get("HTTP").is_some())
}

/// A refusal as controllers read one.
fn is_false(value: &str) -> bool {
    matches!(value.trim().to_ascii_lowercase().as_str(), "false" | "f" | "0" | "off" | "no")
}
