//! Counters over labels whose values are known beforehand, cheap enough for every finding of every review.

use std::collections::HashMap;
use std::sync::OnceLock;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry, Result};

/// One dimension of a counter: the values it may take, each giving one or more labels.
pub struct Axis {
    labels: Vec<&'static str>,
    /// Per value the text of each label; the last value is `other`.
    values: Vec<Vec<String>>,
    positions: HashMap<String, usize>,
}

impl Axis {
    /// One label with these values.
    pub fn one(label: &'static str, values: &[&str]) -> Self {
        Self::new(vec![label], values.iter().map(|value| vec![(*value).to_owned()]))
    }

    /// Two labels of which the second decides the first, as a check decides its criterion.
    pub fn two(labels: [&'static str; 2], values: &[(&str, &str)]) -> Self {
        Self::new(labels.to_vec(), values.iter().map(|(a, b)| vec![(*a).to_owned(), (*b).to_owned()]))
    }

    fn new(labels: Vec<&'static str>, values: impl Iterator<Item = Vec<String>>) -> Self {
        let other = vec!["other".to_owned(); labels.len()];
        let values: Vec<_> = values.chain([other]).collect();
        let named = values.iter().enumerate();
        let positions = named.filter_map(|(at, value)| Some((value.last()?.clone(), at))).collect();
        Self { labels, values, positions }
    }

    /// Where `value` stands; unknown values share the last place.
    fn position(&self, value: &str) -> usize {
        self.positions.get(value).copied().unwrap_or(self.values.len().saturating_sub(1))
    }
}

/// A counter for every combination of its axes' values.
///
/// A combination is resolved once, at its first use: later counts are one atomic addition, and combinations that
/// never happen are never exported.
pub struct Counters {
    axes: Vec<Axis>,
    family: IntCounterVec,
    cells: Vec<OnceLock<IntCounter>>,
}

impl Counters {
    /// A counter named `name` in `registry`.
    ///
    /// # Errors
    /// When the name or a label is taken or not allowed.
    pub fn register(registry: &Registry, name: &str, help: &str, axes: Vec<Axis>) -> Result<Self> {
        let labels: Vec<_> = axes.iter().flat_map(|axis| axis.labels.iter().copied()).collect();
        let family = IntCounterVec::new(Opts::new(name, help), &labels)?;
        registry.register(Box::new(family.clone()))?;
        let size = axes.iter().map(|axis| axis.values.len()).product();
        let cells = std::iter::repeat_with(OnceLock::new).take(size).collect();
        Ok(Self { axes, family, cells })
    }

    /// Counts one, with a value for each axis in order. Unknown values count as `other`.
    pub fn count(&self, values: &[&str]) {
        let places = self.axes.iter().zip(values).map(|(axis, value)| axis.position(value));
        self.count_places(places);
    }

    /// The place of `value` on an axis, for callers that look it up once and then count by place.
    pub fn place(&self, axis: usize, value: &str) -> usize {
        self.axes.get(axis).map_or(0, |axis| axis.position(value))
    }

    /// Counts one by the places that [`Counters::place`] gave.
    pub fn count_at(&self, places: &[usize]) {
        self.count_places(places.iter().copied());
    }

    /// What one combination has counted so far.
    pub fn value(&self, values: &[&str]) -> u64 {
        let places = self.axes.iter().zip(values).map(|(axis, value)| axis.position(value));
        self.cells.get(self.cell(places)).and_then(OnceLock::get).map_or(0, IntCounter::get)
    }

    fn count_places(&self, places: impl Iterator<Item = usize>) {
        let cell = self.cell(places);
        if let Some(counter) = self.cells.get(cell) {
            counter.get_or_init(|| self.resolve(cell)).inc();
        }
    }

    /// Row-major: the last axis varies fastest.
    fn cell(&self, places: impl Iterator<Item = usize>) -> usize {
        self.axes.iter().zip(places).fold(0, |cell, (axis, place)| {
            cell * axis.values.len() + place.min(axis.values.len().saturating_sub(1))
        })
    }

    fn resolve(&self, mut cell: usize) -> IntCounter {
        let mut labels = Vec::new();
        for axis in self.axes.iter().rev() {
            let value = axis.values.get(cell % axis.values.len().max(1));
            cell /= axis.values.len().max(1);
            labels.extend(value.into_iter().flatten().rev());
        }
        labels.reverse();
        self.family.with_label_values(&labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters() -> Counters {
        let axes = vec![
            Axis::two(["criterion", "check"], &[("CC6.1", "a"), ("CC6.8", "b")]),
            Axis::one("mode", &["enforce", "warn", "audit"]),
        ];
        Counters::register(&Registry::new(), "tests_total", "Test.", axes).unwrap()
    }

    #[test]
    fn every_combination_counts_by_itself() {
        let counters = counters();
        for check in ["a", "b", "unheard-of"] {
            for mode in ["enforce", "warn", "audit", "unheard-of"] {
                counters.count(&[check, mode]);
                assert_eq!(counters.value(&[check, mode]), 1, "{check} {mode}");
            }
        }
    }

    #[test]
    fn unknown_values_share_one_series() {
        let counters = counters();
        counters.count(&["never", "warn"]);
        counters.count(&["heard", "warn"]);
        assert_eq!(counters.value(&["other", "warn"]), 2);
        assert_eq!(counters.family.with_label_values(&["other", "other", "warn"]).get(), 2);
    }

    #[test]
    fn counting_by_place_is_counting_by_name() {
        let counters = counters();
        counters.count_at(&[counters.place(0, "b"), counters.place(1, "audit")]);
        assert_eq!(counters.value(&["b", "audit"]), 1);
        assert_eq!(counters.family.with_label_values(&["CC6.8", "b", "audit"]).get(), 1);
    }
}
