//! One question to the gate over HTTPS, asked again while the gate is busy.

use std::{fmt, io, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    body::Bytes,
    client::conn::http1,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::cli::waiting;

/// For everything together.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a busy gate is asked again.
const RETRIES: usize = 5;

const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// More of an answer is not read.
const LARGEST_ANSWER: usize = 64 << 10;

/// Where a gate is.
#[derive(Clone, Debug)]
pub(super) struct Address {
    host: String,
    port: u16,
    /// As the header `Host` has it.
    authority: String,
}

impl Address {
    /// # Errors
    /// In words, what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("it is no address: {error}"))?;
        if uri.scheme_str() != Some("https") {
            return Err("it must begin with `https://`, or the token could be read on its way".to_owned());
        }
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') || uri.path_and_query().is_some_and(|rest| rest.as_str() != "/") {
            return Err("it is a host and a port alone: `https://gate.example.com:8443`".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { host, port: authority.port_u16().unwrap_or(443), authority: authority.to_string() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority)
    }
}

/// What is to be sent.
pub(super) struct Post<'a> {
    pub(super) address: &'a Address,
    pub(super) path: String,
    pub(super) authorization: HeaderValue,
    pub(super) body: Bytes,
    pub(super) tls: Arc<ClientConfig>,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
    retry_after: Option<Duration>,
}

impl Post<'_> {
    /// # Errors
    /// When nobody answers, or nobody who can be trusted.
    pub(super) fn send(&self) -> Result<Answer, String> {
        let sent = waiting::on_one_thread(async {
            let late = |_| format!("{} takes more than {PATIENCE:?} to answer", self.address);
            timeout(PATIENCE, self.ask()).await.map_err(late)?
        });
        sent.map_err(|error| error.to_string())?
    }

    async fn ask(&self) -> Result<Answer, String> {
        let mut retries = RETRIES;
        loop {
            let answer = self.ask_once().await?;
            let is_busy =
                matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
            if !is_busy || retries == 0 {
                return Ok(answer);
            }
            retries -= 1;
            sleep(answer.retry_after.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
        }
    }

    async fn ask_once(&self) -> Result<Answer, String> {
        let lost = |error: &dyn fmt::Display| format!("{}: the connection broke: {error}", self.address);
        let stream = self.connect().await?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
        // Ends with the sender; what went wrong is told there.
        tokio::spawn(connection);
        let request = Request::post(&self.path)
            .header(HOST, &self.address.authority)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(self.body.clone()))
            .map_err(|error| lost(&error))?;
        let (head, body) = sender.send_request(request).await.map_err(|error| lost(&error))?.into_parts();
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| lost(&error))?;
        Ok(Answer {
            status: head.status,
            body: body.to_bytes(),
            retry_after: retry_after.map(Duration::from_secs),
        })
    }

    async fn connect(&self) -> Result<TlsStream<TcpStream>, String> {
        let Address { host, port, .. } = self.address;
        let name = ServerName::try_from(host.clone())
            .map_err(|_| format!("{host} is no name that a certificate could bear"))?;
        let stream = TcpStream::connect((host.as_str(), *port))
            .await
            .map_err(|error| format!("{} cannot be reached: {error}", self.address))?;
        TlsConnector::from(self.tls.clone())
            .connect(name, stream)
            .await
            .map_err(|error| format!("{} cannot be trusted: {error}{}", self.address, hint(&error)))
    }
}

fn hint(error: &io::Error) -> &'static str {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    match cause {
        Some(rustls::Error::InvalidCertificate(_)) => {
            ". If a CA of your own signed it, name that with `--ca`"
        }
        _ => "",
    }
}
