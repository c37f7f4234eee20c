//! Refuses ports that a container takes from its node.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "host-port",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(
            Criterion::CC6_6,
            "nothing is reachable at a node's address that was not chosen to be",
        ),
        Support::supporting(Criterion::CC6_1, "a workload cannot take the place of a service of the node"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "port of the node",
    why: "It opens the container to everybody who reaches the node, past Services and most network policies, and can \
          take a port that a program of the node should have.",
    fix: "Remove it and publish the port through a Service.",
    references: &[Reference::baseline("Host Ports"), Reference::Cis("5.2.12")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    ports: [{containerPort: 8080, hostPort: 80}]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    ports: [{containerPort: 8080}]
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Leaves out the ports that the API server fills in on the node's network: `host-namespace` reports that.
    fold_host_network: bool,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { fold_host_network: true }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { fold_host_network } = params.read()?;
    let fold = fold_host_network && !params.is_standard();
    Ok(Examiner::Container(Box::new(move |at, _, report| taken(at, fold, report))))
}

fn taken(at: &ContainerAt<'_>, fold: bool, report: &mut Report) {
    let on_host_network = at.pod.spec.host_network == Some(true);
    for (position, port) in at.container.ports.iter().enumerate() {
        let Some(number) = port.host_port.filter(|number| *number != 0) else { continue };
        if fold && on_host_network && port.container_port == Some(number) {
            continue;
        }
        // UDP and TCP may share a number, so that the number alone does not tell two ports apart.
        let protocol = if port.protocol.is_empty() { "TCP" } else { &*port.protocol };
        let place = at.item("ports", position, &format!("hostPort={number}/{protocol}")).field("hostPort");
        report.violation_of(place, &number.to_string(), format!("is {number}"));
    }
}
