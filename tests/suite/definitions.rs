//! Policies and exemptions on their way into the cluster: what could never be in force is refused, in every mode.

use serde_json::{Value, json};

use super::gate::{Answer, Gate, review};

/// A policy with these checks.
fn policy(name: &str, checks: Value) -> Value {
    json!({
        "apiVersion": "soc2gate.io/v1",
        "kind": "ControlPolicy",
        "metadata": {"name": name, "generation": 1},
        "spec": {"criterion": "CC6.1", "control": "Tested.", "checks": checks},
    })
}

/// An exemption that ann has approved for bob; `instead` replaces fields of its spec, `null` takes them away.
fn exemption(instead: Value) -> Value {
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let mut spec = json!({
        "check": "host-port", "subject": {"namespace": "shop"}, "reason": "Migration.", "ticket": "OPS-1",
        "requestedBy": "bob", "approvedBy": "ann", "expires": tomorrow.to_string(),
    });
    for (field, value) in instead.as_object().unwrap() {
        spec[field] = value.clone();
    }
    spec.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    json!({"apiVersion": "soc2gate.io/v1", "kind": "Exemption", "metadata": {"name": "e"}, "spec": spec})
}

/// Nothing is enforced: the dry run of the whole gate.
fn listening() -> Gate {
    Gate::start(&["--mode-ceiling", "audit"])
}

/// What an answer refuses: `field: message` of each cause. Nothing if it allows.
fn refused(answer: &Answer) -> Vec<String> {
    let status = &answer.response()["status"];
    if answer.allowed() {
        assert!(status.is_null(), "{answer:?}");
        return Vec::new();
    }
    assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")), "{answer:?}");
    assert!(!answer.message().contains('\n'), "{answer:?}");
    let causes = status["details"]["causes"].as_array().unwrap();
    let line = |cause: &Value| match cause["field"].as_str().unwrap() {
        "" => cause["message"].as_str().unwrap().to_owned(),
        field => format!("{field}: {}", cause["message"].as_str().unwrap()),
    };
    let lines: Vec<_> = causes.iter().map(line).collect();
    assert_eq!(answer.message(), lines.join("; "));
    lines
}

/// Asserts that exactly one thing is wrong, and begins like this; nothing if `expected` is empty.
fn assert_refused(answer: &Answer, expected: &str, what: &str) {
    let lines = refused(answer);
    match (&lines[..], expected) {
        ([], "") => {}
        ([line], expected) if !expected.is_empty() => assert!(line.starts_with(expected), "{what}: {line}"),
        _ => panic!("{what}: {lines:?} instead of `{expected}`"),
    }
}

#[tokio::test]
async fn a_policy_that_could_never_be_in_force_is_refused_with_field_and_fix() {
    let gate = listening();
    for (what, checks, expected) in [
        ("good", json!([{"id": "host-port", "mode": "warn"}]), ""),
        (
            "an unknown check",
            json!([{"id": "host-prot", "mode": "warn"}]),
            "spec.checks[0].id: unknown check `host-prot`, did you mean `host-port`",
        ),
        (
            "a bad parameter",
            json!([{"id": "added-capability", "mode": "warn", "params": {"alow": []}}]),
            "spec.checks[0].params.alow: unknown field `alow`: did you mean `allow`",
        ),
        (
            "a mandatory parameter that is empty",
            json!([{"id": "untrusted-registry", "mode": "warn"}]),
            "spec.checks[0].mode: `untrusted-registry` needs its parameter `allow`",
        ),
        ("the same in audit", json!([{"id": "untrusted-registry", "mode": "audit"}]), ""),
        ("no list", json!("host-port"), "spec.checks: "),
        ("no checks", Value::Null, "spec.checks: "),
    ] {
        let object = policy("pods", checks);
        assert_refused(&gate.create(&object).await, expected, what);
        let old = policy("pods", json!([]));
        assert_refused(&gate.post(review("UPDATE", &object, &old).to_string()).await, expected, what);
        let mut dry = review("CREATE", &object, &Value::Null);
        dry["request"]["dryRun"] = json!(true);
        assert_refused(&gate.post(dry.to_string()).await, expected, what);
        // Whatever it is, it may go.
        assert_refused(&gate.post(review("DELETE", &Value::Null, &object).to_string()).await, "", what);
    }
    let both = policy("pods", json!([{"id": "a", "mode": "warn"}, {"id": "b", "mode": "warn"}]));
    assert_eq!(refused(&gate.create(&both).await).len(), 2);
    let mut bare = policy("pods", json!([]));
    bare.as_object_mut().unwrap().remove("spec");
    assert!(refused(&gate.create(&bare).await)[0].starts_with("spec: "));
    let metrics = gate.admin("/metrics").await;
    let counted = r#"soc2gate_invalid_definitions_total{kind="ControlPolicy",operation="CREATE"} 7"#;
    assert!(metrics.text().contains(counted), "{}", metrics.text());
}

#[tokio::test]
async fn what_changes_nothing_about_a_bad_object_is_let_through() {
    let gate = listening();
    let bad = policy("pods", json!([{"id": "gone-check", "mode": "warn"}]));
    let mut labelled = bad.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    labelled["status"] = json!({"findings": 7});
    assert_refused(&gate.post(review("UPDATE", &labelled, &bad).to_string()).await, "", "a label");
    let expired = exemption(json!({"expires": "2020-01-31"}));
    let mut released = expired.clone();
    released["metadata"]["finalizers"] = json!([]);
    assert_refused(&gate.post(review("UPDATE", &released, &expired).to_string()).await, "", "a finalizer");
    let mut other = bad.clone();
    other["spec"]["control"] = json!("Another.");
    assert_refused(
        &gate.post(review("UPDATE", &other, &bad).to_string()).await,
        "spec.checks[0].id: unknown check `gone-check`",
        "its spec",
    );
}

#[tokio::test]
async fn who_lowers_a_mode_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let text = policy("own", json!([{"id": "host-port", "mode": "enforce"}])).to_string();
    std::fs::write(directory.path().join("own.json"), text).unwrap();
    let gate = Gate::start(&["--mode-ceiling", "audit", "--policies", directory.path().to_str().unwrap()]);
    let entry = |id: &str, mode: &str| json!([{"id": id, "mode": mode}]);
    let why =
        |id: &str, mode: &str| json!([{"id": id, "mode": mode, "reason": "Until the agents are gone."}]);
    let unexplained =
        "spec.checks[0].mode: `host-port` goes from enforce to warn and does not say why: add a `reason`";
    for (name, checks, expected) in [
        ("own", entry("host-port", "warn"), unexplained),
        ("own", why("host-port", "warn"), ""),
        ("own", entry("host-port", "enforce"), ""),
        ("new", entry("host-port", "warn"), ""),
        ("cc6.1-access", entry("host-port", "warn"), unexplained),
        ("cc6.1-access", why("host-port", "warn"), ""),
        ("cc6.1-access", entry("root-user", "enforce"), ""),
        (
            "own",
            json!([{"id": "host-port", "mode": "warn", "reason": " "}]),
            "spec.checks[0].reason: is empty",
        ),
    ] {
        let what = format!("{name}: {checks}");
        assert_refused(&gate.create(&policy(name, checks)).await, expected, &what);
    }
    // An update is compared with the object as it was, not with what lies below it.
    for (was, is, expected) in [
        (entry("host-port", "enforce"), entry("host-port", "warn"), unexplained),
        (why("host-port", "warn"), entry("host-port", "warn"), ""),
        (entry("host-port", "audit"), entry("host-port", "warn"), ""),
        (entry("host-port", "warn"), entry("root-user", "warn"), ""),
        // What could not be used left the directory's in force.
        (entry("hostport", "audit"), entry("host-port", "warn"), unexplained),
    ] {
        let what = format!("{was} to {is}");
        let mut new = policy("own", is);
        new["spec"]["control"] = json!("Changed.");
        let body = review("UPDATE", &new, &policy("own", was)).to_string();
        assert_refused(&gate.post(body).await, expected, &what);
    }
}

#[tokio::test]
async fn an_exemption_that_could_never_be_in_force_is_refused() {
    let gate = listening();
    let far = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * 120);
    for (instead, expected) in [
        (json!({}), ""),
        (json!({"ticket": null}), "spec: field `ticket` is missing"),
        (json!({"ticket": " "}), "spec.ticket: is empty"),
        (
            json!({"check": "host-prot"}),
            "spec.check: no policy has a check `host-prot`, did you mean `host-port`",
        ),
        (json!({"approvedBy": "Bob"}), "spec.approvedBy: is the requester"),
        (json!({"requestedBy": "jane"}), "spec.requestedBy: is `jane`, who applies it"),
        (json!({"requestedBy": " JANE "}), "spec.requestedBy: is `jane`, who applies it"),
        (json!({"expires": far.to_string()}), "spec.expires: lasts longer than the 90 days"),
        (json!({"expires": "2020-01-31"}), "spec.expires: has passed"),
        (json!({"expires": "soon"}), "spec.expires: is no date"),
        (json!({"subject": {}}), "spec.subject: is empty"),
        (json!({"subject": {"name": "*"}}), "spec.subject.name: write it in full"),
        (json!({"subject": {"pod": "web"}}), "spec.subject.pod: unknown field"),
    ] {
        assert_refused(&gate.create(&exemption(instead.clone())).await, expected, &instead.to_string());
    }
}

#[tokio::test]
async fn an_object_that_cannot_be_read_is_refused_and_the_gate_lives_on() {
    let mut gate = listening();
    let mut odd = policy("pods", json!([]));
    odd["metadata"]["labels"] = json!([1]);
    let lines = refused(&gate.create(&odd).await);
    assert!(lines[0].contains("labels") || lines[0].contains("invalid type"), "{lines:?}");
    for spec in [json!(7), json!([]), json!("x"), json!({"checks": [[[]]]}), json!({"match": {"kinds": 1}})] {
        let mut object = policy("pods", json!([]));
        object["spec"] = spec.clone();
        assert!(!refused(&gate.create(&object).await).is_empty(), "{spec}");
        let mut object = exemption(json!({}));
        object["spec"] = spec.clone();
        assert!(!refused(&gate.create(&object).await).is_empty(), "{spec}");
    }
    // Text of a user's stays on one line.
    let sly = policy("pods", json!([{"id": "a\nb\u{202e}", "mode": "warn"}]));
    let lines = refused(&gate.create(&sly).await);
    assert!(lines[0].contains("a\\u{a}b\\u{202e}"), "{lines:?}");
    assert!(gate.is_running());
}

#[tokio::test]
async fn a_policy_is_judged_by_its_checks_besides() {
    let gate = Gate::start(&[]);
    let weaker = json!([{"id": "host-port", "mode": "warn", "reason": "Later."}]);
    let answer = gate.create(&policy("cc6.1-access", weaker)).await;
    assert_eq!(answer.response()["status"]["code"], 403, "{answer:?}");
    assert!(answer.message().contains("CC6.3 loosened-policy"), "{answer:?}");
    let unexplained = json!([{"id": "host-port", "mode": "warn"}]);
    let answer = gate.create(&policy("cc6.1-access", unexplained)).await;
    assert_eq!(answer.response()["status"]["code"], 422, "{answer:?}");
    assert!(answer.message().contains("CC6.3 loosened-policy"), "both are told: {answer:?}");
}
