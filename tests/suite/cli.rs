//! The command line through the binary: what it prints, and the exit code that a pipeline acts on.

mod baseline;
mod github;
mod helm;
mod image;
mod junit;
mod policy_tests;
mod replay;
mod review;
pub(crate) mod sarif;
mod world;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run left behind.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the program in a directory, with a text on standard input.
pub(crate) fn run_with(directory: &Path, args: &[&str], input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A run that refuses its arguments closes its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Run { code: output.status.code().unwrap(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// A directory with these files.
fn directory(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn run(files: &[(&str, &str)], args: &[&str]) -> Run {
    run_with(directory(files).path(), args, "")
}

fn pod(name: &str, privileged: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n  containers:\n  - name: app\n    \
         image: registry.example.com/app:1\n    securityContext:\n      privileged: {privileged}\n"
    )
}

/// Only the check that these tests are about, whatever else the catalogue holds.
const SELECT: [&str; 3] = ["check", "--select", "privileged-container"];

fn check(files: &[(&str, &str)], args: &[&str]) -> Run {
    run(files, &[&SELECT, args].concat())
}

#[test]
fn a_violation_is_told_with_its_line_and_its_fix_and_fails_the_command() {
    let run = check(&[("pod.yaml", &pod("web", "yes"))], &["pod.yaml"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(
        run.out.starts_with(
            "pod.yaml:9:7: enforce critical CC6.1 privileged-container: Pod shop/web: \
             spec.containers[0].securityContext.privileged is true. Drop it and"
        ),
        "{}",
        run.out
    );
    assert!(run.out.ends_with("1 object in 1 file: 1 finding (1 enforce, 0 warn, 0 audit)\n"), "{}", run.out);
    assert!(!run.out.contains('\u{1b}'), "no colours where nobody sees them");
}

#[test]
fn nothing_found_is_success() {
    let run = check(&[("pod.yaml", &pod("web", "no"))], &["pod.yaml"]);
    assert_eq!((run.code, run.out.as_str()), (0, "1 object in 1 file: no findings\n"), "{}", run.err);
}

#[test]
fn json_tells_each_finding_and_a_summary() {
    let run = check(&[("pod.yaml", &pod("web", "true"))], &["-o", "json", "pod.yaml"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let finding = &report["findings"][0];
    let expected = json!({
        "check": "privileged-container",
        "criterion": "CC6.1",
        "mode": "enforce",
        "severity": "critical",
        "object": {"kind": "Pod", "namespace": "shop", "name": "web"},
        "file": "pod.yaml",
        "line": 9,
        "column": 7,
        "path": "spec.containers[0].securityContext.privileged",
        "message": "spec.containers[0].securityContext.privileged is true",
        "fix": finding["fix"],
        "fingerprint": finding["fingerprint"],
        "state": "new",
        "tsc": ["CC6.1", "CC6.8"],
    });
    assert_eq!(*finding, expected);
    let summary = json!({
        "files": 1, "objects": 1, "enforce": 1, "warn": 0, "audit": 0, "exempted": 0, "baselined": 0, "repeated": 0, "skipped": 0,
        "unusable": 0,
    });
    assert_eq!(report["summary"], summary);
    assert_eq!(run.code, 1);
}

#[test]
fn standard_input_and_lists_are_judged() {
    let list = json!({"apiVersion": "v1", "kind": "PodList", "items": [
        {"metadata": {"name": "a"}, "spec": {"containers": []}},
        {"metadata": {"generateName": "b-"}, "spec": {"initContainers": [
            {"name": "i", "image": "x", "securityContext": {"privileged": true}}]}},
    ]});
    let text = serde_json::to_string_pretty(&list).unwrap();
    let run = run_with(Path::new("."), &[&SELECT[..], &["-o", "json", "-"]].concat(), &text);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let finding = &report["findings"][0];
    let line = text.lines().position(|line| line.contains("privileged")).unwrap() + 1;
    assert_eq!(finding["object"], json!({"kind": "Pod", "namespace": "", "name": "b-"}));
    assert_eq!((&finding["file"], &finding["line"]), (&json!("-"), &json!(line)));
    assert_eq!(report["summary"]["objects"], 2);
}

#[test]
fn unusable_input_is_named_with_its_place_and_the_rest_is_judged() {
    for (file, text, place) in [
        ("x.yaml", "a: b: c", "x.yaml:1:5: "),
        ("x.yaml", "replicas: 3", "x.yaml:1:1: this object has no `apiVersion`"),
        (
            "x.yaml",
            "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: 5}]}",
            "x.yaml:3:29: expected a string",
        ),
        (
            "x.json",
            "{\"kind\": \"Pod\",\n \"kind\": \"Pod\"}",
            "x.json:2:2: key `kind` was already given at 1:2",
        ),
        ("y.yaml", "", "x.yaml: no such file or directory"),
    ] {
        let named = if file == "y.yaml" { "x.yaml" } else { file };
        let run = check(&[(file, text), ("bad.yaml", &pod("web", "true"))], &[named, "bad.yaml"]);
        assert_eq!(run.code, 2, "{text}: {}", run.out);
        assert!(run.err.starts_with(place), "{text}: {}", run.err);
        assert!(run.out.contains("bad.yaml:9:7: enforce"), "{text}: {}", run.out);
    }
}

#[test]
fn directories_skip_what_is_no_object() {
    let files = [
        ("a/values.yaml", "image: x"),
        ("a/notes.yaml", "just: notes"),
        ("a/kustomization.yaml", "resources: []"),
        ("a/crd.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}"),
        (
            "a/deep/pod.json",
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}).to_string(),
        ),
    ];
    let run = check(&files, &["a"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.out, "2 objects in 3 files: no findings, 3 skipped\n");
    assert!(run.err.contains("a/notes.yaml:1: skipped: no object of an API"), "{}", run.err);
    assert!(run.err.contains("a/values.yaml: skipped: values for a Helm chart"), "{}", run.err);
}

#[test]
fn the_ceiling_and_the_threshold_decide_about_the_exit_code() {
    let pod = pod("web", "true");
    for (args, code) in [
        (&["--mode-ceiling", "warn"][..], 0),
        (&["--mode-ceiling", "warn", "--fail-on", "warn"], 1),
        (&["--mode-ceiling", "audit", "--fail-on", "warn"], 0),
        (&["--mode-ceiling", "audit", "--fail-on", "audit"], 1),
        (&["--fail-on", "off"], 2),
        (&["--kubernetes-version", "1.29"], 1),
        (&["--kubernetes-version", "29"], 2),
        (&["--select", "A1.3"], 2),
        (&["--select", "privileged-contianer"], 2),
        (&["--policies", "nowhere"], 2),
    ] {
        let run =
            run(&[("pod.yaml", &pod)], &[&["check", "--select", "CC6.1"], args, &["pod.yaml"]].concat());
        assert_eq!(run.code, code, "{args:?}: {}{}", run.out, run.err);
    }
}

#[test]
fn what_could_not_be_decided_fails_in_every_output() {
    let policy = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.8-software}\nspec:\n  criterion: CC6.8\n  \
                  control: Scanned.\n  checks:\n  - {id: unscanned-image, mode: enforce}\n";
    let image = format!("registry.example.com/app@sha256:{}", "1".repeat(64));
    let files = [
        ("pod.yaml", &*pod("web", "no").replace("registry.example.com/app:1", &image)),
        ("policies/scan.yaml", policy),
        ("reports/broken.json", "{\"SchemaVersion\": 2,"),
    ];
    let args =
        ["check", "--select", "unscanned-image", "--policies", "policies", "--scan-reports", "reports"];
    for (output, told) in [
        ("text", "not assessed for 1 object: unscanned-image: "),
        ("json", "\"check\": \"unscanned-image\""),
        ("sarif", "\"executionSuccessful\": false"),
        ("junit", "<error message=\"could not be decided: unscanned-image: "),
        (
            "github",
            "::error file=pod.yaml,line=1,title=soc2gate%3A undecided::Pod shop/web could not be decided: ",
        ),
    ] {
        let run = run(&files, &[&args[..], &["-o", output, "pod.yaml"]].concat());
        assert!(run.code == 1 && run.out.contains(told), "{output}: {}{}", run.out, run.err);
    }
}

/// An exemption for the check that these tests are about, in one namespace.
fn exemption(name: &str, namespace: &str) -> String {
    let day = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let expires = day.checked_add(jiff::Span::new().days(30)).unwrap();
    format!(
        "apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {{name: {name}}}\nspec:\n  check: privileged-container\n  \
         subject: {{namespace: {namespace}}}\n  reason: r\n  ticket: T-1\n  requestedBy: a\n  approvedBy: b\n  expires: {expires}\n"
    )
}

#[test]
fn an_exempted_finding_is_told_and_does_not_count() {
    let files = [
        ("pod.yaml", &*pod("web", "true")),
        ("exemptions/shop.yaml", &exemption("shop", "shop")),
        ("exemptions/bank.yaml", &exemption("bank", "bank")),
    ];
    let run = check(&files, &["--exemptions", "exemptions", "-o", "json", "pod.yaml"]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let finding = &report["findings"][0];
    assert_eq!((&finding["state"], &finding["exemption"]), (&json!("exempted"), &json!("shop")));
    assert_eq!(finding["justification"], "r (T-1)");
    assert_eq!((&report["summary"]["exempted"], &report["summary"]["enforce"]), (&json!(1), &json!(0)));
    assert_eq!(run.err, "exemptions that cover nothing here: bank\n");
    assert_eq!(run.code, 0);
    let run = self::run(&files, &["policies", "--exemptions", "exemptions"]);
    assert!(run.out.contains("namespace=shop"), "{}", run.out);
}

#[test]
fn text_of_a_file_cannot_rewrite_the_terminal() {
    let run = check(&[("pod.yaml", &pod("\"a\\e[2Jb\\u202e\"", "true"))], &["pod.yaml"]);
    assert!(run.out.contains("Pod shop/a\\u{1b}[2Jb\\u{202e}"), "{}", run.out);
}

#[test]
fn many_files_are_told_in_their_order_and_alike_in_every_run() {
    let files: Vec<_> = (0..60).map(|number| (format!("d/{number:02}.yaml"), pod("web", "true"))).collect();
    let files: Vec<_> = files.iter().map(|(name, text)| (&**name, &**text)).collect();
    let root = directory(&files);
    // The largest comes first, so that another thread is done before.
    fs::write(root.path().join("d/00.yaml"), pod("web", "true") + &"# filler\n".repeat(200_000)).unwrap();
    let first = run_with(root.path(), &[&SELECT[..], &["d"]].concat(), "");
    let names: Vec<_> = first.out.lines().filter(|line| line.starts_with("d/")).collect();
    assert!(names.is_sorted() && names.len() == 60, "{}", first.out);
    assert_eq!(run_with(root.path(), &[&SELECT[..], &["d"]].concat(), "").out, first.out);
    assert_eq!(first.err, "", "nobody watches, so that there is no progress to show");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure_of_ours() {
    let root = directory(&[("pod.yaml", &pod("web", "true"))]);
    for output in ["text", "json", "sarif", "junit", "github"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let args = [&SELECT[..], &["-o", output, "pod.yaml"]].concat();
        let mut command = Command::new(env!("CARGO_BIN_EXE_soc2gate"));
        let run = command
            .args(args)
            .current_dir(root.path())
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let run = run.wait_with_output().unwrap();
        assert_eq!((run.status.code(), &*run.stderr), (Some(1), &b""[..]), "{output}");
    }
}

#[test]
fn the_deepest_text_that_is_read_is_judged_as_well() {
    let (open, close) = ("[".repeat(125), "]".repeat(125));
    let deep =
        format!("{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"data\": {{\"a\": {open}{close}}}}}");
    for text in [&deep, &deep.replace("ConfigMap", "Widget"), &deep.replace("data", "metadata")] {
        let run = run(&[("deep.json", text)], &["check", "deep.json"]);
        assert!(run.code == 0 || run.code == 2, "{}{}", run.out, run.err);
    }
}

#[test]
fn explain_tells_everything_about_a_check_and_guesses_a_slip() {
    let run = self::run(&[], &["explain", "privileged-container"]);
    for part in [
        "privileged-container: privileged container, critical",
        "CC6.1, direct:",
        "Pod Security Standards",
        "Refused",
    ] {
        assert!(run.out.contains(part), "{part}: {}", run.out);
    }
    let run = self::run(&[], &["explain", "priviliged-container"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("did you mean `privileged-container`?"), "{}", run.err);
}

#[test]
fn policies_lists_each_check_with_the_mode_that_a_ceiling_leaves() {
    let run = self::run(&[], &["policies", "--mode-ceiling", "warn"]);
    let row = run.out.lines().find(|line| line.contains("privileged-container")).unwrap();
    let cells: Vec<_> = row.split_whitespace().collect();
    assert_eq!(
        cells,
        ["CC6.1", "privileged-container", "critical", "warn", "(states", "enforce)", "cc6.1-access"]
    );
}

#[test]
fn a_shell_gets_its_completions() {
    let run = self::run(&[], &["completions", "bash"]);
    assert!(run.code == 0 && run.out.contains("_soc2gate"), "{}", run.err);
}
