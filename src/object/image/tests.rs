//! The reference grammar, by examples and by property.

use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> String {
    ImageReference::parse(text).unwrap().to_string()
}

fn digest() -> String {
    format!("sha256:{}", "0123456789abcdef".repeat(4))
}

#[test]
fn short_names_mean_docker_hub() {
    assert_eq!(parsed("nginx"), "docker.io/library/nginx");
    assert_eq!(parsed("bitnami/redis:7"), "docker.io/bitnami/redis:7");
    assert_eq!(parsed("docker.io/nginx"), "docker.io/library/nginx");
    assert_eq!(parsed("index.docker.io/library/nginx"), "docker.io/library/nginx");
    assert_eq!(ImageReference::parse("nginx").unwrap().effective_tag(), Some("latest"));
}

#[test]
fn hosts_are_told_from_paths_and_lower_cased() {
    assert_eq!(parsed("REGISTRY.Example.com:5000/a/b"), "registry.example.com:5000/a/b");
    assert_eq!(parsed("localhost/app"), "localhost/app");
    assert_eq!(parsed("team/app"), "docker.io/team/app");
    assert_eq!(parsed("[::1]:5000/app"), "[::1]:5000/app");
}

#[test]
fn a_digest_wins_over_a_tag() {
    let image = ImageReference::parse(&format!("r.io/app:latest@{}", digest())).unwrap();
    assert_eq!(image.effective_tag(), None);
    assert_eq!(image.digest.unwrap().as_str(), digest());
}

#[test]
fn prefixes_end_at_a_slash() {
    let image = |text: &str| ImageReference::parse(text).unwrap();
    assert!(image("registry.io/team/app").is_under("registry.io/team"));
    assert!(image("registry.io/team/app").is_under("registry.io/team/"));
    assert!(!image("registry.io/teamX/app".to_lowercase().as_str()).is_under("registry.io/team"));
    assert!(!image("docker.io.evil.com/app").is_under("docker.io"));
    assert!(image("nginx").is_under("index.docker.io/library"));
    assert!(!image("registry.io:5000/app").is_under("registry.io"));
}

#[test]
fn refuses_what_no_registry_accepts() {
    for text in [
        "",
        "UPPER/case/Path",
        "a//b",
        "-a/b",
        "a/b-",
        "a/b:",
        "a/b:-x",
        "a/b@sha256:12",
        "a/b@md5:00",
        "a b",
        "http://r.io/a",
        "r.io:port/a",
        "a/$(IMAGE)",
        "..",
        "r.io/../a",
        "a..b/c",
        "a._b/c",
        "a___b/c",
        "a_-b/c",
        "r_x.io/a",
        "-r.io/a",
        "r.io./a",
        "[::g]/a",
        "r.io/a@",
        "r.io/a:1:2",
        "r.io/a\u{200b}",
    ] {
        assert!(ImageReference::parse(text).is_err(), "{text}");
    }
}

#[test]
fn knows_a_registry_that_is_an_address() {
    assert!(ImageReference::parse("10.0.0.1:5000/app").unwrap().registry_is_ip());
    assert!(ImageReference::parse("[::1]:5000/app").unwrap().registry_is_ip());
    assert!(!ImageReference::parse("10.example.com/app").unwrap().registry_is_ip());
}

#[test]
fn reads_every_joint_that_registries_accept() {
    for text in ["a.b", "a_b", "a__b", "a-b", "a---b", "a-b_c.d__e"] {
        assert_eq!(parsed(&format!("r.io/{text}")), format!("r.io/{text}"));
    }
}

#[test]
fn refuses_a_bare_image_id_and_takes_one_digit_fewer_for_a_name() {
    let id = "0123456789abcdef".repeat(4);
    assert_eq!(ImageReference::parse(&id), Err(ImageReferenceError::ImageId));
    assert_eq!(parsed(&id[1..]), format!("docker.io/library/{}", &id[1..]));
}

#[test]
fn only_the_repository_counts_for_its_length() {
    let longest = "a".repeat(255);
    assert!(ImageReference::parse(&format!("registry.example.com/{longest}")).is_ok());
    let too_long = ImageReference::parse(&format!("registry.example.com/{longest}a"));
    assert_eq!(too_long, Err(ImageReferenceError::TooLong));
}

#[test]
fn a_host_known_by_its_capital_alone_never_becomes_a_path_on_docker_hub() {
    let image = ImageReference::parse("Registry/app").unwrap();
    assert_eq!(image.registry, "Registry");
    assert!(!image.is_under("docker.io"));
    assert_eq!(parsed("LOCALHOST/app"), "localhost/app");
}

#[test]
fn every_spelling_of_an_address_is_one() {
    for host in ["127.0.0.1", "127.1", "0x7f000001:80", "2130706433:5000", "0x7f.0.0.1", "[2001:db8::1]"] {
        assert!(ImageReference::parse(&format!("{host}/app")).unwrap().registry_is_ip(), "{host}");
    }
    for host in ["1.example.com", "localhost:5000", "0x.example.com", "a1:80"] {
        assert!(!ImageReference::parse(&format!("{host}/app")).unwrap().registry_is_ip(), "{host}");
    }
}

#[test]
fn a_prefix_needs_its_host_and_has_no_tag() {
    for text in ["", "/", "team", "team/app", "https://r.io", "r.io/app:1", "r.io//app", "r.io/*", "*.r.io"] {
        assert!(ImagePrefix::parse(text).is_err(), "{text}");
    }
    for text in ["r.io", "r.io/", "R.io:5000/team", "localhost/a", "[::1]:80/a", "docker.io/library/nginx"] {
        assert!(ImagePrefix::parse(text).is_ok(), "{text}");
    }
}

/// References as people write them, right and nearly right.
fn written() -> impl Strategy<Value = String> {
    (
        "(|[A-Za-z0-9.-]{1,8}/|[a-z]{1,4}(\\.[a-zA-Z]{1,4}){1,2}(:[0-9]{1,5})?/|LOCALHOST/)",
        "[a-z0-9]{1,4}([._/-]{1,2}[a-z0-9]{1,4}){0,3}",
        "(|:[A-Za-z0-9_.-]{1,6})",
        "(|@sha256:[0-9a-f]{64})",
    )
        .prop_map(|(host, path, tag, digest)| format!("{host}{path}{tag}{digest}"))
}

proptest! {
    #[test]
    fn normalising_twice_is_normalising_once(text in written()) {
        if let Ok(image) = ImageReference::parse(&text) {
            prop_assert_eq!(ImageReference::parse(&image.to_string()), Ok(image));
        }
    }

    #[test]
    fn a_prefix_covers_its_own_part_and_no_longer_word(text in written(), letter in "[a-z0-9]") {
        if let Ok(image) = ImageReference::parse(&text) {
            let mut prefix = image.name();
            prop_assert!(image.is_under(&prefix));
            prop_assert!(image.is_under(&image.registry));
            let neighbour = format!("{prefix}{letter}");
            if let Ok(neighbour) = ImageReference::parse(&neighbour) {
                prop_assert!(!neighbour.is_under(&prefix));
                prop_assert!(!image.is_under(&neighbour.name()));
            }
            while let Some((shorter, _)) = prefix.rsplit_once('/') {
                prop_assert!(image.is_under(shorter), "{} under {}", image, shorter);
                prefix = shorter.to_owned();
            }
        }
    }

    #[test]
    fn whatever_is_written_is_read_or_refused(text in "\\PC{0,80}") {
        let _ = ImageReference::parse(&text);
        let _ = ImagePrefix::parse(&text);
    }
}
