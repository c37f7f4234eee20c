//! One connection from its handshake to its end, and the deadlines that end it.

use std::convert::Infallible;
use std::error::Error as StdError;
use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::server::TlsStream;

use super::accept::accept;
use super::activity::{Activity, Noted};
use super::shutdown::{Phase, Stage};
use super::{Limits, Shared, routes, tls};

/// Serves reviews until the door closes.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let permits = Arc::clone(&shared.connections);
    let metrics = Arc::clone(&shared.handlers.metrics);
    let failed = || metrics.server.accept_failures.inc();
    let each = |stream| one(stream, Arc::clone(&shared));
    accept(listener, permits, shared.phase.clone(), Stage::Closing, failed, each).await;
}

async fn one(stream: TcpStream, shared: Arc<Shared>) {
    let _counted = Counted::new(&shared);
    let Some(stream) = shake_hands(stream, &shared).await else {
        return;
    };
    let h2 = tls::agreed_on_h2(&stream);
    let activity = Arc::new(Activity::new());
    let io = TokioIo::new(Noted::new(stream, Arc::clone(&activity)));
    let service = service_fn(|request| {
        let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
        async move { Ok::<_, Infallible>(routes::answer(&shared, &activity, request).await) }
    });
    // Whoever comes late is served all the same, and asked to go elsewhere next time.
    let stage = shared.phase.now().min(Stage::Leaving);
    if stage == Stage::Leaving {
        activity.retire();
    }
    let (limits, phase) = (&shared.limits, shared.phase.clone());
    if h2 {
        drive(http2_builder(limits).serve_connection(io, service), &activity, limits, phase, stage).await;
    } else {
        drive(http1_builder(limits).serve_connection(io, service), &activity, limits, phase, stage).await;
    }
}

async fn shake_hands(stream: TcpStream, shared: &Shared) -> Option<TlsStream<TcpStream>> {
    let (reason, error) = match timeout(shared.limits.handshake, shared.tls.handshake(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => (tls::failure(&error), Some(error)),
        Err(_) => ("timeout", None),
    };
    shared.handlers.metrics.server.handshake_failures.count(&[reason]);
    tracing::debug!(reason, ?error, "a TLS handshake failed");
    None
}

/// Hyper's own header deadline stays off: it also ends idle connections, and a request may be on its way on one.
/// [`overdue`] tells the two apart.
pub(super) fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None).max_header_size(limits.head);
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping_timeout);
    builder
}

/// What HTTP/1.1 and HTTP/2 do differently at their end.
pub(super) trait Ends: Future<Output = hyper::Result<()>> {
    /// Ends once the caller will surely not lose a request by it.
    fn retire(self: Pin<&mut Self>, activity: &Activity);
    /// Ends once nothing is in flight.
    fn finish(self: Pin<&mut Self>, activity: &Activity);
    fn overdue(activity: &Activity, limits: &Limits) -> bool;
}

impl<I, S, B> Ends for http1::Connection<I, S>
where
    I: Read + Write + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// The next answer says that it is the last. An idle connection is left to its caller.
    fn retire(self: Pin<&mut Self>, activity: &Activity) {
        activity.retire();
    }

    /// Without a request yet, one is surely on its way.
    fn finish(self: Pin<&mut Self>, activity: &Activity) {
        activity.retire();
        if activity.seen_request() {
            self.graceful_shutdown();
        }
    }

    fn overdue(activity: &Activity, limits: &Limits) -> bool {
        activity.head_for() > limits.head_read || activity.quiet_for() > limits.idle
    }
}

impl<I, S, B> Ends for http2::Connection<I, S, TokioExecutor>
where
    I: Read + Write + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    /// GOAWAY tells the caller which of its requests were taken.
    fn retire(self: Pin<&mut Self>, _activity: &Activity) {
        self.graceful_shutdown();
    }

    fn finish(self: Pin<&mut Self>, _activity: &Activity) {
        self.graceful_shutdown();
    }

    /// Pings find out who is gone.
    fn overdue(_activity: &Activity, _limits: &Limits) -> bool {
        false
    }
}

/// How long a new connection may still bring its first request once the door is closed.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs a connection until it ends, is overdue, or the server leaves. Stages up to `stage` do not concern it.
pub(super) async fn drive<C: Ends>(
    connection: C,
    activity: &Activity,
    limits: &Limits,
    mut phase: Phase,
    mut stage: Stage,
) {
    let mut connection = pin!(connection);
    let mut ticks = interval(limits.tick());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (age, mut aged) = (jittered(limits.age), false);
    let mut first_request = limits.first_request;
    loop {
        tokio::select! {
            biased;
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended early");
                }
                return;
            }
            next = phase.after(stage) => {
                stage = next;
                match stage {
                    Stage::Serving => {}
                    Stage::Leaving => connection.as_mut().retire(activity),
                    Stage::Closing => {
                        connection.as_mut().finish(activity);
                        first_request = first_request.min(activity.age() + FAREWELL);
                    }
                    Stage::Gone => return,
                }
            }
            _ = ticks.tick() => {
                let silent = !activity.seen_request() && activity.age() > first_request;
                if silent || C::overdue(activity, limits) {
                    tracing::debug!(silent, "a connection did nothing for too long");
                    return;
                }
                if !aged && activity.age() > age {
                    aged = true;
                    connection.as_mut().retire(activity);
                }
            }
        }
    }
}

/// A tenth more or less, so that connections made at once do not end at once.
fn jittered(age: Duration) -> Duration {
    // The standard library seeds its hashers at random, which is random enough to spread connections.
    let random = RandomState::new().hash_one(0_u8) % 201;
    age.mul_f64(0.9 + random as f64 / 1000.0)
}

/// A connection in the gauge for as long as it lives.
struct Counted<'a>(&'a Shared);

impl<'a> Counted<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.handlers.metrics.server.connections.inc();
        Self(shared)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.handlers.metrics.server.connections.dec();
    }
}
