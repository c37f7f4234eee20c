//! What the reference alone decides.

use soc2gate::inventory::Source;

use super::*;

fn broken(check: &str, params: &str, image: &str) -> bool {
    !judge(Source::NotConfigured, NOW, check, params, image).violations.is_empty()
}

#[test]
fn a_registry_is_allowed_by_whole_names_only() {
    let allow = "allow: [registry.io/team, docker.io/library, mirror.io:5000]";
    for image in [
        "registry.io/team",
        "registry.io/team/app:1",
        "REGISTRY.io/team/app",
        "nginx",
        "docker.io/nginx:1.27",
        "index.docker.io/library/nginx",
        "mirror.io:5000/any/thing",
    ] {
        assert!(!broken("untrusted-registry", allow, image), "{image}");
    }
    for image in [
        "registry.io/teamx/app",
        "registry.io/team-evil/app",
        "registry.io.evil.com/team/app",
        "docker.io.evil.com/library/nginx",
        "registry.io:5000/team/app",
        "mirror.io/any/thing",
        "bitnami/redis",
        "localhost/library/nginx",
    ] {
        assert!(broken("untrusted-registry", allow, image), "{image}");
    }
}

#[test]
fn a_registry_named_by_address_is_never_trusted() {
    let allow = "allow: ['10.0.0.1:5000', '[::1]:5000', '127.1']";
    for image in ["10.0.0.1:5000/app", "[::1]:5000/app", "127.1/app", "0x7f000001:80/app"] {
        assert!(broken("untrusted-registry", allow, image), "{image}");
    }
}

#[test]
fn a_reference_that_does_not_parse_is_untrusted_and_unpinned() {
    for image in ["r.io/../app", "r.io/App", "$(IMAGE)", "r.io/app@sha256:12", "http://r.io/app", " "] {
        assert!(broken("untrusted-registry", "allow: [r.io]", image), "{image}");
        assert!(broken("unpinned-image", "", image), "{image}");
    }
    let long = format!("r.io/app:{}", "x".repeat(100_000));
    let report = judge(Source::NotConfigured, NOW, "untrusted-registry", "allow: [r.io]", &long);
    assert!(report.violations[0].what.len() < 400);
}

#[test]
fn an_image_that_is_still_to_be_injected_is_not_judged() {
    for check in checks::all().filter(|check| check.criterion.id() == "CC6.8") {
        // The examples fill what is mandatory.
        let params = check.examples.params;
        let report = judge(evidence(&[("a.json", trivy('1', NOW, &[]))]), NOW, check.id, params, "");
        assert_eq!(told(&report), Vec::<String>::new(), "{}", check.id);
    }
}

#[test]
fn an_empty_list_of_registries_is_not_assessable() {
    let report = judge(Source::NotConfigured, NOW, "untrusted-registry", "", "nginx");
    assert_eq!(told(&report), ["not known: the parameter `allow` is empty in the policy"]);
}

#[test]
fn entries_that_no_image_can_be_under_are_refused_with_the_policy() {
    for (check, params) in [
        ("untrusted-registry", "allow: [team]"),
        ("untrusted-registry", "allow: ['https://r.io']"),
        ("untrusted-registry", "allow: ['r.io/app:1']"),
        ("untrusted-registry", "allow: ['*.r.io']"),
        ("malicious-image", "digests: ['sha256:12']"),
        ("malicious-image", "repositories: [nginx]"),
        ("stale-scan", "maxAgeDays: 0"),
        ("vulnerable-image", "severity: severe"),
        ("vulnerable-image", "severitySource: ''"),
        ("unscanned-image", "tagOnly: ignore"),
    ] {
        let document = library::document(params);
        let params_of = soc2gate::check::Params::of(&document.root);
        assert!(checks::find(check).unwrap().examine.configure(&params_of).is_err(), "{check} {params}");
    }
}

#[test]
fn a_tag_is_mutable_when_it_is_absent_or_listed_and_no_digest_decides() {
    for image in ["nginx", "nginx:latest", "r.io:5000/app", "r.io/app:main"] {
        assert!(broken("mutable-image-tag", "", image), "{image}");
    }
    let by_digest = format!("nginx:latest@{}", digest('1'));
    for image in ["nginx:1.27", "r.io/app:Latest", "r.io/app:latest-2", &by_digest] {
        assert!(!broken("mutable-image-tag", "", image), "{image}");
    }
    assert!(broken("mutable-image-tag", "tags: [stable]", "nginx:stable"));
    assert!(!broken("mutable-image-tag", "tags: [stable]", "nginx:latest"));
}

#[test]
fn only_a_digest_of_the_right_length_pins_an_image() {
    assert!(!broken("unpinned-image", "", &pinned('1')));
    assert!(!broken("unpinned-image", "", &format!("nginx@sha512:{}", "1".repeat(128))));
    for digest in [
        "sha256:1",
        "md5:00112233445566778899aabbccddeeff",
        &digest('A'),
        &format!("sha512:{}", "1".repeat(64)),
    ] {
        assert!(broken("unpinned-image", "", &format!("nginx@{digest}")), "{digest}");
    }
}

#[test]
fn every_image_of_a_pod_is_judged_volumes_and_all_kinds_of_containers() {
    let manifest = "
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers: [{name: a, image: a}]
  initContainers: [{name: b, image: b, restartPolicy: Always}]
  ephemeralContainers: [{name: c, image: c}]
  volumes: [{name: d, image: {reference: d}}]
";
    let found = library::violations("unpinned-image", Version::NEWEST, manifest);
    let places: Vec<_> = found.iter().map(|violation| &*violation.place.path).collect();
    assert_eq!(
        places,
        [
            "spec.containers[0].image",
            "spec.initContainers[0].image",
            "spec.ephemeralContainers[0].image",
            "spec.volumes[0].image.reference"
        ]
    );
}

#[test]
fn the_ratchet_knows_an_image_violation_by_its_place_and_reference() {
    let report = judge(Source::NotConfigured, NOW, "unpinned-image", "", "nginx:1.27");
    assert_eq!(report.violations[0].identity(), "containers[name=app].image=nginx:1.27");
}

#[test]
fn a_malicious_image_is_found_by_repository_digest_platform_and_last_seen_tag() {
    let params = format!("{{digests: ['{}'], repositories: [docker.io/evil/miner, bad.io]}}", digest('5'));
    let index = include_bytes!("../../fixtures/scan-reports/index.json");
    let files: [(&str, Vec<u8>); 2] =
        [("index.json", index.to_vec()), ("a.json", trivy('5', "2026-06-14T00:00:00Z", &[]).into())];
    let index_digest = "r.io/app@sha256:1c455b4f2c14de7c84b596d4e0fcaa8f96ccb9b19915b416c81908d2d087676e";
    let by_digest = pinned('5');
    for image in ["evil/miner:2", "bad.io/any", &by_digest, index_digest, "registry.example.com/shop/web:5"] {
        let report = judge(evidence(&files), NOW, "malicious-image", &params, image);
        assert_eq!(report.violations.len(), 1, "{image}");
    }
    for image in ["evil/minerals", &*pinned('6'), "registry.example.com/shop/web:6"] {
        let report = judge(evidence(&files), NOW, "malicious-image", &params, image);
        assert_eq!(told(&report), Vec::<String>::new(), "{image}");
    }
}
