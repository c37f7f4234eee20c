//! Connects to a registry, and only to addresses that its settings allow.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper::Uri;
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::address::Reach;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The address is not one to connect to.
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    Unreachable(String),
}

/// Connects for one registry, to itself and to where it redirects.
#[derive(Clone)]
pub(super) struct Connector {
    /// The registry's own `host[:port]`: the only one that may be link-local.
    pub(super) own: Arc<str>,
    pub(super) private_addresses: bool,
    pub(super) tls: Arc<ClientConfig>,
    pub(super) patience: Duration,
}

pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

impl Connection for Box<dyn Socket> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Socket>>;
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Refusal>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let name = host(&uri).to_owned();
            let late = || {
                Refusal::Unreachable(format!("{name} cannot be connected to within {:?}", connector.patience))
            };
            timeout(connector.patience, connector.connect(&uri, &name)).await.map_err(|_| late())?
        })
    }
}

impl Connector {
    async fn connect(&self, uri: &Uri, name: &str) -> Result<TokioIo<Box<dyn Socket>>, Refusal> {
        let is_https = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let is_own = uri.authority().is_some_and(|authority| authority.as_str() == &*self.own);
        // What passed the filter is connected to: the name is not asked for a second time.
        let stream = self.reach(name, port, is_own).await?;
        if !is_https {
            return Ok(TokioIo::new(Box::new(stream)));
        }
        let server = ServerName::try_from(name.to_owned())
            .map_err(|_| Refusal::Forbidden(format!("{name} is no name that a certificate could bear")))?;
        let secured = TlsConnector::from(self.tls.clone())
            .connect(server, stream)
            .await
            .map_err(|error| insecure(name, &error))?;
        Ok(TokioIo::new(Box::new(secured)))
    }

    async fn reach(&self, name: &str, port: u16, is_own: bool) -> Result<TcpStream, Refusal> {
        let addresses: Vec<SocketAddr> = match name.parse::<IpAddr>() {
            Ok(literal) => vec![SocketAddr::new(literal, port)],
            Err(_) => lookup_host((name, port))
                .await
                .map_err(|error| Refusal::Unreachable(format!("{name} does not resolve: {error}")))?
                .collect(),
        };
        let mut failure = Refusal::Unreachable(format!("{name} has no address"));
        for address in addresses {
            if let Err(refusal) = self.permit(name, address.ip(), is_own) {
                failure = refusal;
                continue;
            }
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    // Small requests go out at once; that it cannot be set only makes them slower.
                    let _slower = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => {
                    failure = Refusal::Unreachable(format!("{name} ({address}) cannot be reached: {error}"));
                }
            }
        }
        Err(failure)
    }

    fn permit(&self, name: &str, address: IpAddr, is_own: bool) -> Result<(), Refusal> {
        let reach = Reach::of(address);
        let way = match reach {
            Reach::Public => return Ok(()),
            Reach::Private if self.private_addresses => return Ok(()),
            Reach::Link if self.private_addresses && is_own => return Ok(()),
            Reach::Link if !is_own => "the registry must not point there",
            Reach::Nobody => "no registry can be there",
            Reach::Private | Reach::Link => {
                "if the registry is meant to be there, set privateAddresses for it in the registries file"
            }
        };
        let at = if name.parse::<IpAddr>().is_ok() { "is" } else { "resolves to" };
        Err(Refusal::Forbidden(format!("{name} {at} {address}, {}: {way} ({})", reach.name(), self.own)))
    }
}

fn insecure(name: &str, error: &io::Error) -> Refusal {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    let hint = match cause {
        Some(rustls::Error::InvalidCertificate(_)) => {
            ": if a CA of your own signed it, name that as `ca` in the registries file"
        }
        _ => "",
    };
    Refusal::Unreachable(format!("{name} cannot be talked to over TLS: {error}{hint}"))
}

/// The host of an address, IPv6 without its brackets.
pub(super) fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}
