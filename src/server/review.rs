//! A review from its head to its answer: shed, read, decided, and answered whatever happens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::header::EXPECT;
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use super::body::{self, Body, Bounds};
use super::reply::{Refusal, Reply};
use super::{Failure, Handlers, Review, Shared, timeout};

/// Answers a review within the time that its caller waits.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let received = Instant::now();
    let metrics = &shared.handlers.metrics;
    let Some(_in_flight) = shared.in_flight.take(1) else {
        metrics.server.shed.count(&["requests"]);
        return Err(Refusal::TooManyRequests);
    };
    let allowed = timeout::allowed(request.uri().query(), &shared.limits);
    let body = read(shared, request, received + allowed.min(shared.limits.body_read)).await.inspect_err(
        |refusal| {
            if *refusal == Refusal::TooMuchMemory {
                metrics.server.shed.count(&["memory"]);
            }
        },
    )?;
    let reply = decide(shared, body, received, allowed).await;
    metrics.review_duration.observe(received.elapsed().as_secs_f64());
    reply
}

async fn read(shared: &Shared, request: Request<Incoming>, until: Instant) -> Result<Body, Refusal> {
    let limits = &shared.limits;
    let waits = request.headers().contains_key(EXPECT);
    let bounds = Bounds { limit: limits.body, memory: &shared.body_memory, until, waits };
    body::read(request.into_body(), &bounds).await
}

async fn decide(shared: &Shared, body: Body, received: Instant, allowed: Duration) -> Result<Reply, Refusal> {
    let deadline = received + allowed;
    let bytes = body.bytes.clone();
    let review = Review { body: body.bytes, received, deadline };
    if bytes.len() <= shared.limits.inline {
        return guarded(&shared.handlers, review);
    }
    let handlers = shared.handlers.clone();
    let share = body.share;
    let aside = async {
        let permit = Arc::clone(&shared.large).acquire_owned().await;
        spawn_blocking(move || {
            // Both are held until the work ends, which may be after its deadline.
            let _held = (permit, share);
            guarded(&handlers, review)
        })
        .await
    };
    match timeout_at(deadline.into(), aside).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => Err(Refusal::Internal),
        Err(_) => {
            shared.handlers.metrics.server.timeouts.inc();
            tracing::warn!(bytes = bytes.len(), ?allowed, "a review was not decided in time");
            failed(&shared.handlers, &bytes, Failure::TimedOut(allowed))
        }
    }
}

/// Calls the handler; a panic is answered like any other failure, and the process lives on.
fn guarded(handlers: &Handlers, review: Review) -> Result<Reply, Refusal> {
    let body: Bytes = review.body.clone();
    // Handlers read snapshots that are replaced whole, so there is nothing they could leave half-changed.
    catch_unwind(AssertUnwindSafe(|| (handlers.validate)(review))).or_else(|_| {
        handlers.metrics.server.panics.inc();
        tracing::error!(bytes = body.len(), "a review made its handler panic");
        failed(handlers, &body, Failure::Panicked)
    })
}

fn failed(handlers: &Handlers, body: &[u8], failure: Failure) -> Result<Reply, Refusal> {
    catch_unwind(AssertUnwindSafe(|| (handlers.failed)(body, failure))).map_err(|_| {
        handlers.metrics.server.panics.inc();
        Refusal::Internal
    })
}
