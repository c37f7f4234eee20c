//! Whose certificates registries may show: the system's roots, and the CA of a registry beside them.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::manifest::Unusable;

/// The system's roots; none where it has none, so that every public registry is refused as untrusted.
pub(super) fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// The same with the CA certificates of a PEM file.
pub(super) fn with(mut roots: RootCertStore, path: &Path) -> Result<RootCertStore, Unusable> {
    let refuse = |message: String| Unusable { file: path.display().to_string(), line: 0, column: 0, message };
    let bytes = std::fs::read(path).map_err(|error| refuse(format!("the CA cannot be read: {error}")))?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| refuse(format!("it holds no certificates in PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(refuse("it holds no certificate in PEM".to_owned()));
    }
    for certificate in certificates {
        roots
            .add(certificate)
            .map_err(|error| refuse(format!("it holds no usable CA certificate: {error}")))?;
    }
    Ok(roots)
}

/// What a client goes by that trusts the system's roots and, if one is named, a CA beside them.
///
/// # Errors
/// A CA file that cannot be used.
pub fn client_config(ca: Option<&Path>) -> Result<Arc<ClientConfig>, Unusable> {
    config(match ca {
        Some(path) => with(system(), path)?,
        None => system(),
    })
}

/// What connections go by.
pub(super) fn config(roots: RootCertStore) -> Result<Arc<ClientConfig>, Unusable> {
    let provider =
        CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| Unusable {
        file: String::new(),
        line: 0,
        column: 0,
        message: format!("TLS cannot be spoken with this cryptography: {error}"),
    })?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}
