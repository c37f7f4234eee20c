//! Recognises a secret again without keeping it: a keyed digest that nobody can search without the key.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{Arc, LazyLock},
};

use aws_lc_rs::hmac;

/// The install key that fingerprints are made with. It never leaves the cluster.
pub struct FingerprintKey(hmac::Key);

impl FingerprintKey {
    #[must_use]
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// A random key that lives as long as the process: enough to tell an old secret from a new one, and worth
    /// nothing to anybody afterwards.
    pub(super) fn of_process() -> Arc<Self> {
        static KEY: LazyLock<Arc<FingerprintKey>> = LazyLock::new(|| {
            let random: Vec<u8> =
                (0..4_u8).flat_map(|part| RandomState::new().hash_one(part).to_le_bytes()).collect();
            Arc::new(FingerprintKey::new(&random))
        });
        KEY.clone()
    }

    /// The first 16 hex digits of HMAC-SHA256 over the value.
    pub(super) fn of(&self, secret: &str) -> String {
        hmac::sign(&self.0, secret.as_bytes())
            .as_ref()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_hmac_sha256_as_rfc_4231_has_it() {
        let key = FingerprintKey::new(b"Jefe");
        assert_eq!(key.of("what do ya want for nothing?"), "5bdcc146bf60754e");
        assert_eq!(format!("{key:?}"), "FingerprintKey");
    }
}
