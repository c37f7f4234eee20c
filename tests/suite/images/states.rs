//! Every state of image evidence, and what each check makes of it.

use soc2gate::decision::Outcome;

use super::*;

const YESTERDAY: &str = "2026-06-14T12:00:00Z";

fn of(files: &[(&str, String)], check: &str, params: &str, image: &str) -> Vec<String> {
    told(&judge(evidence(files), NOW, check, params, image))
}

#[test]
fn without_configured_reports_nothing_is_assessable() {
    for check in ["unscanned-image", "stale-scan", "vulnerable-image"] {
        let report = judge(Source::NotConfigured, NOW, check, "", &pinned('1'));
        assert_eq!(told(&report), ["not known: no scan reports are configured"], "{check}");
        let report = judge(Source::Unavailable("no directory".into()), NOW, check, "", &pinned('1'));
        assert_eq!(told(&report), ["unavailable: no directory"], "{check}");
    }
}

#[test]
fn a_fresh_scan_without_findings_passes_every_check() {
    let files = [("a.json", trivy('1', YESTERDAY, &[]))];
    for check in ["unscanned-image", "stale-scan", "vulnerable-image"] {
        assert_eq!(of(&files, check, "", &pinned('1')), [""; 0], "{check}");
    }
    // The content is the same wherever it is pulled from.
    assert_eq!(of(&files, "unscanned-image", "", &format!("mirror.io/copy@{}", digest('1'))), [""; 0]);
}

#[test]
fn a_digest_without_a_scan_is_unscanned_and_nothing_else_passes_it() {
    let files = [("a.json", trivy('1', YESTERDAY, &[]))];
    let told = of(&files, "unscanned-image", "", &pinned('2'));
    assert_eq!(told, [format!("`{}`: no scan report is about sha256:222222222222", pinned('2'))]);
    for check in ["stale-scan", "vulnerable-image"] {
        assert_eq!(
            of(&files, check, "", &pinned('2')),
            ["not known: an image has no scan (see `unscanned-image`)"],
            "{check}"
        );
    }
    let nothing_was_scanned: [(&str, String); 0] = [];
    assert_eq!(of(&nothing_was_scanned, "unscanned-image", "", &pinned('2')).len(), 1);
}

#[test]
fn a_tag_alone_has_no_scan_even_if_it_had_one_yesterday() {
    let files = [("a.json", trivy('1', YESTERDAY, &[]))];
    for image in ["registry.example.com/shop/web:1", "registry.example.com/shop/web", "r.io/web@sha256:1"] {
        let told = of(&files, "unscanned-image", "", image);
        assert_eq!(told, [format!("`{image}` has no digest, so that no scan is known to be of it")]);
    }
}

#[test]
fn a_resolved_tag_is_judged_by_the_digest_last_seen_and_says_so() {
    let files = [
        ("old.json", trivy('1', "2026-06-01T00:00:00Z", &[])),
        ("new.json", {
            let report = trivy('2', "2026-06-12T12:00:00Z", &["CVE-2 CRITICAL 2"]);
            report.replace("shop/web:2", "shop/web:1")
        }),
    ];
    let image = "registry.example.com/shop/web:1";
    let resolve = "tagOnly: resolve";
    assert_eq!(of(&files, "unscanned-image", resolve, image), [""; 0]);
    assert_eq!(
        of(&files, "vulnerable-image", resolve, image),
        [format!(
            "`{image}` has 1 vulnerability rated critical with a fix, worst critical: CVE-2 in lib (fixed in 2), \
             judged by sha256:222222222222, which the tag named 3 days ago"
        )]
    );
    assert_eq!(
        of(&files, "unscanned-image", resolve, "registry.example.com/shop/web:9"),
        ["`registry.example.com/shop/web:9` has no digest, and no scan report knows its tag"]
    );
    assert_eq!(of(&files, "stale-scan", "", image).len(), 1, "without `resolve` it is not assessable");
}

#[test]
fn an_unreadable_report_makes_a_missing_scan_unknown_and_leaves_others_alone() {
    let files =
        [("a.json", trivy('1', YESTERDAY, &[])), ("broken.json", "{\"SchemaVersion\": 2,".to_owned())];
    for check in ["unscanned-image", "stale-scan", "vulnerable-image"] {
        assert_eq!(of(&files, check, "", &pinned('1')), [""; 0], "{check}");
        let told = of(&files, check, "", &pinned('2'));
        assert_eq!(told.len(), 1, "{check}");
        assert!(
            told[0].starts_with(
                "unavailable: the image may be in a scan report that cannot be read: broken.json: "
            ),
            "{told:?}"
        );
    }
}

#[test]
fn an_enforced_check_errs_on_the_unknown_and_denies_the_unscanned() {
    let policy = "
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: p}
spec: {criterion: CC6.8, control: c, checks: [{id: unscanned-image, mode: enforce}]}
";
    let policies = library::policies(&[policy]);
    let decide = |files: &[(&str, String)], image: &str| {
        let inventory = Inventory { image_evidence: evidence(files), ..Inventory::default() };
        library::Sent::create(&pod(image)).amid(inventory).at(NOW).decide(&policies).outcome
    };
    let good = ("a.json", trivy('1', YESTERDAY, &[]));
    let broken = ("b.json", "[]".to_owned());
    assert_eq!(decide(std::slice::from_ref(&good), &pinned('1')), Outcome::Allow);
    assert_eq!(decide(std::slice::from_ref(&good), &pinned('2')), Outcome::Deny);
    assert_eq!(decide(&[good, broken.clone()], &pinned('2')), Outcome::Error { denies: true });
    assert_eq!(decide(&[broken], &pinned('1')), Outcome::Error { denies: true });
}

#[test]
fn a_scan_grows_stale_while_the_image_runs() {
    let files = [("a.json", trivy('1', "2026-06-01T12:00:00Z", &[]))];
    let at = |now: &str| told(&judge(evidence(&files), now, "stale-scan", "", &pinned('1')));
    assert_eq!(at("2026-06-08T12:00:00Z"), [""; 0]);
    let image = pinned('1');
    assert_eq!(
        at("2026-06-08T12:00:01Z"),
        [format!("`{image}`: it was last scanned on 2026-06-01 by trivy, more than 7 days ago")]
    );
    let strict = judge(evidence(&files), "2026-06-05T12:00:00Z", "stale-scan", "maxAgeDays: 3", &image);
    assert_eq!(strict.violations.len(), 1);
}

#[test]
fn a_stale_scan_is_still_judged_for_vulnerabilities() {
    let files = [("a.json", trivy('1', "2026-01-01T00:00:00Z", &["CVE-1 CRITICAL 2"]))];
    assert_eq!(of(&files, "vulnerable-image", "", &pinned('1')).len(), 1);
}

#[test]
fn a_scan_dated_in_the_future_is_stale_and_hides_no_other() {
    let future = ("future.json", trivy('1', "2026-06-16T00:00:00Z", &[]));
    let past = ("past.json", trivy('1', YESTERDAY, &["CVE-1 CRITICAL 2"]));
    let alone = of(std::slice::from_ref(&future), "stale-scan", "", &pinned('1'));
    assert!(alone[0].contains("dated 2026-06-16T00:00:00Z, which is in the future"), "{alone:?}");
    let both = [future, past];
    assert_eq!(of(&both, "stale-scan", "", &pinned('1')), [""; 0]);
    assert_eq!(of(&both, "vulnerable-image", "", &pinned('1')).len(), 1);
}

#[test]
fn a_report_that_does_not_say_when_it_was_made_is_stale() {
    let files = [("a.json", trivy('1', "", &[]))];
    assert_eq!(
        of(&files, "stale-scan", "", &pinned('1')),
        [format!("`{}`: the report of trivy does not say when it was made", pinned('1'))]
    );
}

#[test]
fn the_database_counts_by_its_age_at_the_time_of_the_scan() {
    let stale = |database: &str, params: &str| {
        of(&[("a.json", grype('1', YESTERDAY, database, &[]))], "stale-scan", params, &pinned('1')).len()
    };
    assert_eq!(stale("2026-06-11T12:00:00Z", ""), 0);
    assert_eq!(stale("2026-06-11T11:59:59Z", ""), 1);
    assert_eq!(stale("2026-06-11T11:59:59Z", "maxDatabaseAgeDays: 4"), 0);
    assert_eq!(stale("2026-06-14T12:00:01Z", ""), 1, "no database comes from after its scan");
    assert_eq!(stale("", ""), 0);
    assert_eq!(stale("", "databaseAgeUnknown: violation"), 1);
}

#[test]
fn one_violation_tells_count_worst_and_the_first_three() {
    let found = [
        "CVE-5 HIGH 5",
        "CVE-1 CRITICAL 1.1",
        "CVE-2 HIGH -",
        "CVE-3 UNKNOWN 3",
        "CVE-4 MEDIUM 4",
        "CVE-6 HIGH 6",
    ];
    let files = [("a.json", trivy('1', YESTERDAY, &found))];
    let image = pinned('1');
    assert_eq!(
        of(&files, "vulnerable-image", "severity: high", &image),
        [format!(
            "`{image}` has 4 vulnerabilities rated high or worse with a fix, worst critical: CVE-1 in lib (fixed in \
             1.1), CVE-3 in lib (fixed in 3), CVE-5 in lib (fixed in 5), ..."
        )]
    );
    let all = of(&files, "vulnerable-image", "{severity: high, fixableOnly: false}", &image);
    assert!(all[0].contains("has 5 vulnerabilities rated high or worse, worst critical"), "{all:?}");
    assert!(all[0].contains("CVE-2 in lib (no fix yet)"), "{all:?}");
    let unknown = [("a.json", trivy('1', YESTERDAY, &["CVE-3 UNKNOWN 3"]))];
    let told = of(&unknown, "vulnerable-image", "severity: high", &image);
    assert!(told[0].contains("worst unknown, which counts as high"), "{told:?}");
    assert_eq!(of(&unknown, "vulnerable-image", "", &image), [""; 0]);
}

#[test]
fn the_newest_scan_of_a_scanner_wins_and_every_scanner_has_its_say() {
    let files = [
        ("older.json", trivy('1', "2026-06-10T00:00:00Z", &["CVE-1 CRITICAL 2"])),
        ("newer.json", trivy('1', YESTERDAY, &[])),
    ];
    assert_eq!(of(&files, "vulnerable-image", "", &pinned('1')), [""; 0]);
    let files = [
        ("trivy.json", trivy('1', YESTERDAY, &[])),
        ("grype.json", grype('1', "2026-06-10T00:00:00Z", "", &["CVE-1 Critical 2"])),
    ];
    assert_eq!(of(&files, "vulnerable-image", "", &pinned('1')).len(), 1);
    assert_eq!(of(&files, "stale-scan", "maxAgeDays: 2", &pinned('1')), [""; 0]);
}

#[test]
fn an_index_is_covered_by_its_own_scan_or_by_those_of_all_its_platforms() {
    let index = include_str!("../../fixtures/scan-reports/index.json");
    let image = "r.io/app@sha256:1c455b4f2c14de7c84b596d4e0fcaa8f96ccb9b19915b416c81908d2d087676e";
    let listed = ("index.json", index.to_owned());
    let (amd, arm) =
        (("5.json", trivy('5', YESTERDAY, &[])), ("6.json", trivy('6', YESTERDAY, &["CVE-1 CRITICAL 2"])));
    let unscanned = |files: &[(&str, String)]| of(files, "unscanned-image", "", image).len();
    assert_eq!(unscanned(&[listed.clone(), amd.clone()]), 1, "one platform is not scanned");
    assert_eq!(unscanned(&[amd.clone(), arm.clone()]), 1, "nobody knows what the index holds");
    let all = [listed.clone(), amd, arm];
    assert_eq!(unscanned(&all), 0);
    assert_eq!(of(&all, "vulnerable-image", "", image).len(), 1, "any platform may run");
    // A scan of the index looked at one platform: it says nothing about the others by themselves.
    let own = trivy('1', YESTERDAY, &[]).replace(&digest('1'), &image[9..]);
    let own = [listed, ("own.json", own)];
    assert_eq!(unscanned(&own), 0);
    assert_eq!(of(&own, "unscanned-image", "", &pinned('5')).len(), 1);
}
