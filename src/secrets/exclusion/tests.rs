//! One test for each exclusion, with the values that users of other scanners complained about.

use super::reason;

/// Every value must be excluded for that reason, even behind the strongest name.
fn assert_excluded(expected: &str, values: &[&str]) {
    for value in values {
        assert_eq!(reason("PASSWORD", value), Some(expected), "{value}");
    }
}

#[test]
fn excludes_references() {
    assert_excluded(
        "a reference",
        &[
            "$(DB_PASSWORD)",
            "$DB_PASSWORD",
            "${DB_PASSWORD}",
            "${DB_PASSWORD:-x}",
            "{{ .Values.password }}",
            "vault:secret/data/app#password",
            "ref+vault://app/db",
            "op://vault/item/field",
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf",
            "arn:aws:ssm:eu-west-1:1:parameter/x",
            "projects/p/secrets/db/versions/1",
            "awssm://db",
            "gcpsm://db",
            "file:///run/secrets/db",
            "env:DB_PASSWORD",
            "ENC[AES256_GCM,data:Tr7oc19nc6t1m9OrUeo=,iv:x]",
            "%DB_PASSWORD%",
            "@Microsoft.KeyVault(SecretUri=x)",
        ],
    );
    let sealed = format!("AgB{}", "y7Qm2Vt9KpLw4Zs8RbN1".repeat(20));
    assert_excluded("a reference", &[&sealed]);
}

#[test]
fn excludes_placeholders() {
    assert_excluded(
        "a placeholder",
        &[
            "changeme",
            "ChangeMe123!",
            "xxxxxxxx",
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            "<password>",
            "<YOUR-API-KEY>",
            "YOUR_API_KEY",
            "your-secret-here",
            "example",
            "dummy-Token-1",
            "AKIAIOSFODNN7EXAMPLE",
            "********",
            "abcdefghijklmnop",
            "0123456789abcdef",
            "REPLACE_ME_1aB",
            "PLACEHOLDER",
            "[redacted]",
        ],
    );
}

#[test]
fn excludes_numbers_dates_and_switches() {
    assert_excluded(
        "a number, a date or a switch",
        &[
            "3600",
            "482019375620",
            "1.5",
            "500ms",
            "1h30m",
            "2026-01-31T10:00:00Z",
            "2026-01-31",
            "v1.27.4+k3s1",
            "1.2.3-rc.1",
            "#ff8800",
            "de_CH.UTF-8",
            "en-US",
            "application/json",
            "0 3 * * 1",
            "P1DT12H",
            "10Gi",
        ],
    );
}

#[test]
fn excludes_paths() {
    assert_excluded(
        "a path",
        &[
            "/mnt/secrets",
            "/etc/ml_secret_key",
            "C:\\keys\\app.pem",
            "./config/secret.yaml",
            "tls.key",
            "~/.ssh/id_rsa.pub",
            "/var/run/secrets/kubernetes.io/serviceaccount/token",
            "secret/data/production/database",
        ],
    );
}

#[test]
fn excludes_addresses() {
    assert_excluded(
        "an address",
        &[
            "https://login.acme.io/token",
            "postgres://app@db:5432/app",
            "db.prod.svc.cluster.local:5432",
            "vault.internal",
            "ops.team+k8s@acme.io",
            "fd00:10::/32",
            "192.168.1.10:8080",
            "fd00::1",
            "redis:6379",
        ],
    );
}

#[test]
fn excludes_identifiers() {
    assert_excluded(
        "an identifier",
        &[
            "2b1f5f9e-6f0a-4c7e-9f43-0c1d2e3f4a5b",
            "01HV8Z3QK4T7M2N9P5R6S8W0XY",
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "web-7d9f8b6c5-x2x4z",
            "my-app-db-credentials",
            "W/\"33a64df551425fcc55e4d42a148795d9\"",
            "ghcr.io/acme/app:1.2.3-alpine3.20",
        ],
    );
    assert_eq!(
        reason("GIT_COMMIT_TOKEN_SHA", "9fceb02d0ae598e95dc970b74767f19372d61af8"),
        Some("an identifier")
    );
    assert_eq!(reason("GPG_KEY", "E3FF2839C048B25C084DEBE9B26995E310250568"), Some("an identifier"));
}

#[test]
fn excludes_public_material() {
    assert_excluded(
        "public material",
        &[
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq7Zx2Vw9Lm4Nb8Yd3Tf6Gh1Jk5Pr0Sx",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
            "pk_live_51H8xYzQw7Vb2Nm4Kp9",
            "age1qyqszqgpqyqszqgpqyqszqgp",
        ],
    );
}

#[test]
fn excludes_hashes_of_passwords() {
    assert_excluded(
        "the hash of a password",
        &[
            "$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
            "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
            "{SSHA}Qm2Vt9KpLw4Zs8RbN1",
        ],
    );
}

#[test]
fn excludes_prose() {
    assert_excluded("prose", &["the password is stored in the vault", "Ask the platform team for a token."]);
}

#[test]
fn excludes_nothing_else() {
    for value in [
        "Tr0ub4dor&3x",
        "q7Rk2ZtV9xLm4NwB8sYd",
        "9f2c7e01b4d85a36e7c19d402b8f6a53",
        "p@ssW0rd.42",
        "/x7Qm2Vt9KpLw4Zs8RbN1+yHd6Gc3Tf==",
    ] {
        assert_eq!(reason("PASSWORD", value), None, "{value}");
    }
}
