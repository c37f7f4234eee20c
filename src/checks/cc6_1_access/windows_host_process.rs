//! Refuses Windows containers that run as processes of their node.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "windows-host-process",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(Criterion::CC6_1, "keeps workloads isolated from Windows nodes")],
    severity: Severity::High,
    needs: &[],
    title: "process of a Windows node",
    why: "Such a container is no container: it runs on the node itself, with its files, its network and, if it asks, \
          the rights of its system account.",
    fix: "Remove it; ordinary Windows containers need none of the node.",
    references: &[Reference::baseline("HostProcess"), Reference::Cis("5.2.10")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  os: {name: windows}
  securityContext: {windowsOptions: {hostProcess: true}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  os: {name: windows}
  securityContext: {windowsOptions: {hostProcess: false}}
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
",
    ),
    examine: Examine::EachPod(on_the_node),
};

fn on_the_node(pod: &PodAt<'_>, _: &Ask<'_>, report: &mut Report) {
    for security in pod.security_contexts() {
        if security.host_process == Some(true) {
            report.violation(security.at("windowsOptions.hostProcess"), "is true");
        }
    }
}
