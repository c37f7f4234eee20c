//! Credentials and tokens: given to the registry they are for, and to nobody whom it merely points to.
//!
//! A registry may send us to another host for a token (its *realm*). Our credentials go there only if the realm is on
//! the registry's own host, is the one known for Docker Hub or GitLab.com, or is the `tokenHost` of the registries
//! file. Sharing a parent domain is not enough: under `azurecr.io` or `co.uk` neighbours are strangers. Without
//! credentials any realm may give an anonymous token. The scope is always our own: to pull this one repository.

use std::{sync::PoisonError, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE},
};
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    super::Failure, challenge::Challenge, connect, credentials::Credential, host::Host, limits::Budget, wire,
};

/// A header that the registry accepts for a while.
pub(super) struct Grant {
    header: HeaderValue,
    until: Instant,
}

/// Registries whose realm is elsewhere.
const KNOWN_REALMS: [(&str, &str); 2] =
    [("registry-1.docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

/// The largest answer of a realm; tokens of clouds have a few KiB.
const LARGEST_TOKEN: usize = 128 << 10;

/// How long a token is good that does not say so.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(3600);
/// A token is not used in its last seconds, or it would run out on the way.
const MARGIN: Duration = Duration::from_secs(10);

const MOST_GRANTS: usize = 1000;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
}

impl Host {
    pub(super) fn granted(&self, repository: &str) -> Option<HeaderValue> {
        let grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.get(repository).filter(|grant| grant.until > Instant::now()).map(|grant| grant.header.clone())
    }

    /// Answers the challenge of a 401.
    pub(super) async fn convince(
        &self,
        repository: &str,
        headers: &HeaderMap,
        budget: &mut Budget,
    ) -> Result<HeaderValue, Failure> {
        let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
        let challenge = challenges.filter_map(|value| Challenge::parse(value.to_str().ok()?)).next();
        let credential = match &self.credentials {
            Some(credentials) => credentials.find(&self.name, repository).await?,
            None => None,
        };
        let (header, lasts) = match (challenge, credential) {
            (None, _) => {
                let message = format!("{} wants credentials of a kind that is not known here", self.name);
                return Err(Failure::Unauthorized(message));
            }
            (Some(Challenge::Basic), Some(Credential::Password { user, password })) => {
                (basic(&user, &password), SHORTEST)
            }
            (Some(Challenge::Basic), _) => {
                return Err(Failure::Unauthorized(format!(
                    "{} wants a user and a password for {repository}: {}",
                    self.name,
                    self.where_to_add()
                )));
            }
            (Some(Challenge::Bearer { realm, service }), credential) => {
                let token = self.token(repository, &realm, service.as_deref(), credential, budget).await?;
                let lasts = token.expires_in.map_or(SHORTEST, Duration::from_secs).min(LONGEST);
                let text = token.token.or(token.access_token).filter(|text| !text.is_empty());
                let text = text.ok_or_else(|| {
                    Failure::Unusable(format!("{} names a realm that gives no token", self.name))
                })?;
                (format!("Bearer {text}"), lasts.saturating_sub(MARGIN))
            }
        };
        let mut header = HeaderValue::try_from(header)
            .map_err(|_| Failure::Unusable(format!("{} gives a token that is none", self.name)))?;
        header.set_sensitive(true);
        let mut grants = self.grants.lock().unwrap_or_else(PoisonError::into_inner);
        if grants.len() >= MOST_GRANTS {
            grants.clear();
        }
        grants.insert(repository.to_owned(), Grant { header: header.clone(), until: Instant::now() + lasts });
        Ok(header)
    }

    async fn token(
        &self,
        repository: &str,
        realm: &str,
        service: Option<&str>,
        credential: Option<Credential>,
        budget: &mut Budget,
    ) -> Result<Token, Failure> {
        let address = self.address(realm)?;
        if credential.is_some() {
            self.trust(&address)?;
        }
        let has_credential = credential.is_some();
        let mut fields = format!("scope={}", escaped(&format!("repository:{repository}:pull")));
        if let Some(service) = service {
            fields.push_str(&format!("&service={}", escaped(service)));
        }
        let joint = if address.query().is_some() { '&' } else { '?' };
        let request = match credential {
            Some(Credential::IdentityToken(token)) => {
                fields.push_str("&grant_type=refresh_token&client_id=soc2gate&refresh_token=");
                fields.push_str(&escaped(&token));
                Request::builder()
                    .method(Method::POST)
                    .uri(&address)
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                    .body(Full::from(fields))
            }
            Some(Credential::Password { user, password }) => Request::builder()
                .uri(format!("{address}{joint}{fields}"))
                .header(AUTHORIZATION, basic(&user, &password))
                .body(Full::default()),
            None => Request::builder().uri(format!("{address}{joint}{fields}")).body(Full::default()),
        };
        let giver = connect::host(&address).to_owned();
        let request =
            request.map_err(|_| Failure::Unusable(format!("{} names a malformed realm", self.name)))?;
        let answer = self.send(request, LARGEST_TOKEN, budget).await?;
        match answer.status {
            StatusCode::OK => wire::read(&answer.bytes).map_err(|_| {
                Failure::Unusable(format!(
                    "{giver} answers with something that is no token for {}",
                    self.name
                ))
            }),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if has_credential => {
                Err(Failure::Unauthorized(self.refused(repository).await))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Unauthorized(format!(
                "{giver} gives nobody a token for {} without credentials: {}",
                self.name,
                self.where_to_add()
            ))),
            status => Err(Failure::Unusable(format!("{giver} gives no token for {}: {status}", self.name))),
        }
    }

    /// Whether our credentials may go to a realm.
    fn trust(&self, realm: &Uri) -> Result<(), Failure> {
        let to = connect::host(realm).to_ascii_lowercase();
        let own = Uri::try_from(&self.authority).ok();
        let is_own = own.as_ref().is_some_and(|own| connect::host(own) == to);
        let is_known = KNOWN_REALMS.contains(&(self.authority.as_str(), to.as_str()));
        if is_own || is_known || self.token_host.as_deref().is_some_and(|host| host.eq_ignore_ascii_case(&to))
        {
            return Ok(());
        }
        Err(Failure::Forbidden(format!(
            "{} wants its credentials sent to {to}, another host: if that is right, set tokenHost: {to} for {} in the \
             registries file",
            self.name, self.name
        )))
    }

    /// The words for a registry that wants other credentials than it was shown.
    pub(super) async fn refused(&self, repository: &str) -> String {
        let Some(credentials) = &self.credentials else {
            return format!("{} shows {repository} to nobody unknown: {}", self.name, self.where_to_add());
        };
        match credentials.find(&self.name, repository).await {
            Ok(Some(_)) => format!(
                "{} refuses {repository} to the credentials in {}: let them pull it, or renew them",
                self.name,
                credentials.path().display()
            ),
            _ => format!("{} shows {repository} to nobody unknown: {}", self.name, self.where_to_add()),
        }
    }

    fn where_to_add(&self) -> String {
        match &self.credentials {
            Some(credentials) => format!("{} has none for it: add them there", credentials.path().display()),
            None => "name a .dockerconfigjson as `credentials` in the registries file".to_owned(),
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// For a query or a form.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(byte.into());
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
