//! The HTTPS door for reviews and the plain one for probes and metrics: routes, limits, TLS, and leaving in order.

mod accept;
mod activity;
mod admin;
mod body;
mod connection;
mod ingest;
mod limits;
mod readiness;
mod renewal;
mod reply;
mod review;
mod routes;
mod shutdown;
mod timeout;
mod tls;

pub use ingest::{Handed, Ingest, Unadmitted};
pub use limits::Limits;
pub use readiness::{Condition, Readiness, State};
pub use reply::Reply;
pub use shutdown::termination;
pub use tls::install_provider;

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::certificates;
use crate::telemetry::Metrics;
use shutdown::Phases;

/// Where to listen, what to show, and how much to take.
#[derive(Clone, Debug)]
pub struct Config {
    /// Reviews, over HTTPS. Port 0 takes a free one; [`Handle::address`] tells which.
    pub listen: SocketAddr,
    /// Probes and metrics, over plain HTTP; none when absent.
    pub admin_listen: Option<SocketAddr>,
    pub certificate: certificates::Source,
    /// PEM file of the CA that callers must show a certificate of; anyone may call when absent.
    pub client_ca: Option<PathBuf>,
    pub limits: Limits,
}

/// A review as it came in.
pub struct Review {
    pub body: Bytes,
    /// When its head was read.
    pub received: Instant,
    /// When the caller stops waiting, less a margin for the way back.
    pub deadline: Instant,
}

/// Why a review got no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Panicked,
    /// Not done after this long.
    TimedOut(Duration),
}

/// Decides a review.
pub type Validate = dyn Fn(Review) -> Reply + Send + Sync;
/// Answers a review that got no decision; the body is whole and its uid can be read from it.
pub type Failed = dyn Fn(&[u8], Failure) -> Reply + Send + Sync;

/// Says whether callers accept the chain that they are shown.
pub type Certificate = dyn Fn(Option<&[u8]>) -> Option<Condition> + Send + Sync;

/// What the server calls. All of it is synchronous and must not wait for anything, storing scan reports aside.
#[derive(Clone)]
pub struct Handlers {
    pub validate: Arc<Validate>,
    pub failed: Arc<Failed>,
    /// What the program has to say about its readiness; the server adds its own conditions.
    pub readiness: Arc<dyn Fn() -> Readiness + Send + Sync>,
    /// Judges the chain that is shown (PEM; none before the first): whether those who call would accept it, as far as
    /// the program knows them.
    pub certificate: Arc<Certificate>,
    /// Takes scan reports that are handed in; without it there is no such route.
    pub ingest: Option<Arc<dyn Ingest>>,
    pub metrics: Arc<Metrics>,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen on {address}: {reason}. Give another address with {flag}")]
    Listen { address: SocketAddr, flag: &'static str, reason: io::Error },
    #[error("told to stop before there was a certificate to serve")]
    Stopped,
    #[error(transparent)]
    Certificate(#[from] certificates::Error),
    #[error(transparent)]
    Tls(#[from] tls::Error),
}

/// A server that runs.
pub struct Handle {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    made_ca: Option<PathBuf>,
    running: JoinHandle<Left>,
}

/// How the server left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Every request in flight was answered.
    Drained,
    /// The drain deadline passed with this many connections still open.
    Cut(usize),
}

impl Handle {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// The CA certificate that callers must trust, when the server made it itself.
    pub fn made_ca(&self) -> Option<&PathBuf> {
        self.made_ca.as_ref()
    }

    /// Waits until the server has been told to stop and has left.
    pub async fn finished(self) -> Left {
        // A task that panicked drained nothing.
        self.running.await.unwrap_or(Left::Cut(0))
    }
}

/// Binds both addresses and serves until `shutdown` completes, then drains.
///
/// Returns as soon as callers can connect. As long as the certificate is still to be handed over, probes are answered
/// already and callers wait.
///
/// # Errors
/// When an address cannot be bound, the certificate cannot be read, made or used, or `shutdown` came first.
pub async fn serve(
    config: Config,
    handlers: Handlers,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<Handle, Error> {
    let mut store = certificates::Store::new(config.certificate, config.client_ca);
    let made_ca = store.made_ca();
    let tls = tls::Tls::start(&mut store, &handlers.metrics.server)?;
    let listener = listen(config.listen, "--listen").await?;
    let admin = match config.admin_listen {
        Some(address) => Some(listen(address, "--admin-listen").await?),
        None => None,
    };
    let address = local(&listener, config.listen);
    let admin_address = admin.as_ref().zip(config.admin_listen).map(|(bound, wanted)| local(bound, wanted));

    let phases = Phases::new();
    let shared = Arc::new(Shared::new(config.limits, handlers, phases.watch(), tls));
    let renewal = tokio::spawn(renewal::keep_fresh(Arc::clone(&shared), store));
    if let Some(admin) = admin {
        tokio::spawn(admin::serve(admin, Arc::clone(&shared)));
    }
    let mut shutdown = Box::pin(shutdown);
    if shared.tls.chain().is_none() {
        let admin_address = admin_address.map(|address| address.to_string()).unwrap_or_default();
        tracing::info!(admin_address, "waiting for a certificate");
        tokio::select! {
            () = shared.tls.begun() => {}
            () = &mut shutdown => {
                renewal.abort();
                return Err(Error::Stopped);
            }
        }
    }
    let running = tokio::spawn(async move {
        let serving = tokio::spawn(connection::serve(listener, Arc::clone(&shared)));
        shutdown.await;
        let left = shutdown::leave(&phases, &shared, serving).await;
        renewal.abort();
        left
    });
    Ok(Handle { address, admin_address, made_ca, running })
}

/// What every connection shares.
struct Shared {
    limits: Limits,
    handlers: Handlers,
    phase: shutdown::Phase,
    tls: tls::Tls,
    /// One permit per connection; taken before it is accepted, so that the excess waits in the kernel.
    connections: Arc<tokio::sync::Semaphore>,
    in_flight: limits::Gauge,
    body_memory: limits::Gauge,
    /// One permit per large review being decided aside.
    large: Arc<tokio::sync::Semaphore>,
    reports: ingest::Room,
}

impl Shared {
    fn new(limits: Limits, handlers: Handlers, phase: shutdown::Phase, tls: tls::Tls) -> Self {
        Self {
            connections: Arc::new(tokio::sync::Semaphore::new(limits.connections)),
            in_flight: limits::Gauge::new(limits.in_flight),
            body_memory: limits::Gauge::new(limits.body_memory),
            large: Arc::new(tokio::sync::Semaphore::new(limits.large_at_once)),
            reports: ingest::Room::new(&limits),
            limits,
            handlers,
            phase,
            tls,
        }
    }
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|reason| Error::Listen { address, flag, reason })
}

fn local(listener: &TcpListener, wanted: SocketAddr) -> SocketAddr {
    listener.local_addr().unwrap_or(wanted)
}
