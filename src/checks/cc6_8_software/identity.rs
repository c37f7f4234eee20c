//! Whose word about an image counts: the `identities` and `attestors` of the checks.

use std::{fmt::Write, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use regex::Regex;
use serde::Deserialize;
use x509_parser::{prelude::FromDer, x509::SubjectPublicKeyInfo};

use super::untrusted_registry::prefixes;
use crate::{
    check::Params,
    inventory::image_evidence::{Attester, Signer},
    manifest::Unusable,
    object::{ImagePrefix, ImageReference},
};

/// An identity as a policy writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Written {
    images: OneOrMany,
    issuer: Option<String>,
    subject: Option<String>,
    key: Option<String>,
    #[serde(default)]
    signed_as: OneOrMany,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Default for OneOrMany {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl OneOrMany {
    fn texts(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

/// Everybody whose word counts, each for a part of the images.
pub(super) struct Identities(Vec<Identity>);

struct Identity {
    images: Vec<ImagePrefix>,
    signer: Expected,
    /// The repositories that the signed text may name beside the image's own.
    signed_as: Vec<ImagePrefix>,
}

enum Expected {
    Certificate { issuer: String, subject: Regex },
    Key { fingerprint: Arc<str> },
}

/// What to make of somebody's word about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// Nobody who is named for the image.
    WrongIdentity,
    /// The right signer, who signed it for another repository: the one that is named in the signed text.
    OtherRepository,
}

impl Verdict {
    /// Why it does not count, as the rest of a sentence that begins with the signature.
    pub(super) fn reason(self, attester: &Attester) -> String {
        let signer = &attester.signer;
        match (self, &attester.named) {
            (Self::OtherRepository, Some(named)) => format!("by {signer} is for {named}"),
            (Self::WrongIdentity | Self::OtherRepository, _) => {
                format!("by {signer}, who is not named for it")
            }
            (Self::Allowed, _) => format!("by {signer}"),
        }
    }
}

impl Identities {
    /// Reads a parameter that lists identities. Their keys are made known to whoever verifies.
    pub(super) fn read(
        params: &Params<'_>,
        parameter: &'static str,
        written: Vec<Written>,
    ) -> Result<Self, Unusable> {
        written
            .into_iter()
            .map(|written| Identity::read(params, parameter, written))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether anybody is named for this image.
    pub(super) fn cover(&self, image: &ImageReference) -> bool {
        self.0.iter().any(|identity| identity.covers(image))
    }

    /// Whether the word of `attester` about `image` counts.
    pub(super) fn judge(&self, image: &ImageReference, attester: &Attester) -> Verdict {
        let mut verdict = Verdict::WrongIdentity;
        for identity in self.0.iter().filter(|identity| identity.covers(image)) {
            if !identity.is(&attester.signer) {
                continue;
            }
            if attester.named.as_deref().is_none_or(|named| identity.may_name(named, image)) {
                return Verdict::Allowed;
            }
            verdict = Verdict::OtherRepository;
        }
        verdict
    }

    pub(super) fn allow(&self, image: &ImageReference, attester: &Attester) -> bool {
        self.judge(image, attester) == Verdict::Allowed
    }
}

impl Identity {
    fn read(params: &Params<'_>, parameter: &'static str, written: Written) -> Result<Self, Unusable> {
        let Written { images, issuer, subject, key, signed_as } = written;
        let refuse = |message: &str| params.refuse(format!("an entry of `{parameter}` {message}"));
        let images = prefixes(params, "images", &images.texts())?;
        if images.is_empty() {
            return Err(refuse("names no `images`: write host and path, as in `registry.example.com/team`"));
        }
        let signed_as = prefixes(params, "signedAs", &signed_as.texts())?;
        let signer = match (issuer, subject, key) {
            (None, None, Some(key)) => {
                let key: Arc<[u8]> =
                    public_key(&key).map_err(|reason| refuse(&format!("has a `key` that {reason}")))?.into();
                let fingerprint = fingerprint(&key);
                params.wants_key(&fingerprint, &key);
                Expected::Key { fingerprint }
            }
            (Some(issuer), Some(subject), None) if !issuer.is_empty() => {
                Expected::Certificate { issuer, subject: whole(params, "subject", &subject)? }
            }
            (_, _, Some(_)) => {
                return Err(refuse(
                    "has both a `key` and an `issuer` or `subject`: a signature is by one or the other",
                ));
            }
            (_, _, None) => {
                return Err(refuse("says not who signs: write `issuer` and `subject`, or `key`"));
            }
        };
        Ok(Self { images, signer, signed_as })
    }

    fn covers(&self, image: &ImageReference) -> bool {
        self.images.iter().any(|prefix| prefix.covers(image))
    }

    fn is(&self, signer: &Signer) -> bool {
        match (&self.signer, signer) {
            (Expected::Certificate { issuer, subject }, Signer::Certificate { issuer: by, subject: who }) => {
                *issuer == **by && subject.is_match(who)
            }
            (Expected::Key { fingerprint }, Signer::Key { fingerprint: of }) => fingerprint == of,
            _ => false,
        }
    }

    fn may_name(&self, named: &str, image: &ImageReference) -> bool {
        // Docker Hub has two names, so that the texts alone do not tell.
        let Ok(named) = ImageReference::parse(named) else { return false };
        let is_same = named.registry == image.registry && named.repository == image.repository;
        is_same || self.signed_as.iter().any(|prefix| prefix.covers(&named))
    }
}

/// A pattern for a whole text.
pub(super) fn whole(params: &Params<'_>, parameter: &str, pattern: &str) -> Result<Regex, Unusable> {
    // By itself first: inside the anchors `a)|(b` would become something else.
    let regex = Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("^(?:{pattern})$")))
        .map_err(|error| params.refuse(format!("`{parameter}` is no regular expression: {error}")))?;
    if regex.is_match("") {
        return Err(params.refuse(format!(
            "`{parameter}` matches an empty text, and so perhaps anybody: say who or what is meant"
        )));
    }
    Ok(regex)
}

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The SubjectPublicKeyInfo (DER) of a public key in PEM, or what is wrong with the text, never with a word of it.
fn public_key(text: &str) -> Result<Vec<u8>, &'static str> {
    if text.contains("PRIVATE KEY") {
        return Err("is a private key: replace the pair, for it is known now, and write its public half");
    }
    if text.contains("BEGIN CERTIFICATE") {
        return Err("is a certificate: write its public key (`openssl x509 -pubkey -noout`)");
    }
    let body = text.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
    let body = body.ok_or("is no single `-----BEGIN PUBLIC KEY-----` in PEM")?;
    let body: String = body.split_whitespace().collect();
    let key = BASE64_STANDARD.decode(body).map_err(|_| "is not base64 between its PEM lines")?;
    match SubjectPublicKeyInfo::from_der(&key) {
        Ok(([], _)) => Ok(key),
        _ => Err("holds no public key (SubjectPublicKeyInfo) between its PEM lines"),
    }
}

fn fingerprint(key: &[u8]) -> Arc<str> {
    let mut text = String::from("sha256:");
    for byte in digest(&SHA256, key).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.into()
}
