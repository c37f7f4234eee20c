//! In a cluster what is handed in to one replica is known to all, outlives every disk, and is kept by nobody else's hand.

use kube::{
    Api,
    api::{DeleteParams, DynamicObject},
};
use soc2gate::cluster::definitions::image_scan_resource;

use super::*;
use crate::fake_api::{Asked, Door, FakeApi, Fault};

/// An API server that knows the gate's kinds, with a door for each replica.
struct World {
    api: FakeApi,
    site: Site,
}

impl World {
    fn new() -> Self {
        let api = FakeApi::start();
        api.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        let definitions = include_str!("../../../../manifests/base/05-definitions.yaml");
        for document in soc2gate::manifest::parse("05-definitions.yaml", definitions).unwrap() {
            api.put(&serde_json::from_str(&document.to_json_text()).unwrap());
        }
        Self { api, site: Site::new() }
    }

    /// A replica with a disk of its own, which is empty.
    fn start(&self, door: &Door, flags: &[&str]) -> Gate {
        let place = self.site.root.path().join(door.address.port().to_string());
        fs::create_dir_all(&place).unwrap();
        let [policies, tokens] = ["policies", "tokens"].map(|name| self.site.path(name));
        let own = ["--policies", &policies, "--ingest-tokens", &tokens, "--scan-every", "0"];
        Gate::in_cluster(&door.kubeconfig(&place), &[&own[..], flags].concat())
    }

    async fn replica(&self) -> Gate {
        let gate = self.start(&self.api.door(), &[]);
        gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
        gate
    }

    async fn hand_in(&self, gate: &Gate, which: char) -> Answer {
        self.site.hand_in(gate, &digest(which), fresh(which)).await
    }

    fn kept(&self) -> Vec<Value> {
        self.api.all("soc2gate.io", "imagescans")
    }
}

async fn until_admitted(gate: &Gate, which: char, expected: bool) {
    let seen = async {
        while admits(gate, which).await != expected {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, seen).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_replica_took_lets_the_image_in_at_the_other_and_after_all_of_them_crashed() {
    let world = World::new();
    let (mut one, mut other) = (world.replica().await, world.replica().await);
    assert!(!admits(&one, 'a').await && !admits(&other, 'a').await);
    let answer = world.hand_in(&one, 'a').await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert!(admits(&one, 'a').await, "at once, where it was handed in");
    until_admitted(&other, 'a', true).await;
    one.crash();
    other.crash();
    // Ready means that it has read them: the first review is judged by them.
    assert!(admits(&world.replica().await, 'a').await);
    let [scan] = &world.kept()[..] else { panic!("{:?}", world.kept()) };
    let spec = &scan["spec"];
    assert_eq!((&spec["image"], &spec["handedInBy"]), (&json!(digest('a')), &json!("ci-shop")));
    assert_eq!((&spec["scanner"], &spec["found"]), (&json!("trivy"), &json!(1)));
    assert_eq!(spec["vulnerabilities"][0]["id"], "CVE-2026-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_report_is_kept_once_whoever_takes_it() {
    let world = World::new();
    let (one, other) = (world.replica().await, world.replica().await);
    let report = fresh('a');
    let answers = [
        world.site.hand_in(&one, &digest('a'), report.clone()).await,
        world.site.hand_in(&other, &digest('a'), report.clone()).await,
        world.site.hand_in(&one, &digest('a'), report).await,
    ];
    let statuses = answers.map(|answer| answer.status.as_u16());
    assert_eq!((statuses, world.kept().len()), ([201, 200, 200], 1));
    assert!(admits(&other, 'a').await, "at once, though it was there already");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_api_server_keeps_nothing_the_report_is_to_be_handed_in_again_and_reviews_go_on() {
    let world = World::new();
    let door = world.api.door();
    let gate = world.start(&door, &[]);
    gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
    let is_create = |asked: &Asked| asked.resource == "imagescans" && asked.verb == "create";
    door.fails_if(move |asked| is_create(asked).then_some(Fault::Refuse(500)));
    let answer = world.hand_in(&gate, 'a').await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("Hand it in again"), "{}", answer.text());
    assert!(!admits(&gate, 'a').await, "nothing is half done");
    assert!(world.kept().is_empty());
    door.heals();
    assert_eq!(world.hand_in(&gate, 'a').await.status, 201);
    assert!(admits(&gate, 'a').await);
    // What is known stays known while nobody can be asked.
    door.fails(Fault::Refuse(503));
    world.api.drop_watches();
    gate.admin_until("/readyz?verbose", |text| text.contains("changes are not told")).await;
    assert!(admits(&gate, 'a').await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_is_not_ready_before_it_has_read_the_scans_and_says_what_keeps_it() {
    let world = World::new();
    let taking = world.replica().await;
    assert_eq!(world.hand_in(&taking, 'a').await.status, 201);
    let door = world.api.door();
    door.fails_if(|asked: &Asked| (asked.resource == "imagescans").then_some(Fault::Refuse(503)));
    let gate = world.start(&door, &[]);
    gate.admin_until("/readyz", |text| text.contains("image-scans: not known yet: refused by the test"))
        .await;
    door.heals();
    gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
    assert!(admits(&gate, 'a').await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_is_deleted_counts_no_longer_and_one_of_somebody_else_is_told_and_never_counts() {
    let world = World::new();
    let gate = world.replica().await;
    assert_eq!(world.hand_in(&gate, 'a').await.status, 201);
    let written = world.kept().pop().unwrap();
    let api: Api<DynamicObject> = Api::all_with(world.api.door().client(), &image_scan_resource());
    let name = written["metadata"]["name"].as_str().unwrap();
    api.delete(name, &DeleteParams::default()).await.unwrap();
    until_admitted(&gate, 'a', false).await;
    // A copy under another name, and one that is nothing.
    let mut copy = json!({"apiVersion": "soc2gate.io/v1", "kind": "ImageScan", "spec": written["spec"]});
    copy["metadata"] = json!({"name": "copied"});
    world.api.put(&copy);
    copy["metadata"] = json!({"name": "empty"});
    copy["spec"] = json!({});
    world.api.put(&copy);
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("2 of them cannot be used")).await;
    assert!(told.contains("somebody else wrote it"), "{told}");
    assert!(!admits(&gate, 'a').await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_three_of_an_image_and_scanner_are_kept_and_what_is_too_old_is_removed() {
    let world = World::new();
    let gate = world.replica().await;
    for _ in 0..5 {
        assert_eq!(world.hand_in(&gate, 'a').await.status, 201);
    }
    assert_eq!(world.kept().len(), 3);
    let mut old = world.kept().pop().unwrap();
    drop(gate);
    // Handed in a year ago, for another image.
    let spec = &mut old["spec"];
    (spec["image"], spec["subjects"][0]["digest"]) = (json!(digest('b')), json!(digest('b')));
    spec["receivedAt"] = (Timestamp::now() - SignedDuration::from_hours(24 * 365)).to_string().into();
    let report = spec["report"].as_str().unwrap().trim_start_matches("sha256:");
    let name = format!("{}.{report}", digest('b').replace(':', "-"));
    old["metadata"] = json!({"name": name});
    world.api.put(&old);
    let gate = world.replica().await;
    until_admitted(&gate, 'b', false).await;
    let gone = async {
        while world.kept().len() > 3 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON * 2, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_cluster_is_refused_with_what_to_do() {
    let world = World::new();
    let gate = world.start(&world.api.door(), &["--image-store-mib", "1"]);
    gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
    let with = |count: usize| {
        let listed: Vec<_> = (0..count).map(|number| format!("CVE-2026-{number} HIGH 2")).collect();
        let listed: Vec<_> = listed.iter().map(String::as_str).collect();
        trivy('a', &Timestamp::now().to_string(), &listed)
    };
    let full = world.site.hand_in(&gate, &digest('a'), with(14_000)).await;
    assert_eq!(full.status, 507, "{}", full.text());
    assert!(full.text().contains("--image-store-mib"), "{}", full.text());
    let roomy = world.replica().await;
    let large = world.site.hand_in(&roomy, &digest('a'), with(20_000)).await;
    assert_eq!(large.status, 413, "{}", large.text());
    assert!(large.text().contains("fewer severities"), "{}", large.text());
    let fits = world.site.hand_in(&roomy, &digest('a'), with(4_000)).await;
    assert_eq!(fits.status, 201, "{}", fits.text());
    let size = world.kept()[0].to_string().len();
    eprintln!("4,000 vulnerabilities: {size} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_kind_is_not_defined_that_is_said_and_reviews_go_on() {
    let world = World { api: FakeApi::start(), site: Site::new() };
    let gate = world.start(&world.api.door(), &[]);
    gate.admin_until("/readyz?verbose", |text| text.contains("does not know ImageScans")).await;
    gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
    let answer = world.hand_in(&gate, 'a').await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("apply the definitions"), "{}", answer.text());
    assert!(!admits(&gate, 'a').await);
}

#[test]
fn tokens_without_a_place_for_reports_are_refused_with_the_flags_to_add() {
    let site = Site::new();
    let run = crate::cli::run_with(
        site.root.path(),
        &["serve", "--ingest-tokens", "tokens", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
        "",
    );
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("--image-store") && run.err.contains("--cluster"), "{}", run.err);
}
