//! Opens what holds values inside: JSON with the structures it may be, and base64.

use serde_json::{Map, Value};

use super::{
    checksum, exclusion, locate,
    rule::{Context, Verdict},
    rules,
    scan::{Place, Scan},
    value,
};

/// The JSON object or array that a text is; scalars are none.
pub(super) fn json(text: &str) -> Option<Value> {
    let text = text.trim();
    let framed =
        (text.starts_with('{') && text.ends_with('}')) || (text.starts_with('[') && text.ends_with(']'));
    if framed { serde_json::from_str(text).ok() } else { None }
}

/// Scans every string of a document under its key, structures that are credentials as a whole first.
pub(super) fn visit(scan: &mut Scan<'_>, place: Place<'_>, json: &Value) {
    match json {
        Value::String(text) => scan.text(place, text),
        Value::Array(items) => items.iter().for_each(|item| visit(scan, place, item)),
        Value::Object(object) => visit_object(scan, place, object),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Keys that say nothing about what they hold: the name above decides.
const GENERIC: &[&str] = &["value", "default", "data", "content", "literal", "val"];

fn visit_object(scan: &mut Scan<'_>, place: Place<'_>, object: &Map<String, Value>) {
    let taken = structure(scan, place, object);
    // `{"name": "DB_PASSWORD", "value": "..."}`, as Kubernetes itself writes variables.
    let named = ["name", "key"].iter().find_map(|key| object.get(*key)).and_then(Value::as_str);
    for (key, child) in object.iter().filter(|(key, _)| Some(key.as_str()) != taken) {
        let inner = if GENERIC.contains(&key.as_str()) { named.or(place.inner).unwrap_or(key) } else { key };
        visit(scan, place.under(inner), child);
    }
}

/// Reports an object that is a credential and returns the key that needs no further look.
fn structure(scan: &mut Scan<'_>, place: Place<'_>, object: &Map<String, Value>) -> Option<&'static str> {
    let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("type") == "service_account" && is_pem_key(text("private_key")) {
        let why = Verdict::Certain("its private key decodes");
        scan.report(&rules::GOOGLE_SERVICE_ACCOUNT, why, place.under("private_key"), text("private_key"));
        return Some("private_key");
    }
    if !text("kty").is_empty() && ["d", "k"].iter().any(|key| is_key_part(text(key))) {
        let secret = if text("d").is_empty() { text("k") } else { text("d") };
        scan.report(&rules::PRIVATE_JWK, Verdict::Certain("it has the private part"), place, secret);
        return Some(if text("d").is_empty() { "k" } else { "d" });
    }
    if let Some(Value::Object(registries)) = object.get("auths") {
        registries.values().for_each(|login| registry_login(scan, place, login));
        return Some("auths");
    }
    if object.contains_key("clusters")
        && let Some(Value::Array(users)) = object.get("users")
    {
        users.iter().filter_map(|user| user.get("user")).for_each(|user| cluster_login(scan, place, user));
        return Some("users");
    }
    None
}

fn is_pem_key(text: &str) -> bool {
    text.find("-----BEGIN ")
        .and_then(|at| locate::pem(&Context { text, name: None }, at))
        .is_some_and(|located| located.verdict != Verdict::No)
}

fn is_key_part(text: &str) -> bool {
    text.len() >= 20 && checksum::base64(text).is_some() && !value::is_made_up(text)
}

/// One entry of `auths`: `auth` is base64 of user and password, or both stand beside it.
fn registry_login(scan: &mut Scan<'_>, place: Place<'_>, login: &Value) {
    let text = |key: &str| login.get(key).and_then(Value::as_str).unwrap_or_default();
    let password = text("password");
    if locate::is_basic_auth(text("auth")) {
        scan.report(
            &rules::DOCKER_CONFIG,
            Verdict::Certain("its auth decodes to user and password"),
            place.under("auth"),
            text("auth"),
        );
    } else if !password.is_empty() && exclusion::reason("password", password).is_none() {
        scan.report(
            &rules::DOCKER_CONFIG,
            Verdict::Certain("a literal password"),
            place.under("password"),
            password,
        );
    } else if !text("identitytoken").is_empty() {
        scan.report(
            &rules::DOCKER_CONFIG,
            Verdict::Certain("a literal identity token"),
            place.under("identitytoken"),
            text("identitytoken"),
        );
    }
}

/// The `user` of a kubeconfig in JSON.
fn cluster_login(scan: &mut Scan<'_>, place: Place<'_>, user: &Value) {
    for key in ["client-key-data", "token", "password"] {
        let secret = user.get(key).and_then(Value::as_str).unwrap_or_default();
        if !secret.is_empty() && exclusion::reason(key, secret).is_none() {
            scan.report(
                &rules::KUBECONFIG,
                Verdict::Certain("a literal credential of a user"),
                place.under(key),
                secret,
            );
        }
    }
}

/// The bytes of a value that is base64 as a whole: 20 characters or more, padding as it must be.
pub(super) fn base64_value(text: &str) -> Option<Vec<u8>> {
    let is_candidate =
        |text: &str| text.len() >= 20 && text.len().is_multiple_of(4) && text.bytes().all(value::is_base64);
    if text.contains('\n') {
        let joined: String = text.split('\n').map(str::trim).collect();
        return if is_candidate(&joined) { checksum::base64(&joined) } else { None };
    }
    if is_candidate(text) { checksum::base64(text) } else { None }
}

/// Decoded bytes as text, if that is what they are.
pub(super) fn printable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    text.chars().all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t')).then_some(text)
}
