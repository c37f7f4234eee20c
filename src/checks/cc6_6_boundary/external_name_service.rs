//! Asks that Services be no aliases for other hosts.

use super::{permitted_hosts::PermittedHosts, service};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Address, Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "external-name-service",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(Criterion::CC6_6, "a name inside the boundary leads to something inside")],
    severity: Severity::Medium,
    needs: &[],
    title: "Service that is an alias for another host",
    why: "Whoever trusts the name of the Service is sent to another host: outside the cluster, to a Service of another \
          namespace past its owner, or to the cloud's metadata service by an ingress controller that resolves it.",
    fix: "Name the host in the program's own configuration, or let the policy's `allow` list it.",
    references: &[Reference::Kubernetes("Service")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  type: ExternalName
  externalName: db.payments.svc.cluster.local
",
        "
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec:
  type: ClusterIP
  selector: {app: db}
  ports: [{port: 5432}]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Service]), configure),
};

/// Hosts at which clouds tell a machine about itself and give it credentials.
const METADATA_HOSTS: [&str; 5] = [
    "metadata",
    "metadata.google.internal",
    "metadata.azure.internal",
    "instance-data",
    "instance-data.ec2.internal",
];

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let allow = PermittedHosts::read_named(params)?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some((_, service)) = service(ask) else { return };
        // DNS takes a name with and without the last dot, in any case.
        let host = service.external_name.trim_end_matches('.').to_ascii_lowercase();
        if *service.service_type == *"ExternalName" && !allow.permit(&host) {
            examine(&host, report);
        }
    })))
}

fn examine(host: &str, report: &mut Report) {
    let is_address = Address::parse(host.trim_start_matches('[').trim_end_matches(']'));
    let kind = if METADATA_HOSTS.contains(&host) || is_address.is_some_and(is_metadata) {
        "the cloud's metadata service"
    } else if host == "localhost" || host.ends_with(".localhost") {
        "whoever asks"
    } else if host.ends_with(".svc") || host.contains(".svc.") {
        "a Service of the cluster"
    } else if is_address.is_some() {
        "an address"
    } else {
        "another host"
    };
    let what = format!("is {}: {kind}", quoted(host));
    report.violation_of(Place::of("spec.externalName"), host, what);
}

/// Link-local, where metadata services live.
fn is_metadata(address: Address) -> bool {
    ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"]
        .iter()
        .filter_map(|text| crate::object::Cidr::parse(text))
        .any(|cidr| cidr.contains(address))
}
