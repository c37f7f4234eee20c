//! No question is asked between a review and its answer: the gate answers while it can open no socket at all, and while
//! a registry that it asks never answers.

use std::{
    net::TcpListener,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{allowing, digest, registries_file};
use crate::{
    gate::{self, Gate, SOON},
    https::Http,
};

/// Accepts connections and says nothing to anyone; with how many it accepted.
fn silent_registry() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = format!("localhost:{}", listener.local_addr().unwrap().port());
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = accepted.clone();
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept() {
            count.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    (host, accepted)
}

/// Lets a process open no further file or socket.
fn forbid_descriptors(process: u32) {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let numbers = open.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u32>().ok());
    // The limit is on the number of a new descriptor: no number below the highest may be free.
    limit_descriptors(process, lowest_free(numbers.collect()));
}

/// The soft limit alone, so that it can be raised again.
fn limit_descriptors(process: u32, most: u32) {
    let limit = format!("--nofile={most}:");
    let done = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status().unwrap();
    assert!(done.success());
}

fn lowest_free(mut numbers: Vec<u32>) -> u32 {
    numbers.sort_unstable();
    (0..)
        .zip(&numbers)
        .find(|(expected, number)| expected != *number)
        .map_or(u32::try_from(numbers.len()).unwrap(), |(expected, _)| expected)
}

#[tokio::test]
async fn reviews_are_answered_while_no_socket_can_be_opened_and_the_registry_is_silent() {
    let state = tempfile::tempdir().unwrap();
    let (host, accepted) = silent_registry();
    let policies = allowing(state.path(), &host, "- {id: unknown-image-evidence, mode: enforce}");
    let registries = registries_file(state.path(), &host);
    let gate = Gate::start(&["--policies", &policies, "--registries", &registries]);
    let mut connection = gate.connect(Http::One).await;
    forbid_descriptors(gate.process());
    for number in 0..200 {
        let image = format!("{host}/shop/web{number}@{}", digest('1'));
        let review = gate::review("CREATE", &gate::pod(json!({"image": image})), &serde_json::Value::Null);
        let answer = connection.post("/validate?timeout=3s", review.to_string()).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status.as_u16(), &body["response"]["allowed"]), (200, &json!(false)), "{body}");
        let message = body["response"]["status"]["message"].as_str().unwrap();
        assert!(message.contains("unknown-image-evidence"), "{message}");
    }
    // The trap held: as soon as it may, the gate asks the registry about what it was reviewing.
    assert_eq!(accepted.load(Ordering::Relaxed), 0);
    limit_descriptors(gate.process(), 1_000);
    let begun = Instant::now();
    while accepted.load(Ordering::Relaxed) == 0 {
        assert!(begun.elapsed() < SOON, "nobody asked the registry");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
