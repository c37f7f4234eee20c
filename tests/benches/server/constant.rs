//! The servers to compare with: an axum server that answers a constant, and our server layer doing the same.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use soc2gate::certificates::Source;
use soc2gate::server::{Config, Handlers, Limits, Readiness, Reply, install_provider};
use soc2gate::telemetry::{Metrics, Vocabulary};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use super::contestant::Role;

/// Serves as one of the contestants until the process is killed.
pub(crate) async fn serve(role: &str, address: SocketAddr, state: &Path) {
    if role == Role::Layer.to_string() { layer(address, state).await } else { constant(address, state).await }
}

fn answer() -> Bytes {
    let answer = serde_json::json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {"uid": "f80d4774-90e9-45b8-b333-9999d46eb51b", "allowed": true},
    });
    Bytes::from(answer.to_string())
}

/// As plain as can be: reads the body, looks at none of it.
async fn constant(address: SocketAddr, state: &Path) {
    let answer = answer();
    let handler = move |_body: Bytes| {
        let answer = answer.clone();
        async move { ([(CONTENT_TYPE, "application/json")], answer) }
    };
    let router: Router = Router::new().route("/validate", post(handler));
    let tls = TlsAcceptor::from(Arc::new(tls(state)));
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        tcp.set_nodelay(true).unwrap();
        let (tls, router) = (tls.clone(), router.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(tcp).await else {
                return;
            };
            let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(move |request: Request<Incoming>| {
                let router = router.clone();
                async move { Ok::<_, Infallible>(router.oneshot(request).await.unwrap()) }
            });
            let (io, limits) = (TokioIo::new(stream), Limits::default());
            let _ended = if h2 {
                http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .max_concurrent_streams(limits.streams)
                    .keep_alive_interval(limits.ping)
                    .serve_connection(io, service)
                    .await
            } else {
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service).await
            };
        });
    }
}

fn tls(state: &Path) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(state.join("tls.crt")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(state.join("tls.key")).unwrap();
    let mut config = ServerConfig::builder_with_provider(install_provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

/// Everything of the gate but its decision.
async fn layer(address: SocketAddr, state: &Path) {
    let answer = answer();
    let words = Vocabulary {
        outcomes: &[],
        operations: &[],
        kinds: &[],
        checks: &[],
        modes: &[],
        states: &[],
        decode_failures: &[],
        exemption_states: &[],
    };
    let handlers = Handlers {
        validate: Arc::new(move |_| Reply::json(answer.clone())),
        failed: Arc::new(|_, failure| panic!("a constant cannot fail: {failure:?}")),
        readiness: Arc::new(Readiness::default),
        certificate: Arc::new(|_| None),
        ingest: None,
        metrics: Arc::new(Metrics::new(&words).unwrap()),
    };
    let config = Config {
        listen: address,
        admin_listen: None,
        certificate: Source::Made { state: state.to_owned(), names: Vec::new() },
        client_ca: None,
        limits: Limits::default(),
    };
    soc2gate::server::serve(config, handlers, std::future::pending()).await.unwrap().finished().await;
}
