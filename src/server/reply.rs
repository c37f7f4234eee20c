//! Answers: the handlers' own, and the refusals of requests that never reach them.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use serde_json::json;

/// What a handler answers.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: Bytes,
}

impl Reply {
    /// 200 with a JSON body.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self { status: StatusCode::OK, content_type: JSON, body: body.into() }
    }

    /// A refusal as a `metav1.Status`, with words for whoever must act.
    pub fn refusal(status: StatusCode, reason: &str, message: &str) -> Self {
        let body = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": status.as_u16(),
        });
        Self { status, content_type: JSON, body: Bytes::from(format!("{body}\n")) }
    }
}

pub(super) const JSON: &str = "application/json";

/// Requests that never reach a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    MethodNotAllowed,
    UnsupportedMediaType,
    TooLarge {
        limit: usize,
    },
    /// The body did not come in time.
    Slow,
    /// The body broke off.
    Broken,
    TooManyRequests,
    TooMuchMemory,
    /// The handler panicked, and so did the one that answers for it.
    Internal,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::Broken => StatusCode::BAD_REQUEST,
            Self::TooManyRequests | Self::TooMuchMemory => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The names that `metav1.StatusReason` has for these.
    fn reason(self) -> &'static str {
        match self {
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
            Self::TooLarge { .. } => "RequestEntityTooLarge",
            Self::Slow => "Timeout",
            Self::Broken => "BadRequest",
            Self::TooManyRequests | Self::TooMuchMemory => "ServiceUnavailable",
            Self::Internal => "InternalError",
        }
    }

    fn message(self) -> String {
        match self {
            Self::NotFound => "there is nothing here: POST an AdmissionReview to /validate".to_owned(),
            Self::MethodNotAllowed => "POST an AdmissionReview to /validate".to_owned(),
            Self::UnsupportedMediaType => {
                "send the AdmissionReview as JSON, with the header Content-Type: application/json".to_owned()
            }
            Self::TooLarge { limit } => {
                format!("the body is larger than {limit} bytes, which no AdmissionReview of an API server is")
            }
            Self::Slow => "the body did not arrive in time: send it at once".to_owned(),
            Self::Broken => "the body broke off before its end".to_owned(),
            Self::TooManyRequests => "too many requests are in flight: try again in a moment".to_owned(),
            Self::TooMuchMemory => "too many large requests are in flight: try again in a moment".to_owned(),
            Self::Internal => "the request could not be handled; the server's log has the place".to_owned(),
        }
    }
}

pub(super) type Answer = Response<Full<Bytes>>;

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        let mut answer = Response::new(Full::new(reply.body));
        *answer.status_mut() = reply.status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        answer
    }
}

impl From<Refusal> for Answer {
    /// As a `metav1.Status`, of which the API server shows the message to whoever made the change.
    fn from(refusal: Refusal) -> Self {
        let mut answer = Self::from(Reply::refusal(refusal.status(), refusal.reason(), &refusal.message()));
        let headers = answer.headers_mut();
        match refusal {
            Refusal::MethodNotAllowed => {
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
            }
            Refusal::TooManyRequests | Refusal::TooMuchMemory => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // What is left of the body would be read as the next request.
            Refusal::Slow | Refusal::Broken => close(&mut answer),
            _ => {}
        }
        answer
    }
}

/// Asks an HTTP/1.1 caller to take a new connection for its next request.
pub(super) fn close(answer: &mut Answer) {
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
}
