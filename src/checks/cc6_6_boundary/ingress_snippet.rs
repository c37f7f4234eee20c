//! Refuses configuration of an ingress controller that is smuggled in through annotations.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Object, Place},
};

pub(super) const CHECK: Check = Check {
    id: "ingress-snippet",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::direct(Criterion::CC6_6, "nobody but its operator configures the front door"),
        Support::supporting(
            Criterion::CC6_1,
            "the controller's credentials, and with them every Secret, stay with it",
        ),
        Support::supporting(Criterion::CC6_8, "nobody brings code into the controller"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "snippet of an ingress controller's configuration",
    why: "The text is pasted into the configuration of a proxy that serves all tenants and may read every Secret. With \
          it, whoever may write one Ingress reads the controller's token and runs code in it.",
    fix: "Remove it and use the annotation made for the purpose; keep snippets switched off in the controller.",
    references: &[
        Reference::Cve("CVE-2021-25742"),
        Reference::Cve("CVE-2021-25746"),
        Reference::Cve("CVE-2025-1974"),
    ],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/configuration-snippet: add_header X-Frame-Options DENY;
spec: {rules: [{host: shop.example.com}]}
",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: shop
  annotations:
    nginx.ingress.kubernetes.io/custom-headers: shop/security-headers
spec: {rules: [{host: shop.example.com}]}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Ingress, Kind::Service, Kind::ConfigMap]), configure),
};

/// The one controller whose raw configuration goes by other names: `config-backend`, `config-tcp-service`. The second
/// prefix is what it was called before.
const HAPROXY_INGRESS: [&str; 2] = ["haproxy-ingress.github.io", "ingress.kubernetes.io"];

/// The key with which ingress-nginx switches snippets on.
const SWITCH: &str = "allow-snippet-annotations";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// What comes before the slash of the annotations that controllers read.
    prefixes: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        let prefixes = [
            "nginx.ingress.kubernetes.io",
            "nginx.org",
            "haproxy.org",
            "haproxy-ingress.github.io",
            // What the HAProxy controllers were called before, which they still read.
            "haproxy.com",
            "ingress.kubernetes.io",
        ];
        Self { prefixes: prefixes.map(str::to_owned).to_vec() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { prefixes } = params.read()?;
    if let Some(wrong) = prefixes.iter().find(|prefix| prefix.is_empty() || prefix.contains('/')) {
        let hint = "write what comes before the slash, as in `nginx.org`";
        return Err(params.refuse(format!("`{wrong}` in `prefixes` is no prefix: {hint}")));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| match ask.object {
        Some(object) if object.kind == Kind::ConfigMap => switched_on(object, report),
        Some(object) => examine(object, &prefixes, report),
        None => {}
    })))
}

fn examine(object: &Object<'_>, prefixes: &[String], report: &mut Report) {
    for (key, text) in object.metadata.annotations.iter() {
        let Some((prefix, name)) = key.split_once('/') else { continue };
        let is_raw = HAPROXY_INGRESS.contains(&prefix) && name.starts_with("config-");
        let is_snippet = name.ends_with("-snippet") || name.ends_with("-snippets");
        if prefixes.iter().any(|listed| listed == prefix) && (is_snippet || is_raw) {
            // The text may hold a password, and so only its length is told.
            let what =
                format!("puts {} characters into the controller's configuration", text.chars().count());
            report.violation_of(Place::of("metadata").entry("annotations", key), text, what);
        }
    }
}

/// Spellings that Go, and so the controller, takes for true (`strconv.ParseBool`).
const TRUE: [&str; 6] = ["1", "t", "T", "true", "TRUE", "True"];

fn switched_on(object: &Object<'_>, report: &mut Report) {
    let Body::ConfigMap(config) = &object.body else { return };
    if let Some(value) = config.data.get(SWITCH).filter(|value| TRUE.contains(value)) {
        report.violation_of(Place::default().entry("data", SWITCH), "true", format!("is `{value}`"));
    }
}
