//! The checks of the control plane: which pods they judge, how they read a command line, and what they ask of it.

mod attested;
mod reading;

use crate::library::told;

/// A pod with one container.
fn pod(metadata: &str, container: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: p, {metadata}}}, spec: {{containers: [{{name: c, {container}}}]}}}}"
    )
}

/// A static pod that runs a program with these flags.
fn run(program: &str, flags: &[&str]) -> String {
    let words: Vec<_> = std::iter::once(&program).chain(flags).map(|word| format!("'{word}'")).collect();
    pod("namespace: kube-system", &format!("command: [{}]", words.join(", ")))
}

/// What a check says of a program with these flags, without the place.
fn said(id: &str, program: &str, flags: &[&str]) -> Vec<String> {
    let without_place = |line: String| line.split_once(' ').unwrap().1.to_owned();
    told(id, "", &run(program, flags)).into_iter().map(without_place).collect()
}

const SOUND_ETCD: [&str; 7] = [
    "--listen-client-urls=https://127.0.0.1:2379,https://10.0.0.1:2379",
    "--client-cert-auth=true",
    "--peer-client-cert-auth=true",
    "--cert-file=/s.crt",
    "--key-file=/s.key",
    "--peer-cert-file=/p.crt",
    "--peer-key-file=/p.key",
];

/// A sound etcd with some flags replaced or added.
fn etcd(replaced: &[&str]) -> Vec<String> {
    let name = |flag: &str| flag.split('=').next().unwrap().to_owned();
    let kept = SOUND_ETCD.iter().filter(|flag| !replaced.iter().any(|own| name(own) == name(flag)));
    said("unauthenticated-etcd", "etcd", &kept.chain(replaced).copied().collect::<Vec<_>>())
}

#[test]
fn an_etcd_must_serve_over_tls_and_demand_certificates() {
    assert_eq!(etcd(&[]), Vec::<String>::new());
    for (flag, expected) in [
        ("--client-cert-auth=false", "sets `--client-cert-auth=false`"),
        ("--peer-client-cert-auth=0", "sets `--peer-client-cert-auth=0`"),
        ("--auto-tls", "sets `--auto-tls`"),
        ("--peer-auto-tls=true", "sets `--peer-auto-tls=true`"),
        ("--cert-file=", "has no `--cert-file`"),
        (
            "--listen-client-urls=https://10.0.0.1:2379,http://127.0.0.1:2379",
            "serves `http://127.0.0.1:2379`",
        ),
        ("--listen-client-urls=HTTPS://[::1]:2379", ""),
        ("--listen-client-http-urls=http://10.0.0.1:2379", "serves `http://10.0.0.1:2379`"),
        // Metrics hold no objects.
        ("--listen-metrics-urls=http://127.0.0.1:2381", ""),
        ("--auto-tls=false", ""),
    ] {
        let expected: Vec<_> = Some(expected).filter(|expected| !expected.is_empty()).into_iter().collect();
        assert_eq!(etcd(&[flag]), expected, "{flag}");
    }
    let bare = said("unauthenticated-etcd", "etcd", &[]);
    assert_eq!(bare.len(), 7, "{bare:?}");
    assert!(bare.contains(&"does not set `--client-cert-auth=true`".to_owned()));
    assert!(bare.contains(&"has no `--listen-client-urls`".to_owned()));
}

#[test]
fn one_authority_for_the_clients_of_the_cluster_and_of_etcd_is_found_at_the_api_server() {
    let said =
        |etcd: &str| said("unauthenticated-etcd", "kube-apiserver", &["--client-ca-file=/ca.crt", etcd]);
    assert_eq!(said("--etcd-cafile=/ca.crt"), ["takes `/ca.crt` for etcd too, the CA of all clients"]);
    assert!(said("--etcd-cafile=/etcd/ca.crt").is_empty());
    assert!(said("--v=2").is_empty());
}

#[test]
fn the_api_server_is_asked_for_what_the_standard_asks() {
    let unread = "what the file of `--encryption-provider-config` says no API shows: judge the file itself";
    for (id, flags, expected) in [
        ("unencrypted-etcd-data", &["--v=2"][..], &["has no `--encryption-provider-config`"][..]),
        ("unencrypted-etcd-data", &["--encryption-provider-config=/e.yaml"], &[unread]),
        ("anonymous-api-access", &[], &["does not set `--anonymous-auth=false`"]),
        ("anonymous-api-access", &["--anonymous-auth=false"], &[]),
        ("anonymous-api-access", &["--anonymous-auth=F"], &[]),
        ("anonymous-api-access", &["--anonymous-auth=true"], &["sets `--anonymous-auth=true`"]),
        (
            "anonymous-api-access",
            &["--authentication-config=/a.yaml"],
            &["what the file of `--authentication-config` says no API shows: judge the file itself"],
        ),
        // The server refuses to be told twice, so that the flag alone counts.
        (
            "anonymous-api-access",
            &["--authentication-config=/a.yaml", "--anonymous-auth=true"],
            &["sets `--anonymous-auth=true`"],
        ),
        ("permissive-authorization-mode", &["--authorization-mode=Node,RBAC", "--profiling=false"], &[]),
        (
            "permissive-authorization-mode",
            &[],
            &["does not set `--profiling=false`", "has no `--authorization-mode`"],
        ),
        (
            "permissive-authorization-mode",
            &["--authorization-mode=AlwaysAllow", "--profiling=false"],
            &["lists `AlwaysAllow`", "does not list `Node`", "does not list `RBAC`"],
        ),
        (
            "permissive-authorization-mode",
            &["--authorization-mode=Node", "--authorization-mode=RBAC", "--profiling=false"],
            &[],
        ),
        (
            "permissive-authorization-mode",
            &["--authorization-config=/a.yaml", "--profiling=false"],
            &["what the file of `--authorization-config` says no API shows"],
        ),
        (
            "weak-etcd-client",
            &["--etcd-cafile=/ca.crt", "--etcd-keyfile=/c.key"],
            &["has no `--etcd-certfile`"],
        ),
        (
            "static-token-file",
            &["--token-auth-file=/t.csv", "--service-account-extend-token-expiration=false"],
            &["sets `--token-auth-file=/t.csv`"],
        ),
        ("static-token-file", &[], &["does not set `--service-account-extend-token-expiration=false`"]),
        ("unaudited-api-server", &[], &["has no `--audit-policy-file`", "has no `--audit-log-path`"]),
        ("unaudited-api-server", &["--audit-policy-file=/p", "--audit-log-path=-"], &[]),
        ("unaudited-api-server", &["--audit-policy-file=/p", "--audit-webhook-config-file=/w"], &[]),
        ("unaudited-api-server", &["--audit-policy-file=/p"], &["has no `--audit-log-path`"]),
        ("unaudited-api-server", &["--audit-log-path=/l"], &["has no `--audit-policy-file`"]),
        ("short-audit-retention", &["--audit-log-path=/l"], &[]),
        (
            "short-audit-retention",
            &[
                "--audit-log-path=/l",
                "--audit-log-maxage=29",
                "--audit-log-maxbackup=9",
                "--audit-log-maxsize=99",
            ],
            &[
                "sets `--audit-log-maxage=29`",
                "sets `--audit-log-maxbackup=9`",
                "sets `--audit-log-maxsize=99`",
            ],
        ),
        (
            "short-audit-retention",
            &[
                "--audit-log-path=/l",
                "--audit-log-maxage=30",
                "--audit-log-maxbackup=10",
                "--audit-log-maxsize=100",
            ],
            &[],
        ),
        // Zero sets no limit; without a file nothing is rotated.
        ("short-audit-retention", &["--audit-log-path=/l", "--audit-log-maxage=0"], &[]),
        ("short-audit-retention", &["--audit-log-path=-", "--audit-log-maxage=1"], &[]),
        ("short-audit-retention", &["--audit-log-maxage=1"], &[]),
        (
            "short-audit-retention",
            &["--audit-log-path=/l", "--audit-log-maxage=x"],
            &["`--audit-log-maxage` is no number"],
        ),
    ] {
        assert_eq!(said(id, "kube-apiserver", flags), expected, "{id} {flags:?}");
    }
}
