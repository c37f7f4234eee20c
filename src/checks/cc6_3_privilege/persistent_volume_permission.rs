//! Asks who may make volumes out of the files of nodes.

use super::permission;
use crate::{
    check::{Ask, Check, Examine, Examples, Need, Reference, Report},
    criterion::{Criterion, Severity, Support},
    object::RuleAt,
};

pub(super) const CHECK: Check = Check {
    id: "persistent-volume-permission",
    criterion: Criterion::CC6_3,
    tsc: &[
        Support::direct(Criterion::CC6_3, "storage is provisioned by those who run it"),
        Support::supporting(Criterion::CC6_1, "files of nodes stay out of reach"),
    ],
    severity: Severity::High,
    needs: &[Need::OldObject],
    title: "permission to make persistent volumes",
    why: "A PersistentVolume may stand for any path of a node. Whoever makes one and claims it reads and \
          writes the files of the node, whatever pods are allowed to mount.",
    fix: "Leave it to the provisioner: a PersistentVolumeClaim with a storage class is enough.",
    references: &[Reference::Cis("5.1.9"), Reference::Kubernetes("Role Based Access Control Good Practices")],
    examples: Examples::new(
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: data}
rules:
- apiGroups: ['']
  resources: [persistentvolumes]
  verbs: [get, create]
",
        "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: data}
rules:
- apiGroups: ['']
  resources: [persistentvolumeclaims]
  verbs: [get, create]
",
    ),
    examine: Examine::EachRule(look),
};

fn look(at: &RuleAt<'_>, ask: &Ask<'_>, report: &mut Report) {
    permission::PERSISTENT_VOLUMES.examine(at, ask, report);
}
