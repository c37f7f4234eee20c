//! Reports API servers that take requests from nobody in particular.

use serde::Deserialize;

use super::{Component, Setting, configuration};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Kind, List, Place, Word},
};

pub(super) const CHECK: Check = Check {
    id: "anonymous-api-access",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "everybody who is served has been authenticated"),
        Support::supporting(Criterion::CC6_2, "only registered identities get an answer"),
    ],
    severity: Severity::Medium,
    needs: &[],
    title: "anonymous access to the API",
    why: "A request without credentials is served as `system:anonymous`. One binding to it by mistake then opens the \
          cluster to whoever reaches the API server.",
    fix: "Set `--anonymous-auth=false`, or allow it for /livez, /readyz and /healthz alone.",
    references: &[Reference::Cis("1.2.1"), Reference::Nsa("t7.0"), Reference::Kep(4633)],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --secure-port=6443]
",
        "
apiVersion: v1
kind: Pod
metadata: {name: kube-apiserver, namespace: kube-system}
spec:
  containers:
  - name: kube-apiserver
    image: registry.k8s.io/kube-apiserver:v1.36.2
    command: [kube-apiserver, --secure-port=6443, --anonymous-auth=false]
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod, Kind::AuthenticationConfiguration]), look),
};

const FLAG: &str = "anonymous-auth";

/// What a load balancer asks for, and what tells nothing else.
const HEALTH: [&str; 3] = ["/livez", "/readyz", "/healthz"];

/// The file that tells an API server whom to trust, as far as nobody is concerned.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Authentication {
    anonymous: Option<Anonymous>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Anonymous {
    enabled: Option<bool>,
    /// None means everywhere.
    conditions: List<Condition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Condition {
    path: Word,
}

fn look(ask: &Ask<'_>, report: &mut Report) {
    if let Some(line) = Component::ApiServer.command_line(ask, report) {
        let by_file = !matches!(line.text("authentication-config"), Setting::Absent);
        if by_file && matches!(line.text(FLAG), Setting::Absent) {
            let reason =
                "what the file of `--authentication-config` says no API shows: judge the file itself";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        } else {
            line.demand_switch(FLAG, false, true, report);
        }
    }
    let kinds = [Kind::AuthenticationConfiguration];
    let Some(file) = configuration::<Authentication>(&kinds, ask, report) else { return };
    match file.anonymous {
        Some(anonymous) => anonymous.judge(report),
        None => {
            let reason = format!("the file leaves anonymous requests to the flag `--{FLAG}`");
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    }
}

impl Anonymous {
    fn judge(&self, report: &mut Report) {
        if self.enabled != Some(true) {
            return;
        }
        if self.conditions.is_empty() {
            return report.violation(Place::of("anonymous.enabled"), "is true for every path");
        }
        for (position, condition) in self.conditions.iter().enumerate() {
            let path = &*condition.path;
            if !HEALTH.contains(&path) {
                let place = Place::default().item("anonymous.conditions", position, path).field("path");
                report.violation_of(place, path, format!("is {}", quoted(path)));
            }
        }
    }
}
