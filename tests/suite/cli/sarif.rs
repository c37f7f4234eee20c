//! SARIF through the binary, held against the standard's own schema.

use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

use super::{Run, check, directory, exemption, pod, run, run_with};

/// The standard's schema. It says draft 4, which has no format for relative references; draft 7 has.
fn validator() -> Validator {
    let schema = include_str!("../../fixtures/sarif/sarif-schema-2.1.0.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let options = jsonschema::options().with_draft(Draft::Draft7).should_validate_formats(true);
    options.build(&schema).unwrap()
}

/// The log, after the schema has accepted it.
pub(crate) fn log(run: &Run) -> Value {
    let log: Value = serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {}", run.err));
    let validator = validator();
    let errors: Vec<_> = validator.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new(), "{}", run.out);
    log["runs"][0].clone()
}

fn results(files: &[(&str, &str)], args: &[&str]) -> Vec<Value> {
    let run = run(files, &[&["check", "-o", "sarif"], args].concat());
    log(&run)["results"].as_array().unwrap().clone()
}

fn fingerprints(results: &[Value]) -> Vec<&str> {
    results.iter().map(|result| result["partialFingerprints"]["soc2gate/v1"].as_str().unwrap()).collect()
}

#[test]
fn the_schema_refuses_what_is_no_sarif() {
    let validator = validator();
    let log = |uri: &str, level: &str| {
        let location = json!({"physicalLocation": {"artifactLocation": {"uri": uri}}});
        let result = json!({"message": {"text": "x"}, "level": level, "locations": [location]});
        json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "results": [result]}]})
    };
    assert!(validator.is_valid(&log("a%20b.yaml", "error")));
    assert!(!validator.is_valid(&log("a b.yaml", "error")));
    assert!(!validator.is_valid(&log("a.yaml", "enforce")));
}

#[test]
fn a_finding_names_its_rule_its_place_and_its_object() {
    let run = check(&[("a dir/pöd#1.yaml", &pod("web", "true"))], &["-o", "sarif", "a dir"]);
    assert_eq!(run.code, 1);
    let log = log(&run);
    let result = &log["results"][0];
    assert_eq!((&result["ruleId"], &result["ruleIndex"]), (&json!("privileged-container"), &json!(0)));
    assert_eq!(result["level"], "error");
    let location = json!({
        "physicalLocation": {
            "artifactLocation": {"uri": "a%20dir/p%C3%B6d%231.yaml", "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 9, "startColumn": 7},
        },
        "logicalLocations": [{"name": "web", "fullyQualifiedName": "Pod/shop/web", "kind": "resource"}],
    });
    assert_eq!(result["locations"], json!([location]));
    let text = result["message"]["text"].as_str().unwrap();
    assert!(
        text.starts_with("Pod shop/web: spec.containers[0].securityContext.privileged is true. "),
        "{text}"
    );
    assert_eq!(result.get("suppressions").or(result.get("baselineState")), None, "nothing is compared");
    assert_eq!(log["invocations"][0]["executionSuccessful"], true);
    assert_eq!(log["invocations"][0]["exitCode"], 1);
}

#[test]
fn every_check_in_force_is_a_rule_with_the_level_of_its_mode() {
    let run = run(&[("pod.yaml", &pod("web", "no"))], &["check", "-o", "sarif", "pod.yaml"]);
    let log = log(&run);
    let rules = log["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    let level = |id: &str| {
        let rule = rules.iter().find(|rule| rule["id"] == id).unwrap_or_else(|| panic!("no rule {id}"));
        (rule["defaultConfiguration"]["level"].clone(), rule["properties"]["security-severity"].clone())
    };
    assert_eq!(level("privileged-container"), (json!("error"), json!("9.5")));
    assert_eq!(level("unpinned-image"), (json!("warning"), json!("5.5")));
    assert_eq!(level("untrusted-registry").0, "note");
    let rule = rules.iter().find(|rule| rule["id"] == "host-namespace").unwrap();
    assert_eq!(rule["name"], "HostNamespace");
    assert_eq!(rule["properties"]["tags"], json!(["security", "CC6.1"]));
    for part in ["**Fix:**", "**Refused**\n\n```yaml\napiVersion", "**Official criteria**\n\n- CC6.1, direct"]
    {
        assert!(rule["help"]["markdown"].as_str().unwrap().contains(part), "{part}: {}", rule["help"]);
    }
}

#[test]
fn every_result_points_to_its_rule() {
    let bad = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  hostPID: true\n  containers:\n  - {name: a, image: x}\n";
    let run = run(&[("pod.yaml", bad)], &["check", "-o", "sarif", "pod.yaml"]);
    let log = log(&run);
    let results = log["results"].as_array().unwrap();
    assert!(results.len() > 5, "{}", run.out);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(log["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

/// Two containers and what is wrong with each, in their order.
const TWO: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      hostNetwork: true
      containers:
      - name: app
        image: nginx
        securityContext: {privileged: true, capabilities: {add: [SYS_ADMIN, NET_ADMIN]}}
      - name: log
        image: fluentd
        securityContext: {privileged: yes}
";

/// The same, moved, reordered, and written as people do who like other styles.
const TWO_AGAIN: &str = "# A comment moves all lines.


kind: Deployment
apiVersion: apps/v1
spec: {template: {spec: {
  containers: [
    {securityContext: {\"privileged\": true}, image: \"fluentd\", name: log},
    {image: 'nginx', name: \"app\",
     securityContext: {capabilities: {add: [NET_ADMIN, SYS_ADMIN]}, privileged: on}}],
  hostNetwork: True}}}
metadata:
  namespace: shop
  name: web
";

#[test]
fn a_fingerprint_outlives_lines_order_and_style_and_belongs_to_one_finding() {
    let before = results(&[("web.yaml", TWO)], &["web.yaml"]);
    let after = results(&[("other.yaml", TWO_AGAIN)], &["other.yaml"]);
    let (before, after) = (fingerprints(&before), fingerprints(&after));
    let distinct: BTreeSet<_> = before.iter().collect();
    assert!(distinct.len() == before.len() && before.len() > 15, "{before:?}");
    assert_eq!(distinct, after.iter().collect());
    for (from, to) in [
        ("name: web", "name: shop"),
        ("namespace: shop", "namespace: bank"),
        ("kind: Deployment", "kind: StatefulSet"),
    ] {
        let changed = results(&[("web.yaml", &TWO.replacen(from, to, 1))], &["web.yaml"]);
        assert!(changed.len() > 15, "{to}");
        assert!(
            fingerprints(&changed).iter().all(|print| !distinct.contains(print)),
            "{to} is another object"
        );
    }
}

#[test]
fn a_secret_has_the_same_fingerprint_in_every_run_and_with_an_install_key_one_of_its_own() {
    let token = |tail: &str| ["gh", "p_", "8tViZ1sMxLgp", "n3J1RJiuLykt", tail].concat();
    let map = |token: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{TOKEN: {token}}}\n")
    };
    let (one, other) =
        (map(&token("iYJBiA0TESSq")), map(&["sk", "_live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat()));
    let print = |text: &str, args: &[&str]| {
        let files = [("map.yaml", text), ("key", "0123456789abcdef0123456789abcdef")];
        let results = results(&files, &[&["--select", "secret-in-config-map", "map.yaml"], args].concat());
        assert_eq!(results.len(), 1, "{text}");
        fingerprints(&results)[0].to_owned()
    };
    assert_eq!(print(&one, &[]), print(&one, &[]));
    assert_ne!(print(&one, &[]), print(&other, &[]), "another kind of secret");
    let keyed = &["--fingerprint-key", "key"];
    assert_eq!(print(&one, keyed), print(&one, keyed));
    assert_ne!(print(&one, keyed), print(&one, &[]));
}

#[test]
fn an_exemption_suppresses_its_finding_and_says_why() {
    let files = [
        ("pod.yaml", &*(pod("web", "true") + "---\n" + &pod("web", "true").replace("shop", "bank"))),
        ("exemptions/shop.yaml", &exemption("shop", "shop")),
    ];
    let run = check(&files, &["--exemptions", "exemptions", "-o", "sarif", "pod.yaml"]);
    let log = log(&run);
    let suppressed = json!([{"kind": "external", "status": "accepted", "justification": "r (T-1)"}]);
    assert_eq!(log["results"][0]["suppressions"], suppressed);
    assert_eq!(log["results"][0]["properties"]["exemption"], "shop");
    assert_eq!(log["results"][1]["suppressions"], json!([]));
}

#[test]
fn what_could_not_be_used_or_told_is_a_notification() {
    let files = [("bad.yaml", "a: b: c"), ("pod.yaml", &pod("web", "no"))];
    let run = run(&files, &["check", "-o", "sarif", "bad.yaml", "gone.yaml", "pod.yaml"]);
    assert_eq!(run.code, 2);
    let log = log(&run);
    let invocation = &log["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(2)));
    let told = invocation["toolExecutionNotifications"].as_array().unwrap();
    let region = &told[0]["locations"][0]["physicalLocation"]["region"];
    assert_eq!((&told[0]["level"], region), (&json!("error"), &json!({"startLine": 1, "startColumn": 5})));
    let gone = &told[1]["locations"][0]["physicalLocation"];
    assert_eq!((&gone["artifactLocation"]["uri"], gone.get("region")), (&json!("gone.yaml"), None));
    let unscanned = told.iter().find(|one| one["associatedRule"]["id"] == "unscanned-image").unwrap();
    assert_eq!(
        (&unscanned["level"], &unscanned["descriptor"]["id"]),
        (&json!("note"), &json!("not-assessed"))
    );
}

#[test]
fn hostile_text_stays_text() {
    let name = "\"[x](http://evil.example)\\u202e\\a{0}\"";
    let run = check(&[("pod.yaml", &pod(name, "true"))], &["-o", "sarif", "pod.yaml"]);
    let log = log(&run);
    let text = log["results"][0]["message"]["text"].as_str().unwrap();
    assert!(text.starts_with("Pod shop/[x\\](http://evil.example)\\u{202e}\\u{7}{0}: "), "{text}");
}

#[test]
fn columns_count_characters() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: \"ä😀\"}, spec: {hostPID: true}}";
    let results = results(&[("pod.yaml", pod)], &["--select", "host-namespace", "pod.yaml"]);
    let column = pod.chars().collect::<Vec<_>>().windows(3).position(|w| w == ['h', 'o', 's']).unwrap() + 1;
    assert_eq!(results[0]["locations"][0]["physicalLocation"]["region"]["startColumn"], column);
}

#[test]
fn absolute_paths_become_relative_and_standard_input_has_a_name() {
    let root = directory(&[("deploy/pod.yaml", &pod("web", "true"))]);
    let path = root.path().canonicalize().unwrap().join("deploy");
    let args = ["check", "--select", "privileged-container", "-o", "sarif", path.to_str().unwrap(), "-"];
    let log = log(&run_with(&root.path().canonicalize().unwrap(), &args, &pod("web", "true")));
    let uri = |result: &Value| result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone();
    assert_eq!(
        (uri(&log["results"][0]), uri(&log["results"][1])),
        (json!("deploy/pod.yaml"), json!("stdin"))
    );
}
