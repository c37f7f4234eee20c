//! Refuses probes and hooks that send the kubelet to an address of the author's choice.

use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::ContainerAt,
};

pub(super) const CHECK: Check = Check {
    id: "probe-host-override",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(
            Criterion::CC6_6,
            "nobody reaches through the node's network what his own network keeps from him",
        ),
        Support::supporting(
            Criterion::CC6_1,
            "services that only the node may reach stay apart from workloads",
        ),
    ],
    severity: Severity::Medium,
    needs: &[Need::Version],
    title: "probe or hook with a host of its own",
    why: "The kubelet makes the request from the node, where no network policy applies, so that an author can scan and \
          call services that the pod itself may not reach; loopback addresses are the node's own.",
    fix: "Remove `host`: without it the kubelet calls the pod itself.",
    references: &[Reference::baseline("Host Probes / Lifecycle Hooks")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    livenessProbe: {httpGet: {host: 169.254.169.254, path: /, port: 80}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    livenessProbe: {httpGet: {path: /healthz, port: 8080}}
",
    ),
    examine: Examine::EachContainer(overridden),
};

fn overridden(at: &ContainerAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    if !ask.version.at_least(34) {
        return;
    }
    for (field, handler) in at.container.handlers() {
        let http = handler.http_get.as_ref().map(|action| ("httpGet.host", &action.host));
        let tcp = handler.tcp_socket.as_ref().map(|action| ("tcpSocket.host", &action.host));
        for (action, host) in [http, tcp].into_iter().flatten() {
            if !host.is_empty() {
                report.violation_of(at.at(field).field(action), host, format!("is {}", quoted(host)));
            }
        }
    }
}
