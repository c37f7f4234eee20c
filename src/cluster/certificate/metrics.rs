//! What is counted about the certificates that the gate keeps in the cluster.

use prometheus::{IntGauge, Registry, Result};

use super::plan::Reason;
use crate::telemetry::{Axis, Counters};

/// Metrics of the keeper.
pub struct KeeperMetrics {
    registry: Registry,
    ca_expiry: IntGauge,
    /// `[reason]`
    pub(super) renewals: Counters,
    /// `[outcome]`
    pub(super) patches: Counters,
}

impl KeeperMetrics {
    /// Registers everything, at zero.
    ///
    /// # Errors
    /// When a name is taken.
    pub fn register(registry: &Registry) -> Result<Self> {
        Ok(Self {
            registry: registry.clone(),
            ca_expiry: IntGauge::new(
                "soc2gate_tls_ca_expiry_seconds",
                "Unix time at which the CA that signs the certificate ends.",
            )?,
            renewals: Counters::register(
                registry,
                "soc2gate_tls_renewals_total",
                "CAs and certificates written to the Secret by this replica.",
                vec![Axis::one("reason", &Reason::ALL)],
            )?,
            patches: Counters::register(
                registry,
                "soc2gate_tls_ca_bundle_patches_total",
                "Attempts to put caBundle of the registration right.",
                vec![Axis::one("outcome", &["done", "conflict", "failed"])],
            )?,
        })
    }

    /// Shown only once it is known: zero would read as a CA that ended long ago.
    pub(super) fn ca_ends(&self, at: i64) {
        if self.ca_expiry.get() == 0 {
            // Registered already at the second time.
            let _known = self.registry.register(Box::new(self.ca_expiry.clone())).is_err();
        }
        self.ca_expiry.set(at);
    }
}
