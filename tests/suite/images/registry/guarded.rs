//! Registries that want credentials, and who gets to see them.

use serde_json::json;
use soc2gate::images::Registry;
use tempfile::TempDir;

use super::{Fake, Reply, documents, fake::Seen, image, plain, words};
use crate::oci_registry::sha256;

/// A pull secret for every host on loopback.
fn secret(login: &serde_json::Value, hosts: &[&str]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    let auths: serde_json::Map<_, _> = hosts.iter().map(|host| ((*host).to_owned(), login.clone())).collect();
    std::fs::write(&path, json!({"auths": auths}).to_string()).unwrap();
    let line = format!("credentials: {}\n", path.display());
    (folder, line)
}

fn me() -> serde_json::Value {
    json!({"username": "me", "password": "a:word"})
}

/// `me:a:word` as it is sent.
const BASIC: &str = "Basic bWU6YTp3b3Jk";

/// An empty image to whoever shows this.
fn shown(seen: &Seen, to: &str, challenge: &str) -> Reply {
    match seen.authorization.as_deref() == Some(to) {
        true if seen.path.contains("/manifests/sha256:") => Reply::ok(image()),
        true => Reply::status(404),
        false => Reply::status(401).with("www-authenticate", challenge),
    }
}

/// A registry that sends for tokens to this realm, itself if it is empty, and gives any itself.
async fn token_giver(realm: &str) -> Fake {
    let realm = realm.to_owned();
    Fake::start(move |seen| {
        if seen.path.starts_with("/token") {
            return Reply::ok(json!({"token": "t0ken", "expires_in": 300}).to_string());
        }
        let realm = if realm.is_empty() { format!("http://{}/token", seen.host) } else { realm.clone() };
        shown(
            seen,
            "Bearer t0ken",
            &format!("Bearer realm=\"{realm}\",service=\"the registry\",scope=\"all\""),
        )
    })
    .await
}

#[tokio::test]
async fn basic_credentials_go_to_the_registry_they_are_for() {
    let fake = Fake::start(|seen| shown(seen, BASIC, "Basic realm=\"here\"")).await;
    let (_kept, line) = secret(&me(), &[&fake.host]);
    documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await.unwrap();
    let (_kept, line) = secret(&me(), &["other.example.com"]);
    let said = words(documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await);
    assert!(
        said.starts_with(&format!("unauthorized: {} wants a user and a password for shop/web", fake.host)),
        "{said}"
    );
    assert!(said.contains("config.json has none for it: add them there"), "{said}");
}

#[tokio::test]
async fn credentials_that_are_refused_are_named_by_their_file() {
    let fake = Fake::start(|_| Reply::status(401).with("www-authenticate", "Basic realm=\"here\"")).await;
    let (_kept, line) = secret(&me(), &[&fake.host]);
    let said = words(documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await);
    assert!(
        said.starts_with(&format!("unauthorized: {} refuses shop/web to the credentials in /", fake.host)),
        "{said}"
    );
    assert!(!said.contains("word"), "{said}");
}

#[tokio::test]
async fn a_token_is_asked_for_once_for_one_repository_and_to_pull_only() {
    let fake = token_giver("").await;
    let (_kept, line) = secret(&me(), &[&fake.host]);
    let registries = plain(&fake.host, &line);
    for _ in 0..2 {
        documents(&registries, &fake.host, &sha256(&image())).await.unwrap();
    }
    let seen = fake.seen();
    let tokens: Vec<_> = seen.iter().filter(|seen| seen.path.starts_with("/token")).collect();
    let [token] = &*tokens else { panic!("{tokens:?}") };
    assert_eq!(token.path, "/token?scope=repository%3Ashop%2Fweb%3Apull&service=the%20registry");
    assert_eq!(token.authorization.as_deref(), Some(BASIC));
    assert_eq!(seen.iter().filter(|seen| seen.authorization.is_none()).count(), 1);
}

#[tokio::test]
async fn an_identity_token_is_exchanged_by_post() {
    let fake = token_giver("").await;
    let (_kept, line) = secret(&json!({"identitytoken": "re fresh"}), &[&fake.host]);
    documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await.unwrap();
    let seen = fake.seen();
    let token = seen.iter().find(|seen| seen.path == "/token").unwrap();
    assert_eq!((&*token.method, token.authorization.as_deref()), ("POST", None));
    assert!(
        token.body.contains("grant_type=refresh_token") && token.body.ends_with("refresh_token=re%20fresh")
    );
}

#[tokio::test]
async fn without_credentials_a_token_for_anybody_will_do() {
    let fake = token_giver("").await;
    documents(&plain(&fake.host, ""), &fake.host, &sha256(&image())).await.unwrap();
    let seen = fake.seen();
    let token = seen.iter().find(|seen| seen.path.starts_with("/token")).unwrap();
    assert_eq!(token.authorization, None);
}

#[tokio::test]
async fn a_realm_on_another_host_is_sent_no_credentials_unless_it_is_the_token_host() {
    let realm = token_giver("").await;
    let address = realm.host.replace("127.0.0.1", "localhost");
    let fake = token_giver(&format!("http://{address}/token")).await;
    let (_kept, line) = secret(&me(), &[&fake.host, &address]);
    let said = words(documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await);
    assert!(said.starts_with("forbidden: ") && said.contains("set tokenHost: localhost for"), "{said}");
    assert_eq!(realm.seen().len(), 0);
    let line = format!("  tokenHost: localhost\n{line}");
    documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await.unwrap();
    assert_eq!(realm.seen()[0].authorization.as_deref(), Some(BASIC));
}

#[tokio::test]
async fn a_realm_at_a_link_local_address_is_not_asked() {
    let fake = token_giver("http://169.254.169.254/token").await;
    let said = words(documents(&plain(&fake.host, ""), &fake.host, &sha256(&image())).await);
    assert!(said.starts_with("forbidden: 169.254.169.254 is 169.254.169.254, a link-local"), "{said}");
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_authorization_and_one_to_the_same_does() {
    let storage = Fake::start(|_| Reply::ok(image())).await;
    let there = format!("http://{}/stored", storage.host);
    let fake = Fake::start(move |seen| match shown(seen, BASIC, "Basic realm=\"here\"") {
        reply if reply.status != 200 => reply,
        _ if seen.path.ends_with("?again") => Reply::redirect(&there),
        _ => Reply::redirect(format!("{}?again", seen.path)),
    })
    .await;
    let (_kept, line) = secret(&me(), &[&fake.host, &storage.host]);
    documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await.unwrap();
    assert_eq!(storage.seen().iter().map(|seen| seen.authorization.clone()).collect::<Vec<_>>(), [None]);
    let again: Vec<_> = fake.seen().into_iter().filter(|seen| seen.path.ends_with("?again")).collect();
    assert_eq!(again[0].authorization.as_deref(), Some(BASIC));
}

#[tokio::test]
async fn another_host_that_wants_credentials_after_a_redirect_gets_none() {
    let storage =
        Fake::start(|_| Reply::status(401).with("www-authenticate", "Basic realm=\"give them to me\"")).await;
    let there = format!("http://{}/stored", storage.host);
    let fake = Fake::start(move |_| Reply::redirect(&there)).await;
    let (_kept, line) = secret(&me(), &[&fake.host, &storage.host]);
    let said = words(documents(&plain(&fake.host, &line), &fake.host, &sha256(&image())).await);
    assert!(said.starts_with("unauthorized: "), "{said}");
    assert!(storage.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[tokio::test]
async fn a_tag_is_resolved_without_pulling_it() {
    let digest = sha256(&image());
    let told = digest.to_string();
    let fake = Fake::start(move |_| Reply::status(200).with("docker-content-digest", &told)).await;
    let image = soc2gate::object::ImageReference::parse(&format!("{}/shop/web:1", fake.host)).unwrap();
    assert_eq!(plain(&fake.host, "").resolve(&image).await, Ok(digest));
    assert_eq!(fake.seen().iter().map(|seen| &*seen.method).collect::<Vec<_>>(), ["HEAD"]);
}
