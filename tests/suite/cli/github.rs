//! GitHub's workflow commands through the binary.

use super::{check, pod, run, run_with};

#[test]
fn a_finding_is_an_annotation_of_its_line() {
    let run = check(&[("deploy/pod.yaml", &pod("web", "true"))], &["-o", "github", "./deploy"]);
    assert_eq!(run.code, 1);
    let expected = "::error file=deploy/pod.yaml,line=9,col=7,title=CC6.1 privileged-container::Pod shop/web: \
                    spec.containers[0].securityContext.privileged is true. Drop it and add";
    assert!(run.out.starts_with(expected), "{}", run.out);
    assert!(
        run.out.ends_with("\n1 object in 1 file: 1 finding (1 enforce, 0 warn, 0 audit)\n"),
        "{}",
        run.out
    );
}

#[test]
fn the_mode_decides_about_the_level() {
    for (ceiling, level) in [("enforce", "::error "), ("warn", "::warning "), ("audit", "::notice ")] {
        let run = check(
            &[("pod.yaml", &pod("web", "true"))],
            &["--mode-ceiling", ceiling, "-o", "github", "pod.yaml"],
        );
        assert!(run.out.starts_with(level), "{ceiling}: {}", run.out);
    }
}

#[test]
fn names_cannot_end_a_property_or_begin_a_command() {
    let name = "\"a\\n::error::b%0A\"";
    let run = check(&[("a,b:c%.yaml", &pod(name, "true"))], &["-o", "github", "a,b:c%.yaml"]);
    assert!(
        run.out.starts_with("::error file=a%2Cb%3Ac%25.yaml,line=9,col=7,title=CC6.1 privileged"),
        "{}",
        run.out
    );
    assert!(run.out.contains("::Pod shop/a\\u{a}::error::b%250A: spec"), "{}", run.out);
    assert_eq!(run.out.lines().count(), 2, "{}", run.out);
}

#[test]
fn as_many_are_shown_as_github_shows_the_most_severe_first() {
    let pods: Vec<_> = (0..14).map(|number| pod(&format!("web-{number}"), "true")).collect();
    let hosts = pods.join("---\n").replace("spec:\n", "spec:\n  hostPID: true\n");
    for (ceiling, level, shown) in [("enforce", "::error ", 10), ("audit", "::notice ", 9)] {
        let args = ["check", "--select", "privileged-container,host-namespace", "-o", "github", "pod.yaml"];
        let run = run(&[("pod.yaml", &hosts)], &[&args[..], &["--mode-ceiling", ceiling]].concat());
        let own: Vec<_> = run.out.lines().filter(|line| line.starts_with(level)).collect();
        let findings = own.iter().filter(|line| line.contains("privileged-container::")).count();
        assert_eq!(findings, shown, "{}", run.out);
        let last = format!("::notice title=soc2gate::{} more are not shown here: ", 28 - shown);
        assert!(run.out.lines().rev().nth(1).unwrap().starts_with(&last), "{}", run.out);
        assert_eq!(run.out.lines().count(), shown + 2, "{}", run.out);
    }
}

#[test]
fn an_unusable_input_is_an_error_and_standard_input_has_no_file() {
    let run = check(&[("bad.yaml", "a: b: c")], &["-o", "github", "bad.yaml"]);
    assert!(
        run.out.starts_with("::error file=bad.yaml,line=1,col=5,title=soc2gate%3A unusable input::"),
        "{}",
        run.out
    );
    let args = ["check", "--select", "privileged-container", "-o", "github", "-"];
    let run = run_with(std::path::Path::new("."), &args, &pod("web", "true"));
    assert!(run.out.starts_with("::error title=CC6.1 privileged-container::Pod shop/web"), "{}", run.out);
}
