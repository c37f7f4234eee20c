//! One registry: asked at its pace, within bounds, with as many redirects as are reasonable.

use std::{
    collections::HashMap,
    error::Error as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION, RETRY_AFTER, USER_AGENT},
};
use hyper_util::{
    client::legacy::{Client, Error},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::time::{Instant, timeout};

use super::{
    super::Failure,
    RegistrySettings,
    connect::{self, Connector, Refusal},
    credentials::Credentials,
    limits::{Budget, Limits},
    pace::Pace,
    token::Grant,
    wire,
};

/// Redirects that are followed; registries need one, to where their blobs are.
const REDIRECTS: usize = 3;

/// What is read of an answer that is no use but to keep the connection.
const COURTESY: usize = 64 << 10;

/// Nobody is left alone for longer, whatever a registry says.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

const AGENT: &str = concat!("soc2gate/", env!("CARGO_PKG_VERSION"));

/// A registry and what is known of it.
pub(super) struct Host {
    /// As images name it.
    pub(super) name: String,
    scheme: &'static str,
    /// Where it is really asked.
    pub(super) authority: String,
    pub(super) token_host: Option<String>,
    pub(super) credentials: Option<Arc<Credentials>>,
    /// What it granted lately, by repository.
    pub(super) grants: Mutex<HashMap<String, Grant>>,
    client: Client<Connector, Full<Bytes>>,
    pace: Pace,
    pub(super) limits: Limits,
}

/// One thing to ask of a registry.
pub(super) struct Question<'a> {
    pub(super) method: Method,
    pub(super) repository: &'a str,
    /// Path and query.
    pub(super) path: String,
    accept: &'static str,
    /// The largest answer, in bytes.
    cap: usize,
}

impl<'a> Question<'a> {
    pub(super) fn manifest(repository: &'a str, reference: &str, cap: usize) -> Self {
        let path = format!("/v2/{repository}/manifests/{reference}");
        Self { method: Method::GET, repository, path, accept: wire::ACCEPT, cap }
    }

    pub(super) fn blob(repository: &'a str, digest: &str, cap: usize) -> Self {
        let path = format!("/v2/{repository}/blobs/{digest}");
        Self { method: Method::GET, repository, path, accept: "*/*", cap }
    }

    pub(super) fn referrers(repository: &'a str, path: String, cap: usize) -> Self {
        let accept = "application/vnd.oci.image.index.v1+json";
        Self { method: Method::GET, repository, path, accept, cap }
    }
}

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Bytes,
    /// Whether the registry itself gave it, and not where it redirected to.
    is_own: bool,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer, if it is what was asked for.
    pub(super) fn found(self, host: &Host, question: &Question<'_>) -> Result<Self, Failure> {
        let (name, path) = (&host.name, &question.path);
        match self.status {
            StatusCode::OK => Ok(self),
            StatusCode::NOT_FOUND => Err(Failure::Absent(format!("{name} has no {path}"))),
            status => Err(Failure::Unusable(format!("{name} answers {path} with {status}"))),
        }
    }
}

impl Host {
    pub(super) fn new(
        settings: &RegistrySettings,
        tls: Arc<ClientConfig>,
        credentials: Option<Arc<Credentials>>,
        limits: Limits,
    ) -> Self {
        // Docker Hub's images bear a name at which no registry answers.
        let authority = if settings.host == "docker.io" { "registry-1.docker.io" } else { &settings.host };
        let connector = Connector {
            own: authority.into(),
            private_addresses: settings.private_addresses,
            tls,
            patience: limits.connect,
        };
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(usize::try_from(settings.concurrent).unwrap_or(usize::MAX))
            .build(connector);
        Self {
            name: settings.host.clone(),
            scheme: if settings.plain_http { "http" } else { "https" },
            authority: authority.to_owned(),
            token_host: settings.token_host.clone(),
            credentials,
            grants: Mutex::default(),
            client,
            pace: Pace::new(settings.requests_per_second, settings.concurrent),
            limits,
        }
    }

    /// Asks, with credentials if the registry wants any. What is not there, or not known to it, is an answer as well.
    pub(super) async fn ask(&self, question: &Question<'_>, budget: &mut Budget) -> Result<Answer, Failure> {
        let granted = self.granted(question.repository);
        let mut answer = self.follow(question, granted, budget).await?;
        if answer.status == StatusCode::UNAUTHORIZED && answer.is_own {
            let grant = self.convince(question.repository, &answer.headers, budget).await?;
            answer = self.follow(question, Some(grant), budget).await?;
        }
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Failure::Unauthorized(self.refused(question.repository).await));
        }
        Ok(answer)
    }

    /// Follows redirects; only the registry itself ever sees the grant.
    async fn follow(
        &self,
        question: &Question<'_>,
        grant: Option<HeaderValue>,
        budget: &mut Budget,
    ) -> Result<Answer, Failure> {
        let own = self.address(&format!("{}://{}{}", self.scheme, self.authority, question.path))?;
        let mut uri = own.clone();
        for _ in 0..=REDIRECTS {
            let is_own = uri.scheme() == own.scheme() && uri.authority() == own.authority();
            let mut request = Request::builder()
                .method(question.method.clone())
                .uri(uri.clone())
                .header(ACCEPT, question.accept);
            if let Some(grant) = grant.as_ref().filter(|_| is_own) {
                request = request.header(AUTHORIZATION, grant);
            }
            let request = request.body(Full::default()).map_err(|_| self.malformed())?;
            let mut answer = self.send(request, question.cap, budget).await?;
            answer.is_own = is_own;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            let location = answer.headers.get(LOCATION).and_then(|value| value.to_str().ok());
            uri = self.redirected(&uri, location.unwrap_or_default())?;
        }
        let message = format!("{} redirects more than {REDIRECTS} times for {}", self.name, question.path);
        Err(Failure::Forbidden(message))
    }

    /// Where a redirect leads. The address it resolves to is judged when it is connected to.
    fn redirected(&self, from: &Uri, location: &str) -> Result<Uri, Failure> {
        let scheme = from.scheme_str().unwrap_or("https");
        let authority = from.authority().map_or("", |authority| authority.as_str());
        match location.strip_prefix("//") {
            Some(rest) => self.address(&format!("{scheme}://{rest}")),
            None if location.starts_with('/') => self.address(&format!("{scheme}://{authority}{location}")),
            None => self.address(location),
        }
    }

    /// An address that may be asked for this registry: over TLS, or plainly where the registry is plain itself.
    pub(super) fn address(&self, text: &str) -> Result<Uri, Failure> {
        let uri = Uri::try_from(text).map_err(|_| self.malformed())?;
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let scheme = uri.scheme_str();
        if has_user
            || connect::host(&uri).is_empty()
            || !(scheme == Some("https") || scheme == Some(self.scheme))
        {
            let to = connect::host(&uri);
            let message =
                format!("{} points to `{to}` other than by https, which is not followed", self.name);
            return Err(Failure::Forbidden(message));
        }
        Ok(uri)
    }

    fn malformed(&self) -> Failure {
        Failure::Unusable(format!("{} points to something that is no address", self.name))
    }

    /// Sends one request and reads its answer, within what is left of the budget.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        cap: usize,
        budget: &mut Budget,
    ) -> Result<Answer, Failure> {
        let whole = self.limits.whole;
        if budget.time.is_zero() {
            let message = format!("{} took longer than {whole:?} about one image", self.name);
            return Err(Failure::Unavailable(message));
        }
        let host = connect::host(request.uri()).to_owned();
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let _turn = self.pace.turn().await;
        let (begun, patience) = (Instant::now(), self.limits.request.min(budget.time));
        let answered = timeout(patience, self.exchange(&host, request, cap, &mut budget.bytes)).await;
        budget.time = budget.time.saturating_sub(begun.elapsed());
        answered.map_err(|_| Failure::Unavailable(format!("{host} did not answer within {patience:?}")))?
    }

    async fn exchange(
        &self,
        host: &str,
        request: Request<Full<Bytes>>,
        cap: usize,
        left: &mut usize,
    ) -> Result<Answer, Failure> {
        let mut response = self.client.request(request).await.map_err(|error| unanswered(host, &error))?;
        let status = response.status();
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                return Err(Failure::TooMany { retry_after: retry_after(response.headers()) });
            }
            // An old registry's way of saying that it does not know the referrers API.
            StatusCode::NOT_IMPLEMENTED => {}
            status if status.is_server_error() => {
                return Err(Failure::Unavailable(format!("{host} is in trouble: it answers {status}")));
            }
            _ => {}
        }
        let headers = std::mem::take(response.headers_mut());
        let bytes = if status == StatusCode::OK {
            read(host, response, cap, left).await?
        } else {
            let mut courtesy = COURTESY;
            // What an error says is not needed; if it is long the connection is given up instead.
            let _said = read(host, response, COURTESY, &mut courtesy).await;
            Bytes::new()
        };
        Ok(Answer { status, headers, bytes, is_own: false })
    }
}

/// Reads a body of at most `cap` bytes, and of at most what is left for the image.
async fn read(
    host: &str,
    response: Response<Incoming>,
    cap: usize,
    left: &mut usize,
) -> Result<Bytes, Failure> {
    let mut body = response.into_body();
    let cut = |error: hyper::Error| Failure::Unavailable(format!("the answer of {host} breaks off: {error}"));
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(cut)?.into_data() else { continue };
        let Some(rest) = left.checked_sub(data.len()) else {
            *left = 0;
            let message = format!("what {host} holds of one image is larger than is read in all");
            return Err(Failure::Unusable(message));
        };
        *left = rest;
        if bytes.len() + data.len() > cap {
            let message = format!("an answer of {host} is larger than the {cap} bytes that are read");
            return Err(Failure::Unusable(message));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}

fn unanswered(host: &str, error: &Error) -> Failure {
    let refusal = error.source().and_then(|cause| cause.downcast_ref::<Refusal>());
    match refusal {
        Some(Refusal::Forbidden(reason)) => Failure::Forbidden(reason.clone()),
        Some(Refusal::Unreachable(reason)) => Failure::Unavailable(reason.clone()),
        None => {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            Failure::Unavailable(format!("{host} cannot be talked to: {cause}"))
        }
    }
}

/// Seconds, or a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?;
    let pause = match text.trim().parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
            Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or_default()
        }
    };
    Some(pause.min(LONGEST_PAUSE))
}
