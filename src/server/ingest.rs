//! Scan reports handed in over the HTTPS door, with a room of their own so that reviews never wait for them.

use std::sync::Arc;
use std::time::Instant;

use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, EXPECT, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::body::{self, Body, Bounds};
use super::limits::Gauge;
use super::reply::{Answer, Refusal, Reply};
use super::{Limits, Shared, routes};
use crate::object::Digest;

/// A scan report as it was handed in.
pub struct Handed {
    pub digest: Digest,
    /// The name of the token.
    pub by: String,
    pub report: Bytes,
}

/// Why a caller may not hand anything in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unadmitted {
    Unknown,
    /// Unknown, as were many before.
    TooOften,
}

/// Takes scan reports.
pub trait Ingest: Send + Sync {
    /// Whose token this is; asked before the report is read.
    ///
    /// # Errors
    /// When it is nobody's.
    fn admit(&self, token: &str) -> Result<String, Unadmitted>;

    /// Stores a report; called where it may wait for the disk.
    fn take(&self, handed: Handed) -> Reply;
}

/// What bounds the reports that are being handed in.
pub(super) struct Room {
    all: Arc<Semaphore>,
    at_once: Arc<Semaphore>,
    memory: Gauge,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: Arc::new(Semaphore::new(limits.reports)),
            at_once: Arc::new(Semaphore::new(limits.reports_at_once)),
            memory: Gauge::new(limits.report_memory),
        }
    }
}

/// Whom a report is for, and who takes it.
pub(super) struct Place {
    image: String,
    ingest: Arc<dyn Ingest>,
}

/// The place that a path leads to: `/v1/images/{digest}/scans`, if anybody takes reports.
pub(super) fn place(shared: &Shared, path: &str) -> Option<Place> {
    let image = path.strip_prefix("/v1/images/")?.strip_suffix("/scans")?;
    let ingest = shared.handlers.ingest.clone().filter(|_| !image.contains('/'))?;
    Some(Place { image: image.replace("%3A", ":").replace("%3a", ":"), ingest })
}

/// Answers one report.
pub(super) async fn answer(shared: &Shared, place: Place, request: Request<Incoming>) -> Answer {
    let answer = match admit(&place, &request) {
        Err(refused) => {
            // Whoever is still writing when the connection closes never reads why.
            if !request.headers().contains_key(EXPECT) {
                body::discard(request.into_body(), shared.limits.report / 4).await;
            }
            *refused
        }
        Ok((digest, by)) => receive(shared, &place, digest, by, request).await.unwrap_or_else(refused),
    };
    shared.handlers.metrics.server.ingests.count(&[result(answer.status())]);
    answer
}

fn admit(place: &Place, request: &Request<Incoming>) -> Result<(Digest, String), Box<Answer>> {
    if request.method() != Method::POST {
        return Err(refused(Refusal::MethodNotAllowed).into());
    }
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = header.and_then(|value| value.split_once(' ')).unwrap_or_default();
    let token = if scheme.eq_ignore_ascii_case("bearer") { token.trim() } else { "" };
    let by = place.ingest.admit(token).map_err(|unadmitted| {
        Box::new(match unadmitted {
            Unadmitted::Unknown => {
                said(StatusCode::UNAUTHORIZED, "Unauthorized", "show a token that may hand in scan reports")
            }
            Unadmitted::TooOften => busy("too many wrong tokens were shown: try again in a minute", "60"),
        })
    })?;
    if !routes::is_json(request) {
        return Err(refused(Refusal::UnsupportedMediaType).into());
    }
    let Some(digest) = Digest::parse(&place.image) else {
        let words = "the path names no image digest: POST to /v1/images/sha256:.../scans";
        return Err(said(StatusCode::BAD_REQUEST, "BadRequest", words).into());
    };
    Ok((digest, by))
}

async fn receive(
    shared: &Shared,
    place: &Place,
    digest: Digest,
    by: String,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let (limits, room) = (&shared.limits, &shared.reports);
    let Ok(permit) = Arc::clone(&room.all).try_acquire_owned() else {
        body::discard(request.into_body(), limits.report / 4).await;
        return Err(Refusal::TooManyRequests);
    };
    let waits = request.headers().contains_key(EXPECT);
    let until = Instant::now() + limits.report_time;
    let bounds = Bounds { limit: limits.report, memory: &room.memory, until, waits };
    let Body { bytes, share } = body::read(request.into_body(), &bounds).await?;
    let (ingest, at_once) = (Arc::clone(&place.ingest), Arc::clone(&room.at_once));
    let stored = async move {
        let turn = at_once.acquire_owned().await;
        spawn_blocking(move || {
            // All are held until the work ends, which may be after its time.
            let _held = (permit, turn, share);
            ingest.take(Handed { digest, by, report: bytes })
        })
        .await
    };
    match timeout(limits.report_time, stored).await {
        Ok(Ok(reply)) => Ok(reply.into()),
        Ok(Err(_)) => Err(Refusal::Internal),
        Err(_) => Ok(busy("the disk is slow and the report may not be stored: hand it in again", "5")),
    }
}

/// Refusals in words that fit reports.
fn refused(refusal: Refusal) -> Answer {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    match refusal {
        Refusal::MethodNotAllowed => {
            said(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", "POST a scan report here")
        }
        Refusal::UnsupportedMediaType => said(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            "send the scan report as JSON, with the header Content-Type: application/json",
        ),
        Refusal::TooLarge { limit } => {
            said(status, "RequestEntityTooLarge", &format!("the report is larger than {limit} bytes"))
        }
        Refusal::TooManyRequests | Refusal::TooMuchMemory => {
            busy("too many reports are being handed in: try again in a moment", "1")
        }
        other => other.into(),
    }
}

fn said(status: StatusCode, reason: &str, words: &str) -> Answer {
    Reply::refusal(status, reason, words).into()
}

fn busy(words: &str, seconds: &'static str) -> Answer {
    let mut answer = said(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", words);
    answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    answer
}

fn result(status: StatusCode) -> &'static str {
    match status.as_u16() {
        201 => "stored",
        200 => "already",
        401 => "unauthorized",
        400 | 405 | 415 | 422 => "unusable",
        413 => "too-large",
        429 => "busy",
        507 => "full",
        _ => "failed",
    }
}
