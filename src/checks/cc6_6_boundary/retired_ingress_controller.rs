//! Points out Ingresses that a controller serves which nobody repairs any more.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "retired-ingress-controller",
    criterion: Criterion::CC6_6,
    tsc: &[
        Support::supporting(
            Criterion::CC6_6,
            "the front door is a program whose faults somebody still repairs",
        ),
        Support::supporting(
            Criterion::CC7_1,
            "finds software at the boundary that gets no security releases",
        ),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "Ingress of a retired controller",
    why: "The project behind ingress-nginx has ended: faults that are found in it now stay, and it stands where everybody \
          can reach it. It was taken over from outside before, through nothing but its admission port.",
    fix: "Move it to a controller that is maintained, or to the Gateway API.",
    references: &[Reference::Cve("CVE-2025-1974")],
    examples: Examples::new(
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules: [{host: shop.example.com}]
",
        "
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  ingressClassName: traefik
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules: [{host: shop.example.com}]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Ingress]), configure),
};

/// What named the class before `ingressClassName` did (Kubernetes 1.18).
const ANNOTATION: &str = "kubernetes.io/ingress.class";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// The classes that such a controller serves. F5's controller, which lives, uses the name `nginx` too: leave it out there.
    classes: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { classes: vec!["nginx".to_owned()] }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { classes } = params.read()?;
    if classes.is_empty() || classes.iter().any(String::is_empty) {
        return Err(params.refuse("`classes` names no class: name one, or set the mode to off"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| served(ask, &classes, report))))
}

fn served(ask: &Ask<'_>, classes: &[String], report: &mut Report) {
    let Some(object) = ask.object else { return };
    let Body::Ingress(ingress) = &object.body else { return };
    let field = Place::of("spec.ingressClassName");
    let annotation = object.metadata.annotations.get(ANNOTATION).unwrap_or_default();
    let written = [
        (field, &*ingress.ingress_class_name),
        (Place::of("metadata").entry("annotations", ANNOTATION), annotation),
    ];
    for (place, class) in written {
        if classes.iter().any(|retired| retired == class) {
            report.violation_of(place, class, format!("is {}, which no longer gets repairs", quoted(class)));
        }
    }
}
