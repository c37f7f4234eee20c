//! Refuses paths of the node whose owner owns the node, and writing to any of its files.

use serde::Deserialize;

use super::host_path_volume::files;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Params, Reference, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{FilePath, HostPathAt, PodAt},
};

pub(super) const CHECK: Check = Check {
    id: "sensitive-host-path",
    criterion: Criterion::CC6_1,
    tsc: &[
        Support::direct(
            Criterion::CC6_1,
            "keeps the node's keys, runtime sockets and configuration from workloads",
        ),
        Support::supporting(Criterion::CC6_8, "who cannot write to the node cannot install software on it"),
    ],
    severity: Severity::Critical,
    needs: &[],
    title: "sensitive path of the node",
    why: "These paths hold the kubelet's credentials, other pods' secrets, the cluster's database or the socket of the \
          container runtime; any of them, or a file of the node that can be written, is enough to take the node.",
    fix: "Remove the volume; mount only the one file or directory that is needed, with `readOnly: true`.",
    references: &[Reference::Kubernetes("API server bypass risks"), Reference::Cis("5.2.11")],
    examples: Examples::new(
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    volumeMounts: [{name: socket, mountPath: /run/containerd.sock, readOnly: true}]
  volumes:
  - {name: socket, hostPath: {path: /run/containerd/containerd.sock}}
",
        "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - name: app
    image: registry.example.com/shop/web:1.0
    volumeMounts: [{name: logs, mountPath: /logs, readOnly: true}]
  volumes:
  - {name: logs, hostPath: {path: /var/log/pods}}
",
    ),
    examine: Examine::Configured(Kinds::PodSpecs, configure),
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    /// Sensitive in themselves: these and their parents.
    paths: Vec<String>,
    /// Sensitive with all they hold: these, their parents and everything beneath.
    trees: Vec<String>,
    /// Whether a mount may write to files of the node.
    writable: Writable,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Writable {
    Deny,
    Allow,
}

impl Default for Parameters {
    fn default() -> Self {
        let paths = ["/", "/etc", "/proc", "/sys", "/dev", "/run", "/var"];
        let trees = [
            "/root",
            "/etc/kubernetes",
            "/var/lib/kubelet",
            "/var/lib/etcd",
            "/var/lib/docker",
            "/var/lib/containerd",
            "/run/containerd",
            "/run/crio",
            "/run/docker.sock",
            "/run/cri-dockerd.sock",
        ];
        Self {
            paths: paths.map(str::to_owned).to_vec(),
            trees: trees.map(str::to_owned).to_vec(),
            writable: Writable::Deny,
        }
    }
}

struct Sensitive {
    paths: Vec<FilePath>,
    trees: Vec<FilePath>,
    writable: Writable,
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { paths, trees, writable } = params.read()?;
    if let Some(relative) = paths.iter().chain(&trees).find(|path| !path.starts_with('/')) {
        return Err(params.refuse(format!("the path `{relative}` must begin with `/`")));
    }
    let resolve = |paths: Vec<String>| paths.iter().map(|path| FilePath::resolve(path)).collect();
    let sensitive = Sensitive { paths: resolve(paths), trees: resolve(trees), writable };
    Ok(Examiner::Pod(Box::new(move |pod, _, report| exposed(pod, &sensitive, report))))
}

fn exposed(pod: &PodAt<'_>, sensitive: &Sensitive, report: &mut Report) {
    for at in pod.host_paths() {
        // An empty path names nothing; `host-path-volume` reports the volume.
        if let Some(reason) = (!at.path.is_empty()).then(|| sensitive.reason(&at)).flatten() {
            let what = format!("is {}, {reason}", quoted(at.path));
            report.violation_of(at.at("hostPath.path"), at.path, what);
        }
        if sensitive.writable == Writable::Allow {
            continue;
        }
        for mount in pod.mounts_of(at.volume).filter(|mount| !mount.is_read_only()) {
            let state = if mount.mount.read_only.is_some() { "is false" } else { "is not set" };
            let what = format!("{state}, so that {} of the node can be written", files(&at));
            report.violation_of(mount.at("readOnly"), at.path, what);
        }
    }
}

impl Sensitive {
    /// What makes a path sensitive, as the end of a sentence.
    fn reason(&self, at: &HostPathAt<'_>) -> Option<String> {
        let path = FilePath::resolve(at.path);
        let mut all = self.trees.iter().chain(&self.paths);
        if all.clone().any(|sensitive| *sensitive == path) {
            return Some("which gives power over the node".to_owned());
        }
        if let Some(inner) = all.find(|sensitive| path.holds(sensitive)) {
            return Some(format!("which holds `{inner}`"));
        }
        let outer = self.trees.iter().find(|tree| tree.holds(&path))?;
        Some(format!("which lies in `{outer}`"))
    }
}
