//! A small HTTPS client: HTTP/1.1 and HTTP/2, TLS 1.2 and 1.3, one connection at a time, nothing hidden.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures::Stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion, RootCertStore, SupportedProtocolVersion};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Http {
    One,
    Two,
}

/// Whom to call, whom to trust, and who we are.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    trusted: Vec<u8>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    version: &'static SupportedProtocolVersion,
}

impl Client {
    /// Calls `address` as `localhost` and trusts the CA in `ca` (PEM).
    pub(crate) fn new(address: SocketAddr, ca: &[u8]) -> Self {
        Self { address, trusted: ca.to_vec(), identity: None, version: &TLS13 }
    }

    /// Speaks TLS 1.2 and nothing newer.
    pub(crate) fn tls12(mut self) -> Self {
        self.version = &TLS12;
        self
    }

    /// Shows this certificate (PEM chain and key).
    pub(crate) fn identity(mut self, certificate: &[u8], key: &[u8]) -> Self {
        self.identity = Some((certificate.to_vec(), key.to_vec()));
        self
    }

    pub(crate) async fn connect(&self, http: Http) -> io::Result<Connection> {
        let stream = self.stream(http).await?;
        let version = stream.get_ref().1.protocol_version();
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = certificates.first().cloned().map(CertificateDer::into_owned);
        let io = TokioIo::new(stream);
        let sender = match http {
            Http::One => {
                let (sender, connection) = http1::handshake(io).await.map_err(io::Error::other)?;
                tokio::spawn(connection);
                Sender::One(sender)
            }
            Http::Two => {
                let (sender, connection) =
                    http2::handshake(TokioExecutor::new(), io).await.map_err(io::Error::other)?;
                tokio::spawn(connection);
                Sender::Two(sender)
            }
        };
        Ok(Connection { sender, version, certificate })
    }

    /// The TLS stream alone, for callers that misbehave.
    pub(crate) async fn stream(&self, http: Http) -> io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(self.config(http))).connect(name, tcp).await?;
        let agreed = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        assert_eq!(agreed.as_deref(), Some(alpn(http)), "the server chose another protocol");
        Ok(stream)
    }

    fn config(&self, http: Http) -> ClientConfig {
        let provider = soc2gate::server::install_provider();
        let mut trusted = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.trusted) {
            trusted.add(certificate.unwrap()).unwrap();
        }
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(trusted);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = CertificateDer::pem_slice_iter(certificate).map(Result::unwrap).collect();
                builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key).unwrap()).unwrap()
            }
        };
        config.alpn_protocols = vec![alpn(http).to_vec()];
        config
    }
}

fn alpn(http: Http) -> &'static [u8] {
    match http {
        Http::One => b"http/1.1",
        Http::Two => b"h2",
    }
}

enum Sender {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

/// One connection, kept alive until dropped.
pub(crate) struct Connection {
    sender: Sender,
    version: Option<ProtocolVersion>,
    certificate: Option<CertificateDer<'static>>,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Connection {
    /// Posts a review to `path` (`/validate?timeout=10s`) the way an API server does.
    pub(crate) async fn post(&mut self, path: &str, body: impl Into<Bytes>) -> Result<Answer, hyper::Error> {
        self.send(review(path), whole(body)).await
    }

    pub(crate) async fn send(&mut self, head: Builder, body: Body) -> Result<Answer, hyper::Error> {
        let answer = match &mut self.sender {
            Sender::One(sender) => {
                sender.ready().await?;
                sender.send_request(head.header(HOST, "localhost").body(body).unwrap()).await?
            }
            Sender::Two(sender) => {
                sender.ready().await?;
                let mut head = head.body(body).unwrap();
                *head.uri_mut() = format!("https://localhost{}", head.uri()).parse().unwrap();
                sender.send_request(head).await?
            }
        };
        gather(answer).await
    }

    /// The TLS version that both sides agreed on.
    pub(crate) fn version(&self) -> Option<ProtocolVersion> {
        self.version
    }

    /// What the server showed, in DER.
    pub(crate) fn certificate(&self) -> &[u8] {
        self.certificate.as_deref().unwrap_or_default()
    }
}

async fn gather(answer: Response<Incoming>) -> Result<Answer, hyper::Error> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Answer { status: head.status, headers: head.headers, body })
}

/// The head of a review.
pub(crate) fn review(path: &str) -> Builder {
    Request::post(path).header(CONTENT_TYPE, "application/json")
}

pub(crate) fn whole(body: impl Into<Bytes>) -> Body {
    Full::new(body.into()).boxed_unsync()
}

/// A body without a length: chunked in HTTP/1.1, frames in HTTP/2.
pub(crate) fn streamed(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Body {
    use futures::StreamExt;
    StreamBody::new(chunks.map(|chunk| Ok(Frame::data(chunk)))).boxed_unsync()
}

/// Plain HTTP, for the admin port.
pub(crate) async fn plain(address: SocketAddr, head: Builder) -> Result<Answer, hyper::Error> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    gather(sender.send_request(head.header(HOST, "localhost").body(whole("")).unwrap()).await?).await
}
