//! Ways into what runs: debug containers, exec, attach, port-forward and the proxies. No kubelet is needed: the gate is
//! asked before one is.

use serde_json::json;

use super::{
    kubectl::{kubectl, pod, run},
    registered::{Registered, metric},
};

/// A way in by its bare request, as kubectl itself begins none of them before a pod runs.
fn connect(registered: &Registered, way: &str) -> super::kubectl::Said {
    let path = format!("/api/v1/namespaces/{}/pods/web/{way}", registered.namespace);
    run(&["create", "--raw", &path, "-f", "-"], "")
}

/// Policies under which every way in is closed.
fn closed() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let head = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.2-identity}\n";
    let spec = "spec:\n  criterion: CC6.2\n  control: Each way in is chosen.\n  checks:\n";
    let checks =
        ["exec-into-container", "attach-to-container", "port-forward-to-pod", "service-proxy-connection"];
    let checks = checks.map(|check| format!("    - {{id: {check}, mode: enforce}}\n")).concat();
    std::fs::write(directory.path().join("identity.yaml"), format!("{head}{spec}{checks}")).unwrap();
    directory
}

#[tokio::test]
async fn a_debug_container_is_denied() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    registered.apply(&pod("web", json!({}))).done();
    let debug = "debug web --image=busybox:1.36 --target=app --profile=general --attach=false";
    let said = registered.kubectl(&format!("{debug} -- sh"));
    let said = said.denied_by("workloads", "debug-container");
    assert!(said.err.contains("spec.ephemeralContainers[0].image is `busybox:1.36`"), "{}", said.err);
    assert!(registered.get("pod web")["spec"]["ephemeralContainers"].is_null());
}

#[tokio::test]
async fn a_way_in_that_is_only_warned_of_is_told_in_a_warning_and_counted() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    registered.apply(&pod("web", json!({}))).done();
    for (way, check) in [
        ("exec?command=ls&container=app&stdout=true", "exec-into-container"),
        ("attach?container=app&stdout=true", "attach-to-container"),
        ("portforward?ports=80", "port-forward-to-pod"),
        ("proxy/", "service-proxy-connection"),
    ] {
        let said = connect(&registered, way);
        assert!(said.warnings().iter().any(|warning| warning.contains(check)), "{check}: {said:?}");
        // Admitted, and then there is no node to go on to.
        assert!(!said.complaint().contains("admission webhook"), "{said:?}");
        let series = format!(
            r#"soc2gate_findings_total{{check="{check}",criterion="CC6.2",mode="warn",state="new"}}"#
        );
        assert_eq!(metric(&registered.gate, &series), 1, "{check}");
    }
    // Whoever reaches a kubelet reaches everything on its node.
    kubectl("get --raw /api/v1/nodes/n1/proxy/pods").denied_by("access", "node-proxy-connection");
}

#[tokio::test]
async fn a_way_in_that_is_closed_is_denied_to_kubectl() {
    let policies = closed();
    let arguments = ["--policies", policies.path().to_str().unwrap()];
    let Some(registered) = Registered::start("Fail", &arguments).await else { return };
    registered.apply(&pod("web", json!({}))).done();
    // As a kubelet would say, or kubectl would not try to forward a port.
    let status = format!("/api/v1/namespaces/{}/pods/web/status", registered.namespace);
    let mut running = registered.get("pod web");
    running["status"]["phase"] = "Running".into();
    run(&["replace", "--raw", &status, "-f", "-"], &running.to_string()).done();
    for (words, check) in [
        ("exec web -- ls", "exec-into-container"),
        ("exec web -c app -- cat /etc/hostname", "exec-into-container"),
        ("attach web", "attach-to-container"),
        ("port-forward web :80", "port-forward-to-pod"),
    ] {
        registered.kubectl(words).denied_by("access", check);
    }
    connect(&registered, "proxy/").denied_by("access", "service-proxy-connection");
}
