//! The Secret that keeps the CA and the certificate: its keys, and what an operator may ask of it.

use std::collections::BTreeMap;

use k8s_openapi::{ByteString, api::core::v1::Secret};
use kube::api::ObjectMeta;

use crate::certificates::{Authority, Bundle, Pair};

const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const CA: &str = "ca.crt";
const CA_KEY: &str = "ca.key";
/// By which an operator asks for a new CA or certificate at once; taken away when it is done.
pub const ROTATE: &str = "soc2gate.io/rotate";
/// What cert-manager writes on its own Secrets.
const CERT_MANAGER: &str = "cert-manager.io/certificate-name";

/// What an operator asks for by [`ROTATE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rotate {
    Ca,
    Certificate,
}

/// What the Secret holds, whatever it is worth.
#[derive(Default)]
pub(super) struct Kept {
    /// The newest CA first.
    pub bundle: Bundle,
    /// The newest CA with its key, when both are whole.
    pub authority: Option<Authority>,
    /// The certificate with its key, when they fit.
    pub pair: Option<Pair>,
    pub rotate: Option<Rotate>,
    /// Somebody else keeps this Secret: nothing of it may be written.
    pub is_foreign: bool,
}

/// What the Secret is to hold.
pub(super) struct Content {
    pub bundle: Bundle,
    pub ca_key: Vec<u8>,
    pub pair: Pair,
    /// Whether what [`ROTATE`] asks for is done with it.
    pub honours: bool,
}

impl Kept {
    pub(super) fn read(secret: &Secret) -> Self {
        let data = |key: &str| {
            let value = secret.data.as_ref().and_then(|data| data.get(key));
            value.map(|value| value.0.as_slice()).unwrap_or_default()
        };
        let annotation = |name: &str| {
            secret
                .metadata
                .annotations
                .as_ref()
                .and_then(|annotations| annotations.get(name))
                .map(String::as_str)
        };
        let bundle = Bundle::read(data(CA));
        let pair = Pair { certificate: data(CERTIFICATE).to_vec(), key: data(KEY).to_vec() };
        Self {
            authority: Authority::read(&bundle, data(CA_KEY)),
            bundle,
            pair: pair.fits().then_some(pair),
            rotate: match annotation(ROTATE) {
                Some("ca") => Some(Rotate::Ca),
                Some("certificate") => Some(Rotate::Certificate),
                _ => None,
            },
            is_foreign: annotation(CERT_MANAGER).is_some(),
        }
    }
}

impl Content {
    /// The Secret to write: what is there already, with our keys put right.
    pub(super) fn written_to(self, there: Option<&Secret>, name: &str) -> Secret {
        let mut secret = there.cloned().unwrap_or_else(|| Secret {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                labels: Some(BTreeMap::from([
                    ("app.kubernetes.io/name".to_owned(), "soc2gate".to_owned()),
                    ("app.kubernetes.io/managed-by".to_owned(), "soc2gate".to_owned()),
                ])),
                ..ObjectMeta::default()
            },
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        });
        let bundle = self.bundle.pem().into_bytes();
        let parts =
            [(CERTIFICATE, self.pair.certificate), (KEY, self.pair.key), (CA, bundle), (CA_KEY, self.ca_key)];
        let data = secret.data.get_or_insert_default();
        data.extend(parts.map(|(key, value)| (key.to_owned(), ByteString(value))));
        if self.honours
            && let Some(annotations) = &mut secret.metadata.annotations
        {
            annotations.remove(ROTATE);
        }
        secret
    }
}
