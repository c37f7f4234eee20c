//! What is not as it should be is refused, each with words of its own.

use super::*;
use crate::sigstore::{signature_statement, statement};

/// Pushes an image, attaches what `attach` makes for it, and tells why it is denied.
async fn denied(world: &World, tag: &str, attach: impl FnOnce(&World, &Digest, &str)) -> String {
    let digest = world.image(tag);
    let name = format!("{}/{SHOP}", world.registry.host);
    attach(world, &digest, &name);
    let answer = world.answer(&world.by_digest(&digest)).await;
    assert!(!answer.allowed(), "{tag} is allowed");
    answer.message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_sign_wrongly_has_words_of_its_own() {
    let Some(world) = World::start(&["unsigned-image", "untrusted-signer"]) else { return };
    let other = world.image("other");
    let mut told = vec![("nothing", denied(&world, "nothing", |_, _, _| {}).await)];
    told.push((
        "wrong key",
        denied(&world, "wrong key".replace(' ', "-").as_str(), |world, digest, name| {
            let signed = signature_statement(name, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &Key::make().bundle(&signed));
        })
        .await,
    ));
    told.push((
        "wrong identity",
        denied(&world, "wrong-identity", |world, digest, name| {
            let stranger =
                world.fulcio.identity(ISSUER, "https://git.example.com/evil/release.yml", Flaw::None);
            let signed = signature_statement(name, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &stranger.bundle(&signed));
        })
        .await,
    ));
    told.push((
        "wrong subject",
        denied(&world, "wrong-subject", |world, digest, name| {
            let signed = signature_statement(name, other.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &world.key.bundle(&signed));
        })
        .await,
    ));
    told.push((
        "edited",
        denied(&world, "edited", |world, digest, name| {
            let signed = world.key.bundle(&signature_statement(name, other.as_str()));
            let edited = world.key.bundle(&signature_statement(name, digest.as_str()));
            world.attach(digest, Found::Referrer, BUNDLE, &with_payload_of(&signed, &edited));
        })
        .await,
    ));
    told.push((
        "expired",
        denied(&world, "expired", |world, digest, name| {
            let late = world.fulcio.identity(ISSUER, WORKFLOW, Flaw::Expired);
            let signed = signature_statement(name, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &late.bundle(&signed));
        })
        .await,
    ));
    told.push((
        "not in the log",
        denied(&world, "unlogged", |world, digest, name| {
            let identity = world.fulcio.identity(ISSUER, WORKFLOW, Flaw::None);
            let signed = signature_statement(name, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &identity.bundle_without_log(&signed));
        })
        .await,
    ));
    told.push((
        "foreign authority",
        denied(&world, "foreign", |world, digest, name| {
            let elsewhere = Fulcio::make();
            let identity = elsewhere.identity(ISSUER, WORKFLOW, Flaw::None);
            let signed = signature_statement(name, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &identity.bundle(&signed));
        })
        .await,
    ));
    told.push((
        "other repository",
        denied(&world, "other-repository", |world, digest, _| {
            let elsewhere = format!("{}/shop/other", world.registry.host);
            let signed = signature_statement(&elsewhere, digest.as_str());
            world.attach(digest, Found::Referrer, BUNDLE, &world.key.bundle(&signed));
        })
        .await,
    ));
    // The references differ, so it is the reason that must.
    let reasons: Vec<_> = told.iter().map(|(what, message)| (*what, reason(message))).collect();
    for (what, reason) in &reasons {
        eprintln!("{what}: {reason}");
        let same = reasons.iter().filter(|(_, other)| other == reason).count();
        assert_eq!(same, 1, "{what} is told like another: {reason}");
    }
    let check =
        |what: &str| told.iter().find(|(known, _)| *known == what).map(|(_, message)| message.as_str());
    assert!(check("nothing").unwrap().contains("unsigned-image"));
    assert!(check("wrong key").unwrap().contains("untrusted-signer"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_that_was_copied_from_another_image_is_pointed_out() {
    let Some(world) = World::start(&["mismatched-attestation"]) else { return };
    let other = world.image("other");
    let copied = |world: &World, digest: &Digest, name: &str| {
        let signed = world.key.bundle(&signature_statement(name, other.as_str()));
        world.attach(digest, Found::Referrer, BUNDLE, &signed);
    };
    let message = denied(&world, "1", copied).await;
    let named = format!("its signature is of {}, another image", other.short());
    assert!(message.contains("mismatched-attestation") && message.contains(&named), "{message}");
    let own = world.image("2");
    let signed = signature_statement(&format!("{}/{SHOP}", world.registry.host), own.as_str());
    world.attach(&own, Found::Referrer, BUNDLE, &world.key.bundle(&signed));
    assert!(world.answer(&world.by_digest(&own)).await.allowed());
}

/// A message without the names of images.
fn reason(message: &str) -> String {
    let words = message.split(' ').filter(|word| !word.contains("sha256:") && !word.contains("127.0.0.1"));
    words.collect::<Vec<_>>().join(" ")
}

/// A bundle whose text was replaced by another's.
fn with_payload_of(signed: &str, other: &str) -> String {
    let mut signed: Value = serde_json::from_str(signed).unwrap();
    let other: Value = serde_json::from_str(other).unwrap();
    signed["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"].clone();
    signed.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attestation_of_another_type_does_not_stand_in_for_provenance() {
    let Some(world) = World::start(&["missing-provenance"]) else { return };
    let message = denied(&world, "1", |world, digest, _| {
        let said = statement("", digest.as_str(), "https://example.com/note/v1", json!({}));
        world.attach(digest, Found::Referrer, BUNDLE, &world.key.bundle(&said));
    });
    assert!(message.await.contains("missing-provenance"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_a_stranger_attests_leaves_an_image_unscanned() {
    let Some(world) = World::start(&["unscanned-image"]) else { return };
    let message = denied(&world, "1", |world, digest, _| {
        let said = statement(
            "",
            digest.as_str(),
            "https://in-toto.io/attestation/vulns/v0.2",
            json!({
                "scanner": {"uri": "pkg:x/trivy@1", "version": "1", "db": {}, "result": []},
                "metadata": {"scanStartedOn": "2026-06-01T00:00:00Z", "scanFinishedOn": "2026-06-01T00:00:00Z"},
            }),
        );
        let stranger = world.fulcio.identity(ISSUER, "https://git.example.com/evil/x.yml", Flaw::None);
        world.attach(digest, Found::Referrer, BUNDLE, &stranger.bundle(&said));
    });
    assert!(message.await.contains("unscanned-image"));
}
