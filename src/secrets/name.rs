//! Tells from a name whether a secret may stand behind it, word by word: `MONKEY_ID` holds no key.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

/// How much a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameClass {
    Strong,
    Weak,
    Other,
}

/// No name in use has more words; what follows is not looked at.
const MOST_WORDS: usize = 16;

#[rustfmt::skip]
const STRONG: &[&str] = &[
    "password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets",
    "apikey", "apitoken", "privatekey", "accesskey", "secretkey", "clientsecret", "authtoken",
    "accesstoken", "refreshtoken", "connectionstring", "credential", "credentials",
];
/// `PGPASSWORD` and `dbpasswd` are one word to the splitter.
const STRONG_ENDINGS: &[&str] = &["password", "passwd", "passphrase"];
#[rustfmt::skip]
const STRONG_PAIRS: &[(&str, &str)] = &[
    ("api", "key"), ("api", "token"), ("private", "key"), ("access", "key"), ("account", "key"),
    ("encryption", "key"), ("signing", "key"), ("master", "key"), ("shared", "key"), ("auth", "token"),
    ("access", "token"), ("refresh", "token"), ("bearer", "token"), ("session", "token"), ("bot", "token"),
    ("connection", "string"), ("conn", "string"),
];
#[rustfmt::skip]
const WEAK: &[&str] = &[
    "token", "tokens", "key", "keys", "auth", "authorization", "salt", "signature", "sig", "cookie", "pin",
    "pat", "jwt", "hmac", "psk", "otp",
];
/// A last word that says the value is something about a secret, not the secret.
#[rustfmt::skip]
const CANCELLING: &[&str] = &[
    "file", "files", "filename", "filepath", "path", "paths", "dir", "dirs", "directory", "folder",
    "location", "mount", "volume", "name", "names", "id", "ids", "keyid", "url", "urls", "uri", "uris",
    "host", "hostname", "port", "user", "username", "email", "domain", "realm", "endpoint", "addr",
    "address", "ttl", "expiry", "expiration", "expires", "timeout", "lifetime", "age", "interval",
    "duration", "period", "rotation", "length", "size", "bits", "count", "limit", "max", "min", "enabled",
    "disabled", "required", "optional", "type", "kind", "class", "mode", "policy", "strategy", "algorithm",
    "alg", "format", "encoding", "header", "issuer", "audience", "scope", "scopes", "ref", "reference",
    "version", "prefix", "suffix", "region", "namespace", "provider", "store", "backend", "manager",
    "engine", "source", "arn", "alias", "hash", "digest", "checksum", "sha", "sha1", "sha256", "md5",
    "fingerprint", "thumbprint", "commit", "revision", "cert", "certificate", "ca", "pub", "public", "env",
    "var", "variable", "field", "column", "attribute", "param", "label", "selector", "annotation",
    "template", "pattern", "regex", "prompt", "hint", "description", "secretname", "headers", "domains", "list", "title", "through", "rotate", "refresh",
    "creation", "date", "time", "at",
];
/// A word that makes the whole name one of public material or of a reference, wherever it stands.
const PUBLIC: &[&str] = &["public", "publishable", "anon", "existing", "pubkey", "site", "sitekey"];
/// Keys that open nothing.
#[rustfmt::skip]
const HARMLESS_KEYS: &[&str] = &[
    "partition", "primary", "foreign", "sort", "cache", "routing", "hash", "shard", "range", "idempotency",
    "dedup", "lookup", "feature", "translation", "message", "object", "config", "search", "host", "gpg",
    "pgp", "password", "passwd", "username", "token", "user", "ingestion", "instrumentation", "sentry",
    "group", "label",
];

/// What every strong or weak name contains; nearly all names contain none of it.
#[rustfmt::skip]
const STEMS: &[&str] = &[
    "pass", "pwd", "secret", "key", "token", "credential", "auth", "salt", "sig", "cookie", "pin", "pat", "jwt",
    "hmac", "psk", "otp", "connection", "conn",
];

static STEM: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(AhoCorasickKind::DFA)).build(STEMS).ok()
});

/// The class of a name, by its words alone.
pub(super) fn classify(name: &str) -> NameClass {
    if STEM.as_ref().is_some_and(|stem| !stem.is_match(name)) {
        return NameClass::Other;
    }
    let words = Words::of(name);
    let Some(last) = words.last() else { return NameClass::Other };
    if is_one_of(last, CANCELLING) || words.iter().any(|w| is_one_of(w, PUBLIC)) || words.end_harmlessly() {
        return NameClass::Other;
    }
    // `PASS_THROUGH` passes something else.
    if last.eq_ignore_ascii_case("pass") || words.iter().any(is_strong) || words.pairs().any(is_strong_pair) {
        return NameClass::Strong;
    }
    if words.iter().any(|w| is_one_of(w, WEAK)) { NameClass::Weak } else { NameClass::Other }
}

/// Whether `word`, in lower case, is one of the words of the name.
pub(super) fn mentions(name: &str, word: &str) -> bool {
    Words::of(name).iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter().any(|w| w.eq_ignore_ascii_case(word))
}

fn is_strong(word: &str) -> bool {
    is_one_of(word, STRONG)
        || STRONG_ENDINGS.iter().any(|ending| {
            let start = word.len().saturating_sub(ending.len());
            word.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(ending))
        })
}

fn is_strong_pair((first, second): (&str, &str)) -> bool {
    STRONG_PAIRS.iter().any(|(a, b)| a.eq_ignore_ascii_case(first) && b.eq_ignore_ascii_case(second))
}

/// The words of a name, without a copy: split at everything that is no letter or digit and where the case
/// changes; digits at a word's end and words of digits do not count (`PASSWORD_2`).
struct Words<'a> {
    words: [&'a str; MOST_WORDS],
    count: usize,
}

impl<'a> Words<'a> {
    fn of(name: &'a str) -> Self {
        let mut words = Self { words: [""; MOST_WORDS], count: 0 };
        for part in name.split(|c: char| !c.is_ascii_alphanumeric()) {
            words.push_cased(part);
        }
        words
    }

    /// `someAPIKey` is some, API, Key.
    fn push_cased(&mut self, part: &'a str) {
        let bytes = part.as_bytes();
        let mut start = 0;
        for (at, window) in bytes.windows(2).enumerate() {
            let [before, after] = window else { continue };
            let rises = !before.is_ascii_uppercase() && after.is_ascii_uppercase();
            let ends_acronym = before.is_ascii_uppercase()
                && after.is_ascii_uppercase()
                && bytes.get(at + 2).is_some_and(u8::is_ascii_lowercase);
            if rises || ends_acronym {
                self.push(part.get(start..=at));
                start = at + 1;
            }
        }
        self.push(part.get(start..));
    }

    fn push(&mut self, word: Option<&'a str>) {
        let word = word.unwrap_or_default();
        // sha256 and md5 are words with their digits.
        let trimmed = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if trimmed.is_empty() {
            return;
        }
        let word = if trimmed.eq_ignore_ascii_case("sha") || trimmed.eq_ignore_ascii_case("md") {
            word
        } else {
            trimmed
        };
        if let Some(slot) = self.words.get_mut(self.count) {
            *slot = word;
            self.count += 1;
        }
    }

    fn iter(&self) -> impl Iterator<Item = &'a str> {
        self.words.iter().take(self.count).copied()
    }

    fn last(&self) -> Option<&'a str> {
        self.iter().last()
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.iter().zip(self.iter().skip(1))
    }

    fn end_harmlessly(&self) -> bool {
        self.pairs().last().is_some_and(|(before, last)| {
            (last.eq_ignore_ascii_case("key") || last.eq_ignore_ascii_case("keys"))
                && is_one_of(before, HARMLESS_KEYS)
        })
    }
}

#[cfg(test)]
#[rustfmt::skip]
mod tests {
    use super::*;

    fn assert_class(names: &[&str], class: NameClass) {
        for name in names {
            assert_eq!(classify(name), class, "{name}");
        }
    }

    #[test]
    fn knows_the_strong_names_in_every_spelling() {
        assert_class(
            &[
                "DB_PASSWORD", "db-password", "dbPassword", "PGPASSWORD", "spring.datasource.password",
                "API_KEY", "apiKey", "APIKey", "STRIPE_APIKEY", "AWS_SECRET_ACCESS_KEY", "clientSecret",
                "OAUTH_CLIENT_SECRET", "PRIVATE_KEY", "MYSQL_PWD", "SMTP_PASS", "PASSWORD_2",
                "ADMIN_PASSWORD1", "authToken", "refresh_token", "CONNECTION_STRING", "credentials",
                "KEY_PASSPHRASE", "SECRET_KEY_BASE",
            ],
            NameClass::Strong,
        );
    }

    #[test]
    fn knows_the_weak_names() {
        assert_class(
            &[
                "TOKEN", "APP_KEY", "COOKIE", "WEBHOOK_SIGNATURE", "sim.pin", "basicAuth", "SALT",
            ],
            NameClass::Weak,
        );
    }

    #[test]
    fn compares_words_and_not_substrings() {
        assert_class(
            &[
                "KEYBOARD", "MONKEY", "MONKEY_ID", "TOKENIZER", "TOKENIZERS_PARALLELISM", "SECRETARY",
                "BYPASS", "COMPASS", "AUTHOR", "SPINNER",
            ],
            NameClass::Other,
        );
    }

    #[test]
    fn a_last_word_cancels_the_secret() {
        assert_class(
            &[
                "SECRET_FILE", "SECRETS_DIR", "VAULT_SECRET_PATH", "ML_SECRET_KEY_PATH", "SECRET_NAME",
                "secretName", "API_KEY_ID", "TOKEN_URL", "PASSWORD_LENGTH", "TOKEN_TTL",
                "JWT_SECRET_VERSION", "AUTH_ENABLED", "TOKEN_ISSUER", "ACCESS_TOKEN_EXPIRY",
                "SECRET_NAMESPACE", "PASSWORD_SHA256", "secretRef",
            ],
            NameClass::Other,
        );
    }

    #[test]
    fn names_of_public_material_and_of_secrets_are_nothing() {
        assert_class(
            &[
                "PUBLIC_KEY", "STRIPE_PUBLISHABLE_KEY", "NEXT_PUBLIC_API_KEY", "existingSecret",
                "existingSecretPasswordKey", "userPasswordKey", "GPG_KEY", "PARTITION_KEY",
                "SUPABASE_ANON_KEY", "ALGOLIA_SEARCH_KEY", "RECAPTCHA_SITE_KEY",
            ],
            NameClass::Other,
        );
    }

    #[test]
    fn an_empty_or_foreign_name_is_nothing() {
        assert_class(&[
                "", "___", "パスワード", "1234",
            ], NameClass::Other);
    }
}
