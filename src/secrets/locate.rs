//! Finds the secret around a literal where a token's form is not enough: PEM, URLs, connection strings, headers.

use std::ops::Range;

use super::{
    checksum, exclusion,
    rule::{Context, Located, Verdict},
    value,
};

/// A PEM block whose label ends in PRIVATE KEY and whose body decodes (RFC 7468, RFC 1421, OpenSSH, OpenPGP).
pub(super) fn pem(context: &Context<'_>, at: usize) -> Option<Located> {
    const BEGIN: &str = "-----BEGIN ";
    let rest = context.text.get(at + BEGIN.len()..)?;
    let (label, rest) = head(rest, 48)?
        .split_once("-----")
        .map(|(label, _)| label)
        .and_then(|label| Some((label, rest.get(label.len() + 5..)?)))?;
    if !(label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")) {
        return None;
    }
    let body = rest.split_once("-----").map_or(rest, |(body, _)| body);
    let end = context.text.len() - rest.len() + body.len();
    let decodes = pem_body(body).is_some_and(|bytes| bytes.len() >= 16);
    let made_up = value::names_itself_a_placeholder(head(body, 80)?) || value::entropy(body) < 3.0;
    let verdict =
        if made_up { Verdict::No } else { Verdict::certain_if(decodes, "a PEM block whose body decodes") };
    Some(Located { secret: at..end, verdict })
}

/// The first `most` bytes, or a little fewer where a character would be cut.
fn head(text: &str, most: usize) -> Option<&str> {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
    text.get(..end)
}

/// The bytes of a PEM body: headers and OpenPGP's checksum left out, escaped line ends taken as such.
fn pem_body(body: &str) -> Option<Vec<u8>> {
    let plain = body.replace("\\r", "").replace("\\n", "\n");
    let encoded: String = plain
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains(": ") && !line.ends_with(',') && !line.starts_with('='))
        .flat_map(|line| line.chars())
        .filter(|c| !c.is_ascii_whitespace() && *c != '"' && *c != '\'' && *c != '\\')
        .collect();
    checksum::base64(&encoded)
}

/// The same in base64, as Secrets and kubeconfigs carry it.
pub(super) fn pem_in_base64(context: &Context<'_>, at: usize) -> Option<Located> {
    // Inside a longer run it is part of another document, which the decoder of whole values reads.
    let before = at.checked_sub(1).and_then(|before| context.text.as_bytes().get(before));
    if before.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let secret = base64_run(context.text, at)?;
    let decoded = checksum::base64(context.text.get(secret.clone())?)?;
    let verdict = private_pem_verdict(&decoded);
    Some(Located { secret, verdict })
}

fn private_pem_verdict(decoded: &[u8]) -> Verdict {
    let Ok(text) = std::str::from_utf8(decoded) else { return Verdict::No };
    let found = text.match_indices("-----BEGIN ").any(|(at, _)| {
        pem(&Context { text, name: None }, at).is_some_and(|located| located.verdict != Verdict::No)
    });
    Verdict::certain_if(found, "base64 of a PEM block whose body decodes")
}

/// The unbroken base64 that begins at a position.
fn base64_run(text: &str, at: usize) -> Option<Range<usize>> {
    let length = text.as_bytes().get(at..)?.iter().take_while(|b| value::is_base64(**b)).count();
    (length > 0).then_some(at..at + length)
}

/// `client-key-data:` of a kubeconfig with the base64 of a private key.
pub(super) fn client_key(context: &Context<'_>, at: usize) -> Option<Located> {
    let rest = context.text.get(at + "client-key-data".len()..)?;
    let value = rest.trim_start_matches(['"', '\'', ':', ' ']);
    let secret = base64_run(context.text, context.text.len() - value.len())?;
    let decoded = checksum::base64(context.text.get(secret.clone())?)?;
    let verdict = match private_pem_verdict(&decoded) {
        Verdict::No => Verdict::No,
        _ => Verdict::Certain("its client key decodes"),
    };
    Some(Located { secret, verdict })
}

/// PuTTY's own format: the private part follows `Private-Lines:`.
pub(super) fn putty(context: &Context<'_>, at: usize) -> Option<Located> {
    // A key has some hundred lines at most: nothing farther away belongs to it.
    let file = head(context.text.get(at..)?, 16 * 1024)?;
    let (before, private) = file.split_once("Private-Lines:")?;
    let body = private.split_once('\n').map_or("", |(_, body)| body).lines().next().unwrap_or_default();
    let valid = body.len() >= 20 && checksum::base64(body.trim()).is_some();
    Some(Located {
        secret: at..at + before.len() + private.len(),
        verdict: Verdict::certain_if(valid, "its private lines decode"),
    })
}

/// `scheme://user:password@host` (RFC 3986); the user may be empty, as Redis has it.
pub(super) fn userinfo(context: &Context<'_>, at: usize) -> Option<Located> {
    let text = context.text;
    let scheme = text
        .as_bytes()
        .get(..at)?
        .iter()
        .rev()
        .take(24)
        .take_while(|b| b.is_ascii_alphanumeric() || b"+.-".contains(b))
        .count();
    let start = at + 3;
    let authority = authority(text.get(start..)?);
    let (info, _) = authority.rsplit_once('@')?;
    let (user, password) = info.split_once(':')?;
    if scheme < 2 || password.is_empty() || user.contains(['/', '[']) {
        return None;
    }
    let from = start + user.len() + 1;
    let verdict = if is_literal_password(user, password) {
        Verdict::Certain("user and password before the host")
    } else {
        Verdict::No
    };
    Some(Located { secret: from..from + password.len(), verdict })
}

/// The part between `://` and the path. A password may hold an unescaped slash: then the port would be no number.
fn authority(rest: &str) -> &str {
    let bytes = rest.as_bytes();
    let ends =
        |at: usize, byte: u8| b" \t\r\n\"'`<>,|\\".contains(&byte) || bytes.get(at..at + 3) == Some(b"://");
    let until = |stop: &[u8]| {
        let length = bytes.iter().enumerate().take(1024).position(|(at, b)| stop.contains(b) || ends(at, *b));
        head(rest, length.unwrap_or(bytes.len().min(1024))).unwrap_or_default()
    };
    let strict = until(b"/?#");
    let odd_port = strict
        .split_once(':')
        .is_some_and(|(_, port)| !port.is_empty() && !port.bytes().all(|b| b.is_ascii_digit()));
    if !strict.contains('@') && odd_port { until(b"") } else { strict }
}

/// A password that is neither a reference, nor a placeholder, nor the word of a template.
fn is_literal_password(user: &str, password: &str) -> bool {
    let template = matches!(user.to_ascii_lowercase().as_str(), "user" | "username" | "login")
        && matches!(
            password.to_ascii_lowercase().as_str(),
            "pass" | "password" | "passwd" | "pwd" | "secret"
        );
    let decoded = password
        .replace("%24", "$")
        .replace("%28", "(")
        .replace("%7B", "{")
        .replace("%3C", "<")
        .replace("%3E", ">");
    let reference = exclusion::is_reference(&decoded) || decoded.starts_with(['$', '%']) && decoded.len() < 3;
    !template && !reference && !exclusion::is_placeholder(&decoded) && !decoded.starts_with(":")
}

/// `Password=...;` beside a server's name, `password=...&` in a JDBC URL, `password=...` beside `host=`.
pub(super) fn connection_string(context: &Context<'_>, at: usize) -> Option<Located> {
    let text = context.text;
    let equals = at + text.get(at..)?.find('=')?;
    let window = head_around(text, at, 512)?;
    if !is_connection_string(window) {
        return None;
    }
    let after = text.get(equals + 1..)?;
    let rest = after.trim_start_matches([' ', '"', '\'']);
    let from = equals + 1 + after.len() - rest.len();
    let length = rest
        .bytes()
        .take(256)
        .position(|b| b";&\"'` \t\r\n,)\\<>".contains(&b) && b != b'<' && b != b'>')
        .unwrap_or(rest.len().min(256));
    let password = head(rest, length)?;
    let literal =
        password.len() > 1 && is_literal_password("", password) && !password.starts_with(['*', '@']);
    let verdict = Verdict::certain_if(literal, "a literal password beside a server's name");
    Some(Located { secret: from..from + password.len(), verdict })
}

/// The line around a position, at most `reach` bytes to each side.
fn head_around(text: &str, at: usize, reach: usize) -> Option<&str> {
    let from = (at.saturating_sub(reach)..=at).find(|i| text.is_char_boundary(*i))?;
    let start = text.get(from..at)?.rfind('\n').map_or(from, |newline| from + newline + 1);
    let line = head(text.get(start..)?, at - start + reach)?;
    Some(line.split('\n').next().unwrap_or(line))
}

fn is_connection_string(window: &str) -> bool {
    let lower = window.to_ascii_lowercase();
    let mut marks = [
        "server=",
        "data source=",
        "datasource=",
        "host=",
        "hostaddr=",
        "endpoint=",
        "addr=",
        "network address=",
        "driver=",
        "dsn=",
    ]
    .iter();
    lower.contains("jdbc:")
        || (lower.contains("://") && lower.contains('?'))
        || marks.any(|mark| {
            lower.match_indices(mark).any(|(at, _)| {
                // A key of its own, not the end of another word: `DB_HOST=` on a line is a variable.
                at == 0 || lower.as_bytes().get(at - 1).is_some_and(|b| b" ;\"'=:".contains(b))
            })
        })
}

/// `Basic` and the base64 of `user:password` (RFC 7617).
pub(super) fn basic_authorization(context: &Context<'_>, at: usize) -> Option<Located> {
    let secret = base64_run(context.text, at + "Basic ".len())?;
    let literal = is_basic_auth(context.text.get(secret.clone())?);
    let named = context.name.is_some_and(|name| super::name::mentions(name, "authorization"))
        || super::pairs::key_before(context.text, secret.start).is_some();
    let verdict =
        Verdict::certain_if(literal && (named || secret.len() >= 16), "base64 of user and password");
    Some(Located { secret, verdict })
}

/// Whether base64 decodes to a user and a literal password.
pub(super) fn is_basic_auth(encoded: &str) -> bool {
    let decoded = checksum::base64(encoded).and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.is_some_and(|text| {
        text.chars().all(|c| !c.is_control())
            && text.split_once(':').is_some_and(|(user, password)| {
                !user.is_empty() && password.len() > 1 && is_literal_password(user, password)
            })
    })
}
