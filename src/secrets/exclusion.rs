//! What is never a secret, whatever its name says: references, paths, identifiers, public material, placeholders, prose.
//!
//! Users of other scanners complained about each of these; every one is a test with its name.

use super::{checksum, value};

mod form;

/// Why a value cannot be a secret, or nothing. `name` is the place's, for what only its name tells apart.
pub(super) fn reason(name: &str, value: &str) -> Option<&'static str> {
    EXCLUSIONS.iter().find(|(_, applies)| applies(name, value)).map(|(reason, _)| *reason)
}

type Exclusion = (&'static str, fn(&str, &str) -> bool);

/// The cheap and the frequent first.
const EXCLUSIONS: &[Exclusion] = &[
    ("a reference", |_, value| is_reference(value)),
    ("a placeholder", |_, value| is_placeholder(value)),
    ("a path", |_, value| form::is_path(value)),
    ("an address", |_, value| form::is_address(value)),
    ("a number, a date or a switch", |_, value| form::is_plain_datum(value)),
    ("an identifier", form::is_identifier),
    ("public material", |_, value| is_public_material(value)),
    ("the hash of a password", |_, value| is_password_hash(value)),
    ("prose", |_, value| is_prose(value)),
];

#[rustfmt::skip]
const REFERENCES: &[&str] = &[
    "vault:", "vault://", "ref+", "op://", "arn:", "awssm://", "awssm:", "gcpsm://", "gcpsm:", "gcp-sm://",
    "sm://", "ssm://", "ssm:", "aws-sm://", "secretsmanager:", "secret://", "secrets://", "file:",
    "file://", "env:", "env://", "azurekeyvault", "akv:", "keyvault:", "@Microsoft.KeyVault(", "ENC[",
    "enc:", "k8s:", "kubernetes://", "doppler://", "infisical://", "bw:", "lookup(", "valueFrom", "fromEnv",
    "os.environ", "process.env", "<%", "#{", "%{", "!vault", "$ANSIBLE_VAULT", "sops:", "sealed:",
    "secretRef:",
];

/// A pointer to a secret: an expansion, a template, a secret store's URI, or a ciphertext.
pub(super) fn is_reference(text: &str) -> bool {
    let expands = text.strip_prefix('$').is_some_and(|rest| {
        rest.starts_with(['(', '{'])
            || (!rest.is_empty()
                && rest.bytes().all(|b| b == b'_' || b.is_ascii_uppercase() || b.is_ascii_digit()))
                && rest.starts_with(|c: char| !c.is_ascii_digit())
    });
    expands
        || text.contains("{{")
        || text.contains("${")
        || text.contains("$(")
        || REFERENCES.iter().any(|prefix| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)))
        || (text.starts_with("projects/") && text.contains("/secrets/"))
        // Sealed Secrets: RSA-encrypted session key first, hence long.
        || (text.starts_with("Ag") && text.len() > 300 && text.bytes().all(value::is_base64))
        || (text.len() > 2 && text.starts_with('%') && text.ends_with('%') && text.bytes().all(|b| b.is_ascii_graphic()))
}

/// What stands where a secret will stand one day.
pub(super) fn is_placeholder(text: &str) -> bool {
    let enclosed =
        |open: &str, close: &str| text.len() > 1 && text.starts_with(open) && text.ends_with(close);
    enclosed("<", ">")
        || enclosed("[", "]")
        || enclosed("{", "}")
        || (enclosed("__", "__") && value::kinds(text) <= 3)
        || value::names_itself_a_placeholder(text)
        || value::has_run(text.as_bytes(), 8, 1)
        || text.bytes().all(|b| matches!(b, b'*' | b'.' | b'-' | b'x' | b'X' | b'#' | b'?'))
        || (!text.is_empty() && text.as_bytes().windows(2).all(|pair| pair.first() == pair.last()))
}

#[rustfmt::skip]
const PUBLIC_PREFIXES: &[&str] = &[
    "ssh-rsa ", "ssh-ed25519 ", "ssh-dss ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "-----BEGIN CERTIFICATE",
    "-----BEGIN PUBLIC KEY", "-----BEGIN RSA PUBLIC KEY", "-----BEGIN PGP PUBLIC KEY",
    "-----BEGIN X509 CRL", "-----BEGIN TRUSTED CERTIFICATE", "-----BEGIN EC PARAMETERS",
    "-----BEGIN DH PARAMETERS", "-----BEGIN PGP SIGNATURE", "-----BEGIN PGP MESSAGE",
    "-----BEGIN AGE ENCRYPTED",
    // The same in base64: "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC", "ssh-rsa", "ssh-ed25519", and OpenSSH's own wire form.
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FUR", "LS0tLS1CRUdJTiBQVUJMSUMg", "c3NoLXJzY", "c3NoLWVkMjU1MTkg",
    "AAAAB3NzaC1yc2E", "AAAAC3NzaC1lZDI1NTE5", "AAAAE2VjZHNh", "pk_live_", "pk_test_", "pk.eyJ", "age1",
    "npub1", "SHA256:", "MD5:", "did:", "G-", "UA-", "GTM-",
];

/// Certificates, public keys, publishable keys, analytics ids.
fn is_public_material(text: &str) -> bool {
    PUBLIC_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        || (text.len() > 40
            && text.starts_with('M')
            && text.bytes().all(value::is_base64)
            && checksum::base64(text).is_some_and(|der| checksum::is_der_public(&der)))
}

/// A salted hash: weak ones can be guessed from, but it is not the password.
fn is_password_hash(text: &str) -> bool {
    const FORMS: &str = "$2a$ $2b$ $2y$ $argon2 $1$ $5$ $6$ $7$ $y$ $apr1$ $scrypt$ $pbkdf2 pbkdf2: pbkdf2_sha256$ \
                         scrypt: {SHA} {SSHA} {bcrypt} SCRAM-SHA-256$";
    // htpasswd has the user before it.
    let hash = text.split_once(':').map_or(text, |(_, hash)| hash);
    FORMS.split(' ').any(|form| text.starts_with(form) || hash.starts_with(form))
}

/// Three words or more with spaces between them.
pub(super) fn is_prose(text: &str) -> bool {
    let words = text.split_ascii_whitespace();
    words
        .filter(|word| {
            word.len() >= 2 && word.bytes().all(|b| b.is_ascii_alphabetic() || b",.'!?:;\"()".contains(&b))
        })
        .count()
        >= 3
}

#[cfg(test)]
mod tests;
