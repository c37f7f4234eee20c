//! Bundles that the public Sigstore made, from the published sources of the library; they need no network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use sigstore_verify::{
    trust_root::{SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_STAGING_TRUSTED_ROOT},
    types::{Bundle, SignatureContent},
};

use super::*;

/// The library's own test data, if its sources are on this machine.
fn library() -> Option<PathBuf> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    // Sources for other platforms need not be here.
    let rustc = Command::new("rustc").arg("-vV").output().ok()?;
    let rustc = String::from_utf8(rustc.stdout).ok()?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "))?;
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline", "--manifest-path", manifest])
        .args(["--filter-platform", host])
        .output()
        .ok()?;
    let metadata: Value = serde_json::from_slice(&output.stdout).ok()?;
    let package =
        metadata["packages"].as_array()?.iter().find(|package| package["name"] == "sigstore-verify")?;
    let bundles = PathBuf::from(package["manifest_path"].as_str()?).parent()?.join("test_data/bundles");
    bundles.is_dir().then_some(bundles)
}

#[test]
fn verifies_bundles_of_the_public_sigstore_against_the_root_that_is_built_in() {
    let Some(library) = library() else {
        eprintln!("NOT RUN: the sources of sigstore-verify with their test data are not on this machine");
        return;
    };
    let verifier = verifier(&[], &[]);
    const ACTIONS: &str = "https://token.actions.githubusercontent.com";
    const LOGIN: &str = "https://github.com/login/oauth";
    for (file, issuer) in [
        ("conda-attestation.sigstore.json", ACTIONS),
        ("dsse.sigstore.json", LOGIN),
        ("bundle_v3_github.whl.sigstore", ACTIONS),
        ("cosign-v3-blob.sigstore.json", LOGIN),
    ] {
        is_believed(&verifier, &library.join(file), issuer);
    }
    // The second version of the log, which is still being tried out.
    let staging = super::verifier(&[], &[SIGSTORE_STAGING_TRUSTED_ROOT.to_owned()]);
    is_believed(&staging, &library.join("conda-attestation-rekor2.sigstore.json"), LOGIN);
}

#[test]
fn accepts_timestamps_instead_of_a_log_from_a_root_that_names_none() {
    let Some(library) = library() else {
        eprintln!("NOT RUN: the sources of sigstore-verify with their test data are not on this machine");
        return;
    };
    let text = fs::read_to_string(library.join("github-private-attestation.sigstore.json")).unwrap();
    let mut documents = bundled(&text);
    documents.digest = subject(&Bundle::from_json(&text).unwrap());
    let told = refused(&verifier(&[], &[]), &documents);
    assert!(told.contains("it is in no transparency log"), "{told}");
    // Everything verifies; but GitHub names no issuer in the certificates for its releases.
    let given = verifier(&[], &[SIGSTORE_GITHUB_TRUSTED_ROOT.to_owned()]);
    let told = refused(&given, &documents);
    assert!(told.ends_with("its certificate does not say who vouches for the identity"), "{told}");
}

fn is_believed(verifier: &Verifier, file: &Path, issuer: &str) {
    let text = fs::read_to_string(file).unwrap();
    let file = file.display();
    let mut documents = bundled(&text);
    documents.digest = subject(&Bundle::from_json(&text).unwrap());
    let attestation = believed(verifier, &documents);
    let Signer::Certificate { issuer: found, subject } = &attestation.by.signer else { panic!("{file}") };
    eprintln!("{file}: {subject} {:?} {:?}", attestation.claim, attestation.by.signed_at);
    assert_eq!(&**found, issuer, "{file}");
    assert!(attestation.by.signed_at.is_some(), "{file}");
    documents.digest = Digest::parse(&digest('a')).unwrap();
    let told = refused(verifier, &documents);
    assert!(told.contains("another image"), "{file}: {told}");
}

fn subject(bundle: &Bundle) -> Digest {
    let found = match &bundle.content {
        SignatureContent::DsseEnvelope(envelope) => {
            let statement: Value = serde_json::from_slice(envelope.payload.as_bytes()).unwrap();
            let subjects = statement["subject"].as_array().unwrap().iter();
            let mut digests = subjects.flat_map(|subject| subject["digest"].as_object().unwrap());
            digests
                .find_map(|(algorithm, hex)| Digest::parse(&format!("{algorithm}:{}", hex.as_str().unwrap())))
        }
        SignatureContent::MessageSignature(message) => {
            let hex = message.message_digest.as_ref().unwrap().digest.to_hex();
            Digest::parse(&format!("sha256:{hex}"))
        }
        _ => None,
    };
    found.unwrap()
}
