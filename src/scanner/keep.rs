//! Keeps the findings that matter most within a bound, whatever the order in which they come.
//!
//! What is kept in the end depends on what was found alone, so that a second scan of the same cluster tells the same.

use std::collections::BTreeMap;

use super::{Found, Limits, OfNamespace};

pub(super) struct Keep {
    /// How many each namespace may keep now.
    most: usize,
    overall: usize,
    /// How many are held in all namespaces.
    held: usize,
}

impl Keep {
    pub(super) fn new(limits: Limits) -> Self {
        Self { most: limits.per_namespace.max(1), overall: limits.overall.max(1), held: 0 }
    }

    /// Keeps a finding, at least for now. Its namespace is there already: it was counted.
    pub(super) fn add(
        &mut self,
        namespaces: &mut BTreeMap<String, OfNamespace>,
        namespace: &str,
        found: Found,
    ) {
        let Some(of) = namespaces.get_mut(namespace) else { return };
        of.kept.push(found);
        self.held += 1;
        // Sorted only now and then, or each finding of a full namespace would cost a sort.
        if of.kept.len() >= self.most.saturating_mul(2) {
            self.held -= shorten(of, self.most);
        }
        if self.held > self.overall.saturating_add(self.overall / 4) {
            self.settle(namespaces);
        }
    }

    /// Drops what is too much. A namespace keeps half as many as long as all together keep too many.
    pub(super) fn settle(&mut self, namespaces: &mut BTreeMap<String, OfNamespace>) {
        loop {
            for of in namespaces.values_mut() {
                shorten(of, self.most);
            }
            self.held = namespaces.values().map(|of| of.kept.len()).sum();
            if self.held <= self.overall || self.most == 1 {
                return;
            }
            self.most = (self.most / 2).max(1);
        }
    }
}

/// Sorts the findings of a namespace and drops those that matter least; tells how many.
fn shorten(of: &mut OfNamespace, most: usize) -> usize {
    of.kept.sort_by(|one, other| one.rank().cmp(&other.rank()));
    let dropped = of.kept.len().saturating_sub(most);
    of.kept.truncate(most);
    // Room that is no longer needed adds up over ten thousand namespaces.
    of.kept.shrink_to(most.min(of.kept.len()));
    dropped
}
