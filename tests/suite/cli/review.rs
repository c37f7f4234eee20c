//! `soc2gate check --review`: recorded reviews, decided again.

use serde_json::{Value, json};

use super::{Run, pod, run, run_with};

/// A review of a pod: who sends it, and what it is.
fn review(operation: &str, privileged: bool) -> Value {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}, "spec": {
        "containers": [{"name": "app", "image": "registry.example.com/app:1",
                        "securityContext": {"privileged": privileged}}]}});
    let (object, old) = match operation {
        "DELETE" => (Value::Null, pod),
        "UPDATE" => (pod.clone(), pod),
        _ => (pod, Value::Null),
    };
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "name": "web", "namespace": "shop",
        "operation": operation, "userInfo": {"username": "ann"}, "object": object, "oldObject": old}})
}

fn check(files: &[(&str, &str)], args: &[&str]) -> Run {
    run(files, &[&["check", "--review", "--select", "privileged-container"], args].concat())
}

#[test]
fn a_review_is_told_with_its_decision_and_the_line_of_each_finding() {
    let text = serde_json::to_string_pretty(&review("CREATE", true)).unwrap();
    let line = text.lines().position(|line| line.contains("privileged")).unwrap() + 1;
    let run = check(&[("r.json", &text)], &["r.json"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.starts_with("r.json:1:1: deny: CREATE Pod shop/web by ann\n"), "{}", run.out);
    let finding =
        format!("r.json:{line}:15: enforce critical CC6.1 privileged-container: Pod shop/web: spec.");
    assert!(run.out.contains(&finding), "{finding}: {}", run.out);
    assert!(run.out.ends_with("1 review in 1 file: 0 allow, 0 warn, 1 deny, 0 error\n"), "{}", run.out);
}

#[test]
fn the_ratchet_applies_and_what_was_there_before_is_marked() {
    let text = review("UPDATE", true).to_string();
    let run = check(&[("r.json", &text)], &["r.json"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains(": warn: UPDATE Pod shop/web by ann"), "{}", run.out);
    assert!(run.out.contains("enforce (pre-existing) critical"), "{}", run.out);
    let run = check(&[("r.json", &text)], &["--fail-on", "audit", "r.json"]);
    assert_eq!(run.code, 0, "what was there before fails nothing: {}", run.out);
}

#[test]
fn reviews_come_one_a_file_or_a_line_in_a_list_or_an_array() {
    let (good, bad) = (review("CREATE", false), review("CREATE", true));
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [good, bad]});
    for text in [format!("{good}\n{bad}\n"), json!([good, bad]).to_string(), list.to_string()] {
        let run = check(&[("r.json", &text)], &["-o", "json", "r.json"]);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let decisions: Vec<_> =
            report["reviews"].as_array().unwrap().iter().map(|review| &review["decision"]).collect();
        assert_eq!(decisions, ["allow", "deny"], "{text}");
        assert_eq!(run.code, 1);
    }
    let run = run_with(std::path::Path::new("."), &["check", "--review", "-"], &good.to_string());
    assert!(run.out.starts_with("-:1:1: warn: CREATE Pod shop/web by ann\n"), "{}", run.out);
}

#[test]
fn the_mode_that_fails_the_command_can_be_lowered() {
    let text = review("CREATE", true).to_string();
    for (args, code) in [
        (&["--mode-ceiling", "warn"][..], 0),
        (&["--mode-ceiling", "warn", "--fail-on", "warn"], 1),
        (&["--mode-ceiling", "audit", "--fail-on", "warn"], 0),
    ] {
        let run = check(&[("r.json", &text)], &[args, &["r.json"]].concat());
        assert_eq!(run.code, code, "{args:?}: {}", run.out);
    }
}

#[test]
fn what_cannot_be_decided_is_an_error_and_never_a_pass() {
    let mut odd = review("CREATE", false);
    odd["request"]["object"]["spec"]["containers"][0]["image"] = json!(5);
    let run = check(&[("r.json", &odd.to_string())], &["r.json"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains(": error: CREATE Pod shop/web by ann\nr.json:1:1: invalid type"), "{}", run.out);
}

#[test]
fn what_is_no_review_is_unusable_where_it_is_named_and_skipped_in_a_directory() {
    let pod = pod("web", "true");
    let good = review("CREATE", false).to_string();
    let without_uid = good.replace("\"uid\":\"1\"", "\"uid\":\"\"");
    for (text, message) in [
        (&*pod, "r.yaml:1:1: the body is kind `Pod` of `v1`: record AdmissionReviews"),
        (&without_uid, "r.yaml:1:1: the request has no uid: record AdmissionReviews"),
        ("5", "r.yaml:1:1: an object is a map"),
    ] {
        let run = check(&[("r.yaml", text), ("good.json", &good)], &["r.yaml", "good.json"]);
        assert_eq!(run.code, 2, "{text}");
        assert!(run.err.starts_with(message), "{}", run.err);
        assert!(run.out.starts_with("good.json:1:1: allow"), "all others are decided: {}", run.out);
    }
    let run = check(&[("d/pod.yaml", &pod), ("d/r.json", &good)], &["d"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.ends_with("1 allow, 0 warn, 0 deny, 0 error, 1 skipped\n"), "{}", run.out);
    let run = check(&[("d/r.json", &without_uid)], &["d"]);
    assert_eq!(run.code, 2, "a broken review is never skipped: {}", run.err);
}
