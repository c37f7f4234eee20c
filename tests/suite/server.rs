//! The server through its own doors, with handlers that answer, wait or panic as a test asks them to.

mod certificates;
mod leaving;
mod limits;
mod routes;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use soc2gate::certificates::Source;
use soc2gate::server::{
    Condition, Config, Failure, Handle, Handlers, Left, Limits, Readiness, Reply, Review, State, serve,
};
use soc2gate::telemetry::{Metrics, Vocabulary};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::https::{self, Client};

/// How long a test waits for what must happen.
const SOON: Duration = Duration::from_secs(20);

/// A server on free ports, with a certificate and state of its own.
struct Running {
    client: Client,
    handle: Handle,
    metrics: Arc<Metrics>,
    desk: Arc<Desk>,
    stop: oneshot::Sender<()>,
    state: TempDir,
}

/// Answers reviews: a body `wait` is held until [`Desk::release`], `panic` panics, anything else is echoed.
#[derive(Default)]
struct Desk {
    waiting: AtomicUsize,
    released: Mutex<bool>,
    bell: Condvar,
}

impl Desk {
    fn answer(&self, review: &Review) -> Reply {
        assert!(!review.body.starts_with(b"panic"), "a handler that panics");
        if review.body.starts_with(b"wait") {
            self.waiting.fetch_add(1, Ordering::SeqCst);
            let released = self.released.lock().unwrap();
            drop(self.bell.wait_timeout_while(released, SOON, |released| !*released).unwrap());
        }
        let left = review.deadline.saturating_duration_since(review.received).as_millis();
        Reply::json(format!(r#"{{"bytes":{},"millis":{left}}}"#, review.body.len()))
    }

    fn release(&self) {
        *self.released.lock().unwrap() = true;
        self.bell.notify_all();
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}

async fn running(adjust: impl FnOnce(&mut Config)) -> Running {
    let state = tempfile::tempdir().unwrap();
    let mut config = Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        admin_listen: Some("127.0.0.1:0".parse().unwrap()),
        certificate: Source::Made { state: state.path().to_owned(), names: Vec::new() },
        client_ca: None,
        limits: Limits {
            drain_delay: Duration::ZERO,
            certificate_check: Duration::from_millis(20),
            ..Limits::default()
        },
    };
    adjust(&mut config);
    let desk = Arc::new(Desk::default());
    let metrics = Arc::new(metrics());
    let (stop, stopped) = oneshot::channel::<()>();
    let handlers = handlers(Arc::clone(&desk), Arc::clone(&metrics));
    let handle = serve(config, handlers, async { drop(stopped.await) }).await.unwrap();
    let ca = handle.made_ca().map(|ca| std::fs::read(ca).unwrap()).unwrap_or_default();
    let client = Client::new(handle.address(), &ca);
    Running { client, handle, metrics, desk, stop, state }
}

fn handlers(desk: Arc<Desk>, metrics: Arc<Metrics>) -> Handlers {
    Handlers {
        validate: Arc::new(move |review| desk.answer(&review)),
        failed: Arc::new(|body, failure| {
            assert!(!body.starts_with(b"panic twice"), "a hook that panics");
            let failure = match failure {
                Failure::Panicked => "panicked",
                Failure::TimedOut(_) => "timed out",
            };
            Reply::json(format!(r#"{{"bytes":{},"failure":"{failure}"}}"#, body.len()))
        }),
        readiness: Arc::new(|| Readiness {
            conditions: vec![Condition::new("policies", State::Degraded, "a.yaml:1:1 is bad")],
        }),
        certificate: Arc::new(|_| None),
        ingest: None,
        metrics,
    }
}

fn metrics() -> Metrics {
    Metrics::new(&Vocabulary {
        outcomes: &["allow", "warn", "deny", "error"],
        operations: &["CREATE"],
        kinds: &["Pod"],
        checks: &[("CC6.1", "privileged-container")],
        modes: &["enforce"],
        states: &["active"],
        decode_failures: &["syntax"],
        exemption_states: &["active"],
    })
    .unwrap()
}

impl Running {
    fn admin(&self) -> std::net::SocketAddr {
        self.handle.admin_address().unwrap()
    }

    fn path(&self) -> &Path {
        self.state.path()
    }

    async fn left(self) -> Left {
        let _stopped_already = self.stop.send(()).is_err();
        self.handle.finished().await
    }
}

/// Waits until something is so, and says what never was.
async fn eventually(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < SOON, "it never happened that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
