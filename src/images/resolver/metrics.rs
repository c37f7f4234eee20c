//! What the resolver shows of itself: how much is known, how asking goes, and when it goes well again.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry, Result};

use super::Standing;
use crate::images::Failure;

/// Counters of the resolver.
pub(super) struct Metrics {
    lookups: IntCounterVec,
    images: IntGaugeVec,
    pub(super) duration: Histogram,
    pub(super) dropped: IntCounter,
}

const RESULTS: [&str; 7] =
    ["answered", "absent", "unauthorized", "too-many", "forbidden", "unavailable", "unusable"];

impl Metrics {
    pub(super) fn register(registry: &Registry) -> Result<Self> {
        let lookups = IntCounterVec::new(
            Opts::new(
                "soc2gate_image_lookups_total",
                "Questions to registries about images, by what came of them.",
            ),
            &["result"],
        )?;
        let images = IntGaugeVec::new(
            Opts::new("soc2gate_images", "Images that registries are asked about, by state."),
            &["state"],
        )?;
        let duration = Histogram::with_opts(
            HistogramOpts::new(
                "soc2gate_image_lookup_duration_seconds",
                "Time that a question to a registry took.",
            )
            .buckets(vec![0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]),
        )?;
        let dropped = IntCounter::new(
            "soc2gate_image_notes_dropped_total",
            "Images of reviews that could not be noted for want of room; the next review or scan tells of them again.",
        )?;
        registry.register(Box::new(lookups.clone()))?;
        registry.register(Box::new(images.clone()))?;
        registry.register(Box::new(duration.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        RESULTS.iter().for_each(|result| lookups.with_label_values(&[result]).inc_by(0));
        let this = Self { lookups, images, duration, dropped };
        this.show(&Standing::default());
        Ok(this)
    }

    /// One question came to this.
    pub(super) fn asked<T>(&self, result: &std::result::Result<T, Failure>) {
        let result = match result {
            Ok(_) => "answered",
            Err(Failure::Absent(_)) => "absent",
            Err(Failure::Unauthorized(_)) => "unauthorized",
            Err(Failure::TooMany { .. }) => "too-many",
            Err(Failure::Forbidden(_)) => "forbidden",
            Err(Failure::Unavailable(_)) => "unavailable",
            Err(Failure::Unusable(_)) => "unusable",
        };
        self.lookups.with_label_values(&[result]).inc();
    }

    /// How far the asking has come.
    pub(super) fn show(&self, standing: &Standing) {
        let Standing { pending, failed, answered, .. } = standing;
        for (state, count) in [("pending", *pending), ("failed", *failed), ("answered", *answered)] {
            self.images.with_label_values(&[state]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}
