//! Reports API servers that store Secrets as they are.

use serde::Deserialize;
use serde_json::Value;

use super::{Component, Setting, configuration};
use crate::{
    check::{Ask, Check, Examine, Examples, Kinds, Missing, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    object::{Kind, List, Map, Place, Word},
};

pub(super) const CHECK: Check = Check {
    id: "unencrypted-etcd-data",
    criterion: Criterion::CC7_1,
    tsc: &[
        Support::direct(Criterion::CC6_1, "credentials are encrypted where the cluster stores them"),
        Support::supporting(Criterion::C1_1, "confidential information is protected at rest"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "unencrypted data in etcd",
    why: "Without a provider of encryption every Secret lies readable in etcd, in its snapshots and in their backups, \
          past all access control of the API.",
    fix: "Set `--encryption-provider-config` to a file whose first provider for secrets is KMS v2, secretbox or AES.",
    references: &[
        Reference::Cis("1.2.27"),
        Reference::Cis("1.2.28"),
        Reference::Nsa("t6.1"),
        Reference::Nsa("t6.2"),
        Reference::Kubernetes("Encrypting Confidential Data at Rest"),
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
    command: [kube-apiserver, --secure-port=6443, --encryption-provider-config=/etc/kubernetes/encryption.yaml]
",
    ),
    examine: Examine::Whole(
        Kinds::These(&[Kind::Pod, Kind::EncryptionConfiguration, Kind::EncryptionConfig]),
        look,
    ),
};

const FLAG: &str = "encryption-provider-config";

/// The file that tells an API server how to store objects.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Encryption {
    resources: List<Entry>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    resources: List<Word>,
    /// Each is one provider by name. The first writes, all read.
    providers: List<Map<Value>>,
}

fn look(ask: &Ask<'_>, report: &mut Report) {
    if let Some(line) = Component::ApiServer.command_line(ask, report) {
        match line.text(FLAG) {
            Setting::Absent => line.report_absent(FLAG, report),
            Setting::Hidden => line.report_hidden(FLAG, report),
            Setting::Given(_) => {
                let reason = format!("what the file of `--{FLAG}` says no API shows: judge the file itself");
                report.not_assessable(Missing::NotKnownHere(reason.into()));
            }
        }
    }
    let kinds = [Kind::EncryptionConfiguration, Kind::EncryptionConfig];
    if let Some(encryption) = configuration::<Encryption>(&kinds, ask, report) {
        encryption.judge(report);
    }
}

impl Encryption {
    /// The entry that Secrets are stored by: named, or by a pattern for their group, or by one for everything.
    fn of_secrets(&self) -> Option<(usize, &Entry)> {
        let listing = |names: &'static [&'static str]| {
            let lists = move |entry: &Entry| entry.resources.iter().any(|own| names.contains(&&**own));
            self.resources.iter().enumerate().find(|(_, entry)| lists(entry))
        };
        listing(&["secrets", "secrets."]).or_else(|| listing(&["*."])).or_else(|| listing(&["*.*"]))
    }

    fn judge(&self, report: &mut Report) {
        let Some((at, entry)) = self.of_secrets() else {
            return report.violation_of(Place::of("resources"), "secrets", "does not cover `secrets`");
        };
        let place = Place::default().item("resources", at, "secrets");
        let Some(first) = entry.providers.first() else {
            return report.violation_of(place.field("providers"), "none", "names no provider");
        };
        let names: Vec<_> = first.keys().map(String::as_str).collect();
        let place = place.item("providers", 0, "first");
        match *names {
            ["aescbc" | "aesgcm" | "secretbox"] => {}
            ["kms"] if first.get("kms").and_then(|kms| kms.get("apiVersion")) == Some(&"v2".into()) => {}
            ["kms"] => report.violation_of(place, "kms v1", "is KMS v1, which API servers have given up"),
            ["identity"] => report.violation_of(place, "identity", "is `identity`, which encrypts nothing"),
            _ => {
                let names = names.join(", ");
                report.violation_of(place, &names, format!("is {}, which is no provider", quoted(&names)));
            }
        }
    }
}
