//! What one decision costs, step by step: `cargo bench --bench decide`.
//!
//! Times are medians over batches; they depend on the machine. The promises are at most 20 µs for the decision on a
//! two-container Deployment under the whole catalogue, and at most 5 ms for a ConfigMap of 500 kB that holds three
//! secrets.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and prints its table"
)]

#[path = "decide/images.rs"]
mod images;

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use soc2gate::{
    admission::{Identity, Review, encode},
    check::{Ask, References, Report},
    decision,
    inventory::Inventory,
    policy::{Loaded, PolicySet, Settings},
    secrets::SharedScan,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: u32 = 200;
const BATCHES: usize = 60;

/// Median time of one call, in microseconds. What takes milliseconds needs no batch to be measured.
fn time(mut call: impl FnMut()) -> f64 {
    let begun = Instant::now();
    call();
    let batch = if begun.elapsed() > Duration::from_millis(1) { 1 } else { BATCH };
    let mut batches: Vec<Duration> = (0..BATCHES)
        .map(|_| {
            let begun = Instant::now();
            (0..batch).for_each(|_| call());
            begun.elapsed() / batch
        })
        .collect();
    batches.sort();
    batches.get(BATCHES / 2).unwrap().as_secs_f64() * 1e6
}

/// A recorded review.
fn recorded(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/reviews/{file}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The recorded Deployment with its first two containers.
fn two_containers() -> Value {
    let mut review = recorded("010-CREATE-Deployment-checkout");
    let spec = review.pointer_mut("/request/object/spec/template/spec").unwrap().as_object_mut().unwrap();
    spec.remove("initContainers");
    spec.get_mut("containers").unwrap().as_array_mut().unwrap().truncate(2);
    review
}

/// A ConfigMap of about 500 kB: settings, prose and lists, among which three secrets lie. They are made up here.
fn large_config_map() -> Value {
    let settings = "server.port=8080\nserver.host=shop.example.com\nlog.level=info\ncache.size=512MiB\nretry.after=30s\n";
    let prose =
        "The cart keeps what a customer chose for ninety days, unless the customer empties it before that.\n";
    let list = "- {name: checkout, image: registry.example.com/shop/checkout:1.42.0, replicas: 3}\n";
    let mut data = serde_json::Map::new();
    for number in 0..50 {
        let text = [settings, prose, list].map(|part| part.repeat(35)).concat();
        data.insert(format!("part-{number:02}.conf"), text.into());
    }
    let key = ["PRIVATE", "KEY"].join(" ");
    let password = ["Tr0ub4dor", "3x", "Qz81"].concat();
    let token =
        ["xoxb", "274918365027", "2749183650271", &["q8Zt3LmW", "v5RkYp2X", "c7NdJh4B"].concat()].join("-");
    for (part, secret) in [
        (10, format!("-----BEGIN {key}-----\n{}\n-----END {key}-----\n", "bWFkZSB1cA".repeat(60))),
        (25, format!("url=postgres://shop:{password}@db.shop.svc:5432/orders\n")),
        (40, format!("slack={token}\n")),
    ] {
        let text = data.get_mut(&format!("part-{part:02}.conf")).unwrap();
        *text = format!("{}{secret}{prose}", text.as_str().unwrap()).into();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
        "resource": {"group": "", "version": "v1", "resource": "configmaps"}, "namespace": "shop", "name": "large",
        "userInfo": {"username": "ann"},
        "object": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "namespace": "shop"}, "data": data},
    }})
}

/// What each check costs on a review, dearest first: `cargo bench --bench decide -- each` for the two-container
/// Deployment under the shipped policies, then with every image check enforced. The secrets of the object are looked
/// for once, by the first check that asks.
fn each_check(review: &Value, policies: &PolicySet, inventory: &Inventory) {
    let body = review.to_string();
    let review = Review::read(body.as_bytes()).unwrap();
    let (request, now) = (&review.request, Timestamp::now());
    let (secrets, references) = (SharedScan::new(None), References::default());
    let mut costs: Vec<_> = policies
        .concerning(request.kind)
        .map(|bound| {
            let object = request.object.as_ref();
            let ask = Ask {
                request,
                object,
                old: None,
                inventory,
                now,
                version: bound.version,
                secrets: &secrets,
                references: &references,
            };
            let cost = time(|| {
                let mut report = Report::default();
                bound.examiner.examine(black_box(&ask), &mut report);
                drop(black_box(report));
            });
            (cost, bound.check.id)
        })
        .collect();
    costs.sort_by(|a, b| b.partial_cmp(a).unwrap());
    println!("| check | ns |\n| --- | ---: |");
    for (cost, id) in costs {
        println!("| {id} | {:.0} |", cost * 1e3);
    }
}

fn main() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    let inventory = Inventory::default();
    let identity = Identity {
        decision_id: "01a20ad2-868f-7252-8254-ff89b5819f23",
        policy_digest: policies.digest(),
        inventory_age: None,
    };
    if std::env::args().any(|argument| argument == "each") {
        each_check(&two_containers(), &policies, &inventory);
        let review = images::review(two_containers());
        return each_check(&review, &images::policies(), &images::inventory(2, Timestamp::now()));
    }
    println!("{} checks in force", policies.bound().len());
    println!("| review | bytes | read µs | decide µs | answer µs | findings | decision |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    let recordings = [
        "044-CREATE-Pod-good-pod",
        "009-CREATE-Pod-node-shell",
        "010-CREATE-Deployment-checkout",
        "015-CREATE-Deployment-legacy-orders",
        "047-UPDATE-Deployment-checkout",
        "033-CREATE-NetworkPolicy-default-deny",
        "018-CREATE-ClusterRole-god-mode",
        "056-CONNECT-PodExecOptions.exec-node-shell",
    ];
    let made = [("two-container Deployment", two_containers()), ("ConfigMap, 3 secrets", large_config_map())];
    for (name, body) in recordings.iter().map(|file| (*file, recorded(file))).chain(made) {
        let body = body.to_string();
        let review = Review::read(body.as_bytes()).unwrap();
        let now = Timestamp::now();
        let decide = || decision::decide(&policies, &review.request, &inventory, now);
        let decided = decide();
        println!(
            "| {name} | {} | {:.1} | {:.1} | {:.1} | {} | {} |",
            body.len(),
            time(|| drop(black_box(Review::read(black_box(body.as_bytes())).unwrap()))),
            time(|| drop(black_box(decide()))),
            time(|| drop(black_box(encode(&review.uid, &decided, identity)))),
            decided.findings.len(),
            decided.outcome.id(),
        );
    }
    images::table(two_containers());
}
