//! Against Debian's docker-registry.

use serde_json::json;
use soc2gate::images::{Found, Registry};

use super::{DSSE, plain, words};
use crate::oci_registry::{IMAGE_INDEX, Layer, OciRegistry, sha256};

#[tokio::test]
async fn everything_attached_to_an_image_is_found_under_its_digest() {
    let Some(registry) = OciRegistry::start() else { return };
    let digest = registry.push_image("shop/web", "1");
    let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let signing = "application/vnd.dev.cosign.simplesigning.v1+json";
    let layer = |media_type, bytes| Layer { media_type, annotations: &[("by", "us")], bytes };
    registry.push_attached("shop/web", &digest, Found::Referrer, &[layer(bundle, b"{\"bundle\":1}")]);
    registry.push_attached("shop/web", &digest, Found::Referrer, &[layer("text/plain", b"a note")]);
    registry.push_attached(
        "shop/web",
        &digest,
        Found::SignatureTag,
        &[layer(signing, b"{\"signed\":1}"), layer(signing, b"{\"signed\":1}")],
    );
    registry.push_attached("shop/web", &digest, Found::AttestationTag, &[layer(DSSE, b"{\"dsse\":1}")]);

    let registries = plain(&registry.host, "");
    let image = registry.image("shop/web:1");
    assert_eq!(registries.resolve(&image).await, Ok(digest.clone()));
    let documents = registries.documents(&image, &digest).await.unwrap();
    assert_eq!((documents.digest, documents.left_out), (digest, None));
    assert_eq!(documents.children, []);
    let found: Vec<_> = documents
        .attached
        .iter()
        .map(|one| (one.found, one.media_type.as_str(), &*one.bytes, one.annotations["by"].as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (Found::SignatureTag, signing, b"{\"signed\":1}".as_slice(), "us"),
            (Found::SignatureTag, signing, b"{\"signed\":1}", "us"),
            (Found::AttestationTag, DSSE, b"{\"dsse\":1}", "us"),
            (Found::Referrer, bundle, b"{\"bundle\":1}", "us"),
        ]
    );
}

#[tokio::test]
async fn an_index_tells_the_manifests_that_nodes_run() {
    let Some(registry) = OciRegistry::start() else { return };
    let (one, two) = (registry.push_image("shop/web", "amd64"), registry.push_image("shop/web", "arm64"));
    let attestation = registry.push_image("shop/web", "attestation");
    let entry = |digest: &soc2gate::object::Digest, platform: &str| {
        json!({
            "mediaType": crate::oci_registry::IMAGE_MANIFEST, "digest": digest.as_str(), "size": 1,
            "platform": {"os": platform, "architecture": platform},
        })
    };
    let entries = [entry(&one, "linux"), entry(&two, "linux"), entry(&attestation, "unknown")];
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries}).to_string();
    let digest = registry.push_manifest("shop/web", index.as_bytes(), IMAGE_INDEX, Some("1"));
    let documents = plain(&registry.host, "").documents(&registry.image("shop/web"), &digest).await.unwrap();
    assert_eq!(documents.children, [one, two]);
    assert_eq!((documents.attached, documents.left_out), (vec![], None));
}

#[tokio::test]
async fn what_is_not_there_is_absent() {
    let Some(registry) = OciRegistry::start() else { return };
    let registries = plain(&registry.host, "");
    let tag = words(registries.resolve(&registry.image("shop/web:1")).await);
    assert_eq!(tag, format!("absent: {} has no /v2/shop/web/manifests/1", registry.host));
    let nothing = sha256(b"nothing");
    let digest = words(registries.documents(&registry.image("shop/web"), &nothing).await);
    assert_eq!(digest, format!("absent: {} has no /v2/shop/web/manifests/{nothing}", registry.host));
}
