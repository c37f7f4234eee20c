//! Asks for volumes of the types that keep storage apart from the node and from other tenants.

use crate::{
    check::{Ask, Check, Examine, Examples, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::PodAt,
};

pub(super) const CHECK: Check = Check {
    id: "unlisted-volume-type",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(
        Criterion::CC6_1,
        "leaves it to the cluster's administrators which storage can be reached",
    )],
    severity: Severity::Medium,
    needs: &[],
    title: "volume of an unlisted type",
    why: "Other types let the author of a pod choose the server, the disk or the repository that the node connects to, \
          with the node's rights and past everything that governs storage.",
    fix: "Let an administrator offer the storage as a PersistentVolume, and use a persistentVolumeClaim.",
    references: &[
        Reference::restricted("Volume Types"),
        Reference::Cve("CVE-2024-10220"),
        Reference::Kep(5040),
    ],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  volumes:
  - {name: data, nfs: {server: nfs.example.com, path: /data}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: 'registry.example.com/shop/web:1.0'}
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data}}
",
    ),
    examine: Examine::EachPod(unlisted),
};

/// What the standard lists, and `hostPath`, which `host-path-volume` reports: together the two are the control.
const LISTED: [&str; 10] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "hostPath",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

fn unlisted(pod: &PodAt<'_>, _: &Ask<'_>, report: &mut Report) {
    for (position, volume) in pod.spec.volumes.iter().enumerate() {
        for source in volume.sources.iter().filter(|source| !LISTED.contains(&&***source)) {
            let place = pod.item("volumes", position, &format!("name={}", &*volume.name)).field(source);
            report.violation(place, "is set, a volume type that the standard does not list");
        }
    }
}
