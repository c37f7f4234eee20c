//! Which pull secret is used for which image.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Credential, Credentials};

/// The user that would be sent for `registry/repository`.
fn user(config: &str, registry: &str, repository: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, config).unwrap();
    find(&Credentials::new(path), registry, repository)
}

fn find(credentials: &Credentials, registry: &str, repository: &str) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match runtime.block_on(credentials.find(registry, repository)) {
        Ok(Some(Credential::Password { user, .. })) => Ok(user),
        Ok(Some(Credential::IdentityToken(token))) => Ok(format!("token {token}")),
        Ok(None) => Ok(String::new()),
        Err(failure) => Err(failure.to_string()),
    }
}

fn config(keys: &[&str]) -> String {
    let auths: serde_json::Map<_, _> = keys
        .iter()
        .map(|key| ((*key).to_owned(), serde_json::json!({"auth": STANDARD.encode(format!("{key}:word"))})))
        .collect();
    serde_json::json!({"auths": auths}).to_string()
}

#[test]
fn the_longest_key_wins_and_ends_at_a_slash() {
    let config =
        config(&["registry.example.com", "registry.example.com/team", "registry.example.com/team/web"]);
    for (repository, expected) in [
        ("other/web", "registry.example.com"),
        ("team/api", "registry.example.com/team"),
        ("team/web", "registry.example.com/team/web"),
        ("team/web-admin", "registry.example.com/team"),
        ("team-of-others/web", "registry.example.com"),
    ] {
        assert_eq!(
            user(&config, "registry.example.com", repository).unwrap_or_default(),
            expected.split(':').next().unwrap()
        );
    }
}

#[test]
fn keys_may_carry_scheme_and_version_and_docker_hub_its_old_name() {
    let plain =
        |key: &str| serde_json::json!({"auths": {key: {"username": "me", "password": "word"}}}).to_string();
    for (key, registry, expected) in [
        ("https://index.docker.io/v1/", "docker.io", "me"),
        ("docker.io", "docker.io", "me"),
        ("https://registry.example.com:5000/v2/", "registry.example.com:5000", "me"),
        ("registry.example.com", "registry.example.com:5000", ""),
        ("*.example.com", "registry.example.com", "me"),
        ("reg*.example.com", "registry.example.com", "me"),
        ("*.example.com", "deep.registry.example.com", ""),
        ("*.example.com", "example.com", ""),
        ("*", "registry.example.com", ""),
    ] {
        assert_eq!(user(&plain(key), registry, "shop/web").unwrap(), expected, "{key} for {registry}");
    }
}

#[test]
fn an_identity_token_is_used_as_such_and_an_entry_without_login_not_at_all() {
    let text =
        r#"{"auths": {"a.example.com": {"identitytoken": "t"}, "b.example.com": {}}, "credsStore": "x"}"#;
    assert_eq!(user(text, "a.example.com", "web").unwrap(), "token t");
    assert_eq!(user(text, "b.example.com", "web").unwrap(), "");
}

#[test]
fn a_rotated_secret_is_read_again_and_a_broken_one_refused_without_being_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, r#"{"auths": {"a.example.com": {"username": "old", "password": "word"}}}"#)
        .unwrap();
    let credentials = Credentials::new(path.clone());
    assert_eq!(find(&credentials, "a.example.com", "web").unwrap(), "old");
    std::fs::write(&path, r#"{"auths": {"a.example.com": {"username": "newer", "password": "word"}}}"#)
        .unwrap();
    assert_eq!(find(&credentials, "a.example.com", "web").unwrap(), "newer");
    std::fs::write(&path, r#"{"auths": {"a.example.com": {"auth": "hunter2!"}}}"#).unwrap();
    let refusal = find(&credentials, "a.example.com", "web").unwrap_err();
    assert!(refusal.contains("not base64") && !refusal.contains("hunter2"), "{refusal}");
    std::fs::remove_file(&path).unwrap();
    assert!(find(&credentials, "a.example.com", "web").unwrap_err().contains("config.json"));
}
