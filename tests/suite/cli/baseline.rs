//! Adopting the checks where much is wrong already: what is known fails nothing, what is new does.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Run, SELECT, directory, exemption, pod, run_with};

/// A repository with one known finding, and its baseline.
fn adopted(text: &str) -> TempDir {
    let root = directory(&[("pod.yaml", text)]);
    let run = check(root.path(), &["--write-baseline", "known.yaml", "pod.yaml"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    root
}

fn check(root: &Path, args: &[&str]) -> Run {
    run_with(root, &[&SELECT, args].concat(), "")
}

fn summary(root: &Path, args: &[&str]) -> (i32, Value) {
    let run = check(root, &[args, &["-o", "json"]].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}{}", run.out, run.err));
    (run.code, report["summary"].clone())
}

const COMPARE: [&str; 3] = ["--baseline", "known.yaml", "pod.yaml"];

#[test]
fn what_is_known_is_counted_apart_and_fails_nothing() {
    let root = adopted(&pod("web", "true"));
    let run = check(root.path(), &COMPARE);
    assert_eq!((run.code, &*run.err), (0, ""));
    assert_eq!(run.out, "1 object in 1 file: no findings, 1 known\n");
    let run = check(root.path(), &[&COMPARE[..], &["-o", "json"]].concat());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(report["findings"][0]["state"], "baselined");
    assert_eq!(report["findings"][0]["justification"], "known: the baseline has it");
    let expected = json!({
        "files": 1, "objects": 1, "enforce": 0, "warn": 0, "audit": 0, "exempted": 0, "baselined": 1, "repeated": 0, "skipped": 0,
        "unusable": 0, "fixed": 0, "absent": 0,
    });
    assert_eq!(report["summary"], expected);
}

#[test]
fn what_is_new_fails_and_the_known_stays_known_wherever_it_moves() {
    let root = adopted(&pod("web", "true"));
    let moved = format!("# moved\n\n{}---\n{}", pod("db", "true"), pod("web", "yes"));
    fs::write(root.path().join("pod.yaml"), moved).unwrap();
    let run = check(root.path(), &COMPARE);
    assert_eq!(run.code, 1, "{}", run.out);
    assert!(
        run.out.starts_with("pod.yaml:11:7: enforce critical CC6.1 privileged-container: Pod shop/db"),
        "{}",
        run.out
    );
    assert!(
        run.out.ends_with("2 objects in 1 file: 1 finding (1 enforce, 0 warn, 0 audit), 1 known\n"),
        "{}",
        run.out
    );
}

#[test]
fn twins_are_known_by_their_number() {
    let root = adopted(&pod("web", "true"));
    let twins = pod("web", "true") + "---\n" + &pod("web", "true");
    fs::write(root.path().join("pod.yaml"), &twins).unwrap();
    let (code, counts) = summary(root.path(), &COMPARE);
    assert_eq!((code, &counts["enforce"], &counts["baselined"]), (1, &json!(1), &json!(1)));
    let root = adopted(&twins);
    assert_eq!(check(root.path(), &COMPARE).code, 0);
    assert_eq!(
        fs::read_to_string(root.path().join("known.yaml")).unwrap().matches("fingerprint:").count(),
        2
    );
}

#[test]
fn what_is_fixed_is_told_and_dropped_and_what_is_new_is_not_slipped_in() {
    let root = adopted(&(pod("web", "true") + "---\n" + &pod("db", "true") + "---\n" + &pod("old", "true")));
    let now = pod("web", "true") + "---\n" + &pod("db", "no") + "---\n" + &pod("new", "true");
    fs::write(root.path().join("pod.yaml"), now).unwrap();
    let run = check(root.path(), &COMPARE);
    let advice = "known.yaml: fixed: 1, about objects that are not here: 1; drop them with \
                  `--baseline known.yaml --write-baseline known.yaml`\n";
    assert_eq!((run.code, &*run.err), (1, advice));
    let run = check(root.path(), &[&COMPARE[..], &["--write-baseline", "known.yaml"]].concat());
    assert_eq!(
        (run.code, &*run.err),
        (1, "known.yaml: 1 known finding written\n"),
        "the new one still fails"
    );
    let (code, counts) = summary(root.path(), &COMPARE);
    assert_eq!((code, &counts["fixed"], &counts["absent"]), (1, &json!(0), &json!(0)));
    assert_eq!((&counts["enforce"], &counts["baselined"]), (&json!(1), &json!(1)));
}

#[test]
fn what_was_not_looked_for_is_not_fixed_and_is_kept() {
    let root = adopted(&pod("web", "true"));
    let other = ["check", "--select", "host-namespace", "--baseline", "known.yaml", "pod.yaml"];
    let run = run_with(root.path(), &other, "");
    assert_eq!((run.code, &*run.err), (0, ""));
    let run = run_with(root.path(), &[&other[..], &["--write-baseline", "known.yaml"]].concat(), "");
    assert_eq!(run.err, "known.yaml: 1 known finding written\n");
    assert_eq!(check(root.path(), &COMPARE).code, 0);
}

#[test]
fn the_file_is_sorted_and_has_a_line_that_people_can_read_for_each_finding() {
    let root = adopted(&(pod("web", "true") + "---\n" + &pod("\"a\\u202e: {\"", "true")));
    let text = fs::read_to_string(root.path().join("known.yaml")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[1..4], ["apiVersion: soc2gate.io/v1", "kind: Baseline", "findings:"]);
    let path = "path: \"containers[name=app].securityContext.privileged\", fingerprint: \"";
    for (line, object) in lines[4..].iter().zip([r"Pod shop/a\\u{202e}: {", "Pod shop/web"]) {
        let start = format!("- {{object: \"{object}\", check: privileged-container, {path}");
        assert!(line.starts_with(&start) && line.len() == start.len() + 66, "{line}");
    }
    assert_eq!(lines.len(), 6, "{text}");
    assert_eq!(check(root.path(), &COMPARE).code, 0);
}

#[test]
fn a_baseline_among_the_manifests_is_no_object() {
    let root = adopted(&pod("web", "true"));
    let run = check(root.path(), &["--baseline", "known.yaml", "."]);
    assert_eq!(run.out, "1 object in 2 files: no findings, 1 known, 1 skipped\n");
    assert_eq!((run.code, &*run.err), (0, "./known.yaml: skipped: a baseline of findings\n"));
}

#[test]
fn nothing_found_is_a_baseline_too() {
    let root = adopted(&pod("web", "no"));
    assert_eq!(check(root.path(), &COMPARE).code, 0);
    fs::write(root.path().join("pod.yaml"), pod("web", "true")).unwrap();
    assert_eq!(check(root.path(), &COMPARE).code, 1);
}

#[test]
fn an_exempted_finding_is_no_part_of_a_baseline() {
    let root =
        directory(&[("pod.yaml", &pod("web", "true")), ("exemptions/shop.yaml", &exemption("shop", "shop"))]);
    let exempted = ["--exemptions", "exemptions", "pod.yaml"];
    let run = check(root.path(), &[&exempted[..], &["--write-baseline", "known.yaml"]].concat());
    assert_eq!((run.code, &*run.err), (0, "known.yaml: 0 known findings written\n"));
    assert_eq!(check(root.path(), &COMPARE).code, 1, "it counts when the exemption has ended");
    // What was known before it was exempted is neither new nor fixed.
    check(root.path(), &["--write-baseline", "known.yaml", "pod.yaml"]);
    let (code, counts) = summary(root.path(), &[&exempted[..], &["--baseline", "known.yaml"]].concat());
    assert_eq!((code, &counts["exempted"], &counts["fixed"]), (0, &json!(1), &json!(0)));
}

#[test]
fn sarif_and_junit_tell_the_known_from_the_new() {
    let root = adopted(&pod("web", "true"));
    fs::write(root.path().join("pod.yaml"), pod("web", "true") + "---\n" + &pod("db", "true")).unwrap();
    let run = check(root.path(), &[&COMPARE[..], &["-o", "sarif"]].concat());
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let results = &log["runs"][0]["results"];
    let states: Vec<_> =
        results.as_array().unwrap().iter().map(|r| r["baselineState"].as_str().unwrap()).collect();
    assert_eq!(states, ["unchanged", "new"]);
    assert_eq!(results[0]["suppressions"][0]["kind"], "external");
    assert_eq!(results[1]["suppressions"], json!([]));
    let run = check(root.path(), &[&COMPARE[..], &["-o", "junit"]].concat());
    assert!(run.out.contains("failures=\"1\"") && run.out.contains("[baselined: known: "), "{}", run.out);
    let run = check(root.path(), &[&COMPARE[..], &["-o", "github"]].concat());
    assert_eq!(run.out.matches("::error ").count(), 1, "{}", run.out);
}

#[test]
fn a_baseline_that_cannot_be_trusted_is_refused_with_its_place() {
    let root = directory(&[("pod.yaml", &pod("web", "true"))]);
    let entry = |fingerprint: &str| {
        format!(
            "apiVersion: soc2gate.io/v1\nkind: Baseline\nfindings:\n- {{object: a, check: b, path: c, fingerprint: \"{fingerprint}\"}}\n"
        )
    };
    for (text, message) in [
        (entry("0"), "known.yaml:4:34: is no fingerprint: write the file again with `--write-baseline`\n"),
        (
            "kind: List\napiVersion: v1\nfindings: []".to_owned(),
            "known.yaml:1:1: not a Baseline of soc2gate.io/v1: ",
        ),
        (entry(&"0".repeat(64)).replace("path", "pth"), "known.yaml:4:"),
        (String::new(), "known.yaml: a baseline is one document: "),
        ("findings: [".to_owned(), "known.yaml:1:"),
    ] {
        fs::write(root.path().join("known.yaml"), &text).unwrap();
        let run = check(root.path(), &COMPARE);
        assert!(run.code == 2 && run.err.starts_with(message), "{text}: {}", run.err);
    }
    fs::remove_file(root.path().join("known.yaml")).unwrap();
    assert_eq!(check(root.path(), &COMPARE).code, 2, "a baseline that is missing is no empty one");
}

#[test]
fn a_baseline_is_not_written_while_an_input_cannot_be_used() {
    let root = adopted(&pod("web", "true"));
    let before = fs::read_to_string(root.path().join("known.yaml")).unwrap();
    fs::write(root.path().join("bad.yaml"), "a: b: c").unwrap();
    let run = check(root.path(), &["--write-baseline", "known.yaml", "bad.yaml"]);
    assert!(run.code == 2 && run.err.contains("known.yaml: not written"), "{}", run.err);
    assert_eq!(fs::read_to_string(root.path().join("known.yaml")).unwrap(), before);
    let run = check(root.path(), &["--write-baseline", "no/such/known.yaml", "pod.yaml"]);
    assert!(run.code == 2 && run.err.contains("no/such/known.yaml: cannot be written: "), "{}", run.err);
}
