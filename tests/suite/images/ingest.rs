//! Scan reports handed in over the real door: what they change, who may, and what outlives a crash.

mod edges;
mod shared;

use std::{fs, path::Path};

use aws_lc_rs::digest::{SHA256, digest as hash};
use hyper::{Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{digest, pinned, trivy};
use crate::{
    gate::{Gate, SOON, pod},
    https::{Answer, Http, whole},
};

const POLICY: &str = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.8-software}\nspec:\n  \
                      criterion: CC6.8\n  control: Only software that is scanned runs.\n  checks:\n  \
                      - {id: unscanned-image, mode: enforce}\n  - {id: stale-scan, mode: enforce}\n";

/// A policy, a file of tokens with one that is made now, and a store that outlives each gate.
struct Site {
    root: TempDir,
    token: String,
}

impl Site {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let token = uuid::Uuid::now_v7().to_string();
        let hex: String =
            hash(&SHA256, token.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        fs::create_dir(root.path().join("policies")).unwrap();
        fs::write(root.path().join("policies/software.yaml"), POLICY).unwrap();
        fs::write(root.path().join("tokens"), format!("# CI\nci-shop sha256:{hex}\n")).unwrap();
        Self { root, token }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    fn gate(&self) -> Gate {
        let [policies, store, tokens] = ["policies", "store", "tokens"].map(|name| self.path(name));
        Gate::start(&["--policies", &policies, "--image-store", &store, "--ingest-tokens", &tokens])
    }

    async fn hand_in(&self, gate: &Gate, image: &str, report: impl Into<hyper::body::Bytes>) -> Answer {
        send(gate, image, &self.token, report).await
    }
}

async fn send(gate: &Gate, image: &str, token: &str, report: impl Into<hyper::body::Bytes>) -> Answer {
    let head = Request::post(format!("/v1/images/{image}/scans"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    gate.connect(Http::One).await.send(head, whole(report)).await.unwrap()
}

fn fresh(which: char) -> String {
    trivy(which, &Timestamp::now().to_string(), &["CVE-2026-1 LOW -"])
}

async fn admits(gate: &Gate, which: char) -> bool {
    gate.create(&pod(json!({"image": pinned(which)}))).await.allowed()
}

#[tokio::test]
async fn the_first_deploy_of_an_image_passes_once_its_report_was_handed_in_and_after_a_crash() {
    let site = Site::new();
    let mut gate = site.gate();
    assert!(!admits(&gate, 'a').await);
    let answer = site.hand_in(&gate, &digest('a'), fresh('a')).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let told = answer.json();
    assert_eq!((&told["scanner"], &told["vulnerabilities"]), (&json!("trivy"), &json!(1)));
    assert_eq!(told["stored"], "new");
    gate.crash();
    let again = site.gate();
    assert!(admits(&again, 'a').await);
    assert!(!admits(&again, 'b').await);
}

#[tokio::test]
async fn what_was_stored_counts_at_once_and_the_same_report_is_stored_once() {
    let site = Site::new();
    let gate = site.gate();
    let report = fresh('a');
    assert_eq!(site.hand_in(&gate, &digest('a'), report.clone()).await.status, 201);
    assert!(admits(&gate, 'a').await);
    let again = site.hand_in(&gate, &digest('a'), report).await;
    assert_eq!((again.status.as_u16(), &again.json()["stored"]), (200, &json!("already")));
    assert_eq!(fs::read_dir(site.path("store/scans")).unwrap().count(), 1);
    let counted = gate.admin("/metrics").await.text().to_owned();
    assert!(counted.contains(r#"soc2gate_image_ingests_total{result="stored"} 1"#), "{counted}");
    let log = serde_json::to_string(&gate.logged()).unwrap();
    assert!(log.contains("ci-shop") && !log.contains(&site.token), "{log}");
}

#[tokio::test]
async fn what_is_no_report_of_the_image_from_somebody_known_is_refused_with_words() {
    let site = Site::new();
    let gate = site.gate();
    let refused = [
        (send(&gate, &digest('a'), "guess", fresh('a')).await, 401, "token"),
        (site.hand_in(&gate, "sha256:12", fresh('a')).await, 400, "digest"),
        (site.hand_in(&gate, &digest('b'), fresh('a')).await, 422, "not of sha256:bbbb"),
        (site.hand_in(&gate, &digest('a'), "{").await, 422, "parse"),
        (site.hand_in(&gate, &digest('a'), r#"{"@context": "spdx"}"#).await, 422, "linked data"),
        (site.hand_in(&gate, &digest('a'), vec![b' '; 17 * 1024 * 1024]).await, 413, "larger"),
    ];
    for (answer, status, words) in refused {
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.json()["message"].as_str().unwrap().contains(words), "{}", answer.text());
    }
    assert!(!admits(&gate, 'a').await);
}

#[tokio::test]
async fn a_report_from_before_the_push_counts_because_its_caller_vouches_for_it() {
    let site = Site::new();
    let gate = site.gate();
    let mut report: Value = serde_json::from_str(&fresh('a')).unwrap();
    report["Metadata"] = json!({});
    assert_eq!(site.hand_in(&gate, &digest('a'), report.to_string()).await.status, 422, "not of an image");
    report["ArtifactType"] = "container_image".into();
    assert_eq!(site.hand_in(&gate, &digest('a'), report.to_string()).await.status, 201);
    assert!(admits(&gate, 'a').await);
    let file = fs::read_dir(site.path("store/scans")).unwrap().next().unwrap().unwrap().path();
    let kept: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!((&kept["bound"], &kept["by"]), (&json!("by the caller"), &json!("ci-shop")));
}

#[tokio::test]
async fn a_replica_sees_what_another_took_into_the_same_directory() {
    let site = Site::new();
    let (one, other) = (site.gate(), site.gate());
    assert_eq!(site.hand_in(&one, &digest('a'), fresh('a')).await.status, 201);
    let seen = async {
        while !admits(&other, 'a').await {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, seen).await.unwrap();
}

#[tokio::test]
async fn an_old_scan_handed_in_is_stale() {
    let site = Site::new();
    let gate = site.gate();
    let old = (Timestamp::now() - SignedDuration::from_hours(24 * 400)).to_string();
    assert_eq!(site.hand_in(&gate, &digest('a'), trivy('a', &old, &[])).await.status, 201);
    let answer = gate.create(&pod(json!({"image": pinned('a')}))).await;
    assert!(answer.message().contains("stale-scan"), "{answer:?}");
}

#[tokio::test]
async fn torn_and_foreign_files_are_told_and_stop_nothing() {
    let site = Site::new();
    let scans = site.root.path().join("store/scans");
    fs::create_dir_all(&scans).unwrap();
    fs::write(scans.join("foreign.json"), "{}").unwrap();
    let gate = site.gate();
    gate.admin_until("/readyz?verbose", |text| text.contains("foreign.json")).await;
    assert_eq!(site.hand_in(&gate, &digest('a'), fresh('a')).await.status, 201);
    assert!(admits(&gate, 'a').await);
}

#[tokio::test]
async fn without_tokens_there_is_no_such_route() {
    let site = Site::new();
    let gate = Gate::start(&["--image-store", &site.path("store")]);
    assert_eq!(site.hand_in(&gate, &digest('a'), fresh('a')).await.status, 404);
    assert!(Path::new(&site.path("store/scans")).is_dir());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_review_fails_while_large_reports_pour_in() {
    let site = Site::new();
    let gate = site.gate();
    let mut report = fresh('a');
    report.push_str(&" ".repeat(8 * 1024 * 1024));
    let (report, site, gate) = (&report, &site, &gate);
    let pouring =
        (0..6).map(|_| async move { site.hand_in(gate, &digest('a'), report.clone()).await.status });
    let reviewing = async {
        for _ in 0..50 {
            assert!(!admits(gate, 'b').await);
        }
    };
    let (statuses, ()) = futures::join!(futures::future::join_all(pouring), reviewing);
    assert!(statuses.iter().all(|status| [200, 201, 429].contains(&status.as_u16())), "{statuses:?}");
}
