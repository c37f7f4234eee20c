//! The checks beyond the standard, and the parameters of all.

use soc2gate::{
    check::{Missing, Version},
    checks,
};

use super::{ALL, container, judged, never, pod, secured};
use crate::library::{self, Sent};

/// The sentences of a check under parameters.
fn under(params: &str, check: &str, manifest: &str) -> Vec<String> {
    let report = library::examine(checks::find(check).unwrap(), params, Version::NEWEST, manifest);
    let line =
        |violation: &soc2gate::check::Violation| format!("{} {}", violation.place.path, violation.what);
    report.violations.iter().map(line).collect()
}

fn host_path(path: &str) -> String {
    pod(&format!("volumes: [{{name: v, hostPath: {{path: '{path}'}}}}]"))
}

#[test]
fn a_sensitive_path_is_recognised_in_every_spelling() {
    for path in [
        "/",
        "//",
        "/etc",
        "/etc/",
        "/./etc",
        "/srv/../etc",
        "/proc",
        "/sys",
        "/dev",
        "/run",
        "/var/run",
        "/var",
    ] {
        let said = format!("spec.volumes[0].hostPath.path is `{path}`, which gives power over the node");
        judged("sensitive-host-path", ALL, &host_path(path), &[&said]);
    }
    for (path, reason) in [
        ("/var/lib", "holds `/var/lib/kubelet`"),
        ("/etc/kubernetes/pki/ca.key", "lies in `/etc/kubernetes`"),
        ("/var/lib/kubelet/pods", "lies in `/var/lib/kubelet`"),
        ("/var/run/containerd/containerd.sock", "lies in `/run/containerd`"),
        ("/var//lib/./etcd/member", "lies in `/var/lib/etcd`"),
    ] {
        let said = format!("spec.volumes[0].hostPath.path is `{path}`, which {reason}");
        judged("sensitive-host-path", ALL, &host_path(path), &[&said]);
    }
    // The home of the node's administrator, one name below the top.
    let home = format!("/{}", "root");
    let said = format!("spec.volumes[0].hostPath.path is `{home}/.kube`, which lies in `{home}`");
    judged("sensitive-host-path", ALL, &host_path(&format!("{home}/.kube")), &[&said]);
    let socket = "spec.volumes[0].hostPath.path is `/var/run/docker.sock`, which gives power over the node";
    judged("sensitive-host-path", ALL, &host_path("/var/run/docker.sock"), &[socket]);
    for path in ["/srv", "/var/log", "/etcetera", "/etc/ssl", "/rooted", "/run/docker.sock.d", "/proc/1", ""]
    {
        never("sensitive-host-path", &host_path(path));
    }
}

#[test]
fn a_mount_of_the_nodes_files_must_say_that_it_is_read_only() {
    let mount = |fields: &str| {
        pod(&format!(
            "volumes: [{{name: v, hostPath: {{path: /srv}}}}, {{name: w, emptyDir: {{}}}}], ephemeralContainers: \
             [{{name: a, volumeMounts: [{{name: w, mountPath: /w}}, {{name: v, mountPath: /v, {fields}}}]}}]"
        ))
    };
    let path = "spec.ephemeralContainers[0].volumeMounts[1].readOnly";
    let unset = format!("{path} is not set, so that `/srv` of the node can be written");
    let wrong = format!("{path} is false, so that `/srv` of the node can be written");
    judged("sensitive-host-path", ALL, &mount("subPath: x"), &[&unset]);
    judged("sensitive-host-path", ALL, &mount("readOnly: null"), &[&unset]);
    judged("sensitive-host-path", ALL, &mount("readOnly: false"), &[&wrong]);
    never("sensitive-host-path", &mount("readOnly: true"));
    assert_eq!(under("{writable: allow}", "sensitive-host-path", &mount("subPath: x")), Vec::<String>::new());
}

#[test]
fn sensitive_paths_are_parameters() {
    let none = Vec::<String>::new();
    assert_eq!(under("{paths: [], trees: [/srv]}", "sensitive-host-path", &host_path("/etc")), none);
    let said = ["spec.volumes[0].hostPath.path is `/srv/x`, which lies in `/srv`"];
    assert_eq!(under("{paths: [], trees: [/srv]}", "sensitive-host-path", &host_path("/srv/x")), said);
}

#[test]
fn no_container_starts_in_proc() {
    for directory in
        ["/proc", "/proc/", "/proc/self/fd/8", "//proc//1", "/app/../proc/self", "proc/self", "/dev/fd/8"]
    {
        let said = format!("spec.containers[0].workingDir is `{directory}`");
        judged("proc-working-directory", ALL, &container(&format!("workingDir: {directory}")), &[&said]);
    }
    for directory in ["''", "null", "/", "/app", "/process", "/app/proc", "/dev"] {
        never("proc-working-directory", &container(&format!("workingDir: {directory}")));
    }
}

#[test]
fn a_file_is_judged_by_its_namespace_and_not_assessable_without_one() {
    let manifest = |namespace: &str| {
        format!("{{apiVersion: v1, kind: ConfigMap, metadata: {{namespace: {namespace}}}}}")
    };
    for namespace in ["kube-system", "kube-public", "kube-node-lease", "default"] {
        let said = format!("metadata.namespace is `{namespace}`, which no workload should use");
        judged("system-namespace-workload", ALL, &manifest(namespace), &[&said]);
    }
    never("system-namespace-workload", &manifest("shop"));
    let check = checks::find("system-namespace-workload").unwrap();
    let report = library::examine(check, "", Version::NEWEST, &manifest("null"));
    assert!(report.violations.is_empty());
    assert!(matches!(report.missing[..], [Missing::NotKnownHere(_)]), "{:?}", report.missing);
}

#[test]
fn a_system_namespace_is_open_to_the_cluster_itself_and_to_whom_the_policy_names() {
    let policies = library::policies(&["
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: p}
spec:
  criterion: CC6.1
  control: Only the cluster works in its own namespaces.
  checks:
  - id: system-namespace-workload
    mode: enforce
    params: {allow: [{kind: ServiceAccount, namespace: argocd, name: 'argocd-*'}, {kind: Group, name: platform}]}
"]);
    let secret = "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: kube-system}}";
    let admits = |username: &str, groups: &[&str]| {
        Sent::create(secret).by(username, groups).decide(&policies).outcome.admits()
    };
    assert!(!admits("ann", &["system:masters"]));
    assert!(!admits("system:node:n1", &[]), "a node is known by its group too");
    assert!(!admits("system:serviceaccount:kube-system:my-operator", &[]));
    assert!(!admits("system:serviceaccount:shop:argocd-server", &[]));
    assert!(admits("system:serviceaccount:argocd:argocd-server", &[]));
    assert!(admits("bob", &["platform"]));
    assert!(admits("system:node:n1", &["system:nodes"]));
    assert!(admits("system:apiserver", &["system:masters"]));
    assert!(admits("system:serviceaccount:kube-system:root-ca-cert-publisher", &[]));
    // Only the CREATE counts: what is there may be changed, or a legacy workload could not even be scaled.
    assert!(Sent::update(secret, secret).decide(&policies).outcome.admits());
}

#[test]
fn parameters_widen_a_check_by_exactly_what_they_name() {
    let none = Vec::<String>::new();
    let shared = pod("hostPID: true, hostNetwork: true");
    assert_eq!(under("{allow: [hostNetwork]}", "host-namespace", &shared), ["spec.hostPID is true"]);
    let added = secured("{capabilities: {add: [NET_ADMIN, CHOWN]}}");
    let said = ["spec.containers[0].securityContext.capabilities.add[1] is `CHOWN`"];
    assert_eq!(under("{allow: [NET_ADMIN]}", "added-capability", &added), said);
    let sysctl =
        pod("securityContext: {sysctls: [{name: net.core.somaxconn}, {name: net.ipv4.tcp_syncookies}]}");
    assert_eq!(under("{allow: [net.core.somaxconn]}", "unsafe-sysctl", &sysctl), none);
    let kept = secured("{capabilities: {drop: [ALL], add: [CHOWN, SETUID]}}");
    let said = ["spec.containers[0].securityContext.capabilities.add[1] is `SETUID`"];
    assert_eq!(under("{allow: [CHOWN]}", "undropped-capability", &kept), said);
    let ports = pod("hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80, hostPort: 80}]}]");
    let said = ["spec.containers[0].ports[0].hostPort is 80"];
    assert_eq!(under("{foldHostNetwork: false}", "host-port", &ports), said);
    assert_eq!(under("{}", "host-port", &ports), none);
}

#[test]
fn an_allowed_host_path_covers_what_lies_beneath_it_and_is_only_read() {
    let volume = |path: &str, read_only: &str| {
        pod(&format!(
            "volumes: [{{name: v, hostPath: {{path: '{path}'}}}}], containers: \
             [{{name: a, volumeMounts: [{{name: v, mountPath: /v, readOnly: {read_only}}}]}}]"
        ))
    };
    let passes = |params: &str, manifest: &str| under(params, "host-path-volume", manifest).is_empty();
    let allow = "{allow: [{path: /var/log/, readOnly: true}]}";
    for path in ["/var/log", "/var/log/pods", "/var//log/./x"] {
        assert!(passes(allow, &volume(path, "true")), "{path}");
        assert!(!passes(allow, &volume(path, "false")), "{path}");
        assert!(!passes(allow, &volume(path, "null")), "{path}");
    }
    for path in ["/var/logs", "/var", "/var/log/../lib", "", "/"] {
        assert!(!passes(allow, &volume(path, "true")), "{path}");
    }
    assert!(passes("{allow: [{path: /var/log, readOnly: false}]}", &volume("/var/log", "false")));
}

#[test]
fn kubelets_that_filter_by_default_cannot_be_seen_in_a_manifest() {
    let check = checks::find("missing-seccomp-profile").unwrap();
    let report = library::examine(check, "{kubeletDefaults: true}", Version::NEWEST, &container("image: x"));
    assert!(report.violations.is_empty());
    assert_eq!(report.missing.len(), 1);
}

#[test]
fn parameters_that_could_only_be_a_mistake_are_refused() {
    for (check, params) in [
        ("host-namespace", "{allow: [hostUsers]}"),
        ("added-capability", "{allowed: [CHOWN]}"),
        ("host-path-volume", "{allow: [{path: var/log}]}"),
        ("sensitive-host-path", "{trees: [srv]}"),
        ("unsafe-sysctl", "{allow: ['net.*']}"),
        ("unsafe-sysctl", "{allow: [net/core/somaxconn]}"),
        ("sensitive-host-path", "{writable: maybe}"),
        ("system-namespace-workload", "{namespaces: []}"),
        ("system-namespace-workload", "{namespaces: ['kube-*']}"),
        ("system-namespace-workload", "{allow: [{kind: User, name: '*'}]}"),
        ("privileged-container", "{allow: [a]}"),
    ] {
        let document = library::document(params);
        let params = soc2gate::check::Params::of(&document.root);
        let refused = checks::find(check).unwrap().examine.configure(&params);
        let error = refused.err().unwrap_or_else(|| panic!("{check} takes {params:?}"));
        assert!(error.line > 0, "{check}: {error}");
    }
}
