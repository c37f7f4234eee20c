//! What others see of reviews: the kernel no socket that is opened for one, not even one whose failure would go unnoticed,
//! and a registry one question, however many ask.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Fake, Reply, at, image, sha256};
use crate::{
    gate::{self, Gate, SOON},
    https::Http,
    images::{allowing, registries_file},
};

/// Follows every thread of a process and writes down which connections it opens.
struct Tracer {
    child: Child,
    log: PathBuf,
}

impl Tracer {
    /// Nothing where processes cannot be traced, which is told.
    fn attach(process: u32, state: &Path) -> Option<Self> {
        let log = state.join("trace");
        let mut child = Command::new("strace")
            .args(["-f", "-e", "trace=socket,connect", "-o", log.to_str()?])
            .args(["-p", &process.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .inspect_err(|error| eprintln!("NOT RUN: strace is not on this machine ({error})"))
            .ok()?;
        let mut line = String::new();
        BufReader::new(child.stderr.take()?).read_line(&mut line).ok()?;
        if line.contains("attached") {
            return Some(Self { child, log });
        }
        eprintln!("NOT RUN: processes cannot be traced on this machine: {line}");
        let _ = child.wait();
        None
    }

    /// How many connections were opened so far.
    fn connections(&self) -> usize {
        let log = fs::read_to_string(&self.log).unwrap();
        log.lines().filter(|line| line.contains(" connect(") || line.contains(" socket(")).count()
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_connection_is_opened_between_a_review_and_its_answer() {
    let (state, known) = (tempfile::tempdir().unwrap(), sha256(&image()));
    let path = at(&known);
    let fake =
        Fake::start(move |seen| if seen.path == path { Reply::ok(image()) } else { Reply::status(404) })
            .await;
    // To the other one no connection is open yet.
    let other = Fake::start(|_| Reply::status(404)).await;
    let both = format!("{}', '{}", fake.host, other.host);
    let policies = allowing(state.path(), &both, "- {id: unknown-image-evidence, mode: enforce}");
    let registries = registries_file(state.path(), &fake.host);
    let mut reached = fs::read_to_string(&registries).unwrap();
    reached += &format!("- {{host: '{}', plainHttp: true, privateAddresses: true}}\n", other.host);
    fs::write(&registries, reached).unwrap();
    let gate = Gate::start(&["--policies", &policies, "--registries", &registries]);
    let of = |host: &str| {
        let image = format!("{host}/shop/web@{known}");
        gate::review("CREATE", &gate::pod(json!({"image": image})), &Value::Null).to_string()
    };
    let mut connection = gate.connect(Http::One).await;
    let begun = Instant::now();
    // What is known already leaves nobody anything to ask meanwhile.
    loop {
        let answer = connection.post("/validate", of(&fake.host)).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        if body["response"]["allowed"] == true {
            break;
        }
        assert!(begun.elapsed() < SOON, "{body}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Some(tracer) = Tracer::attach(gate.process(), state.path()) else { return };
    for _ in 0..200 {
        let answer = connection.post("/validate?timeout=10s", of(&fake.host)).await.unwrap();
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!((answer.status.as_u16(), &body["response"]["allowed"]), (200, &json!(true)), "{body}");
    }
    assert_eq!(tracer.connections(), 0);
    // The trace would have shown one: a new image is answered at once, and asked about afterwards.
    let answer = connection.post("/validate?timeout=10s", of(&other.host)).await.unwrap();
    assert_eq!(answer.status.as_u16(), 200);
    let begun = Instant::now();
    while tracer.connections() == 0 {
        assert!(begun.elapsed() < SOON, "the trace shows nothing");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_reviews_at_once_are_one_question_to_the_registry() {
    let (state, new) = (tempfile::tempdir().unwrap(), sha256(&image()));
    let path = at(&new);
    let manifest = path.clone();
    let fake =
        Fake::start(move |seen| if seen.path == path { Reply::ok(image()) } else { Reply::status(404) })
            .await;
    let policies = allowing(state.path(), &fake.host, "- {id: unknown-image-evidence, mode: enforce}");
    let registries = registries_file(state.path(), &fake.host);
    let gate = Gate::start(&["--policies", &policies, "--registries", &registries]);
    let image = format!("{}/shop/web@{new}", fake.host);
    let body = gate::review("CREATE", &gate::pod(json!({"image": image})), &Value::Null).to_string();
    let callers = (0..50).map(|_| async {
        let mut connection = gate.connect(Http::Two).await;
        for _ in 0..20 {
            let answer = connection.post("/validate?timeout=10s", body.clone()).await.unwrap();
            assert_eq!(answer.status.as_u16(), 200);
        }
    });
    futures::future::join_all(callers).await;
    gate.admin_until("/metrics", |text| text.contains("soc2gate_images{state=\"answered\"} 1")).await;
    let asked = fake.seen().iter().filter(|seen| seen.path == manifest).count();
    assert_eq!(asked, 1, "{:?}", fake.seen());
}
