//! What one decision costs, step by step: `cargo bench --bench decide`.
//!
//! Times are medians over batches; they depend on the machine. The promise is at most 20 µs for the decision on a
//! two-container Deployment under the whole catalogue.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise, and prints its table"
)]

use std::{
    fs,
    hint::black_box,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::Value;
use soc2gate::{
    admission::{Identity, Review, encode},
    decision,
    inventory::Inventory,
    policy::{Loaded, Settings},
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BATCH: u32 = 200;
const BATCHES: usize = 60;

/// Median time of one call, in microseconds.
fn time(mut call: impl FnMut()) -> f64 {
    let mut batches: Vec<Duration> = (0..BATCHES)
        .map(|_| {
            let begun = Instant::now();
            (0..BATCH).for_each(|_| call());
            begun.elapsed() / BATCH
        })
        .collect();
    batches.sort();
    batches.get(BATCHES / 2).unwrap().as_secs_f64() * 1e6
}

fn main() {
    let policies = Loaded::shipped().unwrap().bind(&Settings::default()).unwrap();
    let inventory = Inventory::default();
    let identity =
        Identity { decision_id: "01a20ad2-868f-7252-8254-ff89b5819f23", policy_digest: policies.digest() };
    println!("| review | bytes | read µs | decide µs | answer µs | findings | decision |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
    for file in [
        "044-CREATE-Pod-good-pod",
        "009-CREATE-Pod-node-shell",
        "010-CREATE-Deployment-checkout",
        "015-CREATE-Deployment-legacy-orders",
        "047-UPDATE-Deployment-checkout",
        "033-CREATE-NetworkPolicy-default-deny",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/reviews/{file}.json"));
        let body: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let body = body.to_string();
        let review = Review::read(body.as_bytes()).unwrap();
        let now = Timestamp::now();
        let decide = || decision::decide(&policies, &review.request, &inventory, now);
        let decided = decide();
        println!(
            "| {file} | {} | {:.1} | {:.1} | {:.1} | {} | {} |",
            body.len(),
            time(|| drop(black_box(Review::read(black_box(body.as_bytes())).unwrap()))),
            time(|| drop(black_box(decide()))),
            time(|| drop(black_box(encode(&review.uid, &decided, identity)))),
            decided.findings.len(),
            decided.outcome.id(),
        );
    }
}
