//! What a user sees of a decision: the denial, the warning, and nothing at all.

use serde_json::Value;

use super::{
    kubectl::{holds_within, privileged},
    registered::{Registered, metric},
};

/// All that is wrong with a privileged Pod, for the reader of one line.
const DENIAL: &str = "CC6.1 privileged-container: spec.containers[0].securityContext.privileged is true. Drop it and add \
                      the one capability the program needs.";

fn decided(outcome: &str) -> String {
    format!(r#"soc2gate_decisions_total{{kind="Pod",operation="CREATE",outcome="{outcome}"}}"#)
}

fn found(mode: &str) -> String {
    let check = r#"check="privileged-container",criterion="CC6.1""#;
    format!(r#"soc2gate_findings_total{{{check},mode="{mode}",state="new"}}"#)
}

/// What the API server's own audit log tells of the creation of a Pod in this namespace, where the test may read it.
fn audited(namespace: &str) -> Option<Value> {
    let Ok(path) = std::env::var("SOC2GATE_TEST_AUDIT_LOG") else {
        eprintln!("NOT LOOKED AT: the audit log, which SOC2GATE_TEST_AUDIT_LOG would name");
        return None;
    };
    let mut told = Value::Null;
    assert!(holds_within(super::kubectl::SOON, || {
        let text = std::fs::read_to_string(&path).unwrap();
        let events = text.lines().rev().filter(|line| line.contains(namespace));
        let mut events = events.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let event = events.find(|event| {
            event["verb"] == "create"
                && event["objectRef"]["resource"] == "pods"
                && event["stage"] == "ResponseComplete"
        });
        told = event.map_or(Value::Null, |event| event["annotations"].clone());
        !told.is_null()
    }));
    Some(told)
}

#[tokio::test]
async fn kubectl_apply_of_a_privileged_pod_is_denied_in_one_line_that_tells_what_to_change() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let said = registered.apply(&privileged("web"));
    assert_eq!(
        said.complaint(),
        format!(
            "Error from server (Forbidden): error when creating \"STDIN\": admission webhook \
             \"workloads.soc2gate.io\" denied the request: {DENIAL}"
        )
    );
    assert!(!said.is_done && said.out.is_empty() && registered.get("pod web").is_null());
    assert_eq!(metric(&registered.gate, &decided("deny")), 1);
    assert_eq!(metric(&registered.gate, &found("enforce")), 1);
    if let Some(annotations) = audited(&registered.namespace) {
        assert_eq!(annotations["workloads.soc2gate.io/decision"], "deny", "{annotations}");
    }
}

#[tokio::test]
async fn in_the_dry_run_of_the_policies_only_annotations_and_metrics_tell() {
    let Some(registered) = Registered::start("Fail", &["--mode-ceiling", "audit"]).await else { return };
    let said = registered.apply(&privileged("web")).done();
    assert_eq!((&*said.out, &*said.err), ("pod/web created\n", ""));
    assert_eq!(metric(&registered.gate, &decided("allow")), 1);
    assert_eq!(metric(&registered.gate, &found("audit")), 1);
    if let Some(annotations) = audited(&registered.namespace) {
        assert_eq!(annotations["workloads.soc2gate.io/decision"], "allow", "{annotations}");
        let findings = annotations["workloads.soc2gate.io/findings"].as_str().unwrap_or_default();
        assert!(findings.contains("privileged-container"), "{annotations}");
    }
}

#[tokio::test]
async fn what_is_only_warned_of_shows_as_a_warning_of_kubectl() {
    let Some(registered) = Registered::start("Fail", &["--mode-ceiling", "warn"]).await else { return };
    let said = registered.apply(&privileged("web")).done();
    assert_eq!(said.warnings()[0], DENIAL);
    assert_eq!((&*said.out, &*said.complaint()), ("pod/web created\n", ""));
    assert_eq!(metric(&registered.gate, &decided("warn")), 1);
}

#[tokio::test]
async fn a_server_side_dry_run_is_answered_leaves_no_object_and_is_in_no_count() {
    let Some(registered) = Registered::start("Fail", &[]).await else { return };
    let dry = "apply -f - --dry-run=server";
    registered.kubectl_with(dry, &privileged("web")).denied_by("workloads", "privileged-container");
    let pod = super::kubectl::pod("web", serde_json::json!({}));
    let said = registered.kubectl_with(dry, &pod).done();
    assert_eq!(said.out, "pod/web created (server dry run)\n");
    assert!(registered.get("pod web").is_null());
    let text = registered.gate.admin("/metrics").await.text().to_owned();
    let counted = |line: &&str| line.starts_with("soc2gate_decisions_total") && !line.ends_with(" 0");
    let counted: Vec<_> = text.lines().filter(counted).collect();
    assert!(!counted.iter().any(|line| line.contains("Pod")), "{counted:?}");
    // It is logged, and marked.
    let logged = registered.gate.logged();
    let denial = logged.iter().find(|line| line["checks"] == "privileged-container");
    assert_eq!(denial.unwrap_or_else(|| panic!("{logged:?}"))["dry_run"], true);
}
