//! The judgements that look inside a token: checksums, decoded parts, documented samples, and names that decide.

use super::super::{
    checksum,
    rule::{Candidate, Verdict},
    value,
};

/// The id alone is no secret; the sweep over the object makes it certain when its secret stands there too.
pub(super) fn aws_id(seen: &Candidate<'_>) -> Verdict {
    let random = value::entropy(seen.token) >= 2.8;
    if random { Verdict::Suspected("a key id; its secret is not in the same object") } else { Verdict::No }
}

/// Ids of providers whose secrets have no form of their own.
pub(super) fn key_id(seen: &Candidate<'_>) -> Verdict {
    let _ = seen;
    Verdict::Suspected("a key id, which never travels without its secret")
}

/// Browser keys are public by design, and Firebase's web key says so in its name.
pub(super) fn google_api_key(seen: &Candidate<'_>) -> Verdict {
    let public = ["firebase", "public", "browser", "web"].iter().any(|word| seen.named(word));
    if public {
        Verdict::No
    } else {
        Verdict::Suspected("its documented form; some of these keys are public")
    }
}

pub(super) fn azure_client_secret(seen: &Candidate<'_>) -> Verdict {
    if seen.named_secret() {
        Verdict::Certain("its documented form behind a secret's name")
    } else {
        Verdict::Suspected("its documented form behind an ordinary name")
    }
}

fn decodes_to(token: &str, length: usize) -> bool {
    let encoded = token.split_once('=').map_or(token, |(_, encoded)| encoded);
    checksum::base64(encoded).is_some_and(|bytes| bytes.len() == length)
}

pub(super) fn azure_account_key(seen: &Candidate<'_>) -> Verdict {
    Verdict::certain_if(decodes_to(seen.token, 64), "decodes to 64 bytes")
}

pub(super) fn azure_shared_key(seen: &Candidate<'_>) -> Verdict {
    Verdict::certain_if(decodes_to(seen.token, 32), "decodes to 32 bytes")
}

/// `sig=` is any signature, but one of 32 bytes in a query is Azure's HMAC-SHA256.
pub(super) fn azure_sas(seen: &Candidate<'_>) -> Verdict {
    let plain = seen.token.replace("%2B", "+").replace("%2b", "+").replace("%2F", "/").replace("%2f", "/");
    let plain = plain.replace("%3D", "=").replace("%3d", "=");
    Verdict::certain_if(decodes_to(&plain, 32), "its signature decodes to 32 bytes")
}

pub(super) fn github_token(seen: &Candidate<'_>) -> Verdict {
    Verdict::certain_if(checksum::has_base62_crc(seen.token), "checksum valid")
}

pub(super) fn npm_token(seen: &Candidate<'_>) -> Verdict {
    Verdict::certain_if(checksum::has_base62_crc(seen.token), "checksum valid")
}

pub(super) fn grafana(seen: &Candidate<'_>) -> Verdict {
    let valid = checksum::has_little_endian_crc(&seen.token.to_ascii_lowercase())
        || checksum::has_little_endian_crc(seen.token);
    Verdict::certain_if(valid, "checksum valid")
}

/// The stateless form: the app's id, then a JWT.
pub(super) fn app_jwt(seen: &Candidate<'_>) -> Verdict {
    let token = seen.token.splitn(3, '_').nth(2).unwrap_or_default();
    let header = token.split('.').next().and_then(checksum::base64_json);
    Verdict::certain_if(header.is_some_and(|header| header.get("alg").is_some()), "its JWT header decodes")
}

pub(super) fn grafana_cloud(seen: &Candidate<'_>) -> Verdict {
    let body = seen.token.split_once('_').and_then(|(_, body)| checksum::base64_json(body));
    Verdict::certain_if(body.is_some_and(|body| body.is_object()), "its body decodes")
}

/// Test keys move no money.
pub(super) fn stripe(seen: &Candidate<'_>) -> Verdict {
    if seen.token.contains("_test_") {
        Verdict::Suspected("a key of the test mode")
    } else {
        Verdict::Certain("a live key by its prefix")
    }
}

pub(super) fn twilio(seen: &Candidate<'_>) -> Verdict {
    if seen.named("twilio") {
        Verdict::Certain("its documented form behind Twilio's name")
    } else {
        Verdict::Suspected("its documented form; the name does not say Twilio")
    }
}

/// A macaroon of PyPI names its location first; the start is enough to decode.
pub(super) fn pypi(seen: &Candidate<'_>) -> Verdict {
    let start = seen.token.split_once('-').and_then(|(_, body)| body.get(..40)).and_then(checksum::base64);
    let located = start.is_some_and(|start| start.windows(8).any(|window| window == b"pypi.org"));
    Verdict::certain_if(located, "a macaroon that names pypi.org")
}

/// The old form is short: only a name tells it from a method call.
pub(super) fn vault(seen: &Candidate<'_>) -> Verdict {
    if !seen.token.starts_with("s.") {
        Verdict::Certain("its documented form")
    } else if seen.named_secret() && value::kinds(seen.token) == 4 {
        Verdict::Certain("the form before Vault 1.10 behind a secret's name")
    } else {
        Verdict::No
    }
}

pub(super) fn age(seen: &Candidate<'_>) -> Verdict {
    Verdict::certain_if(checksum::is_bech32(seen.token), "checksum valid")
}

/// Three parts, the first of them JSON with an algorithm (RFC 7519).
pub(super) fn jwt(seen: &Candidate<'_>) -> Verdict {
    let mut parts = seen.token.split('.');
    let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
        return Verdict::No;
    };
    let Some(header) = checksum::base64_json(header) else { return Verdict::No };
    let Some(algorithm) = header.get("alg").and_then(|alg| alg.as_str()) else { return Verdict::No };
    let claims = checksum::base64_json(payload).unwrap_or_default();
    let claim = |name: &str| claims.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    if is_sample_or_public(&claim) {
        Verdict::No
    } else if algorithm.eq_ignore_ascii_case("none") || signature.is_empty() {
        Verdict::Suspected("not signed")
    } else if claim("iss") == "kubernetes/serviceaccount" || claims.get("kubernetes.io").is_some() {
        Verdict::Certain("the token of a Kubernetes service account")
    } else {
        Verdict::Certain("its header decodes and it is signed")
    }
}

/// The token that every tutorial prints, and Supabase's key for browsers.
fn is_sample_or_public<'c>(claim: &impl Fn(&str) -> &'c str) -> bool {
    (claim("sub") == "1234567890" && claim("name") == "John Doe")
        || (claim("iss") == "supabase" && claim("role") == "anon")
}
