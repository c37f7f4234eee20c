//! Handing in at the edges: no room, wrong tokens, other tokens, old reports, files that go, and a death at any moment.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::*;

/// A report on an image of its own, of about so many kB.
fn of_size(which: &str, kilobytes: usize) -> (String, String) {
    let digest = format!("sha256:{}", which.repeat(64).chars().take(64).collect::<String>());
    let report = trivy('0', &Timestamp::now().to_string(), &[]).replace(&super::digest('0'), &digest);
    let padding = " ".repeat(kilobytes * 1024);
    (digest, format!("{report}{padding}"))
}

fn gate_with(site: &Site, flags: &[&str]) -> Gate {
    let [policies, store, tokens] = ["policies", "store", "tokens"].map(|name| site.path(name));
    let own = ["--policies", &policies, "--image-store", &store, "--ingest-tokens", &tokens];
    Gate::start(&[&own[..], flags].concat())
}

fn stored(site: &Site) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(site.path("store/scans")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_store_that_is_full_says_so_and_has_room_again_when_somebody_makes_it() {
    let site = Site::new();
    let gate = gate_with(&site, &["--image-store-mib", "1"]);
    let (first, report) = of_size("1", 600);
    assert_eq!(site.hand_in(&gate, &first, report).await.status, 201);
    let (second, report) = of_size("2", 600);
    let full = site.hand_in(&gate, &second, report.clone()).await;
    assert_eq!(full.status, 507, "{}", full.text());
    assert!(full.text().contains("the store is full"), "{}", full.text());
    // Nobody has told the gate yet that the file is gone; it looks itself.
    fs::remove_file(stored(&site).pop().unwrap()).unwrap();
    assert_eq!(site.hand_in(&gate, &second, report).await.status, 201);
}

#[tokio::test]
async fn the_newest_ten_of_an_image_and_scanner_are_kept_and_old_ones_go_at_the_next_start() {
    let site = Site::new();
    let gate = gate_with(&site, &[]);
    for _ in 0..12 {
        assert_eq!(site.hand_in(&gate, &digest('a'), fresh('a')).await.status, 201);
    }
    assert_eq!(stored(&site).len(), 10);
    drop(gate);
    let old = stored(&site).pop().unwrap();
    let text = fs::read_to_string(&old).unwrap();
    let (before, rest) = text.split_once("\"receivedAt\":\"").unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    let last_year = Timestamp::now() - SignedDuration::from_hours(24 * 365);
    fs::write(&old, format!("{before}\"receivedAt\":\"{last_year}\"{after}")).unwrap();
    let _gate = gate_with(&site, &[]);
    assert!(stored(&site).len() == 9 && !old.exists(), "{:?}", stored(&site));
}

#[tokio::test]
async fn whoever_guesses_tokens_is_told_to_wait_and_whoever_has_one_is_let_in_all_the_same() {
    let site = Site::new();
    let gate = gate_with(&site, &[]);
    let mut statuses = Vec::new();
    for guess in 0..25 {
        statuses.push(send(&gate, &digest('a'), &format!("guess{guess}"), fresh('a')).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[24]), (401, 429), "{statuses:?}");
    assert_eq!(site.hand_in(&gate, &digest('a'), fresh('a')).await.status, 201);
}

#[tokio::test]
async fn tokens_are_read_again_when_their_file_changes_and_none_is_left_when_it_goes() {
    let site = Site::new();
    let gate = gate_with(&site, &[]);
    let tokens = site.path("tokens");
    let line = fs::read_to_string(&tokens).unwrap();
    let until = async |expected: u16| {
        let begun = Instant::now();
        loop {
            let status = site.hand_in(&gate, &digest('a'), fresh('a')).await.status.as_u16();
            if status == expected {
                return;
            }
            assert!(begun.elapsed() < SOON, "{status}");
            // A wrong token is told to wait after twenty within a minute.
            tokio::time::sleep(Duration::from_millis(400)).await;
        }
    };
    until(201).await;
    fs::write(&tokens, line.replace("sha256:", "sha256:0000").split_at(line.len()).0).unwrap();
    until(401).await;
    gate.admin_until("/readyz?verbose", |text| text.contains("ingest-tokens")).await;
    fs::write(&tokens, &line).unwrap();
    until(201).await;
    fs::remove_file(&tokens).unwrap();
    until(401).await;
    gate.admin_until("/readyz?verbose", |text| text.contains("nobody may hand in")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_acknowledged_is_lost_whenever_the_process_dies() {
    let site = Site::new();
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..10_u64 {
        let mut gate = gate_with(&site, &[]);
        let handing = async {
            for number in 0..100 {
                let (image, report) = of_size(&format!("{:06x}", round * 1_000 + number), 40);
                let head = Request::post(format!("/v1/images/{image}/scans"))
                    .header(header::CONTENT_TYPE, "application/json")
                    .header(header::AUTHORIZATION, format!("Bearer {}", site.token));
                let answer = gate.connect(Http::One).await.send(head, whole(report)).await;
                if answer.is_ok_and(|answer| answer.status == 201) {
                    acknowledged.lock().unwrap().push(image);
                }
            }
        };
        // Other moments each time, without a clock that anybody relies on.
        let moment = Duration::from_millis(5 + round * 13);
        let _cut = tokio::time::timeout(moment, handing).await;
        gate.crash();
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let gate = gate_with(&site, &[]);
    assert!(!acknowledged.is_empty());
    eprintln!("{} acknowledged, {} on the disk", acknowledged.len(), stored(&site).len());
    for image in acknowledged {
        let reference = format!("registry.example.com/shop/web@{image}");
        let answer = gate.create(&pod(json!({"image": reference}))).await;
        assert!(answer.allowed(), "{image}: {}", answer.message());
    }
    let told = gate.admin("/readyz?verbose").await.text().to_owned();
    assert!(!told.contains("cannot be used"), "{told}");
}
