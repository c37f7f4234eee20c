//! `soc2gate image`: tokens, reports handed in to a gate, and what is known of an image.

mod desk;

use std::{net::TcpListener, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Run, directory, run, run_with};
use crate::{gate::Gate, oci_registry::sha256};
use desk::Desk;

const TOKEN: &str = "s2g_of-a-test";

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// A report of Trivy's, made just now, with one vulnerability.
fn report(digit: char, severity: &str) -> String {
    let now = jiff::Timestamp::now().to_string();
    let image = "registry.example.com/shop/web";
    let report = json!({
        "SchemaVersion": 2, "Trivy": {"Version": "0.69.1"}, "CreatedAt": now,
        "ArtifactName": format!("{image}:1"), "ArtifactType": "container_image",
        "Metadata": {"RepoTags": [format!("{image}:1")], "RepoDigests": [format!("{image}@{}", digest(digit))]},
        "Results": [{"Target": "os", "Class": "os-pkgs", "Type": "debian", "Vulnerabilities": [{
            "VulnerabilityID": "CVE-2026-1001", "PkgName": "libssl3", "InstalledVersion": "3.0.15",
            "FixedVersion": "3.0.16", "Severity": severity,
        }]}],
    });
    report.to_string()
}

fn kept(stored: &str) -> String {
    let answer = json!({
        "digest": digest('a'), "report": digest('f'), "scanner": "trivy", "vulnerabilities": 1, "stored": stored,
    });
    answer.to_string()
}

/// A directory with a report, the token and the CA of the gate.
fn desktop(ca: &str) -> TempDir {
    directory(&[("trivy.json", &report('a', "HIGH")), ("token", &format!("{TOKEN}\n")), ("ca.pem", ca)])
}

fn ingest(files: &TempDir, server: &str, more: &[&str]) -> Run {
    let args = ["image", "ingest", "--server", server, "--ca", "ca.pem", "--token-file", "token"];
    let run = run_with(files.path(), &[&args, more].concat(), &report('b', "HIGH"));
    assert!(!run.out.contains(TOKEN) && !run.err.contains(TOKEN), "{} {}", run.out, run.err);
    run
}

#[test]
fn a_token_is_known_by_its_line_and_no_two_are_alike() {
    let made = [(); 2].map(|()| run(&[], &["image", "token", "ci-shop"]));
    for made in &made {
        assert_eq!(made.code, 0, "{}", made.err);
        let [token, line] = made.out.lines().collect::<Vec<_>>()[..] else { panic!("{}", made.out) };
        assert!(token.starts_with("s2g_") && token.len() == 47, "{token}");
        assert_eq!(line, format!("ci-shop {}", sha256(token.as_bytes())));
    }
    assert_ne!(made[0].out, made[1].out);
}

#[test]
fn a_name_that_a_line_cannot_hold_is_refused() {
    for name in ["", "ci shop", "ci#shop", "ci\nshop"] {
        let run = run(&[], &["image", "token", name]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{name:?}");
        assert!(run.err.contains("no blanks"), "{}", run.err);
    }
}

#[test]
fn a_report_is_posted_for_the_digest_that_it_names() {
    let desk = Desk::open(&[(201, "", &kept("new")), (200, "", &kept("already"))]);
    let files = desktop(&desk.ca);
    let new = ingest(&files, &desk.url, &["trivy.json"]);
    let expected =
        format!("stored: scan of {} by trivy, 1 vulnerability, report {}\n", digest('a'), digest('f'));
    assert_eq!((new.code, new.out.as_str()), (0, expected.as_str()), "{}", new.err);
    let again = ingest(&files, &desk.url, &["trivy.json"]);
    assert_eq!((again.code, again.out), (0, format!("already {expected}")), "{}", again.err);
    for asked in desk.close() {
        assert_eq!(asked.line, format!("POST /v1/images/{}/scans HTTP/1.1", digest('a')));
        assert_eq!(asked.header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(asked.header("content-type"), "application/json");
        assert_eq!(asked.header("host"), &desk.url["https://".len()..]);
        assert_eq!(asked.body, std::fs::read(files.path().join("trivy.json")).unwrap());
    }
}

#[test]
fn a_report_on_standard_input_is_posted_for_the_digest_that_the_caller_names() {
    let desk = Desk::open(&[(201, "", &kept("new")), (201, "", &kept("new"))]);
    let files = desktop(&desk.ca);
    assert_eq!(ingest(&files, &desk.url, &["-"]).code, 0);
    assert_eq!(ingest(&files, &desk.url, &["-", "--digest", &digest('c')]).code, 0);
    let lines: Vec<_> = desk.close().into_iter().map(|asked| asked.line).collect();
    let line = |digit| format!("POST /v1/images/{}/scans HTTP/1.1", digest(digit));
    assert_eq!(lines, [line('b'), line('c')]);
}

#[test]
fn a_real_gate_takes_the_report_by_a_token_made_here_and_refuses_another_images() {
    let made = run(&[], &["image", "token", "ci-shop"]);
    let (token, line) = made.out.split_once('\n').unwrap();
    let files = directory(&[("trivy.json", &report('a', "HIGH")), ("token", token), ("tokens", line)]);
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let gate = Gate::start(&["--image-store", &path("store"), "--ingest-tokens", &path("tokens")]);
    std::fs::write(path("ca.pem"), gate.ca()).unwrap();
    let server = format!("https://localhost:{}", gate.address.port());
    let new = ingest(&files, &server, &["trivy.json"]);
    assert!(new.code == 0 && new.out.starts_with("stored: scan of sha256:aaaa"), "{}{}", new.out, new.err);
    let again = ingest(&files, &server, &["trivy.json"]);
    assert!(again.code == 0 && again.out == format!("already {}", new.out), "{}{}", again.out, again.err);
    let other = ingest(&files, &server, &["trivy.json", "--digest", &digest('c')]);
    assert!(other.code == 1 && other.err.starts_with("refused: "), "{}", other.err);
    std::fs::write(path("large.json"), " ".repeat(64 << 20)).unwrap();
    let large = ingest(&files, &server, &["large.json", "--digest", &digest('c')]);
    assert!(large.code == 1 && large.err.contains("(413)"), "{}", large.err);
    std::fs::write(path("token"), TOKEN).unwrap();
    let stranger = ingest(&files, &server, &["trivy.json"]);
    assert!(stranger.code == 1 && stranger.err.contains("(401)"), "{}", stranger.err);
}

#[test]
fn the_token_may_come_from_the_environment() {
    let desk = Desk::open(&[(201, "", &kept("new"))]);
    let files = desktop(&desk.ca);
    let run = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
        .args(["image", "ingest", "trivy.json", "--ca", "ca.pem", "--server", &desk.url])
        .env("SOC2GATE_INGEST_TOKEN", TOKEN)
        .current_dir(files.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(desk.close()[0].header("authorization"), format!("Bearer {TOKEN}"));
}

#[test]
fn what_the_gate_refuses_fails_with_its_reason_and_without_the_token() {
    let desk = Desk::open(&[
        (422, "", "it is a scan of sha256:aaaaaaaaaaaa, not of sha256:cccccccccccc\n"),
        (401, "", &format!("<pre>\u{1b}[31mAuthorization: Bearer {TOKEN}</pre>")),
        (404, "", ""),
    ]);
    let files = desktop(&desk.ca);
    for expected in [
        "refused: it is a scan of sha256:aaaaaaaaaaaa, not of sha256:cccccccccccc (422)\n",
        "refused: <pre>\\u{1b}[31mAuthorization: Bearer [token]</pre> (401)\n",
        "refused: no reason given (404) (does the gate run with `--ingest-tokens`?)\n",
    ] {
        let run = ingest(&files, &desk.url, &["trivy.json"]);
        assert_eq!((run.code, run.out.as_str(), run.err.as_str()), (1, "", expected));
    }
    desk.close();
}

#[test]
fn a_busy_gate_is_asked_again_but_not_for_ever() {
    let busy = (429, "Retry-After: 0\r\n", "too many\n");
    let desk = Desk::open(&[busy, (503, "", "starting\n"), (201, "", &kept("new"))]);
    let run = ingest(&desktop(&desk.ca), &desk.url, &["trivy.json"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(desk.close().len(), 3);
    let desk = Desk::open(&[busy; 6]);
    let run = ingest(&desktop(&desk.ca), &desk.url, &["trivy.json"]);
    assert_eq!((run.code, run.err.as_str()), (1, "refused: too many (429)\n"));
    assert_eq!(desk.close().len(), 6);
}

#[test]
fn a_gate_that_cannot_be_reached_or_trusted_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let desk = Desk::open(&[(201, "", &kept("new"))]);
    let other = desktop(&Desk::open(&[]).ca);
    let unreachable = ingest(&other, &format!("https://{closed}"), &["trivy.json"]);
    assert_eq!(unreachable.code, 2);
    assert!(unreachable.err.contains(&format!("{closed} cannot be reached")), "{}", unreachable.err);
    let distrusted = ingest(&other, &desk.url, &["trivy.json"]);
    assert_eq!(distrusted.code, 2);
    assert!(distrusted.err.contains("cannot be trusted"), "{}", distrusted.err);
    assert!(distrusted.err.contains("name that with `--ca`"), "{}", distrusted.err);
}

#[test]
fn what_cannot_be_handed_in_is_told_before_anybody_is_asked() {
    let files =
        directory(&[("trivy.json", &report('a', "HIGH")), ("token", TOKEN), ("empty", "\n"), ("x", "{}")]);
    let nowhere = "https://127.0.0.1:1";
    for (args, expected) in [
        (
            &["trivy.json", "--server", "http://127.0.0.1:1", "--token-file", "token"][..],
            "begin with `https://`",
        ),
        (&["trivy.json", "--server", "https://a:1/x", "--token-file", "token"], "a host and a port alone"),
        (&["trivy.json", "--server", nowhere, "--digest", "sha256:1", "--token-file", "token"], "64 digits"),
        (&["gone.json", "--server", nowhere, "--token-file", "token"], "gone.json: "),
        (&["x", "--server", nowhere, "--token-file", "token"], "error: x: "),
        (&["trivy.json", "--server", nowhere, "--token-file", "empty"], "the token is empty"),
        (&["trivy.json", "--server", nowhere, "--token-file", "gone"], "gone: "),
        (&["trivy.json", "--server", nowhere], "set SOC2GATE_INGEST_TOKEN"),
        (&["trivy.json", "--server", nowhere, "--token-file", "token", "--ca", "x"], "no certificate"),
    ] {
        let run = run_with(files.path(), &[&["image", "ingest"], args].concat(), "");
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{args:?}: {}", run.err);
        assert!(run.err.contains(expected), "{args:?}: {}", run.err);
    }
}

const POLICY: &str = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.8-software}\nspec:\n  \
                      criterion: CC6.8\n  control: Only software that was scanned runs.\n  checks:\n  \
                      - {id: unscanned-image, mode: enforce}\n  - {id: vulnerable-image, mode: enforce}\n";

/// Explains an image by one report.
fn explain(severity: &str, image: &str, more: &[&str]) -> Run {
    let files = [("scans/web.json", &*report('a', severity)), ("policies/software.yaml", POLICY)];
    let args = ["image", "explain", image, "--scan-reports", "scans", "--policies", "policies"];
    run(&files, &[&args, more].concat())
}

#[test]
fn an_image_is_explained_with_its_digest_its_scans_and_the_verdict_of_every_check() {
    let image = format!("registry.example.com/shop/web@{}", digest('a'));
    let denied = explain("CRITICAL", &image, &[]);
    assert_eq!(denied.code, 1, "{}{}", denied.out, denied.err);
    let lines: Vec<_> = denied.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    let row = |first: &str| lines.iter().find(|line| line.first() == Some(&first)).unwrap().clone();
    assert_eq!(row("digest:"), ["digest:", &*digest('a')]);
    assert_eq!(row("sha256:aaaaaaaaaaaa")[1..3], ["trivy", "0.69.1"]);
    assert_eq!(row("unscanned-image"), ["unscanned-image", "enforce", "passed"]);
    assert_eq!(row("vulnerable-image")[..3], ["vulnerable-image", "enforce", "violated"]);
    assert!(denied.out.ends_with("\nA pod with this image: deny\n"), "{}", denied.out);
    let allowed = explain("LOW", &image, &[]);
    assert_eq!(allowed.code, 0, "{}{}", allowed.out, allowed.err);
    assert!(allowed.out.ends_with("\nA pod with this image: allow\n"), "{}", allowed.out);
}

#[test]
fn an_image_is_explained_to_programs() {
    let image = format!("registry.example.com/shop/web@{}", digest('a'));
    let denied = explain("CRITICAL", &image, &["-o", "json"]);
    let known: Value = serde_json::from_str(&denied.out).unwrap();
    assert_eq!((denied.code, &known["decision"]), (1, &json!("deny")));
    assert_eq!((&known["digest"], &known["digestFrom"]), (&json!(digest('a')), &json!("reference")));
    let scan = &known["scans"][0];
    assert_eq!((&scan["vulnerabilities"], &scan["fixable"]), (&json!(1), &json!(1)));
    let verdict = |id: &str| {
        let checks = known["checks"].as_array().unwrap();
        checks.iter().find(|one| one["check"] == id).unwrap()["verdict"].clone()
    };
    assert_eq!(
        (verdict("unscanned-image"), verdict("vulnerable-image")),
        (json!("passed"), json!("violated"))
    );
}

#[test]
fn a_tag_is_explained_by_what_was_last_seen_of_it_and_an_unknown_image_is_not_let_in() {
    let tag = explain("LOW", "registry.example.com/shop/web:1", &["-o", "json"]);
    let known: Value = serde_json::from_str(&tag.out).unwrap();
    assert_eq!((&known["digest"], &known["digestFrom"]), (&json!(digest('a')), &json!("scan")));
    let unknown = explain("LOW", &format!("registry.example.com/shop/web@{}", digest('c')), &[]);
    assert_eq!(unknown.code, 1, "{}", unknown.out);
    assert!(unknown.out.contains("\nScans: none\n"), "{}", unknown.out);
}

#[test]
fn without_evidence_no_check_claims_that_an_image_was_not_scanned() {
    let image = format!("registry.example.com/shop/web@{}", digest('a'));
    let run =
        run(&[("p/software.yaml", POLICY)], &["image", "explain", &image, "--policies", "p", "-o", "json"]);
    let known: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err));
    let checks = known["checks"].as_array().unwrap();
    let unscanned = checks.iter().find(|one| one["check"] == "unscanned-image").unwrap();
    assert_eq!(unscanned["verdict"], "not assessable", "{unscanned}");
}

const BELIEVING: &str = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.8-software}\nspec:\n  \
                         criterion: CC6.8\n  control: Only software that was scanned runs.\n  checks:\n  \
                         - {id: vulnerable-image, mode: enforce, params: {vexAuthors: [security@shop.example.com]}}\n";

#[test]
fn what_is_passed_over_on_somebodys_word_is_told_with_the_findings() {
    let vex = json!({
        "@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://example.com/vex/1", "version": 1,
        "author": "security@shop.example.com", "timestamp": "2026-06-01T00:00:00Z",
        "statements": [{
            "vulnerability": {"name": "CVE-2026-1001"},
            "products": [{"@id": format!("pkg:oci/web@{}", digest('a').replace(':', "%3A"))}],
            "status": "not_affected", "justification": "component_not_present",
        }],
    });
    let pod = format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: web, namespace: shop}}, spec: {{containers: [{{name: web, image: \
         'registry.example.com/shop/web@{}'}}]}}}}",
        digest('a')
    );
    let files = [
        ("scans/web.json", &*report('a', "CRITICAL")),
        ("scans/vex.json", &*vex.to_string()),
        ("policies/software.yaml", BELIEVING),
        ("pod.yaml", &*pod),
    ];
    let args = ["check", "pod.yaml", "--scan-reports", "scans", "--policies", "policies"];
    let told = run(&files, &[&args[..], &["-o", "json"]].concat());
    assert_eq!(told.code, 0, "{}{}", told.out, told.err);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let suppressed = &told["suppressed"][0];
    assert_eq!((&suppressed["check"], &suppressed["objects"]), (&json!("vulnerable-image"), &json!(1)));
    let what = suppressed["what"].as_str().unwrap();
    let expected = "not_affected (component_not_present) by security@shop.example.com, 2026-06-01";
    assert!(what.starts_with("CVE-2026-1001 in ") && what.ends_with(expected), "{what}");
    let text = run(&files, &args);
    assert!(
        text.out.contains(&format!("suppressed in 1 object: vulnerable-image: {what}\n")),
        "{}",
        text.out
    );
}
