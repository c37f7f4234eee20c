//! JUnit XML through the binary, read by a consumer's parser.

use junit_parser::{TestCase, TestSuites};

use super::{Run, check, exemption, pod, run};

fn parsed(run: &Run) -> TestSuites {
    junit_parser::from_reader(run.out.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", run.out))
}

fn case<'s>(suites: &'s TestSuites, name: &str) -> &'s TestCase {
    let mut cases = suites.suites.iter().flat_map(|suite| &suite.cases);
    cases.find(|case| case.original_name == name).unwrap_or_else(|| panic!("no case {name}: {suites:?}"))
}

#[test]
fn each_file_is_a_suite_and_each_object_a_case() {
    let files = [
        ("d/a.yaml", &*(pod("web", "true") + "---\n" + &pod("db", "no"))),
        ("d/b.yaml", &pod("web", "no")),
        ("d/c.yaml", "just: notes"),
    ];
    let run = check(&files, &["-o", "junit", "d"]);
    assert_eq!(run.code, 1);
    let suites = parsed(&run);
    assert_eq!((suites.tests, suites.failures, suites.errors, suites.skipped), (3, 1, 0, 0));
    let names: Vec<_> =
        suites.suites.iter().map(|suite| (&*suite.name, suite.tests, suite.failures)).collect();
    assert_eq!(names, [("d/a.yaml", 2, 1), ("d/b.yaml", 1, 0)]);
    let failed = case(&suites, "Pod shop/web");
    assert_eq!((failed.classname.as_deref(), failed.file.as_deref()), (Some("d/a.yaml"), Some("d/a.yaml")));
    let line = "9:7: enforce critical CC6.1 privileged-container: spec.containers[0].securityContext.privileged is true. ";
    let failure = failed.status.failure_as_ref();
    assert!(failure.message.starts_with(line) && failure.text.starts_with(line), "{failure:?}");
    assert!(case(&suites, "Pod shop/db").status.is_success());
}

#[test]
fn only_what_fails_the_command_fails_a_case() {
    let files = [("pod.yaml", &*pod("web", "true"))];
    for (args, failures, told) in [
        (&["--mode-ceiling", "warn"][..], 0, true),
        (&["--mode-ceiling", "warn", "--fail-on", "warn"], 1, false),
    ] {
        let suites = parsed(&check(&files, &[args, &["-o", "junit", "pod.yaml"]].concat()));
        let out = case(&suites, "Pod shop/web").system_out.as_deref().unwrap_or_default();
        assert_eq!((suites.failures, out.contains("warn critical")), (failures, told), "{args:?}: {out}");
    }
}

#[test]
fn several_findings_are_one_failure_that_tells_them_all() {
    let bad = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {hostPID: true, hostIPC: true, hostNetwork: true}\n";
    let run = run(&[("pod.yaml", bad)], &["check", "--select", "host-namespace", "-o", "junit", "pod.yaml"]);
    let suites = parsed(&run);
    let failure = case(&suites, "Pod web").status.failure_as_ref();
    assert!(failure.message.ends_with("(+2 more)"), "{}", failure.message);
    assert_eq!(failure.text.lines().count(), 3, "{}", failure.text);
}

#[test]
fn an_exempted_object_passes_and_its_output_tells_why() {
    let files = [("pod.yaml", &*pod("web", "true")), ("exemptions/shop.yaml", &exemption("shop", "shop"))];
    let run = check(&files, &["--exemptions", "exemptions", "-o", "junit", "pod.yaml"]);
    let suites = parsed(&run);
    let case = case(&suites, "Pod shop/web");
    assert!(run.code == 0 && case.status.is_success() && suites.skipped == 0);
    assert!(case.system_out.as_deref().unwrap().ends_with("[exempted: r (T-1)]"), "{:?}", case.system_out);
}

#[test]
fn an_input_that_cannot_be_used_is_an_error() {
    let files = [("bad.yaml", "a: b: c"), ("pod.yaml", &*pod("web", "no"))];
    let suites = parsed(&check(&files, &["-o", "junit", "bad.yaml", "gone.yaml", "pod.yaml"]));
    assert_eq!((suites.tests, suites.errors), (3, 2));
    let errors: Vec<_> = suites
        .suites
        .iter()
        .flat_map(|suite| &suite.cases)
        .filter(|case| case.status.is_error())
        .map(|case| &*case.status.error_as_ref().text)
        .collect();
    assert!(errors[0].starts_with("bad.yaml:1:5: "), "{errors:?}");
    assert!(errors[1].starts_with("gone.yaml: no such file"), "{errors:?}");
}

#[test]
fn two_objects_of_one_name_are_two_cases() {
    let twins = pod("web", "no") + "---\n" + &pod("web", "true");
    let suites = parsed(&check(&[("pod.yaml", &twins)], &["-o", "junit", "pod.yaml"]));
    assert!(case(&suites, "Pod shop/web").status.is_success());
    assert!(case(&suites, "Pod shop/web (line 11)").status.is_failure());
}

#[test]
fn hostile_text_stays_text() {
    let name = "\"a]]><!--&amp;<b c='d'>\\u202e\\a\\e[2J\\ud83d\\ude00\"";
    let run = check(&[("pod.yaml", &pod(name, "true"))], &["-o", "junit", "pod.yaml"]);
    let suites = parsed(&run);
    assert_eq!(suites.suites[0].cases.len(), 1);
    let expected = "Pod shop/a]]><!--&amp;<b c='d'>\\u{202e}\\u{7}\\u{1b}[2J";
    assert!(suites.suites[0].cases[0].original_name.starts_with(expected), "{suites:?}");
    assert!(!run.out.contains("]]>") && !run.out.contains('\u{202e}'), "{}", run.out);
}
