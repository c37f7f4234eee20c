//! CC6.7: no credential lies open in an object that many can read, and nothing travels in the clear.

mod certificate;
mod credential_in_url;
mod hardcoded_secret;
mod last_applied_secret;
mod mesh_opt_out;
mod permissive_mtls;
mod plaintext_gateway;
mod plaintext_ingress;
mod secret_in_config_map;
mod secret_in_environment;
mod secret_in_metadata;
mod suspected_secret;
mod unauthenticated_mesh_inbound;
mod unverified_upstream_tls;
mod weak_tls_certificate;

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Missing, Report, Violation, quoted},
    object::Place,
    secrets::{Certainty, Class, Site, Spot},
};

pub(super) const CHECKS: &[&Check] = &[
    &hardcoded_secret::CHECK,
    &suspected_secret::CHECK,
    &credential_in_url::CHECK,
    &secret_in_metadata::CHECK,
    &last_applied_secret::CHECK,
    &secret_in_config_map::CHECK,
    &secret_in_environment::CHECK,
    // Transport.
    &plaintext_ingress::CHECK,
    &plaintext_gateway::CHECK,
    &permissive_mtls::CHECK,
    &mesh_opt_out::CHECK,
    &unverified_upstream_tls::CHECK,
    &unauthenticated_mesh_inbound::CHECK,
    &weak_tls_certificate::CHECK,
];

/// What a policy takes for harmless.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct Allowed {
    /// Rules of the secret engine that are not reported: `stripe-key`.
    allow_rules: Vec<String>,
    /// Secrets that are known and accepted, by the fingerprint that a finding printed.
    allow_fingerprints: Vec<String>,
}

impl Allowed {
    fn permits(&self, spot: &Spot) -> bool {
        let fingerprint = spot.hit.fingerprint.as_deref().unwrap_or_default();
        self.allow_rules.iter().any(|rule| rule == spot.hit.rule.id)
            || self.allow_fingerprints.iter().any(|own| own == fingerprint)
    }
}

/// Whether a path is one that an authority asks for in the clear before it gives out a certificate (RFC 8555).
fn is_acme_challenge(path: &str) -> bool {
    path.starts_with("/.well-known/acme-challenge/")
}

/// Reports each item of a list of what goes past the mesh.
fn report_left_out(list: &str, place: impl Fn() -> Place, report: &mut Report) {
    for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        report.violation_of(place(), item, format!("leaves out {}", quoted(item)));
    }
}

/// Whether the secret is proven and no part of a URL, which has a check of its own.
fn is_certain(spot: &Spot) -> bool {
    spot.hit.certainty == Certainty::Certain && spot.hit.class != Class::UrlCredential
}

/// Reports the secrets of the object that a check wants.
fn report_secrets(ask: &Ask<'_>, report: &mut Report, wants: impl Fn(&Spot) -> bool) {
    let Some(object) = ask.object else { return };
    let inspected = ask.secrets.of(object);
    let prints = ask.secrets.prints_fingerprints();
    report
        .violations
        .extend(inspected.spots.iter().filter(|spot| wants(spot)).map(|spot| violation(spot, prints)));
}

/// Says how much of the object was too much to read.
fn report_unread(ask: &Ask<'_>, report: &mut Report) {
    let unread = ask.object.map_or(0, |object| ask.secrets.of(object).unread);
    if unread > 0 {
        let reason = format!("{unread} bytes beyond the caps of the secret scan were not read");
        report.not_assessable(Missing::NotKnownHere(reason.into()));
    }
}

/// The words for one secret: everything about it except the secret.
fn violation(spot: &Spot, prints_fingerprint: bool) -> Violation {
    let hit = &spot.hit;
    let fingerprint = hit.fingerprint.as_deref().unwrap_or_default();
    let verb = if hit.certainty == Certainty::Certain { "holds" } else { "may hold" };
    // The decoder of properties takes `//user` of a URL for a key; nobody would look for it there.
    let key = hit.inner.as_ref().filter(|key| !key.starts_with('/'));
    let inner = key.map_or(String::new(), |key| format!(" under `{key}`"));
    let print = if prints_fingerprint { format!(", fingerprint {fingerprint}") } else { String::new() };
    let what = format!("{verb} a secret{inner}: {} ({} characters{print})", hit.why(), hit.length);
    let value = format!("{}:{fingerprint}", hit.rule.id);
    let lasting = (!prints_fingerprint).then_some(hit.rule.id);
    Violation { lasting, fix: fix(spot), ..Violation::new(spot.place.clone(), value, what) }
}

/// The reference that an environment variable needs instead, ready to paste.
fn fix(spot: &Spot) -> Option<String> {
    let container = spot.place.container.as_ref().filter(|_| spot.site == Site::Environment)?;
    let owner = if container.name.is_empty() { "app" } else { &container.name };
    Some(format!(
        "Rotate it and refer to a Secret: `{{name: {}, valueFrom: {{secretKeyRef: {{name: {owner}-secrets, key: {}}}}}}}`.",
        spot.name, spot.name
    ))
}
