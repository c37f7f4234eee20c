//! What changes meanwhile: tags that move, many reviews at once, a registry that goes away.

use super::*;
use crate::sigstore::signature_statement;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_concurrent_reviews_of_one_new_image_make_one_question() {
    let Some(world) = World::start(&["unsigned-image"]) else { return };
    let digest = world.image("1");
    let image = world.by_digest(&digest);
    let body = gate::review("CREATE", &gate::pod(json!({"image": image})), &Value::Null).to_string();
    let callers = (0..50).map(|_| async {
        let mut connection = world.gate.connect(crate::https::Http::Two).await;
        for _ in 0..20 {
            let answer = connection.post("/validate?timeout=10s", body.clone()).await.unwrap();
            assert_eq!(answer.status.as_u16(), 200);
        }
    });
    futures::future::join_all(callers).await;
    world.answer(&image).await;
    let metrics = world.gate.admin("/metrics").await.text().to_owned();
    let asked = |result: &str| {
        let name = format!("soc2gate_image_lookups_total{{result=\"{result}\"}} ");
        metrics.lines().find_map(|line| line.strip_prefix(&*name)).unwrap().to_owned()
    };
    assert_eq!((asked("answered"), asked("unavailable")), ("1".to_owned(), "0".to_owned()), "{metrics}");
}

/// By which digest an answer says that it judged.
fn judged_by(answer: &Answer) -> &str {
    answer.body["response"]["auditAnnotations"]["images"].as_str().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_moves_is_judged_by_the_digest_that_it_named_and_the_answer_says_so() {
    let flags = ["--tag-refresh", "1s"];
    let Some(world) = World::start_with(&["unsigned-image", "untrusted-signer"], &flags) else { return };
    let name = format!("{}/{SHOP}", world.registry.host);
    let signed = world.image("moving");
    let statement = signature_statement(&name, signed.as_str());
    world.attach(&signed, Found::Referrer, BUNDLE, &world.key.bundle(&statement));
    let by_tag = format!("{name}:moving");
    // The one that is allowed says by what, for a node may pull another.
    let allowed = world.answer(&by_tag).await;
    assert!(allowed.allowed(), "{}", allowed.message());
    assert_eq!(judged_by(&allowed), format!("{by_tag}={signed}"));
    // Somebody moves the tag to an image that nobody signed.
    let evil = json!({"evil": true}).to_string();
    let config = world.registry.push_blob(SHOP, evil.as_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": crate::oci_registry::IMAGE_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.as_str(), "size": evil.len()},
        "layers": [],
    });
    let moved = world.registry.push_manifest(
        SHOP,
        manifest.to_string().as_bytes(),
        crate::oci_registry::IMAGE_MANIFEST,
        Some("moving"),
    );
    let later = world.answer_when(&by_tag, |answer| answer.message().contains(moved.short())).await;
    assert!(!later.allowed() && later.message().contains("unsigned-image"), "{}", later.message());
    assert_eq!(judged_by(&later), format!("{by_tag}={moved}"));
    // By digest nothing has moved.
    let by_digest = world.answer(&world.by_digest(&signed)).await;
    assert!(by_digest.allowed(), "{}", by_digest.message());
    assert!(by_digest.body["response"]["auditAnnotations"].get("images").is_none(), "{:?}", by_digest.body);
}
