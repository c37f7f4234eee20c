//! Since when a vulnerability is known in a repository: the clock of its term, which no rebuild starts anew.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;

use super::{Rating, VulnerabilityReport};
use crate::criterion::Severity;

/// By repository, then by vulnerability and package. A clone shares everything.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstSeen {
    repositories: Arc<HashMap<Arc<str>, Arc<Vec<FirstSight>>>>,
    /// Of all repositories together.
    count: usize,
}

/// So many are kept, in 24 MB. Whoever can hand in reports could else fill the memory with them; what finds no room
/// counts from its own scan.
const MOST: usize = 2_000_000;

/// When one vulnerability of one package was first seen: plain data, to be kept where a restart does not lose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstSight {
    /// What stands for vulnerability and package, the same in every process and version; in two halves, for which
    /// twelve bytes are enough: there may be a million of these.
    key: [u32; 2],
    /// Since 1970 (UTC).
    minutes: u32,
}

impl FirstSight {
    /// One that was kept, by its two numbers.
    pub const fn new(key: u64, minutes: u32) -> Self {
        Self { key: [(key >> 32) as u32, key as u32], minutes }
    }

    /// What stands for vulnerability and package.
    pub fn key(self) -> u64 {
        let [high, low] = self.key;
        u64::from(high) << 32 | u64::from(low)
    }

    /// Minutes since 1970 (UTC).
    pub const fn minutes(self) -> u32 {
        self.minutes
    }
}

impl FirstSeen {
    /// Takes in what a scan of an image of `repository` found at `at`.
    pub(super) fn note(&mut self, repository: &Arc<str>, at: Timestamp, found: &[VulnerabilityReport<'_>]) {
        let Ok(minutes) = u32::try_from(at.as_second() / 60) else { return };
        let sights = found
            .iter()
            .filter(|vulnerability| has_term(vulnerability.rating))
            .map(|vulnerability| FirstSight::new(key(&vulnerability.id, &vulnerability.package), minutes));
        self.remember(repository, sights);
    }

    /// Takes these in; where one is known already the earlier time stays.
    pub(super) fn remember(&mut self, repository: &Arc<str>, sights: impl Iterator<Item = FirstSight>) {
        self.remember_within(MOST, repository, sights);
    }

    fn remember_within(
        &mut self,
        most: usize,
        repository: &Arc<str>,
        sights: impl Iterator<Item = FirstSight>,
    ) {
        let known = self.repositories.get(repository).map_or(&[][..], |known| known);
        let is_new =
            |sight: &FirstSight| find(known, sight.key).is_none_or(|known| sight.minutes < known.minutes);
        // Those that are known already take no more room with an earlier time.
        let mut room = most.saturating_sub(self.count);
        let mut has_room = |sight: &FirstSight| {
            let is_known = find(known, sight.key).is_some();
            let has_room = is_known || room > 0;
            room -= usize::from(has_room && !is_known);
            has_room
        };
        let mut new: Vec<_> = sights.filter(is_new).filter(|sight| has_room(sight)).collect();
        if new.is_empty() {
            return;
        }
        let before = known.len();
        new.extend(known);
        // Of one key the earliest comes first, and stays.
        new.sort_unstable_by_key(|sight| (sight.key, sight.minutes));
        new.dedup_by_key(|sight| sight.key);
        new.shrink_to_fit();
        self.count = self.count + new.len() - before;
        Arc::make_mut(&mut self.repositories).insert(repository.clone(), new.into());
    }

    pub(super) fn of(&self, repository: &str, id: &str, package: &str) -> Option<Timestamp> {
        let key = FirstSight::new(key(id, package), 0).key;
        let found = find(self.repositories.get(repository)?, key)?;
        Timestamp::from_second(i64::from(found.minutes) * 60).ok()
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &[FirstSight])> {
        self.repositories.iter().map(|(repository, sights)| (&**repository, &***sights))
    }
}

/// Whether anybody could be late with it: what is rated low has no term.
fn has_term(rating: Rating) -> bool {
    rating.counts_as() >= Some(Severity::Medium)
}

fn find(sights: &[FirstSight], key: [u32; 2]) -> Option<FirstSight> {
    let position = sights.binary_search_by_key(&key, |sight| sight.key).ok()?;
    sights.get(position).copied()
}

/// FNV-1a over vulnerability and package: written out here, for it must never change.
fn key(id: &str, package: &str) -> u64 {
    let bytes = id.bytes().chain([0]).chain(without_version(package).bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A package whatever its version: the flaw stays the same flaw when a rebuild brings another one that has it too.
fn without_version(package: &str) -> &str {
    let path = package.split(['?', '#']).next().unwrap_or(package);
    // The `@` of a scope, as in `pkg:npm/@angular/core`, begins no version.
    match path.rsplit_once('@') {
        Some((name, version)) if !version.contains('/') && !name.is_empty() => name,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_its_bound_nothing_new_is_kept_and_what_is_known_may_still_move_back() {
        let mut ledger = FirstSeen::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let sights =
            |range: std::ops::Range<u64>, minutes| range.map(move |key| FirstSight::new(key, minutes));
        ledger.remember_within(100, &one, sights(0..99, 100));
        ledger.remember_within(100, &other, sights(0..10, 100));
        assert_eq!((ledger.count, ledger.repositories[&other].len()), (100, 1));
        ledger.remember_within(100, &one, sights(0..5, 50));
        assert_eq!((ledger.count, find(&ledger.repositories[&one], [0, 3]).unwrap().minutes), (100, 50));
        ledger.remember_within(100, &other, sights(5..10, 50));
        assert_eq!((ledger.count, ledger.repositories[&other].len()), (100, 1));
    }
}
