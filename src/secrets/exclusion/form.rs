//! The forms of ordinary data that sound random: numbers, paths, addresses, identifiers.

use super::super::{name, value};

/// Booleans, numbers with units, durations, dates, versions, colours, locales, cron expressions, media types.
pub(super) fn is_plain_datum(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let allows = |extra: &[u8]| text.bytes().all(|b| b.is_ascii_digit() || extra.contains(&b));
    let is_date = digits >= 6 && allows(b"-:TZ.+/ ") && text.len() <= 35;
    let is_number = digits > 0
        && text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len() + 3 >= text.len()
        && text
            .trim_end_matches(|c: char| c.is_ascii_alphabetic())
            .bytes()
            .all(|b| b.is_ascii_digit() || b"+-._,e".contains(&b));
    is_date
        || is_number
        || is_version(text)
        || is_duration(text)
        || is_cron(text)
        || is_colour(text)
        || is_locale(text)
        || is_media_type(text)
}

/// `1.2.3`, `v1.27.4+k3s1`, `2024.1.0-rc.1`.
fn is_version(text: &str) -> bool {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (core, suffix) = text.find(['-', '+']).and_then(|at| text.split_at_checked(at)).unwrap_or((text, ""));
    core.contains('.')
        && core
            .split('.')
            .all(|part| !part.is_empty() && part.len() <= 6 && part.bytes().all(|b| b.is_ascii_digit()))
        && suffix.len() <= 40
}

/// `1h30m`, `P1DT12H`, `500ms`.
fn is_duration(text: &str) -> bool {
    text.len() <= 16
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || b"hmsdwnuHMSDPTWY.".contains(&b))
}

/// Five or six fields of a cron expression, or a named one.
fn is_cron(text: &str) -> bool {
    let fields = text.split_ascii_whitespace().count();
    text.starts_with("@every ")
        || ((5..=7).contains(&fields)
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*/,-?#L ".contains(&b))
            && text.contains('*'))
}

fn is_colour(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() <= 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        || ["rgb(", "rgba(", "hsl("].iter().any(|form| text.starts_with(form))
}

/// `de_CH.UTF-8`, `en-US`.
fn is_locale(text: &str) -> bool {
    let language = text.split(['.', '@']).next().unwrap_or_default();
    match language.split_once(['_', '-']) {
        Some((language, country)) => {
            (2..=3).contains(&language.len())
                && language.bytes().all(|b| b.is_ascii_lowercase())
                && country.len() == 2
                && country.bytes().all(|b| b.is_ascii_uppercase())
        }
        None => false,
    }
}

fn is_media_type(text: &str) -> bool {
    ["application/", "text/", "image/", "audio/", "video/", "multipart/", "font/"]
        .iter()
        .any(|top| text.starts_with(top))
}

#[rustfmt::skip]
const EXTENSIONS: &[&str] = &[
    "pem", "crt", "cer", "key", "json", "yaml", "yml", "txt", "conf", "cfg", "ini", "toml", "properties",
    "jks", "p12", "pfx", "env", "xml", "sh", "py", "js", "ts", "go", "jar", "war", "so", "sock", "log",
    "db", "sqlite", "csr", "pub", "asc", "gpg", "token", "secret", "html", "md", "sql", "csv", "gz", "zip",
    "tar", "keytab", "tmpl", "tpl", "lua",
];

/// A path or a file name, absolute, relative or of Windows.
pub(super) fn is_path(text: &str) -> bool {
    let drive = text.as_bytes().get(1..3) == Some(b":\\".as_slice());
    let rooted = ["/", "./", "../", "~/"].iter().any(|root| text.starts_with(root));
    let extension = text.rsplit_once('.').is_some_and(|(stem, ext)| {
        !stem.is_empty() && EXTENSIONS.iter().any(|e| e.eq_ignore_ascii_case(ext))
    });
    // A base64 secret may begin with a slash: what reads as a path has words, and neither + nor =.
    drive
        || extension
        || (rooted && !text.contains(['+', '=']) && (value::word_share(text) >= 0.5 || text.contains('.')))
        || (text.contains('/')
            && !text.contains("://")
            && !is_media_type(text)
            && value::word_share(text) >= 0.6)
}

/// A URL without a password, a host with or without port, an e-mail address, a network.
pub(super) fn is_address(text: &str) -> bool {
    if let Some((scheme, rest)) = text.split_once("://") {
        // Credentials in URLs have rules of their own, which look before the exclusions do.
        return !scheme.is_empty() && scheme.len() <= 24 && !rest.is_empty();
    }
    is_email(text) || is_network(text) || is_host(text)
}

/// A password may hold an @ as well, but hardly words on either side and a known top-level form after it.
fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && user.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
            && host.rsplit_once('.').is_some_and(|(domain, top)| {
                !domain.is_empty()
                    && top.len() >= 2
                    && top.bytes().all(|b| b.is_ascii_lowercase())
                    && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
            })
    })
}

/// An address or a network of either family, with or without port.
fn is_network(text: &str) -> bool {
    let address = text.split('/').next().unwrap_or_default();
    address.parse::<std::net::IpAddr>().is_ok() || address.parse::<std::net::SocketAddr>().is_ok()
}

/// `db.prod.svc.cluster.local:5432`: lower-case labels with a dot or a port, at least one of them a word.
fn is_host(text: &str) -> bool {
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let labels = host.split('.').count();
    port.len() <= 5
        && port.bytes().all(|b| b.is_ascii_digit())
        && (labels >= 2 || (!port.is_empty() && value::word_share(host) > 0.5))
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && host
            .rsplit('.')
            .next()
            .is_some_and(|top| top.len() >= 2 && top.bytes().all(|b| b.is_ascii_lowercase()) || labels == 1)
        && value::word_share(host) > 0.3
}

/// UUID, ULID, digest, image, ARN, the name of a Kubernetes object, an entity tag, a commit, a key's fingerprint.
pub(super) fn is_identifier(name: &str, text: &str) -> bool {
    is_uuid(text)
        || is_ulid(text)
        || is_digest(text)
        || text.starts_with("W/\"")
        || is_object_name(text)
        || is_image(text)
        || is_commit(name, text)
}

fn is_uuid(text: &str) -> bool {
    let text = text.strip_prefix("urn:uuid:").unwrap_or(text).trim_matches(['{', '}']);
    text.len() == 36
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if matches!(at, 8 | 13 | 18 | 23) { b == b'-' } else { b.is_ascii_hexdigit() })
}

/// 26 characters of Crockford's base 32, a time first: hence a small first digit.
fn is_ulid(text: &str) -> bool {
    text.len() == 26
        && text.starts_with(|c: char| ('0'..='7').contains(&c))
        && text.bytes().all(|b| b.is_ascii_digit() || (b.is_ascii_uppercase() && !b"ILOU".contains(&b)))
}

fn is_digest(text: &str) -> bool {
    [
        "sha256:", "sha384:", "sha512:", "sha1:", "md5:", "sha256-", "sha384-", "sha512-", "SHA256:", "h1:",
        "git+",
    ]
    .iter()
    .any(|prefix| text.starts_with(prefix))
        || text.contains("@sha256:")
}

/// DNS-1123 with separators and at least one word: `web-7d9f8b6c5-x2x4z`.
fn is_object_name(text: &str) -> bool {
    text.contains(['-', '.', '_'])
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
        && text.split(['-', '.', '_']).any(|part| value::word_share(part) > 0.9)
        && text.split(['-', '.', '_']).all(|part| part.len() <= 24)
}

/// `ghcr.io/team/app:1.2.3`: a repository of words with a tag.
fn is_image(text: &str) -> bool {
    let (repository, tag) = text.rsplit_once(':').unwrap_or((text, ""));
    repository.contains('/')
        && !tag.contains('/')
        && repository.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._/:".contains(&b))
        && value::word_share(repository) > 0.5
}

/// Hex of a commit's length where the name speaks of code, or of a fingerprint's where it speaks of PGP.
fn is_commit(name: &str, text: &str) -> bool {
    let is_hex = matches!(text.len(), 7..=12 | 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    const SPEAKING: &[&str] = &[
        "commit",
        "sha",
        "revision",
        "rev",
        "git",
        "build",
        "digest",
        "checksum",
        "gpg",
        "pgp",
        "fingerprint",
        "etag",
        "hash",
    ];
    is_hex && SPEAKING.iter().any(|word| name::mentions(name, word))
}
