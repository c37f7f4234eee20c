//! A registry that answers whatever a test says, and remembers what it was asked.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::stream;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::{Bytes, Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    /// By which name it was called.
    pub(super) host: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) authorization: Option<String>,
    pub(super) body: String,
}

#[derive(Clone, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    pub(super) delay: Duration,
    /// How often the body is repeated, without a length told before.
    pub(super) times: Option<usize>,
}

impl Reply {
    pub(super) fn ok(body: impl Into<Bytes>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(super) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn redirect(to: impl Into<String>) -> Self {
        Self::status(307).with("location", to)
    }

    pub(super) fn slow(mut self) -> Self {
        self.delay = Duration::from_secs(6);
        self
    }

    fn into_response(self) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let body = match self.times {
            None => Full::new(self.body).boxed_unsync(),
            Some(times) => {
                let frames = std::iter::repeat_n(self.body, times).map(|part| Ok(Frame::data(part)));
                StreamBody::new(stream::iter(frames)).boxed_unsync()
            }
        };
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }
}

pub(super) struct Fake {
    /// `127.0.0.1:port`.
    pub(super) host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

type Answers = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

impl Fake {
    pub(super) async fn start(answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen("127.0.0.1:0", None, Arc::new(answers)).await
    }

    /// At an address that somebody knows already.
    pub(super) async fn start_at(
        address: &str,
        answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen(address, None, Arc::new(answers)).await
    }

    pub(super) async fn start_tls(
        tls: TlsAcceptor,
        answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::listen("127.0.0.1:0", Some(tls), Arc::new(answers)).await
    }

    async fn listen(address: &str, tls: Option<TlsAcceptor>, answers: Answers) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let noted = seen.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, noted, tls) = (answers.clone(), noted.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, answers, noted).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, answers, noted).await;
                            }
                        }
                    }
                });
            }
        });
        Self { host, seen, task }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<S>(stream: S, answers: Answers, noted: Arc<Mutex<Vec<Seen>>>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (answers, noted) = (answers.clone(), noted.clone());
        async move {
            let authorization = request.headers().get("authorization");
            let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
            let host = request.headers()["host"].to_str().unwrap().to_owned();
            let method = request.method().to_string();
            let path = request.uri().to_string();
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let seen = Seen { method, host, path, authorization, body };
            let reply = answers(&seen);
            noted.lock().unwrap().push(seen);
            tokio::time::sleep(reply.delay).await;
            Ok::<_, Infallible>(reply.into_response())
        }
    });
    let _hung_up = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
