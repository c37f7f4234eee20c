//! What builders leave in an index beside the platforms: no node runs it, and nobody signed it.

use serde_json::json;

use super::{Fake, Reply, documents, plain};
use crate::oci_registry::{IMAGE_INDEX, IMAGE_MANIFEST, sha256};

#[tokio::test]
async fn attestations_in_the_index_itself_are_no_platforms_and_told_as_signed_by_nobody() {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let left_by_buildkit = |of: &str| {
        json!({
            "mediaType": IMAGE_MANIFEST, "digest": digest("e"), "size": 1,
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": digest(of)},
            "platform": {"os": "unknown", "architecture": "unknown"},
        })
    };
    let platform = |of: &str, architecture: &str| {
        json!({
            "mediaType": IMAGE_MANIFEST, "digest": digest(of), "size": 1,
            "platform": {"os": "linux", "architecture": architecture},
        })
    };
    let index = json!({"schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [
        platform("1", "amd64"), platform("2", "arm64"), left_by_buildkit("1"), left_by_buildkit("2"),
    ]});
    let (index, of_index) = (index.to_string(), sha256(index.to_string().as_bytes()));
    let path = super::at(&of_index);
    let fake = Fake::start(
        move |seen| {
            if seen.path == path { Reply::ok(index.clone()) } else { Reply::status(404) }
        },
    )
    .await;
    let found = documents(&plain(&fake.host, ""), &fake.host, &of_index).await.unwrap();
    let children: Vec<_> = found.children.iter().map(ToString::to_string).collect();
    assert_eq!(children, [digest("1"), digest("2")]);
    assert_eq!(
        found.left_out.as_deref(),
        Some("2 attestations lie in the index itself, as builders leave them: nobody signed these")
    );
}
