//! What the gate knows of the cluster's objects, and how current that is.

use prometheus::{IntGauge, IntGaugeVec, Registry, Result};

use super::{gauge, gauges};

/// Per watched resource; the label takes only the names of resources that the program watches.
pub struct InventoryMetrics {
    watch_up: IntGaugeVec,
    age: IntGaugeVec,
    objects: IntGaugeVec,
    pub synced: IntGauge,
}

impl InventoryMetrics {
    pub(super) fn register(registry: &Registry) -> Result<Self> {
        let of_resource = |name, help| gauges(registry, name, help, &["resource"]);
        Ok(Self {
            watch_up: of_resource(
                "soc2gate_inventory_watch_up",
                "Whether changes of a resource are being told.",
            )?,
            age: of_resource(
                "soc2gate_inventory_age_seconds",
                "How long ago a resource was last known in full; 0 while its watch is up.",
            )?,
            objects: of_resource("soc2gate_inventory_objects", "Objects known of a resource.")?,
            synced: gauge(
                registry,
                "soc2gate_inventory_synced",
                "Whether every watched resource was known in full once since the start.",
            )?,
        })
    }

    /// How a resource stands: whether its watch is up, since how long (s) it is not, and how many objects are known.
    pub fn resource(&self, resource: &str, up: bool, age: i64, objects: usize) {
        self.watch_up.with_label_values(&[resource]).set(i64::from(up));
        self.age.with_label_values(&[resource]).set(age);
        self.objects.with_label_values(&[resource]).set(i64::try_from(objects).unwrap_or(i64::MAX));
    }

    /// A resource that is not served, and therefore not watched.
    pub fn unwatched(&self, resource: &str) {
        for gauge in [&self.watch_up, &self.age, &self.objects] {
            // There is nothing to remove if it was never watched.
            let _absent = gauge.remove_label_values(&[resource]).is_err();
        }
    }
}
