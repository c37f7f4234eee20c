//! The checks of monitoring: audit policies, log collection, probes.

mod audit_policy;
mod matching;

use crate::library::{refusal, told};

#[test]
fn an_annotation_that_keeps_logs_from_the_collector_is_found_on_the_pods_own_metadata() {
    let pod = |annotation: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{name: p, annotations: {{{annotation}}}}}, spec: {{containers: []}}}}"
        )
    };
    let id = "log-collection-opt-out";
    for (annotation, expected) in [
        ("fluentbit.io/exclude: 'true'", &["metadata.annotations[fluentbit.io/exclude] is `true`"][..]),
        ("fluentbit.io/exclude: 'True'", &["metadata.annotations[fluentbit.io/exclude] is `True`"]),
        ("fluentbit.io/exclude: 'false'", &[]),
        ("co.elastic.logs/enabled: 'false'", &["metadata.annotations[co.elastic.logs/enabled] is `false`"]),
        ("co.elastic.logs/enabled: 'true'", &[]),
        (
            "ad.datadoghq.com/logs_exclude: 'true'",
            &["metadata.annotations[ad.datadoghq.com/logs_exclude] is `true`"],
        ),
    ] {
        assert_eq!(told(id, "", &pod(annotation)), expected, "{annotation}");
    }
    let own = "{annotations: [{annotation: logs.example.com/ship, values: ['no', never]}]}";
    assert_eq!(told(id, own, &pod("logs.example.com/ship: never")).len(), 1);
    assert!(told(id, own, &pod("fluentbit.io/exclude: 'true'")).is_empty());
    let deployment = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {fluentbit.io/exclude: 'true'}}
spec: {template: {spec: {containers: []}}}
";
    assert!(told(id, "", deployment).is_empty());
    assert!(refusal(id, "{annotations: []}").contains("`annotations` is empty"));
    assert!(refusal(id, "{annotations: [{annotation: a, values: []}]}").contains("`a` has no `values`"));
    refusal(id, "{annotations: [{annotation: a}]}");
}

#[test]
fn a_long_running_container_needs_one_of_the_two_probes() {
    let workload = |kind: &str, containers: &str| {
        format!("{{apiVersion: apps/v1, kind: {kind}, spec: {{template: {{spec: {{{containers}}}}}}}}}")
    };
    let told = |text: &str| told("missing-probe", "", text).len();
    for (containers, findings) in [
        ("containers: [{name: a}, {name: b}]", 2),
        ("containers: [{name: a, livenessProbe: {tcpSocket: {port: 80}}}]", 0),
        ("containers: [{name: a, readinessProbe: {exec: {command: [x]}}}]", 0),
        ("containers: [{name: a, startupProbe: {tcpSocket: {port: 80}}}]", 1),
        ("containers: [{name: a, livenessProbe: null}]", 1),
        ("initContainers: [{name: a}]", 0),
    ] {
        assert_eq!(told(&workload("Deployment", containers)), findings, "{containers}");
    }
    for (kind, findings) in [("StatefulSet", 1), ("DaemonSet", 1), ("ReplicaSet", 1)] {
        assert_eq!(told(&workload(kind, "containers: [{name: a}]")), findings, "{kind}");
    }
    assert_eq!(
        told("{apiVersion: batch/v1, kind: Job, spec: {template: {spec: {containers: [{name: a}]}}}}"),
        0
    );
    assert_eq!(told("{apiVersion: v1, kind: Pod, spec: {containers: [{name: a}]}}"), 0);
}
