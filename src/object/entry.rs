//! Ways in: connections to pods, Services and nodes, tokens, certificates.

use serde::Deserialize;

use super::{owned::Word, text::List};

/// The options of a CONNECT: each kind has some of these fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    pub stdin: Option<bool>,
    pub tty: Option<bool>,
    pub container: Word,
    /// Arguments may hold secrets: only the first word is ever printed.
    pub command: List<Word>,
    /// What is asked for behind a proxy.
    pub path: Word,
}

/// The `spec` of a TokenRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenRequest {
    /// In seconds; the API server fills in 3600.
    pub expiration_seconds: Option<i64>,
    /// The object whose end ends the token.
    pub bound_object_ref: Option<BoundObject>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct BoundObject {
    pub kind: Word,
    pub name: Word,
}

/// The `spec` of a CertificateSigningRequest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CertificateSigningRequest {
    /// PKCS#10 in PEM, in base64 as the API carries it.
    pub request: Word,
    pub signer_name: Word,
    /// In seconds; absent leaves it to the signer.
    pub expiration_seconds: Option<i64>,
    /// Who asked, as the API server has filled it in.
    pub username: Word,
    pub groups: List<Word>,
}

/// A ServiceAccount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Absent means `true`.
    pub automount_service_account_token: Option<bool>,
}
