//! The plain door for probes and metrics.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, State as Shares};
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::Shared;
use super::accept::accept;
use super::activity::{Activity, Noted};
use super::connection::{drive, http1_builder};
use super::readiness::{Condition, Readiness, State};
use super::reply::JSON;
use super::shutdown::Stage;

/// Serves probes until everything else is gone, so that the way out can be watched.
pub(super) async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(&shared));
    // Few, so that nobody who reaches this port can use up the descriptors of the other.
    let permits = Arc::new(Semaphore::new(shared.limits.admin_connections));
    let each = |stream| one(stream, router.clone(), Arc::clone(&shared));
    accept(listener, permits, shared.phase.clone(), Stage::Gone, || (), each).await;
}

async fn one(stream: TcpStream, router: Router, shared: Arc<Shared>) {
    let activity = Arc::new(Activity::new());
    let io = TokioIo::new(Noted::new(stream, Arc::clone(&activity)));
    let service = service_fn(|request: Request<Incoming>| {
        let (router, activity) = (router.clone(), Arc::clone(&activity));
        async move {
            let _in_progress = activity.begin();
            Ok::<_, Infallible>(router.oneshot(request).await.into_response())
        }
    });
    let connection = http1_builder(&shared.limits).serve_connection(io, service);
    // Probes are answered on the way out as well.
    drive(connection, &activity, &shared.limits, shared.phase.clone(), Stage::Closing).await;
}

async fn readyz(
    Shares(shared): Shares<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let readiness = readiness(&shared);
    let status = if readiness.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let verbose = query.unwrap_or_default().split('&').any(|pair| pair.split('=').next() == Some("verbose"));
    if verbose || accepts.contains(JSON) {
        return (status, [(CONTENT_TYPE, JSON)], readiness.json()).into_response();
    }
    (status, readiness.line()).into_response()
}

fn readiness(shared: &Shared) -> Readiness {
    let mut readiness = (shared.handlers.readiness)();
    let chain = shared.tls.chain();
    readiness.conditions.push(match (shared.phase.now(), &chain) {
        (Stage::Serving, Some(_)) => Condition::new("serving", State::Met, "reviews are answered"),
        (Stage::Serving, None) => {
            Condition::new("serving", State::Unmet, "there is no certificate to show yet")
        }
        _ => Condition::new("serving", State::Unmet, "the server is shutting down"),
    });
    let own = match (shared.tls.last_trouble(), &chain) {
        (Some(trouble), _) => {
            Condition::new("certificate", State::Degraded, format!("the old one is served: {trouble}"))
        }
        (None, Some(_)) => Condition::new("certificate", State::Met, "the newest certificate is served"),
        (None, None) => Condition::new("certificate", State::Unmet, "there is none yet"),
    };
    let judged = (shared.handlers.certificate)(chain.as_deref());
    readiness.conditions.push(match judged {
        Some(judged) => own.and(judged),
        None => own,
    });
    readiness
}

async fn metrics(Shares(shared): Shares<Arc<Shared>>) -> Response {
    match shared.handlers.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
