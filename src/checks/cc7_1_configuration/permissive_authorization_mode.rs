//! Reports API servers that allow what nobody granted, or show their insides.

use super::{CommandLine, Component, Setting};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "permissive-authorization-mode",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "every request to the API is authorized"),
        Support::supporting(Criterion::CC6_3, "access follows roles, and nodes reach only what is theirs"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "permissive authorization mode",
    why: "With AlwaysAllow every identity may do everything; without Node each kubelet may read the Secrets of all \
          nodes; without RBAC no role means anything. Profiling shows what the server holds in memory.",
    fix: "Set `--authorization-mode=Node,RBAC` and `--profiling=false`.",
    references: &[
        Reference::Cis("1.2.6"),
        Reference::Cis("1.2.7"),
        Reference::Cis("1.2.8"),
        Reference::Cis("1.2.15"),
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
    command: [kube-apiserver, '--authorization-mode=RBAC,AlwaysAllow', --profiling=false]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, '--authorization-mode=Node,RBAC', --profiling=false]
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

const FLAG: &str = "authorization-mode";

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(line) = Component::ApiServer.command_line(ask, report) else { return };
    line.demand_switch("profiling", false, true, report);
    if matches!(line.text("authorization-config"), Setting::Absent) {
        modes(&line, report);
    } else {
        let reason = "what the file of `--authorization-config` says no API shows";
        report.not_assessable(Missing::NotKnownHere(reason.into()));
    }
}

fn modes(line: &CommandLine<'_>, report: &mut Report) {
    let given = match line.list(FLAG) {
        // Unless told otherwise the server allows everything.
        Setting::Absent => return line.report_absent(FLAG, report),
        Setting::Hidden => return line.report_hidden(FLAG, report),
        Setting::Given(given) => given,
    };
    let has = |mode: &str| given.value.split(',').any(|own| own.trim() == mode);
    if has("AlwaysAllow") {
        report.violation_of(given.place.clone(), "AlwaysAllow", "lists `AlwaysAllow`");
    }
    for mode in ["Node", "RBAC"] {
        if !has(mode) {
            report.violation_of(given.place.clone(), mode, format!("does not list `{mode}`"));
        }
    }
}
