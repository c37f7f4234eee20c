//! Reports API servers that take bearer tokens which never end, or end late.

use super::{Component, Setting};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "static-token-file",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials end, and can be withdrawn"),
        Support::supporting(
            Criterion::CC6_2,
            "whoever leaves loses access without a restart of the API server",
        ),
    ],
    severity: Severity::High,
    needs: &[],
    title: "bearer tokens without an end",
    why: "Tokens in a file never expire, lie there in the clear and are withdrawn only by a restart. Extended tokens of \
          service accounts live a year instead of an hour.",
    fix: "Remove `--token-auth-file` and set `--service-account-extend-token-expiration=false`.",
    references: &[Reference::Cis("1.2.2"), Reference::Cis("1.2.30")],
    examples: Examples::new(
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
    - --token-auth-file=/etc/kubernetes/tokens.csv
    - --service-account-extend-token-expiration=false
",
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --service-account-extend-token-expiration=false]
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(line) = Component::ApiServer.command_line(ask, report) else { return };
    match line.text("token-auth-file") {
        Setting::Absent => {}
        Setting::Hidden => line.report_hidden("token-auth-file", report),
        Setting::Given(given) => given.report(report),
    }
    line.demand_switch("service-account-extend-token-expiration", false, true, report);
}
