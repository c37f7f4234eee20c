//! Reports audit logs that are thrown away before an auditor, or an investigator, comes for them.

use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Reference, Report},
    checks::cc7_1_configuration::{Component, Setting},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "short-audit-retention",
    criterion: Criterion::CC7_2,
    tsc: &[
        Support::supporting(Criterion::CC7_2, "records last long enough for slow anomalies to show"),
        Support::supporting(Criterion::CC7_3, "an event found late can still be judged"),
    ],
    severity: Severity::Low,
    needs: &[],
    title: "short retention of the audit log",
    why: "An intrusion is often found weeks later. What the API server has deleted by then, nobody can look up, unless \
          it was shipped elsewhere in time.",
    fix: "Keep 30 days, 10 files and 100 MB, or leave the flag out: the defaults keep more.",
    references: &[Reference::Cis("1.2.17"), Reference::Cis("1.2.18"), Reference::Cis("1.2.19")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --audit-log-path=/var/log/audit.log, --audit-log-maxage=7]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --audit-log-path=/var/log/audit.log, --audit-log-maxage=30]
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

/// Days, files and megabytes, each with the least to keep.
const LEAST: [(&str, u64); 3] =
    [("audit-log-maxage", 30), ("audit-log-maxbackup", 10), ("audit-log-maxsize", 100)];

fn look(ask: &Ask<'_>, report: &mut Report) {
    let Some(line) = Component::ApiServer.command_line(ask, report) else { return };
    // Standard output (`-`) is not rotated, and where there is no log nothing is.
    if matches!(line.text("audit-log-path"), Setting::Given(path) if path.value != "-") {
        for (flag, least) in LEAST {
            match line.text(flag) {
                Setting::Absent => {}
                Setting::Hidden => line.report_hidden(flag, report),
                Setting::Given(given) => match given.value.parse::<u64>() {
                    // Zero means no limit of this kind.
                    Ok(kept) if kept == 0 || kept >= least => {}
                    Ok(_) => given.report(report),
                    Err(_) => {
                        let reason = format!("`--{flag}` is no number");
                        report.not_assessable(Missing::NotKnownHere(reason.into()));
                    }
                },
            }
        }
    }
}
