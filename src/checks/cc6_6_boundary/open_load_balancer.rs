//! Asks that load balancers are internal or say whom they serve.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::service;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Cidr, Family, Intervals, Kind, Object, Place, Service},
};

pub(super) const CHECK: Check = Check {
    id: "open-load-balancer",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(
        Criterion::CC6_6,
        "what faces the internet does so by choice, and for chosen addresses",
    )],
    severity: Severity::High,
    needs: &[],
    title: "load balancer for everybody",
    why: "Unless told otherwise, a cloud gives the Service a public address within a minute and lets the whole internet \
          connect to it.",
    fix: "Set `loadBalancerSourceRanges` to those who need it, or the cloud's annotation for an internal one.",
    references: &[Reference::Kubernetes("Service")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  selector: {app: web}
  ports: [{port: 443}]
",
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: LoadBalancer
  loadBalancerSourceRanges: [192.0.2.0/24]
  selector: {app: web}
  ports: [{port: 443}]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Service]), configure),
};

/// Where Kubernetes reads the ranges if the field is empty.
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

/// What makes a load balancer internal, and the values that do. None listed: any value, since it names a subnet.
///
/// Sources: Kubernetes documentation, "Service", internal load balancer, for all without another; GKE documentation,
/// "LoadBalancer Service parameters", and the provider's source for the older key and spelling; AWS Load Balancer
/// Controller documentation, "Service annotations"; cloud-provider-azure, which ignores case; DigitalOcean and
/// Hetzner documentation of their cloud controller managers. Looked up in November 2026.
const INTERNAL: [(&str, &[&str]); 13] = [
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", &["internal"]),
    // The provider that came with Kubernetes took an address block for `true`.
    ("service.beta.kubernetes.io/aws-load-balancer-internal", &["true", "0.0.0.0/0"]),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", &["true", "True", "TRUE"]),
    ("networking.gke.io/load-balancer-type", &["Internal", "internal"]),
    ("cloud.google.com/load-balancer-type", &["Internal", "internal"]),
    ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type", &["private"]),
    ("service.beta.kubernetes.io/openstack-internal-load-balancer", &["true"]),
    ("service.beta.kubernetes.io/cce-load-balancer-internal-vpc", &["true"]),
    ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid", &[]),
    ("service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type", &["intranet"]),
    ("service.beta.kubernetes.io/oci-load-balancer-internal", &["true"]),
    ("service.beta.kubernetes.io/do-loadbalancer-network", &["INTERNAL"]),
    ("load-balancer.hetzner.cloud/disable-public-network", &["true"]),
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    internal_markers: Vec<Marker>,
}

/// An annotation that makes a load balancer internal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    annotation: String,
    /// Exactly these, or any if there are none.
    values: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        let marker = |(annotation, values): &(&str, &[&str])| Marker {
            annotation: (*annotation).to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        Self { internal_markers: INTERNAL.iter().map(marker).collect() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { internal_markers } = params.read()?;
    let mut markers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for Marker { annotation, values } in internal_markers {
        if annotation.is_empty() {
            return Err(params.refuse("an entry of `internalMarkers` names no annotation: write its key"));
        }
        markers.entry(annotation).or_default().extend(values);
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, &markers, report))))
}

fn examine(ask: &Ask<'_>, markers: &BTreeMap<String, Vec<String>>, report: &mut Report) {
    let Some((object, service)) = service(ask) else { return };
    if *service.service_type != *"LoadBalancer" || is_internal(object, markers) {
        return;
    }
    let ranges = ranges(object, service);
    if ranges.is_empty() {
        let what = "is not set, so that everybody may connect";
        return report.violation_of(Place::of("spec.loadBalancerSourceRanges"), "", what);
    }
    let parsed: Vec<_> = ranges.iter().map(|(_, text)| Cidr::parse(text)).collect();
    let together = |family| {
        let own = parsed.iter().flatten().filter(|cidr| cidr.first.family == family && cidr.prefix > 0);
        own.map(Cidr::range).collect::<Intervals>().covers(&family.every())
    };
    let world: Vec<_> = Family::ALL.into_iter().filter(|family| together(*family)).collect();
    for ((place, text), cidr) in ranges.into_iter().zip(parsed) {
        let what = match cidr {
            None => "is no block of addresses, so that nobody can say whom it lets in",
            Some(cidr) if cidr.prefix == 0 => "is every address",
            Some(cidr) if world.contains(&cidr.first.family) => "with the other ranges is every address",
            Some(_) => continue,
        };
        let written = cidr.map_or_else(|| text.to_owned(), |cidr| cidr.to_string());
        report.violation_of(place, &written, format!("({}) {what}", quoted(text)));
    }
}

/// Whether an annotation says so, and no other contradicts it.
fn is_internal(object: &Object<'_>, markers: &BTreeMap<String, Vec<String>>) -> bool {
    let mut says = markers.iter().filter_map(|(annotation, values)| {
        let value = object.metadata.annotations.get(annotation)?;
        Some(if values.is_empty() { !value.is_empty() } else { values.iter().any(|listed| listed == value) })
    });
    says.next().is_some_and(|first| first && says.all(|other| other))
}

/// Whom the load balancer serves: the field, or where that is empty the annotation, as Kubernetes reads them.
fn ranges<'o>(object: &'o Object<'_>, service: &'o Service) -> Vec<(Place, &'o str)> {
    let field = service.load_balancer_source_ranges.iter().enumerate().map(|(position, range)| {
        (Place::of("spec").item("loadBalancerSourceRanges", position, range), range.trim())
    });
    if !service.load_balancer_source_ranges.is_empty() {
        return field.collect();
    }
    let annotation = object.metadata.annotations.get(RANGES).unwrap_or_default().trim();
    let place = Place::of("metadata").entry("annotations", RANGES);
    let listed = annotation.split(',').map(|range| (place.clone(), range.trim()));
    if annotation.is_empty() { Vec::new() } else { listed.collect() }
}
