//! Everything TLS: the provider, the configuration that certificates become, and why a handshake failed.

use std::io;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::{self, Material, Store};
use crate::telemetry::ServerMetrics;

/// Why certificates cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the certificate file holds no certificate in PEM: {0}")]
    Certificate(String),
    #[error("the key file holds no private key in PEM: {0}")]
    Key(rustls::pki_types::pem::Error),
    #[error("the certificate and the key do not fit together: {0}")]
    Pair(rustls::Error),
    #[error("the client CA file holds no usable CA certificate: {0}")]
    ClientCa(String),
}

/// Makes aws-lc-rs the cryptography of the whole process. Every later call does nothing.
pub fn install_provider() -> Arc<CryptoProvider> {
    let _installed_before = aws_lc_rs::default_provider().install_default().is_err();
    CryptoProvider::get_default().map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone)
}

/// What the server shows now.
///
/// A reload replaces the whole configuration: certificate, client CA and session store change in one step, so no
/// session of a caller that the new CA would refuse is resumed.
pub(super) struct Tls {
    /// None until there is a first certificate.
    shown: ArcSwapOption<Shown>,
    /// Told of every certificate; only one waits for the first.
    renewed: Notify,
    /// Why the newest files are not the ones served.
    trouble: ArcSwapOption<String>,
}

/// A certificate in use.
struct Shown {
    config: Arc<ServerConfig>,
    /// The chain in PEM.
    chain: Vec<u8>,
}

impl Tls {
    /// The first certificates. Without usable ones there is no server, but one that is still to be handed over is
    /// waited for.
    pub(super) fn start(store: &mut Store, metrics: &ServerMetrics) -> Result<Self, super::Error> {
        let tls =
            Self { shown: ArcSwapOption::empty(), renewed: Notify::new(), trouble: ArcSwapOption::empty() };
        match store.news() {
            Ok(Some(material)) => tls.replace(material, metrics)?,
            Ok(None) | Err(certificates::Error::NotYet) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(tls)
    }

    /// Waits until there is a certificate to show.
    pub(super) async fn begun(&self) {
        while self.shown.load().is_none() {
            self.renewed.notified().await;
        }
    }

    /// The chain that callers are shown now, in PEM; none before there is a first one.
    pub(super) fn chain(&self) -> Option<Vec<u8>> {
        self.shown.load().as_ref().map(|shown| shown.chain.clone())
    }

    /// Shows new certificates from the next connection on, unless they cannot be used.
    pub(super) fn replace(&self, material: Material, metrics: &ServerMetrics) -> Result<(), Error> {
        let config = configuration(&material)?;
        self.note(&material, metrics);
        self.shown.store(Some(Arc::new(Shown { config, chain: material.certificate })));
        self.trouble.store(None);
        self.renewed.notify_one();
        Ok(())
    }

    /// The newest files cannot be served. True if this is news.
    pub(super) fn trouble(&self, reason: String) -> bool {
        let news = self.trouble.load().as_deref() != Some(&reason);
        self.trouble.store(Some(Arc::new(reason)));
        news
    }

    pub(super) fn last_trouble(&self) -> Option<Arc<String>> {
        self.trouble.load_full()
    }

    fn note(&self, material: &Material, metrics: &ServerMetrics) {
        // A certificate that rustls took and x509-parser does not read is still served.
        if let Ok(expiry) = certificates::expiry(&material.certificate) {
            metrics.certificate_expiry.set(expiry);
        }
        metrics.certificate_last_reload_success.set(1);
    }

    pub(super) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let shown = self.shown.load_full();
        let shown = shown.ok_or_else(|| io::Error::other("there is no certificate yet"))?;
        TlsAcceptor::from(Arc::clone(&shown.config)).accept(stream).await
    }
}

/// Whether the caller and we agreed on HTTP/2; without ALPN it is HTTP/1.1.
pub(super) fn agreed_on_h2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

/// A handshake's failure in one of the words that the metric knows.
pub(super) fn failure(error: &io::Error) -> &'static str {
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_)) => {
            "client-certificate"
        }
        Some(_) => "protocol",
        None => "closed",
    }
}

fn configuration(material: &Material) -> Result<Arc<ServerConfig>, Error> {
    let provider = install_provider();
    let chain = chain(&material.certificate).map_err(Error::Certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&material.key).map_err(Error::Key)?;
    // Both versions are ones the provider supports, so this cannot fail but for a mistake here.
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(Error::Pair)?;
    let builder = match &material.client_ca {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in self::chain(pem).map_err(Error::ClientCa)? {
                roots.add(certificate).map_err(|error| Error::ClientCa(error.to_string()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.map_err(|error| Error::ClientCa(error.to_string()))?)
        }
    };
    // Refuses a key that is not the certificate's.
    let mut config = builder.with_single_cert(chain, key).map_err(Error::Pair)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let chain = chain.map_err(|error| error.to_string())?;
    if chain.is_empty() { Err("there is no block -----BEGIN CERTIFICATE-----".to_owned()) } else { Ok(chain) }
}
