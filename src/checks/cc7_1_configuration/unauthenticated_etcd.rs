//! Reports an etcd that serves without certificates, or to whoever has one of the cluster's clients.

use super::{CommandLine, Component, Setting};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "unauthenticated-etcd",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "only the API server and its peers reach the cluster's store"),
        Support::supporting(Criterion::CC6_6, "the store is closed to whoever merely reaches its port"),
        Support::supporting(Criterion::CC6_7, "what the store sends is encrypted"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "etcd without authentication",
    why: "Whoever may talk to etcd owns the cluster: every Secret can be read and every object written there, past \
          authentication, admission and audit.",
    fix: "Serve clients and peers over https with certificates of a CA of etcd's own, and demand theirs.",
    references: &[
        Reference::Cis("2.1"),
        Reference::Cis("2.2"),
        Reference::Cis("2.3"),
        Reference::Cis("2.4"),
        Reference::Cis("2.5"),
        Reference::Cis("2.6"),
        Reference::Cis("2.7"),
        Reference::Nsa("t5.1"),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system}
spec:
  containers:
  - name: etcd
    image: registry.k8s.io/etcd:3.6.8-0
    command: [etcd, '--listen-client-urls=http://10.0.0.1:2379']
",
        "
apiVersion: v1
kind: Pod
metadata: {name: etcd, namespace: kube-system}
spec:
  containers:
  - name: etcd
    image: registry.k8s.io/etcd:3.6.8-0
    command:
    - etcd
    - --listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379
    - --client-cert-auth=true
    - --peer-client-cert-auth=true
    - --cert-file=/etc/kubernetes/pki/etcd/server.crt
    - --key-file=/etc/kubernetes/pki/etcd/server.key
    - --peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt
    - --peer-key-file=/etc/kubernetes/pki/etcd/peer.key
",
    ),
    examine: Examine::Whole(Kinds::These(&[Kind::Pod]), look),
};

fn look(ask: &Ask<'_>, report: &mut Report) {
    if let Some(line) = Component::Etcd.command_line(ask, report) {
        etcd(&line, report);
    } else if let Some(line) = Component::ApiServer.command_line(ask, report) {
        shared_authority(&line, report);
    }
}

fn etcd(line: &CommandLine<'_>, report: &mut Report) {
    // A file takes the place of all flags.
    match line.text("config-file") {
        Setting::Absent => {}
        Setting::Hidden => return line.report_hidden("config-file", report),
        Setting::Given(_) => {
            let reason = "etcd takes its settings from the file of `--config-file`, which no API shows";
            return report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    }
    for (switch, wanted) in [
        ("client-cert-auth", true),
        ("peer-client-cert-auth", true),
        ("auto-tls", false),
        ("peer-auto-tls", false),
    ] {
        line.demand_switch(switch, wanted, false, report);
    }
    for file in ["cert-file", "key-file", "peer-cert-file", "peer-key-file"] {
        line.demand(file, report);
    }
    // Metrics have an address of their own and hold no objects.
    for (urls, is_optional) in [("listen-client-urls", false), ("listen-client-http-urls", true)] {
        addresses(line, urls, is_optional, report);
    }
}

/// Reports the addresses that clients reach without TLS. Unless told otherwise, etcd serves on a plain one.
fn addresses(line: &CommandLine<'_>, flag: &str, is_optional: bool, report: &mut Report) {
    match line.text(flag) {
        Setting::Absent if is_optional => {}
        Setting::Absent => line.report_absent(flag, report),
        Setting::Hidden => line.report_hidden(flag, report),
        Setting::Given(given) => {
            for url in given.value.split(',').map(str::trim).filter(|url| !url.is_empty()) {
                let scheme = url.split("://").next().unwrap_or_default();
                if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("unixs") {
                    report.violation_of(given.place.clone(), url, format!("serves {}", quoted(url)));
                }
            }
        }
    }
}

/// A CA that signs the cluster's clients and etcd's alike lets every user of the cluster into etcd. The API server
/// knows both.
fn shared_authority(line: &CommandLine<'_>, report: &mut Report) {
    let (Setting::Given(etcd), Setting::Given(clients)) =
        (line.text("etcd-cafile"), line.text("client-ca-file"))
    else {
        return;
    };
    if etcd.value == clients.value {
        let what = format!("takes {} for etcd too, the CA of all clients", quoted(&etcd.value));
        report.violation_of(etcd.place, &etcd.value, what);
    }
}
