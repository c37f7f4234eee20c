//! What is said about vulnerabilities beside the scan: statements that they do not matter, feeds, and how long they last.

use soc2gate::{
    images::feeds,
    inventory::image_evidence::{
        Attester, FirstSight, Product, Rating, ScanReport, Subject, VexStatement, VexStatus,
        VulnerabilityReport,
    },
};

use super::{
    signatures::{WEB, by, of_digit},
    *,
};

const YESTERDAY: &str = "2026-06-14T12:00:00Z";
const BELIEVED: &str = "{vexAuthors: [security@shop.io], attestors: [{images: registry.example.com/shop, issuer: 'https://ci.io', subject: 'https://ci\\.io/shop/.+'}]}";
const OPENSSL: &str = "pkg:deb/debian/openssl@3.0.15?arch=amd64";

fn flaw(id: &'static str, rating: Rating) -> VulnerabilityReport<'static> {
    VulnerabilityReport {
        id: id.into(),
        aliases: vec!["CVE-2026-1".into()],
        package: OPENSSL.into(),
        rating,
        rated_by: "ghsa".into(),
        other_ratings: Vec::new(),
        fixable: true,
        fixed_in: "3.0.16".into(),
    }
}

fn critical() -> VulnerabilityReport<'static> {
    flaw("GHSA-1", Rating::of("critical"))
}

fn scan(digit: char, at: &str, found: VulnerabilityReport<'static>) -> ScanReport<'static> {
    ScanReport {
        scanner: "grype".into(),
        scanned_at: Some(library::at(at)),
        subjects: vec![Subject {
            repository: "registry.example.com/shop/web".into(),
            digest: of_digit(digit),
        }],
        vulnerabilities: vec![found],
        ..ScanReport::default()
    }
}

/// That the vulnerability does not concern the image, by an author who is believed, a month ago.
fn statement() -> VexStatement {
    VexStatement {
        vulnerabilities: vec!["CVE-2026-1".into()],
        products: vec![Product::Image(of_digit('1'))],
        status: VexStatus::NotAffected,
        why: "vulnerable_code_not_in_execute_path".into(),
        author: "security@shop.io".into(),
        at: library::at("2026-05-15T00:00:00Z"),
        by: None,
        subject: None,
    }
}

fn with(found: VulnerabilityReport<'static>, statements: Vec<VexStatement>) -> Reports {
    let mut reports = Reports::default();
    reports.attest(Path::new("scan"), &[scan('1', YESTERDAY, found)], statements);
    reports
}

/// Whether these statements excuse the one critical vulnerability of the image.
fn excused(statements: Vec<VexStatement>) -> bool {
    let mut reports = with(critical(), statements);
    // An index that holds the image.
    let index = include_bytes!("../../fixtures/scan-reports/index.json");
    reports.apply(Path::new("index.json"), index);
    let report = judge(reports.snapshot(), NOW, "vulnerable-image", BELIEVED, &pinned('1'));
    assert_eq!(report.violations.is_empty(), !report.suppressed.is_empty());
    report.violations.is_empty()
}

#[test]
fn a_statement_by_a_believed_author_excuses_a_vulnerability_by_any_of_its_names_and_is_kept() {
    let evidence = || with(critical(), vec![statement()]).snapshot();
    let report = judge(evidence(), NOW, "vulnerable-image", BELIEVED, &pinned('1'));
    assert_eq!(told(&report), [""; 0]);
    assert_eq!(
        report.suppressed,
        [
            "GHSA-1 in openssl: not_affected (vulnerable_code_not_in_execute_path) by security@shop.io, 2026-05-15"
        ]
    );
    assert_eq!(
        told(&judge(evidence(), NOW, "vulnerable-image", "", &pinned('1'))).len(),
        1,
        "nobody is named"
    );
    assert!(excused(vec![VexStatement { vulnerabilities: vec!["GHSA-1".into()], ..statement() }]));
}

#[test]
fn the_decision_keeps_what_it_passed_over_and_the_audit_log_shows_it() {
    use soc2gate::admission::{Identity, encode};
    let inventory =
        Inventory { image_evidence: with(critical(), vec![statement()]).snapshot(), ..Inventory::default() };
    let policies = library::enforcing("vulnerable-image", BELIEVED);
    let decision = library::Sent::create(&pod(&pinned('1'))).amid(inventory).at(NOW).decide(&policies);
    assert_eq!(decision.suppressions.len(), 1);
    assert_eq!(decision.suppressions[0].check.id, "vulnerable-image");
    let identity = Identity { decision_id: "d", policy_digest: "p", inventory_age: None };
    let answer: serde_json::Value = serde_json::from_slice(&encode("1", &decision, identity)).unwrap();
    assert_eq!(answer["response"]["allowed"], true);
    let annotation = answer["response"]["auditAnnotations"]["suppressed"].as_str().unwrap();
    assert!(annotation.starts_with("vulnerable-image: GHSA-1 in openssl: not_affected ("), "{annotation}");
}

#[test]
fn a_scan_counts_what_it_passed_over() {
    use soc2gate::scanner::{Limits, Scanner};
    let inventory =
        Inventory { image_evidence: with(critical(), vec![statement()]).snapshot(), ..Inventory::default() };
    let policies = library::enforcing("vulnerable-image", BELIEVED);
    let mut scanner = Scanner::new(policies.into(), inventory.into(), now(), Limits::default());
    for name in ["web", "api"] {
        let pod = pod(&pinned('1')).replace("name: web", &format!("name: {name}"));
        scanner.judge(soc2gate::request::object_of(&library::document(&pod)).unwrap());
    }
    let scan = scanner.finish(now());
    let [(about, objects)] = &scan.suppressed.iter().collect::<Vec<_>>()[..] else { panic!("{scan:?}") };
    assert_eq!((about.check, **objects), ("vulnerable-image", 2));
    assert!(about.what.starts_with("GHSA-1 in openssl: not_affected ("), "{}", about.what);
}

#[test]
fn a_statement_without_reason_of_another_status_or_from_the_future_excuses_nothing() {
    assert!(!excused(vec![VexStatement { why: "".into(), ..statement() }]));
    assert!(excused(vec![VexStatement { status: VexStatus::Fixed, why: "".into(), ..statement() }]));
    for status in [VexStatus::Affected, VexStatus::UnderInvestigation] {
        assert!(!excused(vec![VexStatement { status, ..statement() }]));
    }
    assert!(!excused(vec![VexStatement { at: library::at("2026-06-16T00:00:00Z"), ..statement() }]));
    assert!(!excused(vec![VexStatement { author: "security@shop.io.evil.com".into(), ..statement() }]));
    assert!(!excused(vec![VexStatement { vulnerabilities: vec!["CVE-2026-11".into()], ..statement() }]));
}

#[test]
fn of_statements_about_one_product_the_latest_counts() {
    let at = |status, day: &str| VexStatement { status, at: library::at(day), ..statement() };
    let investigated = || at(VexStatus::UnderInvestigation, "2026-05-01T00:00:00Z");
    assert!(excused(vec![investigated(), statement()]));
    let affected = || at(VexStatus::Affected, "2026-06-01T00:00:00Z");
    assert!(!excused(vec![statement(), affected()]));
    // By somebody who is not believed, and of tomorrow, it takes nothing back.
    assert!(excused(vec![statement(), VexStatement { author: "eve".into(), ..affected() }]));
    assert!(excused(vec![statement(), at(VexStatus::Affected, "2026-07-01T00:00:00Z")]));
}

#[test]
fn an_attested_statement_counts_by_its_signer_and_for_the_image_that_it_is_bound_to() {
    let attested = |by: Attester, subject| VexStatement {
        author: "anybody".into(),
        by: Some(by),
        subject,
        ..statement()
    };
    assert!(excused(vec![attested(by(WEB), Some(of_digit('1')))]));
    assert!(!excused(vec![attested(by("eve"), Some(of_digit('1')))]));
    assert!(!excused(vec![attested(by(WEB), Some(of_digit('2')))]));
    assert!(!excused(vec![attested(by(WEB), None)]));
    // A believed author's name in a document that somebody else signed is only a word in it.
    let by_eve =
        VexStatement { author: "security@shop.io".into(), ..attested(by("eve"), Some(of_digit('1'))) };
    assert!(!excused(vec![by_eve]));
}

#[test]
fn a_product_is_an_image_by_digest_or_a_package_by_purl() {
    let package = |purl: &str, parts: &[&str]| {
        let subcomponents = parts.iter().map(|part| (*part).into()).collect();
        let products = vec![Product::Package { purl: purl.into(), subcomponents }];
        excused(vec![VexStatement { products, ..statement() }])
    };
    let image = format!("pkg:oci/web@sha256%3A{}?repository_url=registry.example.com/shop", "1".repeat(64));
    assert!(package(&image, &[]));
    assert!(package(&image, &["pkg:deb/debian/openssl"]));
    assert!(!package(&image, &["pkg:deb/debian/curl"]));
    assert!(!package(&image.replace("11", "22"), &[]));
    assert!(!package("pkg:oci/web", &[]), "of no digest in particular");
    for purl in [
        OPENSSL,
        "pkg:deb/debian/openssl",
        "pkg:deb/debian/openssl@3.0.15",
        "pkg:deb/debian/openssl?distro=12",
    ] {
        assert!(package(purl, &[]), "{purl}");
    }
    for purl in
        ["pkg:deb/debian/openssl@3.0.1", "pkg:deb/debian/opens", "pkg:deb/ubuntu/openssl", "openssl", ""]
    {
        assert!(!package(purl, &[]), "{purl}");
    }
    assert!(
        !package("pkg:golang/app", &["pkg:deb/debian/openssl"]),
        "the image may have it without that app"
    );
    assert!(!excused(vec![VexStatement { products: Vec::new(), ..statement() }]));
    assert!(!excused(vec![VexStatement { products: vec![Product::Image(of_digit('2'))], ..statement() }]));
}

#[test]
fn what_is_known_to_be_exploited_counts_whatever_its_severity() {
    let kev = br#"{"title": "CISA", "vulnerabilities": [{"cveID": "CVE-2026-1", "product": "x"}]}"#;
    let told_of = |params: &str, kev: Option<&[u8]>, fixable| {
        let mut reports =
            with(VulnerabilityReport { fixable, ..flaw("GHSA-1", Rating::of("low")) }, Vec::new());
        if let Some(bytes) = kev {
            reports.set_known_exploited(feeds::known_exploited(bytes).unwrap());
        }
        told(&judge(reports.snapshot(), NOW, "vulnerable-image", params, &pinned('1')))
    };
    assert_eq!(
        told_of("", Some(kev), true),
        [format!(
            "`{}` has 1 vulnerability rated critical or known to be exploited with a fix, worst low: GHSA-1 in openssl \
             (known to be exploited, fixed in 3.0.16)",
            pinned('1')
        )]
    );
    assert_eq!(told_of("", None, true), [""; 0]);
    assert_eq!(told_of("knownExploited: false", Some(kev), true), [""; 0]);
    assert_eq!(told_of("", Some(kev), false), [""; 0], "nobody can update to a fix that does not exist");
    assert_eq!(told_of("fixableOnly: false", Some(kev), false).len(), 1);
}

#[test]
fn a_feed_that_is_none_is_refused_with_the_reason() {
    for (text, reason) in [
        ("", "it is no catalogue"),
        ("{}", "it is no catalogue"),
        (r#"{"vulnerabilities": []}"#, "its `vulnerabilities` are empty"),
        (r#"{"vulnerabilities": [{"cveID": "x"}]}"#, "`x` in `cveID` is no CVE"),
    ] {
        let refusal = feeds::known_exploited(text.as_bytes()).unwrap_err();
        assert!(refusal.starts_with(reason), "{refusal}");
    }
    let list =
        feeds::malicious(format!("# ours\n\n{} # miner\r\nevil.io/x\n", digest('5')).as_bytes()).unwrap();
    assert_eq!((list.digests.len(), list.repositories.len()), (1, 1));
    let refusal = feeds::malicious(b"evil.io\nnginx\n").unwrap_err();
    assert!(refusal.starts_with("line 2: `nginx` is neither"), "{refusal}");
    assert!(feeds::malicious(b"\xff").is_err());
}

#[test]
fn an_image_on_the_feed_is_malicious_whatever_the_policy_lists() {
    let mut reports = Reports::default();
    let list = format!("{}\nevil.io/miner\n", digest('5'));
    reports.set_malicious(feeds::malicious(list.as_bytes()).unwrap());
    for (image, found) in [(&*pinned('5'), 1), ("evil.io/miner/x", 1), (&*pinned('6'), 0), ("evil.io/m", 0)] {
        let report = judge(reports.snapshot(), NOW, "malicious-image", "", image);
        assert_eq!(report.violations.len(), found, "{image}");
    }
}

fn overdue(reports: &mut Reports, now: &str, params: &str, digit: char) -> Vec<String> {
    told(&judge(reports.snapshot(), now, "overdue-vulnerability", params, &pinned(digit)))
}

#[test]
fn a_rebuild_with_the_same_flaw_does_not_start_its_clock_anew() {
    let mut reports = Reports::default();
    let add = |reports: &mut Reports, digit, at: &str, package: &'static str| {
        let found = VulnerabilityReport { package: package.into(), ..critical() };
        reports.attest(Path::new("scan"), &[scan(digit, at, found)], Vec::new());
    };
    add(&mut reports, '1', "2026-05-01T00:00:00Z", OPENSSL);
    // The image before is gone, with its report, when the next comes with a newer version that has the flaw too.
    add(&mut reports, '2', "2026-05-10T00:00:00Z", "pkg:deb/debian/openssl@3.0.15-2");
    assert_eq!(overdue(&mut reports, "2026-05-16T00:00:00Z", "", '2'), [""; 0]);
    assert_eq!(
        overdue(&mut reports, "2026-05-16T00:00:01Z", "", '2'),
        [format!(
            "`{}` has 1 vulnerability past the term: GHSA-1 in openssl (since 2026-05-01, term 15 days)",
            pinned('2')
        )]
    );
    assert_eq!(overdue(&mut reports, "2026-05-16T00:00:01Z", "days: {critical: 30}", '2'), [""; 0]);
    let unknown = overdue(&mut reports, NOW, "", '3');
    assert_eq!(unknown, ["not known: an image has no scan (see `unscanned-image`)"]);
    // Another package, another flaw.
    add(&mut reports, '2', "2026-05-10T00:00:00Z", "pkg:deb/debian/openssl-tools@3.0.15");
    assert_eq!(overdue(&mut reports, "2026-05-16T00:00:01Z", "", '2'), [""; 0]);
}

#[test]
fn what_is_exploited_has_a_term_of_its_own_and_what_is_excused_has_none() {
    let mut reports = with(flaw("GHSA-1", Rating::of("low")), vec![statement()]);
    let later = "2026-06-29T00:00:00Z";
    assert_eq!(overdue(&mut reports, later, "", '1'), [""; 0]);
    let kev = br#"{"vulnerabilities": [{"cveID": "CVE-2026-1"}]}"#;
    reports.set_known_exploited(feeds::known_exploited(kev).unwrap());
    assert_eq!(overdue(&mut reports, later, "", '1').len(), 1);
    assert_eq!(overdue(&mut reports, later, "knownExploitedDays: 21", '1'), [""; 0]);
    assert_eq!(overdue(&mut reports, later, BELIEVED, '1'), [""; 0]);
    for params in ["days: {critical: 0}", "knownExploitedDays: 0", "days: {low: 1}", "vexAuthors: ['']"] {
        assert!(!library::refusal("overdue-vulnerability", params).is_empty(), "{params}");
    }
}

#[test]
fn nobody_dates_a_flaw_back_by_attesting_an_old_scan_of_it() {
    let attested = |signed_at: Option<&str>| {
        let attester = Attester { signed_at: signed_at.map(library::at), ..by("https://stranger.io/x") };
        let mut reports = Reports::default();
        // Theirs says that it was seen years ago; ours, of yesterday, is the one that counts.
        let old = ScanReport { attester: Some(attester), ..scan('1', "2020-01-01T00:00:00Z", critical()) };
        reports.attest(Path::new("theirs"), &[old], Vec::new());
        reports.attest(Path::new("ours"), &[scan('1', YESTERDAY, critical())], Vec::new());
        overdue(&mut reports, NOW, "", '1').len()
    };
    assert_eq!(attested(Some(YESTERDAY)), 0);
    // A key of the policy needs nobody to vouch for its time.
    assert_eq!(attested(None), 1);
}

#[test]
fn first_sights_survive_a_restart_as_plain_numbers_and_never_move_forward() {
    let mut before = Reports::default();
    before.attest(Path::new("a"), &[scan('1', "2026-05-01T00:00:00Z", critical())], Vec::new());
    let kept: Vec<(String, Vec<(u64, u32)>)> = before
        .first_seen()
        .map(|(name, sights)| {
            (name.to_owned(), sights.iter().map(|sight| (sight.key(), sight.minutes())).collect())
        })
        .collect();
    assert_eq!(kept.len(), 1);
    let mut after = Reports::default();
    after.attest(Path::new("a"), &[scan('1', YESTERDAY, critical())], Vec::new());
    assert_eq!(overdue(&mut after, NOW, "", '1'), [""; 0]);
    let remember = |reports: &mut Reports, later: u32| {
        for (name, sights) in &kept {
            let sights: Vec<_> = sights.iter().map(|(key, at)| FirstSight::new(*key, at + later)).collect();
            reports.remember_first_seen(name, &sights);
        }
    };
    remember(&mut after, 0);
    assert_eq!(overdue(&mut after, NOW, "", '1').len(), 1);
    remember(&mut after, 1_000_000);
    assert_eq!(overdue(&mut after, NOW, "", '1').len(), 1);
    // What is rated low has no term, and is not kept.
    let mut low = Reports::default();
    low.attest(Path::new("a"), &[scan('1', YESTERDAY, flaw("CVE-2", Rating::of("low")))], Vec::new());
    assert_eq!(low.first_seen().count(), 0);
}
