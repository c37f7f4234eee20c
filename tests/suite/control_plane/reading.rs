//! Which pods are a control plane, and how their command lines are read.

use soc2gate::policy::{Loaded, Settings};

use super::{SOUND_ETCD, pod, run};
use crate::library::{Sent, found, told};

const CHECK: &str = "anonymous-api-access";
const ABSENT: &str = "does not set `--anonymous-auth=false`";
const HIDDEN: &str = "? the manifest does not show the command line that kube-apiserver runs with";
const UNKNOWN: &str = "? what kube-apiserver takes for `--anonymous-auth` is not in the manifest";

/// What is said of a static pod with this container.
fn told_of(container: &str) -> Vec<String> {
    told(CHECK, "", &pod("namespace: kube-system", container))
}

#[test]
fn only_a_static_pod_of_the_system_is_a_control_plane() {
    let command = "command: [kube-apiserver]";
    for (metadata, is_judged) in [
        ("namespace: kube-system", true),
        // A manifest for the kubelet's directory need not say where it belongs.
        ("labels: {tier: control-plane}", true),
        ("namespace: shop", false),
        ("namespace: kube-system-2", false),
        ("namespace: kube-system, ownerReferences: [{kind: Node, name: n1, controller: true}]", true),
        ("namespace: kube-system, ownerReferences: [{kind: DaemonSet, name: d, controller: true}]", false),
        ("namespace: kube-system, ownerReferences: [{kind: DaemonSet, name: d}]", true),
    ] {
        assert_eq!(!told(CHECK, "", &pod(metadata, command)).is_empty(), is_judged, "{metadata}");
    }
    let deployment = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: kube-system}
spec: {template: {spec: {containers: [{name: c, command: [kube-apiserver]}]}}}
";
    assert!(told(CHECK, "", deployment).is_empty());
}

#[test]
fn what_is_no_component_says_nothing() {
    for container in [
        "image: registry.k8s.io/kube-proxy",
        "command: [kube-proxy, --anonymous-auth=true]",
        "command: [kube-apiserver-network-proxy]",
        "command: [cp, /usr/local/bin/kube-apiserver, /backup]",
        "command: [etcdctl, snapshot, save]",
        "command: [sh, -c, 'etcdctl snapshot save /var/lib/etcd']",
        "command: [sh, -c, 'set -e; tar c /etc/kubernetes/pki/etcd']",
        "command: [sh, -c, 'ls $HOME']",
        "command: [sh, /run.sh]",
        "args: [--anonymous-auth=true]",
        "command: null",
    ] {
        let text = pod("namespace: kube-system", container);
        for id in [CHECK, "unauthenticated-etcd", "unaudited-api-server"] {
            assert_eq!(told(id, "", &text), Vec::<String>::new(), "{container}");
        }
    }
    assert!(
        told(CHECK, "", "{apiVersion: v1, kind: Pod, metadata: {namespace: kube-system}, spec: null}")
            .is_empty()
    );
}

#[test]
fn the_program_is_found_behind_what_starts_it() {
    for (container, list) in [
        ("command: [kube-apiserver]", "command"),
        ("command: [/usr/local/bin/kube-apiserver, --v=2]", "command"),
        ("command: [/usr/local/bin/kube-apiserver], args: [--v=2]", "command"),
        (
            "command: [/go-runner, --log-file=/var/log/kube-apiserver], args: [/usr/local/bin/kube-apiserver]",
            "command",
        ),
        ("args: [kube-apiserver, --v=2]", "args"),
        ("command: [/hyperkube, kube-apiserver]", "command"),
        ("command: [env, A=b, kube-apiserver]", "command"),
        (
            "command: [/bin/sh, -c, 'exec /usr/local/bin/kube-apiserver --v=2 1>>/var/log/x.log 2>&1']",
            "command",
        ),
        ("command: [bash, -ec], args: [kube-apiserver --v=2]", "command"),
    ] {
        assert_eq!(told_of(container), [format!("spec.containers[0].{list} {ABSENT}")], "{container}");
    }
    let labelled =
        pod("namespace: kube-system, labels: {component: kube-apiserver}", "args: [--anonymous-auth=true]");
    assert_eq!(told(CHECK, "", &labelled), ["spec.containers[0].args[0] sets `--anonymous-auth=true`"]);
}

#[test]
fn a_command_line_that_cannot_be_read_is_neither_good_nor_bad() {
    for script in [
        "exec kube-apiserver $ARGS",
        "set -e; exec /usr/local/bin/kube-apiserver --anonymous-auth=false",
        "kube-apiserver --anonymous-auth=false &",
    ] {
        assert_eq!(told_of(&format!("command: [/bin/sh, -c, '{script}']")), [HIDDEN], "{script}");
    }
    for container in ["command: [/start]", "command: [sh, /start.sh]", "image: i"] {
        let labelled = pod("namespace: kube-system, labels: {component: kube-apiserver}", container);
        assert_eq!(told(CHECK, "", &labelled), [HIDDEN], "{container}");
    }
}

#[test]
fn a_flag_is_read_as_the_program_reads_it() {
    let at = |position: usize, what: &str| vec![format!("spec.containers[0].command[{position}] {what}")];
    for (words, expected) in [
        ("--anonymous-auth=false", vec![]),
        ("--anonymous-auth=true, --anonymous-auth=false", vec![]),
        ("--anonymous-auth=false, --anonymous-auth=true", at(2, "sets `--anonymous-auth=true`")),
        ("--anonymous-auth", at(1, "sets `--anonymous-auth`")),
        // A switch takes no second word.
        ("--anonymous-auth, 'false'", at(1, "sets `--anonymous-auth`")),
        ("--anonymous_auth=false", vec![]),
        ("--anonymous-auth=no", at(1, "sets `--anonymous-auth=no`")),
        ("--anonymous-auth-2=false", vec![format!("spec.containers[0].command {ABSENT}")]),
        ("-anonymous-auth=false", vec![format!("spec.containers[0].command {ABSENT}")]),
        ("--, --anonymous-auth=false", vec![format!("spec.containers[0].command {ABSENT}")]),
        ("--anonymous-auth=$(AUTH)", vec![UNKNOWN.to_owned()]),
        ("$(EXTRA)", vec![UNKNOWN.to_owned()]),
        ("$(EXTRA), --anonymous-auth=false", vec![]),
        ("--advertise-address=$(IP)", vec![format!("spec.containers[0].command {ABSENT}")]),
    ] {
        assert_eq!(told_of(&format!("command: [kube-apiserver, {words}]")), expected, "{words}");
    }
    let separate = run("kube-apiserver", &["--token-auth-file", "/t.csv"]);
    assert_eq!(
        told("static-token-file", "", &separate)[0],
        "spec.containers[0].command[1] sets `--token-auth-file`"
    );
}

#[test]
fn etcd_is_read_from_its_environment_where_its_command_line_is_silent() {
    let etcd = |flags: &[&str], env: &str| {
        let flags: Vec<_> = flags.iter().map(|flag| format!("'{flag}'")).collect();
        let container = format!("command: [etcd, {}], {env}", flags.join(", "));
        told("unauthenticated-etcd", "", &pod("namespace: kube-system", &container))
    };
    let without_cert = [&SOUND_ETCD[..3], &SOUND_ETCD[4..]].concat();
    let absent = "spec.containers[0].command has no `--cert-file`";
    let hidden = "? what etcd takes for `--cert-file` is not in the manifest";
    for (env, expected) in [
        ("env: []", &[absent][..]),
        ("env: [{name: ETCD_CERT_FILE, value: /s.crt}]", &[]),
        ("env: [{name: ETCD_CERT_FILE, value: ''}]", &[absent]),
        ("env: [{name: CERT_FILE, value: /s.crt}]", &[absent]),
        ("env: [{name: ETCD_CERT_FILE, valueFrom: {configMapKeyRef: {name: c, key: k}}}]", &[hidden]),
        ("env: [{name: ETCD_CERT_FILE, value: $(DIR)/s.crt}]", &[hidden]),
        (
            "env: [{name: ETCD_CERT_FILE, value: /s.crt}, {name: ETCD_AUTO_TLS, value: 'true'}]",
            &["spec.containers[0].env[1].value sets `ETCD_AUTO_TLS=true`"],
        ),
    ] {
        let told: Vec<_> = etcd(&without_cert, env)
            .into_iter()
            .filter(|l| l.contains("cert-file`") || l.contains("AUTO"))
            .collect();
        let told: Vec<_> = told.into_iter().filter(|line| !line.contains("peer-cert-file")).collect();
        assert_eq!(told, expected, "{env}");
    }
    // Whole maps may hold anything, a file that replaces every flag included.
    assert_eq!(
        etcd(&without_cert, "envFrom: [{configMapRef: {name: c}}]"),
        ["? what etcd takes for `--config-file` is not in the manifest"]
    );
    // The command line wins, and one dash will do for it.
    assert!(
        etcd(
            &[&without_cert[..], &["-cert-file", "/s.crt"]].concat(),
            "env: [{name: ETCD_CERT_FILE, value: ''}]"
        )
        .is_empty()
    );
    let by_file = etcd(&["--config-file=/etc/etcd.yaml"], "env: []");
    assert_eq!(by_file, ["? etcd takes its settings from the file of `--config-file`, which no API shows"]);
}

#[test]
fn a_mirror_pod_with_findings_is_admitted_and_recorded() {
    let mirror = "
apiVersion: v1
kind: Pod
metadata:
  name: kube-apiserver-n1
  namespace: kube-system
  annotations: {kubernetes.io/config.mirror: abc}
  ownerReferences: [{apiVersion: v1, kind: Node, name: n1, controller: true}]
spec:
  nodeName: n1
  containers:
  - {name: kube-apiserver, image: 'registry.k8s.io/kube-apiserver:v1.36.2', command: [kube-apiserver]}
";
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    let decision = Sent::create(mirror).by("system:node:n1", &["system:nodes"]).decide(&policies);
    assert!(decision.is_static && decision.outcome.admits());
    let found = found(&decision);
    for check in
        [CHECK, "unencrypted-etcd-data", "unaudited-api-server", "weak-etcd-client", "static-token-file"]
    {
        assert!(
            found.iter().any(|line| line.contains(&format!(" {check} containers[name=kube-apiserver]"))),
            "{check}"
        );
    }
}

#[test]
fn a_flag_that_was_wrong_before_is_known_by_its_name_wherever_it_stands() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    let old = run("kube-apiserver", &["--profiling=true", "--anonymous-auth=true"]);
    let new = run("kube-apiserver", &["--v=2", "--anonymous-auth=true", "--profiling=1"]);
    let lines = found(&Sent::update(&old, &new).decide(&policies));
    let state = |flag: &str| {
        let line = lines.iter().find(|line| line.ends_with(&format!("command[--{flag}]"))).unwrap();
        line.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(state("anonymous-auth"), "pre-existing");
    assert_eq!(state("profiling"), "new");
}
