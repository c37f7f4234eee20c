//! What fooled or brought down gates like ours, sent to this one. Each test is named after its row.

use serde_json::{Value, json};

use super::gate::{Gate, pod, review};

fn privileged() -> Value {
    pod(json!({"securityContext": {"privileged": true}}))
}

#[tokio::test]
async fn ephemeral_containers_subresource_is_judged_as_a_full_pod() {
    let gate = Gate::start(&[]);
    let old = pod(json!({}));
    let mut new = old.clone();
    new["spec"]["ephemeralContainers"] =
        json!([{"name": "debug", "image": "r.example.com/debug:1", "securityContext": {"privileged": true}}]);
    let mut body = review("UPDATE", &new, &old);
    body["request"]["subResource"] = json!("ephemeralcontainers");
    let answer = gate.post(body.to_string()).await;
    assert!(!answer.allowed());
    assert!(
        answer.message().contains("spec.ephemeralContainers[0].securityContext.privileged"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn resize_subresource_is_judged_as_a_full_pod_and_scale_has_no_template() {
    let gate = Gate::start(&[]);
    let mut body = review("UPDATE", &privileged(), &pod(json!({})));
    body["request"]["subResource"] = json!("resize");
    assert!(!gate.post(body.to_string()).await.allowed());
    let scale = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 3}});
    let mut body = review("UPDATE", &scale, &scale);
    body["request"]["subResource"] = json!("scale");
    assert!(gate.post(body.to_string()).await.allowed());
}

#[tokio::test]
async fn init_sidecar_and_ephemeral_containers_are_not_skipped() {
    let gate = Gate::start(&[]);
    let bad = json!({"name": "bad", "image": "r.example.com/a:1", "restartPolicy": "Always", "securityContext": {"privileged": true}});
    for list in ["initContainers", "ephemeralContainers"] {
        let mut object = pod(json!({}));
        object["spec"][list] = json!([bad]);
        assert!(!gate.create(&object).await.allowed(), "{list}");
    }
}

#[tokio::test]
async fn update_logic_neither_blocks_a_legacy_object_nor_admits_a_new_violation() {
    let gate = Gate::start(&[]);
    let mut old = privileged();
    let mut new = old.clone();
    new["metadata"]["finalizers"] = json!([]);
    new["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    old["metadata"]["finalizers"] = json!(["example.com/hold"]);
    let answer = gate.post(review("UPDATE", &new, &old).to_string()).await;
    assert!(answer.allowed(), "{}", answer.message());
    assert!(answer.warnings().iter().any(|warning| warning.contains("privileged-container")));
    new["spec"]["hostPID"] = json!(true);
    let answer = gate.post(review("UPDATE", &new, &old).to_string()).await;
    assert!(!answer.allowed());
    assert!(!answer.message().contains("privileged-container"), "{}", answer.message());
}

#[tokio::test]
async fn oversize_body_is_refused_and_the_process_lives_on() {
    let mut gate = Gate::start(&[]);
    let mut object = pod(json!({}));
    object["metadata"]["annotations"] = json!({"big": "x".repeat(8 * 1024 * 1024)});
    let answer = gate.create(&object).await;
    assert_eq!(answer.status, 413);
    assert!(gate.is_running());
    assert!(!gate.create(&privileged()).await.allowed());
}

#[tokio::test]
async fn a_body_just_below_the_limit_is_read() {
    let gate = Gate::start(&[]);
    let mut object = privileged();
    object["metadata"]["annotations"] = json!({"big": "word and ".repeat(7 * 1024 * 1024 / 9 - 1000)});
    assert!(!gate.create(&object).await.allowed());
}

#[tokio::test]
async fn deep_json_is_refused_and_the_process_lives_on() {
    let mut gate = Gate::start(&[]);
    for levels in [129, 5_000, 1_000_000] {
        let deep = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        // In the object: there is somebody to answer to, and something enforced at stake.
        let body =
            review("CREATE", &pod(json!({"unknown": "@"})), &Value::Null).to_string().replace("\"@\"", &deep);
        let answer = gate.post(body).await;
        assert!(answer.status == 400 || !answer.allowed(), "{levels}: {answer:?}");
        // As the whole body: nobody to answer to.
        assert_eq!(gate.post(deep).await.status, 400, "{levels}");
    }
    assert!(gate.is_running());
}

#[tokio::test]
async fn many_containers_and_ten_thousand_variables_are_decided_in_time() {
    let gate = Gate::start(&[]);
    let env: Vec<_> = (0..10_000)
        .map(|n| json!({"name": format!("VARIABLE_{n}"), "value": format!("value {n}")}))
        .collect();
    let mut object = pod(json!({"env": env}));
    let containers: Vec<_> =
        (0..1_000).map(|n| json!({"name": format!("c{n}"), "image": "r.example.com/a:1", "securityContext": {"privileged": true}})).collect();
    object["spec"]["initContainers"] = Value::Array(containers);
    let answer = gate.create(&object).await;
    assert!(!answer.allowed());
    assert!(answer.message().chars().count() <= 1_000, "{}", answer.message().len());
    assert!(answer.message().contains("+"), "{}", answer.message());
    let causes = answer.response()["status"]["details"]["causes"].as_array().unwrap();
    assert!(causes.len() > 100);
}

#[tokio::test]
async fn duplicate_json_keys_are_refused_from_a_direct_caller() {
    let gate = Gate::start(&[]);
    let body = review("CREATE", &privileged(), &Value::Null).to_string();
    for twice in [
        body.replacen("\"privileged\":true", "\"privileged\":true,\"privileged\":false", 1),
        body.replacen("\"spec\":", "\"spec\":{\"containers\":[]},\"spec\":", 1),
        body.replacen("\"object\":", "\"object\":null,\"object\":", 1),
        body.replacen("\"operation\":", "\"operation\":\"DELETE\",\"operation\":", 1),
    ] {
        assert_ne!(twice, body);
        let answer = gate.post(twice).await;
        assert!(answer.status == 400 || !answer.allowed(), "{answer:?}");
    }
}

#[tokio::test]
async fn unicode_and_control_characters_are_escaped_in_messages() {
    let gate = Gate::start(&[]);
    let object = pod(json!({"securityContext": {"capabilities": {"add": ["A\u{202e}B\nC\u{2028}\u{9b}"]}}}));
    let answer = gate.create(&object).await;
    assert!(!answer.allowed());
    let told = answer.body.to_string();
    for character in ['\u{202e}', '\u{2028}', '\u{9b}'] {
        assert!(!told.contains(character), "{told}");
    }
    assert!(!answer.message().contains('\n'));
    assert!(answer.message().contains("\\u{202e}"), "{}", answer.message());
}

#[tokio::test]
async fn an_object_that_does_not_decode_is_an_error_and_no_pass() {
    let gate = Gate::start(&[]);
    let object = pod(json!({"securityContext": {"privileged": "true"}}));
    let answer = gate.create(&object).await;
    assert_eq!((answer.status, answer.allowed(), answer.decision()), (200, false, "error"));
    assert!(answer.message().contains("could not decide"), "{}", answer.message());
    // Where nothing is enforced it is admitted with a warning.
    let gate = Gate::start(&["--mode-ceiling", "audit"]);
    let answer = gate.create(&object).await;
    assert_eq!((answer.allowed(), answer.decision()), (true, "error"));
    assert!(answer.warnings()[0].contains("could not decide"), "{:?}", answer.warnings());
}

#[tokio::test]
async fn what_is_no_admission_review_gets_a_clear_4xx() {
    let mut gate = Gate::start(&[]);
    let review = review("CREATE", &privileged(), &Value::Null);
    let changed = |pointer: &str, value: Value| {
        let mut body = review.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body.to_string()
    };
    for body in [
        String::new(),
        "{".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        changed("/apiVersion", json!("admission.k8s.io/v1beta1")),
        changed("/kind", json!("Pod")),
        changed("/request", Value::Null),
        changed("/request/uid", json!("")),
        privileged().to_string(),
    ] {
        let answer = gate.post(body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        let told = answer.body.as_str().map_or_else(|| answer.body.to_string(), str::to_owned);
        assert!(told.contains("AdmissionReview"), "{told}");
    }
    assert!(gate.post(vec![0xff, 0xfe, 0x00]).await.status == 400);
    assert!(gate.is_running());
}

#[tokio::test]
async fn a_dry_run_is_decided_and_counted_nowhere() {
    let gate = Gate::start(&[]);
    let mut body = review("CREATE", &privileged(), &Value::Null);
    body["request"]["dryRun"] = json!(true);
    assert!(!gate.post(body.to_string()).await.allowed());
    let metrics = gate.admin("/metrics").await;
    assert!(!metrics.text().contains("soc2gate_decisions_total{"), "{}", metrics.text());
}

#[tokio::test]
async fn the_object_may_come_before_its_kind() {
    let gate = Gate::start(&[]);
    let body = review("CREATE", &privileged(), &Value::Null);
    let request = body["request"].as_object().unwrap();
    let object = request["object"].to_string();
    let others: Vec<_> = request
        .iter()
        .filter(|(key, _)| *key != "object")
        .map(|(key, value)| format!("{}:{value}", json!(key)))
        .collect();
    let body = format!(
        r#"{{"request":{{"object":{object},{}}},"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}}"#,
        others.join(",")
    );
    assert!(!gate.post(body).await.allowed());
}

#[tokio::test]
async fn warnings_keep_within_the_limits_of_the_api() {
    let gate = Gate::start(&["--mode-ceiling", "warn"]);
    let containers: Vec<_> =
        (0..200).map(|n| json!({"name": format!("c{n}"), "image": "r.example.com/a:1", "securityContext": {"privileged": true}})).collect();
    let mut object = pod(json!({}));
    object["spec"]["initContainers"] = Value::Array(containers);
    let answer = gate.create(&object).await;
    assert!(answer.allowed());
    let warnings = answer.warnings();
    assert!(warnings.iter().all(|warning| warning.chars().count() <= 256));
    assert!(warnings.iter().map(|warning| warning.chars().count()).sum::<usize>() <= 4_096);
    assert!(warnings.last().unwrap().starts_with('+'), "{:?}", warnings.last());
}

#[tokio::test]
async fn logs_hold_one_line_per_denial_and_never_a_body() {
    let gate = Gate::start(&[]);
    let mark = "mark-that-no-log-may-hold";
    let mut object = privileged();
    object["spec"]["containers"][0]["env"] = json!([{"name": "NOTE", "value": mark}]);
    gate.create(&object).await;
    gate.create(&pod(json!({}))).await;
    gate.admin_until("/metrics", |text| text.contains("soc2gate_http_responses_total{code=\"200\"} 2")).await;
    let logged = gate.logged();
    let denials = logged
        .iter()
        .filter(|line| line["message"].as_str().is_some_and(|m| m.starts_with("denied")))
        .count();
    assert_eq!(denials, 1, "{logged:?}");
    assert!(!logged.iter().any(|line| line.to_string().contains(mark)));
}
