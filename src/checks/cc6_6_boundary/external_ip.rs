//! Refuses Services that take traffic for addresses of their own choice.

use serde::Deserialize;

use super::service;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Address, Cidr, Kind, Place, Service},
};

pub(super) const CHECK: Check = Check {
    id: "external-ip",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(Criterion::CC6_6, "traffic for an outside address reaches that address")],
    severity: Severity::High,
    needs: &[],
    title: "external address of a Service",
    why: "Every node sends traffic for that address to the Service, whoever owns it. Who may create a Service can so \
          read what other pods send to a database, an API or the cloud's metadata service.",
    fix: "Remove it; use a load balancer, or let the policy's `allow` list the addresses that are yours.",
    references: &[Reference::Cve("CVE-2020-8554"), Reference::Cis("1.2.3"), Reference::Kep(5707)],
    examples: Examples::new(
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 443}]
  externalIPs: [203.0.113.7]
",
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  selector: {app: web}
  ports: [{port: 443}]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Service]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Blocks or single addresses that Services may take.
    allow: Vec<String>,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    let read = |text: &String| match Cidr::parse(text).or_else(|| Address::parse(text).map(Cidr::host)) {
        None => {
            let hint = "write it as `203.0.113.0/24`";
            Err(params.refuse(format!("`{text}` in `allow` is no block of addresses: {hint}")))
        }
        Some(cidr) if cidr.prefix == 0 => {
            Err(params.refuse(format!("`{text}` in `allow` is every address: set the mode to off instead")))
        }
        Some(cidr) => Ok(cidr),
    };
    let allow = allow.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        if let Some((_, service)) = service(ask) {
            examine(service, &allow, report);
        }
    })))
}

fn examine(service: &Service, allow: &[Cidr], report: &mut Report) {
    for (position, text) in service.external_ips.iter().enumerate() {
        let address = Address::parse(text);
        let what = match address {
            None => format!("{} is no address", quoted(text)),
            Some(address) if allow.iter().any(|cidr| cidr.contains(address)) => continue,
            Some(_) => format!("takes the traffic for {}", quoted(text)),
        };
        let written = address.map_or_else(|| text.to_string(), |address| address.to_string());
        let place = Place::of("spec").item("externalIPs", position, &written);
        report.violation_of(place, &written, what);
    }
}
