//! Reports API servers that keep no record of what they are asked.

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report},
    checks::cc7_1_configuration::{Component, Setting},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "unaudited-api-server",
    criterion: Criterion::CC7_2,
    tsc: &[
        Support::direct(Criterion::CC7_2, "requests to the API are recorded, so that anomalies can be seen"),
        Support::supporting(Criterion::CC7_3, "an event can be judged by what led to it"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "API server without an audit log",
    why: "Without an audit policy, or without anywhere to write to, nobody can tell later who read a Secret, opened a \
          shell or changed a role.",
    fix: "Set `--audit-policy-file`, and `--audit-log-path` or `--audit-webhook-config-file`.",
    references: &[
        Reference::Cis("1.2.16"),
        Reference::Cis("3.2.1"),
        Reference::Nsa("t8.0"),
        Reference::Nsa("t8.1"),
        Reference::Kubernetes("Auditing"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --audit-log-path=/var/log/kubernetes/audit.log]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command:
    - kube-apiserver
    - --audit-log-path=/var/log/kubernetes/audit.log
    - --audit-policy-file=/etc/kubernetes/audit-policy.yaml
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

const SINKS: [&str; 2] = ["audit-log-path", "audit-webhook-config-file"];

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(line) = Component::ApiServer.command_line(ask, report) else { return };
    line.demand("audit-policy-file", report);
    let sinks = SINKS.map(|sink| line.text(sink));
    if sinks.iter().any(|sink| matches!(sink, Setting::Given(_))) {
        return;
    }
    for (sink, flag) in sinks.iter().zip(SINKS) {
        if matches!(sink, Setting::Hidden) {
            return line.report_hidden(flag, report);
        }
    }
    // One finding for the two: either will do.
    line.report_absent("audit-log-path", report);
}
