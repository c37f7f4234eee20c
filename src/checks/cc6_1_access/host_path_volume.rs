//! Refuses volumes that open the node's own files.

use serde::Deserialize;

use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{FilePath, HostPathAt, PodAt},
};

pub(super) const CHECK: Check = Check {
    id: "host-path-volume",
    criterion: Criterion::CC6_1,
    tsc: &[Support::direct(
        Criterion::CC6_1,
        "keeps the node's files, other workloads' data among them, out of reach",
    )],
    severity: Severity::High,
    needs: &[],
    title: "volume from the node's files",
    why: "It shows the pod files that belong to the node or to other workloads, and what is written there outlives the \
          pod. A link on the node may lead further than the path says.",
    fix: "Use a PersistentVolumeClaim, emptyDir or configMap volume instead.",
    references: &[Reference::baseline("HostPath Volumes"), Reference::Cis("5.2.11")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    volumeMounts: [{name: data, mountPath: /data}]
  volumes:
  - {name: data, hostPath: {path: /srv/data}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    volumeMounts: [{name: data, mountPath: /data}]
  volumes:
  - {name: data, persistentVolumeClaim: {claimName: data}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Directories of the node that pods may mount.
    allow: Vec<Allowed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Allowed {
    path: String,
    /// Whether every mount of it must be `readOnly: true`.
    #[serde(default = "yes")]
    read_only: bool,
}

const fn yes() -> bool {
    true
}

/// A directory of the node that pods may mount.
struct Opening {
    directory: FilePath,
    read_only: bool,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    if let Some(relative) = allow.iter().find(|allowed| !allowed.path.starts_with('/')) {
        return Err(params.refuse(format!("the path `{}` in `allow` must begin with `/`", relative.path)));
    }
    let opening = |allowed: &Allowed| Opening {
        directory: FilePath::resolve(&allowed.path),
        read_only: allowed.read_only,
    };
    let openings: Vec<_> = allow.iter().map(opening).collect();
    Ok(Examiner::Pod(Box::new(move |pod, _, report| opened(pod, &openings, report))))
}

fn opened(pod: &PodAt<'_>, openings: &[Opening], report: &mut Report) {
    for at in pod.host_paths() {
        if !openings.iter().any(|opening| opening.admits(pod, &at)) {
            report.violation_of(at.at("hostPath"), at.path, format!("opens {} of the node", files(&at)));
        }
    }
}

/// What a volume opens, in the middle of a sentence.
pub(super) fn files(at: &HostPathAt<'_>) -> String {
    if at.path.is_empty() { "files".to_owned() } else { quoted(at.path) }
}

impl Opening {
    fn admits(&self, pod: &PodAt<'_>, at: &HostPathAt<'_>) -> bool {
        let is_written = || pod.mounts_of(at.volume).any(|mount| !mount.is_read_only());
        !at.path.is_empty()
            && self.directory.holds(&FilePath::resolve(at.path))
            && !(self.read_only && is_written())
    }
}
