//! Asks that Services take no port of every node.

use serde::Deserialize;

use super::service;
use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Kind, Place},
};

pub(super) const CHECK: Check = Check {
    id: "node-port",
    criterion: Criterion::CC6_6,
    tsc: &[Support::direct(
        Criterion::CC6_6,
        "nothing answers at the nodes' addresses that was not chosen to",
    )],
    severity: Severity::Medium,
    needs: &[],
    title: "port on every node",
    why: "It opens a port on every node, on every address that a node has, past the front door where traffic is \
          filtered, encrypted and logged; whoever reaches any node reaches the program.",
    fix: "Use `type: ClusterIP` behind an Ingress or a Gateway, or a load balancer without node ports.",
    references: &[Reference::Kubernetes("Service")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
",
        "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: ClusterIP
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::Service]), configure),
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Whether the ports count that a load balancer takes on the nodes.
    load_balancers: bool,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { load_balancers } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| examine(ask, load_balancers, report))))
}

fn examine(ask: &Ask<'_>, load_balancers: bool, report: &mut Report) {
    let Some((_, service)) = service(ask) else { return };
    match &*service.service_type {
        "NodePort" => report.violation(Place::of("spec.type"), "is NodePort"),
        "LoadBalancer" if load_balancers => {
            let state = match service.allocate_load_balancer_node_ports {
                Some(false) => return,
                Some(true) => "is true",
                None => "is not set, which means true",
            };
            // The API server fills in `true`: set or not, it is one violation.
            let place = Place::of("spec.allocateLoadBalancerNodePorts");
            report.violation_of(place, "true", state);
        }
        _ => {}
    }
}
