//! Files of the API server that no API shows, judged when somebody hands them in.

use crate::library::told;

fn encryption(resources: &str) -> Vec<String> {
    let text = format!(
        "{{apiVersion: apiserver.config.k8s.io/v1, kind: EncryptionConfiguration, resources: {resources}}}"
    );
    told("unencrypted-etcd-data", "", &text)
}

#[test]
fn secrets_must_be_covered_and_their_first_provider_must_encrypt() {
    let uncovered = "resources does not cover `secrets`";
    for (resources, expected) in [
        ("[{resources: [secrets], providers: [{secretbox: {keys: []}}, {identity: {}}]}]", ""),
        ("[{resources: [configmaps, secrets], providers: [{aesgcm: {}}]}]", ""),
        ("[{resources: [secrets], providers: [{kms: {apiVersion: v2, name: k}}, {identity: {}}]}]", ""),
        ("[{resources: ['*.'], providers: [{aescbc: {}}]}]", ""),
        ("[{resources: ['*.*'], providers: [{aescbc: {}}]}]", ""),
        ("[{resources: [configmaps], providers: [{aescbc: {}}]}]", uncovered),
        ("[{resources: ['*.apps'], providers: [{aescbc: {}}]}]", uncovered),
        ("[{resources: [secrets.example.com], providers: [{aescbc: {}}]}]", uncovered),
        ("[]", uncovered),
        ("null", uncovered),
        (
            "[{resources: [secrets], providers: [{identity: {}}, {aescbc: {}}]}]",
            "resources[0].providers[0] is `identity`, which encrypts nothing",
        ),
        (
            "[{resources: [events], providers: [{identity: {}}]}, {resources: [secrets], providers: [{kms: {apiVersion: v1}}]}]",
            "resources[1].providers[0] is KMS v1, which API servers have given up",
        ),
        (
            "[{resources: [secrets], providers: [{kms: {name: k}}]}]",
            "resources[0].providers[0] is KMS v1, which API servers have given up",
        ),
        // What names them exactly goes before a pattern, wherever it stands.
        (
            "[{resources: ['*.*'], providers: [{aescbc: {}}]}, {resources: [secrets], providers: [{identity: {}}]}]",
            "resources[1].providers[0] is `identity`, which encrypts nothing",
        ),
        ("[{resources: [secrets], providers: []}]", "resources[0].providers names no provider"),
        (
            "[{resources: [secrets], providers: [{rot13: {}}]}]",
            "resources[0].providers[0] is `rot13`, which is no provider",
        ),
        (
            "[{resources: [secrets], providers: [{aescbc: {}, identity: {}}]}]",
            "resources[0].providers[0] is `aescbc, identity`, which is no provider",
        ),
    ] {
        let expected: Vec<_> = Some(expected).filter(|expected| !expected.is_empty()).into_iter().collect();
        assert_eq!(encryption(resources), expected, "{resources}");
    }
    let old_name = "{apiVersion: v1, kind: EncryptionConfig, resources: [{resources: [secrets], providers: [{identity: {}}]}]}";
    assert_eq!(told("unencrypted-etcd-data", "", old_name).len(), 1);
}

#[test]
fn a_file_that_no_api_server_takes_is_not_judged_and_not_repeated() {
    let key = "correct-horse";
    let told = encryption(&format!("{{key: {key}}}"));
    assert_eq!(told, ["? the file is no EncryptionConfiguration that an API server takes"]);
}

#[test]
fn anonymous_requests_may_reach_the_health_of_the_server_and_nothing_else() {
    let judged = |anonymous: &str| {
        let text = format!(
            "{{apiVersion: apiserver.config.k8s.io/v1beta1, kind: AuthenticationConfiguration, {anonymous}}}"
        );
        told("anonymous-api-access", "", &text)
    };
    for (anonymous, expected) in [
        ("anonymous: {enabled: false}", &[][..]),
        ("anonymous: {}", &[]),
        ("anonymous: {enabled: true, conditions: [{path: /livez}, {path: /readyz}, {path: /healthz}]}", &[]),
        ("anonymous: {enabled: true}", &["anonymous.enabled is true for every path"]),
        ("anonymous: {enabled: true, conditions: []}", &["anonymous.enabled is true for every path"]),
        (
            "anonymous: {enabled: true, conditions: [{path: /livez}, {path: /version}, {path: ''}]}",
            &["anonymous.conditions[1].path is `/version`", "anonymous.conditions[2].path is empty"],
        ),
        ("jwt: []", &["? the file leaves anonymous requests to the flag `--anonymous-auth`"]),
        ("anonymous: null", &["? the file leaves anonymous requests to the flag `--anonymous-auth`"]),
        (
            "anonymous: {enabled: 'yes'}",
            &["? the file is no AuthenticationConfiguration that an API server takes"],
        ),
    ] {
        assert_eq!(judged(anonymous), expected, "{anonymous}");
    }
}
