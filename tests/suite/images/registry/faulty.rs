//! Registries that are slow, huge, wrong or hostile.

use std::time::{Duration, Instant};

use soc2gate::{
    images::{Found, oci::Limits},
    object::Digest,
};

use super::{DSSE, Fake, Reply, at, attached, documents, image, plain, referrer, referrers, words};
use crate::oci_registry::sha256;

/// An image whose manifest is answered so.
async fn answered(reply: Reply) -> String {
    let fake = Fake::start(move |_| reply.clone()).await;
    words(documents(&plain(&fake.host, ""), &fake.host, &sha256(&image())).await)
}

#[tokio::test]
async fn a_slow_registry_is_given_up() {
    let begun = Instant::now();
    let said = answered(Reply::ok(image()).slow()).await;
    assert_eq!(said, "unavailable: 127.0.0.1 did not answer within 400ms");
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn all_requests_about_an_image_together_are_bounded_in_time() {
    let fake = Fake::start(|seen| {
        let mut reply =
            if seen.path.contains("/referrers/") { Reply::status(404) } else { Reply::redirect("/v2/more") };
        reply.delay = Duration::from_millis(200);
        reply
    })
    .await;
    let mut limits = super::quick();
    limits.whole = Duration::from_millis(500);
    let text = format!("registries:\n- {{host: {}, plainHttp: true, privateAddresses: true}}", fake.host);
    let said = words(documents(&super::registries(&text, limits), &fake.host, &sha256(&image())).await);
    assert!(said.starts_with("unavailable: "), "{said}");
}

#[tokio::test]
async fn content_of_another_digest_and_garbage_are_refused() {
    let said = answered(Reply::ok("garbage")).await;
    assert!(said.starts_with("unusable: ") && said.contains("content of another digest"), "{said}");
    let fake = Fake::start(|_| Reply::ok("garbage")).await;
    let said = words(documents(&plain(&fake.host, ""), &fake.host, &sha256(b"garbage")).await);
    assert!(said.contains("it is no JSON object"), "{said}");
}

#[tokio::test]
async fn a_manifest_of_100_mib_is_read_no_further_than_its_bound() {
    let part = vec![b' '; 1 << 20];
    let said = answered(Reply { times: Some(100), ..Reply::ok(part) }).await;
    assert_eq!(said, "unusable: an answer of 127.0.0.1 is larger than the 4194304 bytes that are read");
}

#[tokio::test]
async fn a_document_of_100_mib_is_left_out_and_the_others_are_kept() {
    let subject = sha256(&image());
    let (small, large) = (attached(&subject, b"{}"), attached(&subject, b"large"));
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if *path == at(&sha256(&small)) => Reply::ok(small.clone()),
        path if *path == at(&sha256(&large)) => Reply::ok(large.clone()),
        path if path.contains("/referrers/") => referrers(&[referrer(&large), referrer(&small)]),
        path if path.ends_with(sha256(b"{}").as_str()) => Reply::ok("{}"),
        path if path.ends_with(sha256(b"large").as_str()) => {
            Reply { times: Some(100), ..Reply::ok(vec![b' '; 1 << 20]) }
        }
        _ => Reply::status(404),
    })
    .await;
    let documents = documents(&plain(&fake.host, ""), &fake.host, &subject).await.unwrap();
    let kept: Vec<_> =
        documents.attached.iter().map(|one| (one.found, &*one.media_type, &*one.bytes)).collect();
    assert_eq!(kept, [(Found::Referrer, DSSE, b"{}".as_slice())]);
    assert_eq!(
        documents.left_out.unwrap(),
        "an answer of 127.0.0.1 is larger than the 8388608 bytes that are read"
    );
}

#[tokio::test]
async fn of_10_000_referrers_a_hundred_are_read_and_that_is_said() {
    let subject = sha256(&image());
    let manifest = attached(&subject, b"{}");
    let wanted = referrer(&manifest);
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if path.contains("/referrers/") => {
            let others = (0..9_999).map(|number| {
                let mut other = referrer(number.to_string().as_bytes());
                other["artifactType"] = "application/spdx+json".into();
                other
            });
            // The one that matters comes last.
            referrers(&others.chain([wanted.clone()]).collect::<Vec<_>>())
        }
        path if *path == at(&sha256(&manifest)) => Reply::ok(manifest.clone()),
        path if path.contains("/blobs/") => Reply::ok("{}"),
        _ => Reply::status(404),
    })
    .await;
    let documents = documents(&plain(&fake.host, ""), &fake.host, &subject).await.unwrap();
    assert_eq!(documents.attached.len(), 1);
    let left_out = documents.left_out.unwrap();
    assert!(left_out.starts_with("100 of 10000 referrers were read; "), "{left_out}");
    assert!(left_out.ends_with("; +95 more"), "{left_out}");
    assert!(fake.seen().len() < 110, "{}", fake.seen().len());
}

#[tokio::test]
async fn pages_of_referrers_are_followed_on_the_same_host_and_bounded() {
    let subject = sha256(&image());
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if path.contains("/referrers/") => {
            let link = "<https://elsewhere.example.com/v2/shop/web/referrers/x?last=1>; rel=\"next\"";
            referrers(&[]).with("link", link)
        }
        _ => Reply::status(404),
    })
    .await;
    let documents = documents(&plain(&fake.host, ""), &fake.host, &subject).await.unwrap();
    assert_eq!(documents.left_out.unwrap(), "the list of referrers has more than 20 pages");
    assert_eq!(fake.seen().iter().filter(|seen| seen.path.contains("?last=1")).count(), 19);
}

#[tokio::test]
async fn a_referrer_of_another_subject_is_left_out() {
    let subject = sha256(&image());
    let foreign = attached(&sha256(b"another image"), b"{}");
    let name = sha256(&foreign).short().to_owned();
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if path.contains("/referrers/") => referrers(&[referrer(&foreign)]),
        path if *path == at(&sha256(&foreign)) => Reply::ok(foreign.clone()),
        path if path.contains("/blobs/") => Reply::ok("{}"),
        _ => Reply::status(404),
    })
    .await;
    let documents = documents(&plain(&fake.host, ""), &fake.host, &subject).await.unwrap();
    assert_eq!(documents.attached, []);
    assert_eq!(documents.left_out.unwrap(), format!("{name} is attached to another subject"));
}

#[tokio::test]
async fn a_registry_that_wants_to_be_left_alone_says_for_how_long() {
    assert_eq!(answered(Reply::status(429).with("retry-after", "17")).await, "too many: Some(17s)");
    assert_eq!(answered(Reply::status(503)).await, "too many: None");
    let past = "Wed, 21 Oct 2015 07:28:00 GMT";
    assert_eq!(answered(Reply::status(503).with("retry-after", past)).await, "too many: Some(0ns)");
    assert_eq!(answered(Reply::status(429).with("retry-after", "9999999")).await, "too many: Some(3600s)");
    assert_eq!(
        answered(Reply::status(500)).await,
        "unavailable: 127.0.0.1 is in trouble: it answers 500 Internal Server Error"
    );
}

#[tokio::test]
async fn all_answers_about_an_image_together_are_bounded_in_size() {
    let subject = sha256(&image());
    let manifests: Vec<_> = (0..6_u8).map(|number| attached(&subject, &[number; 2000])).collect();
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if path.contains("/referrers/") => {
            referrers(&manifests.iter().map(|one| referrer(one)).collect::<Vec<_>>())
        }
        path => {
            let documents = (0..6_u8).map(|number| vec![number; 2000]);
            let mut held = documents.chain(manifests.iter().cloned());
            held.find(|one| path.ends_with(sha256(one).as_str())).map_or(Reply::status(404), Reply::ok)
        }
    })
    .await;
    let entry = format!("registries:\n- {{host: {}, plainHttp: true, privateAddresses: true}}", fake.host);
    let limits = Limits { total: 8000, ..super::quick() };
    let documents = documents(&super::registries(&entry, limits), &fake.host, &subject).await.unwrap();
    assert!((1..6).contains(&documents.attached.len()), "{}", documents.attached.len());
    let left_out = documents.left_out.unwrap();
    assert!(
        left_out.starts_with("what 127.0.0.1 holds of one image is larger than is read in all"),
        "{left_out}"
    );
}

#[tokio::test]
async fn a_digest_of_another_registered_algorithm_is_checked_as_well() {
    let hex: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &image())
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let digest = Digest::parse(&format!("sha512:{hex}")).unwrap();
    let fake = Fake::start(|seen| match seen.path.contains("/manifests/sha512:") {
        true => Reply::ok(image()),
        false => Reply::status(404),
    })
    .await;
    assert_eq!(documents(&plain(&fake.host, ""), &fake.host, &digest).await.unwrap().left_out, None);
    let other = Digest::parse(&format!("sha512:{}", "0".repeat(128))).unwrap();
    let said = words(documents(&plain(&fake.host, ""), &fake.host, &other).await);
    assert!(said.contains("content of another digest"), "{said}");
    let asked = fake.seen();
    let tag = format!("/v2/shop/web/manifests/sha512-{}.sig", &hex[..64]);
    assert!(asked.iter().any(|seen| seen.path == tag), "{asked:?}");
}

#[tokio::test]
async fn a_page_that_cannot_be_read_hides_none_before_it() {
    let subject = sha256(&image());
    let manifest = attached(&subject, b"{}");
    let fake = Fake::start(move |seen| match &seen.path {
        path if *path == at(&sha256(&image())) => Reply::ok(image()),
        path if path.ends_with("?page=2") => Reply::ok("<html>"),
        path if path.contains("/referrers/") => {
            let next = format!("<{path}?page=2>; rel=\"next\"");
            referrers(&[referrer(&manifest)]).with("link", next)
        }
        path if *path == at(&sha256(&manifest)) => Reply::ok(manifest.clone()),
        path if path.contains("/blobs/") => Reply::ok("{}"),
        _ => Reply::status(404),
    })
    .await;
    let documents = documents(&plain(&fake.host, ""), &fake.host, &subject).await.unwrap();
    assert_eq!(documents.attached.len(), 1);
    assert_eq!(documents.left_out.unwrap(), format!("the referrers in {}: it is no JSON object", fake.host));
}
