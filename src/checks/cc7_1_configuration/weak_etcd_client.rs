//! Reports API servers that talk to etcd without certificates.

use super::Component;
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "weak-etcd-client",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "the API server and its store know each other"),
        Support::supporting(Criterion::CC6_7, "what the cluster stores is encrypted on its way"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "API server without certificates for etcd",
    why: "An API server that does not check etcd's certificate can be given another store; one that has none of its \
          own needs an etcd that lets everybody in.",
    fix: "Set `--etcd-cafile`, `--etcd-certfile` and `--etcd-keyfile`.",
    references: &[Reference::Cis("1.2.23"), Reference::Cis("1.2.26")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, '--etcd-servers=https://127.0.0.1:2379']
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
    - --etcd-servers=https://127.0.0.1:2379
    - --etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt
    - --etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt
    - --etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(line) = Component::ApiServer.command_line(ask, report) else { return };
    for file in ["etcd-cafile", "etcd-certfile", "etcd-keyfile"] {
        line.demand(file, report);
    }
}
