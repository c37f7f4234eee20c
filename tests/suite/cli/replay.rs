//! `soc2gate replay`: whole recordings, decided again.

use std::path::Path;

use serde_json::{Value, json};

use super::{Run, run, run_with};
use crate::events::event;

/// A pod that is privileged, or not.
fn pod(name: &str, privileged: bool) -> Value {
    json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop"}, "spec": {"containers": [
        {"name": "app", "image": "registry.example.com/app:1", "securityContext": {"privileged": privileged}}]}})
}

/// The creation of a pod, received so many seconds after midnight.
fn made(id: &str, second: u32, privileged: bool, changes: &Value) -> String {
    let mut event = event(json!({
        "auditID": id, "responseObject": pod(id, privileged), "objectRef": {"name": id},
        "requestReceivedTimestamp": format!("2026-11-23T00:00:{second:02}.000000Z"),
    }));
    for (field, value) in changes.as_object().unwrap() {
        event[field] = value.clone();
    }
    event.to_string()
}

/// Policies with one check each, in place of all shipped ones.
fn only(modes: &[(&str, &str)]) -> Vec<(String, String)> {
    let shipped = soc2gate::policy::SHIPPED.iter();
    let quiet = shipped.map(|(file, _)| {
        let name = file.trim_start_matches("policies/").trim_end_matches(".yaml");
        (name.to_owned(), policy(name, "CC7.1", ""))
    });
    let entries: String = modes.iter().map(|(id, mode)| format!("{{id: {id}, mode: {mode}}}, ")).collect();
    quiet.chain([("own".to_owned(), policy("own", "CC6.1", &entries))]).collect()
}

fn policy(name: &str, criterion: &str, entries: &str) -> String {
    format!(
        "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  criterion: {criterion}\n  \
         control: A test.\n  checks: [{entries}]\n"
    )
}

/// Replays files by a policy that enforces one check, with another one at hand in `other/`.
fn replay(files: &[(&str, &str)], args: &[&str]) -> Run {
    let own = only(&[("privileged-container", "enforce")]);
    let other = only(&[("privileged-container", "warn"), ("possible-root-user", "enforce")]);
    let named = |folder: &str, policies: Vec<(String, String)>| {
        let path = |(name, text): (String, String)| (format!("{folder}/{name}.yaml"), text);
        policies.into_iter().map(path).collect::<Vec<_>>()
    };
    let policies = [named("own", own), named("other", other)].concat();
    let policies = policies.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    let files: Vec<_> = files.iter().copied().chain(policies).collect();
    run(&files, &[&["replay", "--policies", "own"], args].concat())
}

fn report(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}{}", run.out, run.err))
}

#[test]
fn a_log_is_told_by_check_namespace_and_requester() {
    let log =
        [made("a", 1, true, &json!({})), made("b", 2, false, &json!({})), made("c", 3, true, &json!({}))];
    let run = replay(&[("audit.log", &log.join("\n"))], &["audit.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let rows: Vec<Vec<_>> = run.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.contains(&vec!["privileged-container", "2", "0", "0", "0"]), "{}", run.out);
    assert!(rows.contains(&vec!["shop", "2", "0", "3"]), "{}", run.out);
    assert!(rows.contains(&vec!["ann", "2", "0", "3"]), "{}", run.out);
    let last = "3 requests in 1 file, from 2026-11-23T00:00:01Z to 2026-11-23T00:00:03Z: \
                1 allow, 0 warn, 2 deny, 0 error\n";
    assert!(run.out.ends_with(last), "{}", run.out);
}

#[test]
fn what_is_outside_the_population_is_counted_with_its_reason() {
    let log = [
        made("a", 1, false, &json!({})),
        made("b", 1, true, &json!({"verb": "get"})),
        made("c", 1, true, &json!({"stage": "RequestReceived"})),
        made("d", 1, true, &json!({"level": "Metadata"})),
        made("e", 1, true, &json!({"annotations": {"authorization.k8s.io/decision": "forbid"}})),
        made("f", 1, true, &json!({"requestURI": "/api/v1/namespaces/shop/pods?dryRun=All"})),
    ];
    let run = replay(&[("audit.log", &log.join("\n"))], &["audit.log"]);
    for line in [
        "left out: 1: reads\n",
        "left out: 1: earlier stages of requests\n",
        "left out: 1: dry runs\n",
        "left out: 1: refused by the authorizer, before admission\n",
        "not recorded in full: 1: recorded at level Metadata",
        ": 1 allow, 0 warn, 0 deny, 0 error\n1 request could not be decided: not recorded in full\n",
    ] {
        assert!(run.out.contains(line), "{line}: {}", run.out);
    }
}

#[test]
fn a_request_counts_once_however_often_it_is_told() {
    let log = [made("a", 1, true, &json!({})), made("b", 1, true, &json!({}))].join("\n");
    let run = replay(&[("1.log", &log), ("2.log", &log)], &["1.log", "2.log", "-o", "json"]);
    let report = report(&run);
    assert_eq!((&report["summary"]["requests"], &report["summary"]["files"]), (&json!(2), &json!(2)));
    assert_eq!(report["leftOut"]["events told twice (same audit ID)"], 2);
}

#[test]
fn other_policies_show_what_they_decide_otherwise() {
    let log = [made("a", 1, true, &json!({})), made("b", 2, false, &json!({}))].join("\n");
    let run = replay(&[("audit.log", &log)], &["--against", "other", "audit.log"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for line in [
        "newly denied possible-root-user Pod shop/a ann 1",
        "newly denied possible-root-user Pod shop/b ann 1",
        "no longer denied, only warned privileged-container Pod shop/a ann 1",
    ] {
        let found = run.out.lines().any(|row| row.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(found, "{line}: {}", run.out);
    }
    let last = "under the other policies: 0 allow, 0 warn, 2 deny, 0 error: 2 requests decided otherwise, \
                1 newly refused, 0 no longer\n";
    assert!(run.out.ends_with(last), "{}", run.out);
}

#[test]
fn a_change_fails_the_command_only_when_asked() {
    let log = made("a", 1, true, &json!({}));
    let files = [("audit.log", log.as_str())];
    for (args, code) in [
        (&["--against", "other"][..], 0),
        (&["--against", "other", "--fail-on-change"], 1),
        (&["--against", "own", "--fail-on-change"], 0),
        (&["--fail-on-change"], 0),
        (&["--against", "nowhere"], 2),
        (&["--since", "yesterday"], 2),
        (&["--since", "1d", "--until", "7d"], 2),
    ] {
        let run = replay(&files, &[args, &["audit.log"]].concat());
        assert_eq!(run.code, code, "{args:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn what_the_gate_recorded_then_is_compared_with_now() {
    let recorded = |decision: &str| {
        json!({"annotations": {"workloads.soc2gate.io/decision": decision,
                               "workloads.soc2gate.io/policy-digest": "sha256:1"}})
    };
    let log = [made("a", 1, true, &recorded("deny")), made("b", 2, true, &recorded("allow"))].join("\n");
    let run = replay(&[("audit.log", &log)], &["audit.log", "--fail-on-change"]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(run.out.contains("recorded then as allow, now deny: 1 request\n"), "{}", run.out);
    assert!(
        run.out.contains("1 of 2 requests that the gate decided then are decided otherwise now\n"),
        "{}",
        run.out
    );
    // The same of an update may only be the ratchet that could not be applied.
    let mut update = recorded("warn");
    update["verb"] = json!("update");
    update["responseStatus"] = json!({"code": 200});
    let run = replay(&[("audit.log", &made("a", 1, true, &update))], &["audit.log", "--fail-on-change"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(
        run.out.contains("recorded then as warn, now deny: 1 request (to 1 of them the ratchet"),
        "{}",
        run.out
    );
}

#[test]
fn it_says_where_the_ratchet_could_not_be_applied() {
    let update = json!({"verb": "update", "responseStatus": {"code": 200}});
    let log = [made("a", 1, true, &update), made("b", 1, false, &update), made("c", 1, true, &json!({}))]
        .join("\n");
    let run = replay(&[("audit.log", &log)], &["audit.log"]);
    assert!(run.out.contains("the ratchet could not be applied to 1 update:"), "{}", run.out);
    let controller = json!({"user": {"username": "system:serviceaccount:kube-system:replicaset-controller"}});
    let mut of_legacy: Value = serde_json::from_str(&made("a", 1, true, &controller)).unwrap();
    of_legacy["responseObject"]["metadata"]["ownerReferences"] =
        json!([{"kind": "ReplicaSet", "name": "legacy", "controller": true}]);
    let run = replay(&[("audit.log", &of_legacy.to_string())], &["audit.log"]);
    assert!(run.out.contains("the ratchet could not be applied to 1 controller's object:"), "{}", run.out);
}

#[test]
fn details_come_in_the_order_of_time() {
    let log = [
        made("late", 9, true, &json!({})),
        made("fine", 5, false, &json!({})),
        made("early", 1, true, &json!({})),
    ];
    let run = replay(&[("audit.log", &log.join("\n"))], &["--details", "audit.log"]);
    let told: Vec<_> = run.out.lines().filter(|line| line.contains(": deny: ")).collect();
    assert_eq!(
        told,
        [
            "audit.log:3:1: deny: CREATE Pod shop/early by ann at 2026-11-23T00:00:01Z",
            "audit.log:1:1: deny: CREATE Pod shop/late by ann at 2026-11-23T00:00:09Z"
        ]
    );
    assert!(
        run.out.contains("audit.log:3:1: enforce critical CC6.1 privileged-container: Pod shop/early: spec.")
    );
    assert!(!run.out.contains("shop/fine"), "{}", run.out);
}

#[test]
fn details_of_a_comparison_are_the_requests_that_change() {
    let log = [made("a", 1, false, &json!({})), made("b", 2, true, &json!({}))].join("\n");
    let run = replay(&[("audit.log", &log)], &["--details", "--against", "other", "-o", "json", "audit.log"]);
    let report = report(&run);
    let requests = report["requests"].as_array().unwrap();
    assert_eq!(requests.len(), 2);
    assert_eq!(
        (&requests[0]["decision"], &requests[0]["against"]["decision"]),
        (&json!("allow"), &json!("deny"))
    );
    assert_eq!(requests[0]["against"]["changes"], json!(["possible-root-user: newly denied"]));
    assert_eq!(report["against"]["newlyRefused"], 1);
    assert_eq!(report["against"]["changes"].as_array().unwrap().len(), 3);
}

#[test]
fn a_period_leaves_out_what_was_received_outside() {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": {"group": "", "kind": "Pod"}, "operation": "CREATE", "object": pod("r", true)}});
    let log =
        [made("a", 1, true, &json!({})), made("b", 2, true, &json!({})), made("c", 3, true, &json!({}))];
    let text = format!("{}\n{review}\n", log.join("\n"));
    let period = ["--since", "2026-11-23T00:00:02Z", "--until", "2026-11-23T00:00:03Z"];
    let run = replay(&[("audit.log", &text)], &[&period[..], &["-o", "json", "audit.log"]].concat());
    let report = report(&run);
    assert_eq!(report["summary"]["requests"], 1);
    assert_eq!(report["leftOut"]["outside --since and --until"], 2);
    let timeless = "without a time, so that it cannot be told whether --since and --until mean them";
    assert_eq!(report["leftOut"][timeless], 1);
}

#[test]
fn a_torn_line_is_unusable_and_the_rest_is_decided() {
    let (first, last) = (made("a", 1, true, &json!({})), made("b", 2, true, &json!({})));
    let log = format!("{first}\n{}\n{last}\n", &first[..100]);
    let run = replay(&[("audit.log", &log)], &["audit.log"]);
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("audit.log:2:1: this is no JSON: EOF while parsing"), "{}", run.err);
    assert!(run.out.contains("2 requests in 1 file"), "{}", run.out);
}

#[test]
fn recordings_come_as_lines_lists_and_pretty_files() {
    let (first, last) = (made("a", 1, true, &json!({})), made("b", 2, false, &json!({})));
    let events: Vec<Value> = [&first, &last].map(|text| serde_json::from_str(text).unwrap()).into();
    let bare = |event: &Value| {
        let mut event = event.clone();
        event.as_object_mut().unwrap().retain(|field, _| field != "kind" && field != "apiVersion");
        event
    };
    let items: Vec<_> = events.iter().map(bare).collect();
    let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items});
    for text in [
        format!("{first}\n{last}\n"),
        format!("{first} {last}"),
        json!(events).to_string(),
        list.to_string(),
        serde_json::to_string_pretty(&list).unwrap(),
        json!({"kind": "List", "apiVersion": "v1", "items": events}).to_string(),
    ] {
        let run = replay(&[("r.json", &text)], &["r.json", "-o", "json"]);
        // A pipe will do as well: nothing is read twice.
        let piped = run_with(Path::new("."), &["replay", "-"], &text);
        assert!(piped.out.contains("2 requests in 1 file"), "{}", piped.err);
        let report = report(&run);
        assert_eq!(
            (&report["summary"]["allow"], &report["summary"]["deny"]),
            (&json!(1), &json!(1)),
            "{text}"
        );
    }
}

#[test]
fn a_directory_is_searched_for_recordings() {
    let log = made("a", 1, true, &json!({}));
    let files = [
        ("d/audit.log", log.as_str()),
        ("d/old/audit-2026.log", &made("b", 1, true, &json!({}))),
        ("d/audit.log.1", &made("c", 1, true, &json!({}))),
        ("d/audit.log.gz", "x"),
        ("d/notes.txt", "x"),
        ("d/other.json", "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}"),
        ("d/program.log", "started\nstopped\n"),
    ];
    let run = replay(&files, &["d"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("3 requests in 5 files"), "{}", run.out);
    for note in [
        "d/audit.log.gz: skipped: it is compressed: unpack it first\n",
        "d/other.json: skipped 1 that are no AdmissionReview and no audit event\n",
        "d/program.log: skipped 2 that are no AdmissionReview and no audit event\n",
    ] {
        assert!(run.err.contains(note), "{note}: {}", run.err);
    }
    let run = replay(&files, &["d/other.json"]);
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("d/other.json:1:1: kind `Pod` of `v1` is no AdmissionReview"), "{}", run.err);
    let run = replay(&[("d/notes.txt", "x")], &["d"]);
    assert_eq!(run.code, 2, "{}", run.out);
}

#[test]
fn an_exec_is_a_request_whatever_the_level() {
    let exec = json!({"level": "Metadata", "verb": "get", "requestURI": "/api/v1/namespaces/shop/pods/a/exec?command=id",
                      "objectRef": {"resource": "pods", "subresource": "exec", "namespace": "shop", "name": "a"},
                      "responseStatus": {"code": 101}});
    let run = replay(&[("audit.log", &made("a", 1, true, &exec))], &["audit.log"]);
    assert!(run.out.contains(": 1 allow, 0 warn, 0 deny, 0 error"), "{}", run.out);
}

#[test]
fn an_object_that_does_not_decode_is_an_error() {
    let odd = json!({"responseObject": {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": 5}}});
    let run = replay(&[("audit.log", &made("a", 1, true, &odd))], &["audit.log"]);
    assert!(run.out.contains("error in 1 request: object: invalid type"), "{}", run.out);
    assert!(run.out.contains(": 0 allow, 0 warn, 0 deny, 1 error"), "{}", run.out);
}

#[test]
fn text_of_a_recording_cannot_rewrite_the_terminal() {
    let user = json!({"user": {"username": "a\u{1b}[2J"}, "objectRef": {"resource": "pods", "namespace": "\u{202e}b"}});
    let log = made("a", 1, true, &user);
    let run = replay(&[("audit.log", &log)], &["--details", "--against", "other", "audit.log"]);
    assert!(run.out.contains("a\\u{1b}[2J") && !run.out.contains(['\u{1b}', '\u{202e}']), "{}", run.out);
}

#[test]
fn a_real_log_is_decided_as_the_webhook_decided_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = run_with(root, &["replay", "-o", "json", "tests/fixtures/audit"], "");
    assert_eq!(run.code, 0, "{}", run.err);
    let report = report(&run);
    let summary = &report["summary"];
    // A pod that opens the node, and a role that a controller aggregates.
    assert_eq!((&summary["requests"], &summary["deny"]), (&json!(2), &json!(1)), "{report}");
    assert_eq!(report["checks"]["privileged-container"]["denied"], 1);
    assert_eq!(report["requesters"]["kube-admin"]["denied"], 1);
    assert_eq!(report["leftOut"]["refused by the authorizer, before admission"], 2);
}

#[test]
fn recorded_reviews_are_decided_as_one_by_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let one_by_one = run_with(root, &["check", "--review", "-o", "json", "tests/fixtures/reviews"], "");
    let at_once = run_with(root, &["replay", "-o", "json", "tests/fixtures/reviews"], "");
    let (one_by_one, at_once) = (report(&one_by_one), report(&at_once));
    let dry_run = |review: &&Value| review["dryRun"] == json!(true);
    let reviews = one_by_one["reviews"].as_array().unwrap();
    for decision in ["allow", "warn", "deny", "error"] {
        let expected =
            reviews.iter().filter(|review| !dry_run(review) && review["decision"] == decision).count();
        assert_eq!(at_once["summary"][decision], expected, "{decision}");
    }
    assert_eq!(at_once["leftOut"]["dry runs"], reviews.iter().filter(dry_run).count());
}
