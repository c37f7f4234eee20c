//! Scans one place: rules first, then decoders, then name and entropy for what no rule knows.

use std::{
    cell::LazyCell,
    hash::{BuildHasher, RandomState},
    ops::Range,
};

use super::{
    Certainty, Engine, FingerprintKey, Half, Hit, MOST_BYTES, checksum, decode, exclusion,
    name::{self, NameClass},
    pairs::{self, Pair},
    rule::{Rule, Verdict},
    rules,
    value::{self, ValueClass},
};

/// Decoders inside decoders: base64 of JSON is read, base64 of JSON of base64 of JSON is not.
const DEEPEST: u8 = 2;

/// Where a text came from.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place<'a> {
    /// The name of the place itself: variable, key, flag, header.
    pub(super) name: Option<&'a str>,
    /// The key inside the value, if a decoder found one.
    pub(super) inner: Option<&'a str>,
    pub(super) depth: u8,
}

impl<'a> Place<'a> {
    pub(super) fn under(self, key: &'a str) -> Self {
        Self { inner: Some(key), ..self }
    }

    pub(super) fn deeper(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }

    /// The name that decides: the nearest one.
    fn deciding_name(self) -> &'a str {
        self.inner.or(self.name).unwrap_or_default()
    }
}

/// One scan of one place, and what it must remember across decoders.
pub(super) struct Scan<'s> {
    engine: &'s Engine,
    key: Option<&'s FingerprintKey>,
    hits: &'s mut Vec<Hit>,
    /// The same secret is reported once for each rule, however many decoders come upon it.
    seen: Vec<(&'static str, u64)>,
    hasher: Option<RandomState>,
    /// Whether a value has the form of an AWS secret access key.
    pub(super) saw_aws_secret: bool,
}

impl<'s> Scan<'s> {
    pub(super) fn new(engine: &'s Engine, key: Option<&'s FingerprintKey>, hits: &'s mut Vec<Hit>) -> Self {
        Self { engine, key, hits, seen: Vec::new(), hasher: None, saw_aws_secret: false }
    }

    /// Scans a value up to the cap and returns how many bytes lie beyond it.
    pub(super) fn whole(&mut self, name: Option<&str>, value: &str) -> usize {
        let end =
            (0..=MOST_BYTES.min(value.len())).rev().find(|end| value.is_char_boundary(*end)).unwrap_or(0);
        self.text(Place { name, ..Place::default() }, value.get(..end).unwrap_or_default());
        value.len() - end
    }

    /// Reads a text as JSON if it is, else rule by rule, pair by pair, and at last as one value.
    pub(super) fn text(&mut self, place: Place<'_>, text: &str) {
        if text.len() < SHORTEST {
            return;
        }
        if place.depth < DEEPEST
            && let Some(json) = decode::json(text)
        {
            return decode::visit(self, place.deeper(), &json);
        }
        let spotted = self.engine.spot(place, text);
        let covers = |span: &Range<usize>| {
            spotted.iter().any(|one| one.span.start < span.end && span.start < one.span.end)
        };
        for one in &spotted {
            let secret = text.get(one.span.clone()).unwrap_or_default();
            let inner = pairs::key_before(text, one.span.start).or(place.inner);
            self.report(one.rule, one.verdict, Place { inner, ..place }, secret);
        }
        let is_kubeconfig = LazyCell::new(|| text.contains("kind: Config") && text.contains("clusters:"));
        pairs::each(text, |pair| {
            if !covers(&pair.span) {
                let is_login = matches!(pair.key, "token" | "password") && *is_kubeconfig;
                self.pair(place, &pair, is_login);
            }
        });
        if !covers(&(0..text.len())) {
            self.value(place, text.trim());
        }
    }

    fn pair(&mut self, place: Place<'_>, pair: &Pair<'_>, is_login: bool) {
        let place = place.under(pair.key);
        if is_login && exclusion::reason(pair.key, pair.value).is_none() {
            self.report(
                &rules::KUBECONFIG,
                Verdict::Certain("a literal token or password of a user"),
                place,
                pair.value,
            );
        } else {
            self.value(place, pair.value);
        }
    }

    /// A single value that no rule claims: base64 of something, or random behind a name.
    fn value(&mut self, place: Place<'_>, text: &str) {
        let text = without_scheme(text);
        if text.len() < SHORTEST || text.bytes().any(|b| b.is_ascii_whitespace() && b != b'\n') {
            return;
        }
        if place.depth < DEEPEST && self.base64(place, text) {
            return;
        }
        let aws_secret = is_aws_secret(text);
        self.saw_aws_secret |= aws_secret;
        let name = place.deciding_name();
        let name_class = name::classify(name);
        if name_class == NameClass::Other {
            return;
        }
        let (rule, reason) = match (value::classify(text), name_class) {
            (ValueClass::Random, _) => (&rules::RANDOM, "more entropy than words have"),
            (ValueClass::Dense, NameClass::Strong) => (&rules::DENSE, "a mixture of character kinds"),
            _ => return,
        };
        if exclusion::reason(name, text).is_none() {
            self.report(rule, Verdict::Suspected(reason), place, text);
            if aws_secret && let Some(hit) = self.hits.last_mut() {
                hit.half = Some(Half::AwsSecret);
            }
        }
    }

    /// Decodes base64 once. True if that is what the value was.
    fn base64(&mut self, place: Place<'_>, text: &str) -> bool {
        let Some(decoded) = decode::base64_value(text) else { return false };
        if checksum::is_der_private_key(&decoded) {
            self.report(&rules::PRIVATE_KEY, Verdict::Certain("DER of a private key in base64"), place, text);
            return true;
        }
        let Some(inside) = decode::printable(decoded) else { return false };
        let before = self.hits.len();
        self.text(place.deeper(), &inside);
        if self.hits.len() == before && place.inner == Some("auth") && super::locate::is_basic_auth(text) {
            self.report(&rules::BASIC_AUTH, Verdict::Certain("base64 of user and password"), place, text);
        }
        true
    }

    /// Adds a hit, once for each rule and secret. The secret itself goes no farther than this.
    pub(super) fn report(&mut self, rule: &'static Rule, verdict: Verdict, place: Place<'_>, secret: &str) {
        let (certainty, reason) = match verdict {
            Verdict::No => return,
            Verdict::Suspected(reason) => (Certainty::Suspected, reason),
            Verdict::Certain(reason) => (Certainty::Certain, reason),
        };
        let digest = self.hasher.get_or_insert_with(RandomState::new).hash_one(secret);
        if self.seen.contains(&(rule.id, digest)) {
            return;
        }
        self.seen.push((rule.id, digest));
        self.hits.push(Hit {
            rule,
            certainty,
            class: rule.class,
            inner: place.inner.and_then(presentable),
            length: secret.chars().count(),
            fingerprint: self.key.map(|key| key.of(secret)),
            reason,
            half: (rule.id == AWS_KEY_ID).then_some(Half::AwsKeyId),
        });
    }
}

/// Nothing shorter is a secret that could be told from a word.
const SHORTEST: usize = 8;
const AWS_KEY_ID: &str = "aws-access-key";

/// `Bearer x` and `token x` of an Authorization header.
fn without_scheme(text: &str) -> &str {
    ["Bearer ", "bearer ", "Token ", "token ", "ApiKey "]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text)
}

/// 40 characters of base64 with every kind of character, and no hex.
fn is_aws_secret(text: &str) -> bool {
    text.len() == 40
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_uppercase())
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && value::entropy(text) >= 4.2
        && !value::is_made_up(text)
}

/// A key as it may be shown: short, plain, and not itself a secret.
fn presentable(key: &str) -> Option<String> {
    let harmless = is_plain(key) && value::classify(key) != ValueClass::Random;
    (harmless && !key.is_empty()).then(|| key.to_owned())
}

/// Whether a word from where a secret might stand may be shown: short, plain, and nothing like a secret.
#[must_use]
pub fn may_be_shown(word: &str) -> bool {
    is_plain(word) && value::classify(word) == ValueClass::Plain
}

fn is_plain(word: &str) -> bool {
    let plain = word.len() <= 64 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./@".contains(&b));
    plain && Engine::shared().spot(Place::default(), word).is_empty()
}
