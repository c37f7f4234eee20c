//! Where is asked and where not: addresses, redirects, certificates, and the registries file that says so.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use soc2gate::images::oci::{Limits, Settings};
use tokio_rustls::TlsAcceptor;

use super::{Fake, Reply, documents, image, plain, quick, registries, words};
use crate::oci_registry::sha256;

#[tokio::test]
async fn a_private_address_is_refused_unless_the_registries_file_allows_it() {
    let fake = Fake::start(|_| Reply::ok(image())).await;
    let port = fake.host.rsplit_once(':').unwrap().1;
    for host in [fake.host.clone(), format!("localhost:{port}")] {
        let said = words(documents(&registries("", quick()), &host, &sha256(&image())).await);
        assert!(said.starts_with("forbidden: "), "{said}");
        assert!(said.contains("a private address"), "{said}");
        assert!(said.contains("set privateAddresses for it in the registries file"), "{said}");
    }
    assert_eq!(fake.seen().len(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_link_local_address_is_refused_even_where_private_ones_are_not() {
    for target in ["http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://0xa9fea9fe/"]
    {
        let fake = Fake::start(move |_| Reply::redirect(target)).await;
        let said = words(documents(&plain(&fake.host, ""), &fake.host, &sha256(&image())).await);
        assert!(said.starts_with("forbidden: "), "{said}");
        assert!(
            said.contains("a link-local or metadata address: the registry must not point there"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_redirect_leads_to_http_addresses_only_and_not_round_in_circles() {
    for (target, expected) in [
        ("file:///etc/passwd", "unusable: "),
        ("ftp://127.0.0.1/x", "forbidden: "),
        ("http://user:word@127.0.0.1/x", "forbidden: "),
        ("/v2/again", "forbidden: "),
        ("", "unusable: "),
    ] {
        let fake = Fake::start(move |_| Reply::redirect(target)).await;
        let said = words(documents(&plain(&fake.host, ""), &fake.host, &sha256(&image())).await);
        assert!(said.starts_with(expected), "{target}: {said}");
        assert!(fake.seen().len() <= 4, "{}", fake.seen().len());
    }
}

/// A certificate for 127.0.0.1, made now, in PEM and as a server shows it.
fn certified() -> (String, TlsAcceptor) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

#[tokio::test]
async fn a_registry_is_trusted_by_its_own_ca_and_not_without() {
    let (pem, tls) = certified();
    let fake = Fake::start_tls(tls, |seen| match seen.path.contains("/manifests/sha256:") {
        true => Reply::ok(image()),
        false => Reply::status(404),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, pem).unwrap();
    let entry = format!("registries:\n- host: {}\n  privateAddresses: true\n", fake.host);
    let trusting = registries(&format!("{entry}  ca: {}\n", ca.display()), quick());
    let found = documents(&trusting, &fake.host, &sha256(&image())).await.unwrap();
    assert_eq!((found.attached, found.left_out), (vec![], None));
    let said = words(documents(&registries(&entry, quick()), &fake.host, &sha256(&image())).await);
    assert!(said.starts_with("unavailable: 127.0.0.1 cannot be talked to over TLS: "), "{said}");
    assert!(said.ends_with("name that as `ca` in the registries file"), "{said}");
}

#[test]
fn a_registries_file_is_refused_at_the_line_to_mend() {
    for (text, expected) in [
        ("registries:\n- host: a.example.com\n  speed: 1\n", "registries.yaml:3:3: unknown field `speed`"),
        (
            "registries:\n- host: https://a.example.com\n",
            "registries.yaml:2:3: `https://a.example.com` is no registry host",
        ),
        (
            "registries:\n- host: index.docker.io\n",
            "registries.yaml:2:3: `index.docker.io` is no registry host",
        ),
        (
            "registries:\n- host: a.example.com\n  plainHttp: true\n",
            "registries.yaml:3:3: plainHttp is for registries at private",
        ),
        (
            "registries:\n- host: a.example.com\n- host: A.example.com\n",
            "registries.yaml:3:3: `a.example.com` is listed twice",
        ),
        (
            "registries:\n- host: a.example.com\n  concurrent: 0\n",
            "registries.yaml:3:3: it must be at least 1",
        ),
        ("registries: []\n---\nregistries: []\n", "registries.yaml:3:1: a registries file is one document"),
    ] {
        let refusal = Settings::parse("registries.yaml", text).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let text = "registries:\n- host: a.example.com\n  ca: /nowhere/ca.pem\n";
    let settings = Settings::parse("registries.yaml", text).unwrap();
    let refusal =
        soc2gate::images::oci::OciRegistries::new(settings, Limits::default()).err().unwrap().to_string();
    assert!(refusal.starts_with("/nowhere/ca.pem: the CA cannot be read"), "{refusal}");
}
