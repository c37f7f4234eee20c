//! Every route of the HTTPS door, on one page.

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, Version};

use super::activity::Activity;
use super::reply::{self, Answer, JSON, Refusal};
use super::{Shared, ingest, review};

/// Answers one request.
pub(super) async fn answer(shared: &Shared, activity: &Activity, request: Request<Incoming>) -> Answer {
    let _in_progress = activity.begin();
    let version = request.version();
    let handing = ingest::place(shared, request.uri().path());
    let mut answer = match (request.uri().path(), handing) {
        // POST /v1/images/{digest}/scans
        (_, Some(place)) => ingest::answer(shared, place, request).await,
        ("/validate", _) if request.method() != Method::POST => Refusal::MethodNotAllowed.into(),
        ("/validate", _) if !is_json(&request) => Refusal::UnsupportedMediaType.into(),
        ("/validate", _) => review::answer(shared, request).await.map_or_else(Answer::from, Answer::from),
        _ => Refusal::NotFound.into(),
    };
    // HTTP/2 has GOAWAY for it, and forbids the header.
    if version < Version::HTTP_2 {
        if activity.retired() {
            reply::close(&mut answer);
        }
    } else {
        answer.headers_mut().remove(hyper::header::CONNECTION);
    }
    shared.handlers.metrics.server.responses.count(&[answer.status().as_str()]);
    answer
}

pub(super) fn is_json(request: &Request<Incoming>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(JSON)
}
