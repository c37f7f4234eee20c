//! `soc2gate test`: tests of policies, ours and our users'.

use std::path::Path;

use serde_json::{Value, json};

use super::{Run, run, run_with};

/// A suite of one case about a privileged pod, with these lines in the place of its own.
fn suite(spec: &str, case: &str, expect: &str) -> String {
    format!(
        "apiVersion: soc2gate.io/v1\nkind: PolicyTest\nmetadata: {{name: t}}\nspec:\n  select: [privileged-container]\n{spec}  \
         cases:\n  - name: one\n{case}    expect: {expect}\n"
    )
}

const BAD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {containers: [\
                   {name: app, image: x, securityContext: {privileged: true}}, \
                   {name: log, image: x, securityContext: {privileged: true}}]}}";

fn object(manifest: &str) -> String {
    format!("    object: {manifest}\n")
}

fn test(text: &str) -> Run {
    run(&[("t.yaml", text)], &["test", "t.yaml"])
}

#[test]
fn the_shipped_policies_decide_what_their_tests_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let run = run_with(root, &["test", "policies/tests.yaml"], "");
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.ends_with(" passed, 0 failed\n"), "{}", run.out);
}

#[test]
fn the_policy_and_the_test_in_the_readme_agree() {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```").filter_map(|block| block.strip_prefix("yaml\n"));
    let of_kind =
        |kind: &str| blocks.clone().find(|block| block.contains(&format!("kind: {kind}\n"))).unwrap();
    let files = [("p/policy.yaml", of_kind("ControlPolicy")), ("p/test.yaml", of_kind("PolicyTest"))];
    let run = run(&files, &["test", "--policies", "p", "p"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

#[test]
fn policies_load_with_tests_beside_them_and_nothing_else() {
    let policy = include_str!("../../../policies/cc6.1-access.yaml");
    let tests =
        suite("", &object(BAD), "{decision: deny, findings: [{check: privileged-container, count: 2}]}");
    let both = format!("{policy}---\n{tests}");
    let run = run(&[("p/a.yaml", &both), ("p/t.yaml", &tests)], &["test", "--policies", "p", "p"]);
    assert_eq!((run.code, &*run.err), (0, ""), "{}", run.out);
    assert!(run.out.ends_with("2 passed, 0 failed\n"), "{}", run.out);
    for other in
        ["soc2gate.io/v2\nkind: PolicyTest", "soc2gate.io/v1\nkind: Exemption", "v1\nkind: ConfigMap"]
    {
        let text = tests.replace("soc2gate.io/v1\nkind: PolicyTest", other);
        let run = super::run(&[("p/t.yaml", &text)], &["policies", "--policies", "p"]);
        assert_eq!(run.code, 2, "{other}: {}", run.out);
    }
}

#[test]
fn a_case_passes_only_if_exactly_what_it_lists_is_found() {
    let found = |findings: &str| format!("{{decision: deny, findings: [{findings}]}}");
    for (expect, passes) in [
        (found("{check: privileged-container, count: 2}"), true),
        (found("{check: privileged-container}, {check: privileged-container}"), true),
        // The general one must not take the finding that only the other fits.
        (
            found(
                "{check: privileged-container}, {check: privileged-container, path: 'spec.containers[0].securityContext.privileged'}",
            ),
            true,
        ),
        (
            found(
                "{check: privileged-container, path: 'containers[name=log].securityContext.privileged'}, \
                {check: privileged-container, mode: enforce, state: new}",
            ),
            true,
        ),
        (found("{check: privileged-container}"), false),
        (found("{check: privileged-container, count: 3}"), false),
        (found("{check: privileged-container, count: 2, mode: warn}"), false),
        (found("{check: privileged-container, count: 2, state: pre-existing}"), false),
        (found("{check: privileged-container}, {check: host-port}"), false),
        (found(""), false),
        ("{decision: deny}".to_owned(), false),
        ("{decision: deny, only: false}".to_owned(), true),
        ("{decision: deny, only: false, findings: [{check: privileged-container}]}".to_owned(), true),
        ("{decision: deny, only: false, findings: [{check: host-port}]}".to_owned(), false),
        ("{decision: warn, only: false}".to_owned(), false),
        ("{decision: error, only: false}".to_owned(), false),
        ("{decision: deny, only: false, notAssessed: [privileged-container]}".to_owned(), false),
        ("{decision: deny, only: false, notAssessed: []}".to_owned(), true),
    ] {
        let run = test(&suite("", &object(BAD), &expect));
        assert_eq!(run.code, i32::from(!passes), "{expect}: {}{}", run.out, run.err);
        assert!(run.out.ends_with(if passes { "1 passed, 0 failed\n" } else { "0 passed, 1 failed\n" }));
    }
}

#[test]
fn a_failure_shows_what_was_expected_and_what_was_found() {
    let expect = "{decision: warn, findings: [{check: privileged-container, mode: warn}, {check: privileged-container}]}";
    let run = test(&suite("", &object(BAD), expect));
    let expected = "t.yaml:7:5: FAILED: t: one\n  \
        t.yaml:9:14: - decision warn\n  \
        t.yaml:9:14: + decision deny\n  \
        t.yaml:9:41: - privileged-container (warn)\n  \
        t.yaml:9:30: + privileged-container: spec.containers[1].securityContext.privileged is true (enforce, new)\n\
        0 passed, 1 failed\n";
    assert_eq!(run.out, expected);
}

#[test]
fn json_tells_each_case() {
    let text = suite("", &object(BAD), "{decision: allow}");
    let run = run(&[("t.yaml", &text)], &["test", "-o", "json", "t.yaml"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["summary"], json!({"passed": 0, "failed": 1, "unusable": 0}));
    let case = &report["cases"][0];
    assert_eq!(
        (&case["name"], &case["passed"], &case["differences"][0]),
        (
            &json!("one"),
            &json!(false),
            &json!({"line": 9, "column": 14, "kind": "expected", "what": "decision allow"})
        )
    );
}

#[test]
fn a_request_has_what_the_case_gives_it() {
    let legacy =
        BAD.replace("{name: app, image: x, securityContext: {privileged: true}}", "{name: app, image: x}");
    let update = format!("    request: {{user: ann, oldObject: {legacy}}}\n{}", object(BAD));
    let same = format!("    request: {{operation: UPDATE, user: ann, oldObject: {BAD}}}\n{}", object(BAD));
    let delete = format!("    request: {{operation: DELETE, oldObject: {BAD}}}\n");
    let old = "{check: privileged-container, state: pre-existing}";
    for (case, expect) in [
        (
            &update,
            format!("{{decision: deny, findings: [{{check: privileged-container, state: new}}, {old}]}}"),
        ),
        (&same, format!("{{decision: warn, findings: [{old}, {old}]}}")),
        (&delete, "{decision: allow}".to_owned()),
        (&format!("    request: {{operation: DELETE}}\n{}", object(BAD)), "{decision: allow}".to_owned()),
        (
            &format!("    request: {{dryRun: true}}\n{}", object(BAD)),
            "{decision: deny, only: false}".to_owned(),
        ),
    ] {
        let run = test(&suite("", case, &expect));
        assert_eq!(run.code, 0, "{case}: {}{}", run.out, run.err);
    }
}

#[test]
fn an_object_may_be_in_a_file_of_its_own_beside_the_test() {
    let text = suite("", "    objectFile: objects/web.yaml\n", "{decision: deny, only: false}");
    for (object, code) in [(BAD, 0), ("5", 2), ("apiVersion: v1\nkind: List\nitems: []", 2), ("", 2)] {
        let run = run(&[("d/t.yaml", &text), ("d/objects/web.yaml", object)], &["test", "d/t.yaml"]);
        assert_eq!(run.code, code, "{object}: {}{}", run.out, run.err);
    }
}

/// A policy for the namespaces with a label, in the place of the shipped one.
const SCOPED: &str = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.1-access}\nspec:\n  \
    criterion: CC6.1\n  control: c\n  match: {namespaceSelector: {matchLabels: {tier: prod}}}\n  \
    checks: [{id: privileged-container, mode: enforce}]\n";

#[test]
fn the_inventory_holds_the_namespaces_that_also_exist() {
    for (inventory, decision) in [
        ("[{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: prod}}}]", "deny"),
        ("[{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {tier: test}}}]", "allow"),
        (
            "[{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata: {name: shop}}]}]",
            "allow",
        ),
        // Nobody knows its labels, so that the policy applies.
        ("[]", "deny"),
        ("null", "deny"),
    ] {
        let case = format!("{}    inventory: {inventory}\n", object(BAD));
        let text = suite("", &case, &format!("{{decision: {decision}, only: false}}"));
        let run = run(&[("t.yaml", &text), ("p/p.yaml", SCOPED)], &["test", "--policies", "p", "t.yaml"]);
        assert_eq!(run.code, 0, "{inventory}: {}{}", run.out, run.err);
    }
}

#[test]
fn exemptions_hold_at_the_time_that_the_suite_names() {
    let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let later = |days: i64| day.checked_add(jiff::Span::new().days(days)).unwrap();
    let exemption = format!(
        "apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {{name: e}}\nspec:\n  check: privileged-container\n  \
         subject: {{namespace: shop}}\n  reason: r\n  ticket: T-1\n  requestedBy: a\n  approvedBy: b\n  expires: {}\n",
        later(30)
    );
    for (now, decision, state) in [(later(29), "allow", "exempted"), (later(31), "deny", "new")] {
        let expect = format!(
            "{{decision: {decision}, findings: [{{check: privileged-container, count: 2, state: {state}}}]}}"
        );
        let text = suite(&format!("  now: {now}T12:00:00Z\n"), &object(BAD), &expect);
        let run =
            run(&[("t.yaml", &text), ("e/e.yaml", &exemption)], &["test", "--exemptions", "e", "t.yaml"]);
        assert_eq!(run.code, 0, "{now}: {}{}", run.out, run.err);
    }
}

#[test]
fn a_choice_that_no_policy_has_is_refused_where_it_stands() {
    let text = suite("", &object(BAD), "{decision: allow}");
    let off = SCOPED.replace("mode: enforce", "mode: 'off'");
    let run = run(&[("t.yaml", &text), ("p/p.yaml", &off)], &["test", "--policies", "p", "t.yaml"]);
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(
        run.err.starts_with("t.yaml:5:12: no check of `privileged-container` is in force"),
        "{}",
        run.err
    );
}

#[test]
fn what_is_unknown_in_a_test_is_refused_where_it_stands() {
    let good = suite("", &object(BAD), "{decision: deny, only: false}");
    let with = |from: &str, to: &str| good.replace(from, to);
    let mut wrong = Vec::new();
    let asked = |request: &str| with("    object:", &format!("    request: {request}\n    object:"));
    for (text, place) in [
        (with("soc2gate.io/v1", "soc2gate.io/v2"), "t.yaml:1:1: unknown apiVersion"),
        (with("PolicyTest", "PolicyTets"), "t.yaml:2:1: unknown kind `PolicyTets`"),
        (with("metadata: {name: t}", "metadata: {nmae: t}"), "t.yaml:3:12: unknown field `nmae`"),
        (with("select: [privileged-container]", "selects: []"), "t.yaml:5:3: unknown field `selects`"),
        (
            with("[privileged-container]", "[privileged-contianer]"),
            "t.yaml:5:12: `privileged-contianer` is no check",
        ),
        (suite("  now: today\n", &object(BAD), "{decision: deny}"), "t.yaml:6:3: is no RFC 3339 time"),
        (with("decision: deny", "decision: dney"), "t.yaml:9:24: unknown value `dney`: did you mean `deny`?"),
        (with("{decision: deny, only: false}", "{only: false}"), "t.yaml:9:13: field `decision` is missing"),
        (with("only: false", "findings: [{check: x}]"), "t.yaml:9:42: unknown check `x`"),
        (with("only: false", "findings: [{check: host-port, count: 0}]"), "t.yaml:9:60: is 0"),
        (with("only: false", "findings: [{check: host-port, mode: 'off'}]"), "t.yaml:9:60: is off"),
        (with("only: false", "notAssessed: [x]"), "t.yaml:9:44: unknown check `x`"),
        (with("name: one", "name: ''"), "t.yaml:7:5: is empty"),
        (
            format!("{good}  - name: one\n    object: {{}}\n    expect: {{decision: deny}}\n"),
            "t.yaml:10:5: a case `one` came",
        ),
        (with("kind: Pod", "kind: PodList, items: []"), "t.yaml:8:13: is a list: write one object"),
        (with("kind: Pod, ", ""), "t.yaml:8:13: this object has no `kind`"),
        (with("image: x", "image: 5"), "t.yaml:8:120: expected a string"),
        (with("    object:", "    objects:"), "t.yaml:8:5: unknown field `objects`"),
        (
            with("    object:", "    objectFile: x.yaml\n    object:"),
            "t.yaml:8:5: and `object` are both given",
        ),
        (with(&object(BAD), ""), "t.yaml:7:5: is missing: write the object"),
        (asked("{operation: PATCH}"), "t.yaml:8:26: unknown value `PATCH`"),
        (asked("{verb: CREATE}"), "t.yaml:8:15: unknown field `verb`"),
        (
            asked(&format!("{{operation: CREATE, oldObject: {BAD}}}")),
            "t.yaml:8:34: belongs to UPDATE and DELETE",
        ),
        (asked(&format!("{{operation: DELETE, oldObject: {BAD}}}")), "t.yaml:8:34: is what a DELETE removes"),
        (asked(&format!("{{oldObject: {}}}", BAD.replace("Pod", "Node"))), "t.yaml:8:15: is of another kind"),
        (asked("{namespace: bank}"), "t.yaml:8:15: is not the namespace of the object"),
        (with("    expect", "    inventory: {}\n    expect"), "t.yaml:9:5: is no list"),
        (with("    expect", "    inventory: [5]\n    expect"), "t.yaml:9:17: an object is a map"),
        ("apiVersion: v1\nkind: Pod".to_owned(), "t.yaml: no PolicyTest of soc2gate.io/v1 is in there"),
        (good.split_once("  - name").unwrap().0.replace("cases:", "cases: []"), "t.yaml:6:3: is empty"),
    ] {
        let run = test(&text);
        if run.code != 2 || !run.err.starts_with(place) {
            wrong.push(format!("{place}, not {}{}", run.err, run.out));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn a_case_that_cannot_be_used_does_not_keep_the_others_from_running() {
    let good = suite("", &object(BAD), "{decision: deny, only: false}");
    let more = format!("{good}  - name: two\n    object: {{kind: Pod}}\n    expect: {{decision: deny}}\n");
    let run = test(&more);
    assert_eq!(
        (run.code, &*run.out),
        (2, "t.yaml:7:5: ok: t: one\n1 passed, 0 failed, 1 unusable\n"),
        "{}",
        run.err
    );
}
