//! Warns of mesh settings that call others in the clear, or without looking at their certificate (Istio).

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Body, ClientTls, Kind, Place, TrafficPolicy},
};

pub(super) const CHECK: Check = Check {
    id: "unverified-upstream-tls",
    criterion: Criterion::CC6_7,
    tsc: &[Support::direct(
        Criterion::CC6_7,
        "what workloads send is encrypted, and to whom it was meant for",
    )],
    severity: Severity::High,
    needs: &[],
    title: "upstream without verified TLS",
    why: "A rule that switches TLS off, or the look at the other side's certificate, lets anybody on the way read and \
          answer the calls, and no client can tell.",
    fix: "Use ISTIO_MUTUAL inside the mesh, SIMPLE or MUTUAL with a CA outside, and name each host.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec:
  host: db.shop.svc.cluster.local
  trafficPolicy: {tls: {mode: DISABLE}}
",
        "
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: db, namespace: shop}
spec:
  host: db.shop.svc.cluster.local
  trafficPolicy: {tls: {mode: ISTIO_MUTUAL}}
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::DestinationRule, Kind::ServiceEntry]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    match ask.object.map(|object| &object.body) {
        Some(Body::DestinationRule(rule)) => {
            let spec = || Place::of("spec");
            traffic(rule.traffic_policy.as_ref(), spec, report);
            for (position, subset) in rule.subsets.iter().enumerate() {
                let place = || spec().item("subsets", position, &format!("name={}", &*subset.name));
                traffic(subset.traffic_policy.as_ref(), place, report);
            }
        }
        Some(Body::ServiceEntry(entry)) => {
            for (position, host) in entry.hosts.iter().enumerate().filter(|(_, host)| **host == *"*") {
                let what = "stands for every host, so that no certificate can be checked against it";
                report.violation_of(Place::of("spec").item("hosts", position, host), host, what);
            }
        }
        _ => {}
    }
}

fn traffic(policy: Option<&TrafficPolicy>, place: impl Fn() -> Place, report: &mut Report) {
    let Some(TrafficPolicy { tls, port_level_settings }) = policy else { return };
    let place = || place().field("trafficPolicy");
    upstream(tls.as_ref(), place, report);
    for (position, settings) in port_level_settings.iter().enumerate() {
        let number = settings.port.as_ref().map_or(0, |port| port.number);
        let place = || place().item("portLevelSettings", position, &format!("port={number}"));
        upstream(settings.tls.as_ref(), place, report);
    }
}

fn upstream(tls: Option<&ClientTls>, place: impl Fn() -> Place, report: &mut Report) {
    let Some(ClientTls { mode, insecure_skip_verify }) = tls else { return };
    let place = || place().field("tls");
    match &**mode {
        "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL" => {}
        "" => report.violation_of(place().field("mode"), "", "is not set, which means DISABLE"),
        mode => report.violation_of(place().field("mode"), mode, format!("is {}", quoted(mode))),
    }
    if *insecure_skip_verify == Some(true) {
        report.violation(place().field("insecureSkipVerify"), "is true");
    }
}
