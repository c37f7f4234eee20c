//! Asking registries: a real one, and ones that answer as no registry should.

mod built;
mod fake;
mod faulty;
mod guarded;
mod outage;
mod places;
mod quiet;
mod real;

use std::time::Duration;

use serde_json::{Value, json};
use soc2gate::{
    images::{
        Documents, Failure, Registry,
        oci::{Limits, OciRegistries, Settings},
    },
    object::{Digest, ImageReference},
};

use crate::oci_registry::{IMAGE_INDEX, IMAGE_MANIFEST, sha256};
use fake::{Fake, Reply};

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";

/// Limits that let a test of slowness end soon.
fn quick() -> Limits {
    Limits {
        connect: Duration::from_millis(300),
        request: Duration::from_millis(400),
        whole: Duration::from_secs(2),
        ..Limits::default()
    }
}

/// Registries by the text of a registries file.
fn registries(text: &str, limits: Limits) -> OciRegistries {
    OciRegistries::new(Settings::parse("registries.yaml", text).unwrap(), limits).unwrap()
}

/// A plain one at a private address, with more lines about it.
fn plain(host: &str, more: &str) -> OciRegistries {
    let text = format!(
        "registries:\n- host: {host}\n  plainHttp: true\n  privateAddresses: true\n  requestsPerSecond: 10000\n{more}"
    );
    registries(&text, quick())
}

/// What is attached to an image there.
async fn documents(registries: &OciRegistries, host: &str, digest: &Digest) -> Result<Documents, Failure> {
    let image = ImageReference::parse(&format!("{host}/shop/web")).unwrap();
    registries.documents(&image, digest).await
}

/// An image manifest.
fn image() -> Vec<u8> {
    json!({"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": []}).to_string().into_bytes()
}

/// A manifest that attaches one document to an image.
fn attached(subject: &Digest, document: &[u8]) -> Vec<u8> {
    json!({
        "schemaVersion": 2,
        "mediaType": IMAGE_MANIFEST,
        "artifactType": DSSE,
        "subject": {"mediaType": IMAGE_MANIFEST, "digest": subject.as_str(), "size": 1},
        "layers": [{"mediaType": DSSE, "digest": sha256(document).as_str(), "size": document.len()}],
    })
    .to_string()
    .into_bytes()
}

fn referrer(manifest: &[u8]) -> Value {
    json!({"mediaType": IMAGE_MANIFEST, "artifactType": DSSE, "digest": sha256(manifest).as_str(), "size": manifest.len()})
}

fn referrers(manifests: &[Value]) -> Reply {
    Reply::ok(json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": manifests}).to_string())
}

/// The path of a manifest.
fn at(digest: &Digest) -> String {
    format!("/v2/shop/web/manifests/{digest}")
}

/// The words of a failure, after its kind.
fn words<T: std::fmt::Debug>(outcome: Result<T, Failure>) -> String {
    match outcome.unwrap_err() {
        Failure::Absent(words) => format!("absent: {words}"),
        Failure::Unauthorized(words) => format!("unauthorized: {words}"),
        Failure::TooMany { retry_after } => format!("too many: {retry_after:?}"),
        Failure::Forbidden(words) => format!("forbidden: {words}"),
        Failure::Unavailable(words) => format!("unavailable: {words}"),
        Failure::Unusable(words) => format!("unusable: {words}"),
    }
}
