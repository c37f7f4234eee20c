//! What is known so far, feed by feed: pure bookkeeping, told by whoever follows.

use std::{
    collections::{BTreeMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use super::{Feed, Install, Standing};
use crate::{
    cluster::{News, Raw},
    images::Reports,
    inventory::{ByNamespace, Marks, Source, Survey, Target, drop_from, put_into},
    object::Kind,
    telemetry::InventoryMetrics,
};

/// A watch that begins anew is out for a moment; only what lasts longer (s) is worth a word in every answer.
const WORTH_TELLING: i64 = 15;

/// Scans of images are gathered for longer (s): a snapshot of them costs more than all the rest.
const GATHER_REPORTS: i64 = 5;

/// Everything known, and how well.
#[derive(Default)]
pub(super) struct State {
    survey: Survey,
    owners: Arc<ByNamespace<Marks, Target>>,
    feeds: BTreeMap<Feed, Progress>,
    /// Why it is not even known what is served.
    trouble: Option<String>,
    has_changed: bool,
    /// Whether what comes first was handed over once.
    is_handed_over: bool,
    /// Whether all of it was. A resource that is served from now on takes nothing of it back.
    is_synced: bool,
    outdated_since: Option<Timestamp>,
    evidence: Evidence,
}

/// How one feed stands.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// Whether it was known in full once, or it is known that it cannot be.
    is_synced: bool,
    is_served: bool,
    /// Hashes of the names of what exists.
    objects: HashSet<u64>,
    /// Since when its changes are not told, and why.
    lost: Option<(Timestamp, String)>,
    /// Whether the gate's account may not ask.
    is_forbidden: bool,
}

/// The scans of images that the cluster tells of.
#[derive(Default)]
struct Evidence {
    is_told: bool,
    has_changed: bool,
    handed_over: Option<Timestamp>,
}

impl State {
    /// Takes in news of one feed. `violations` are those of the object itself, where its kind owns others.
    pub(super) fn take(&mut self, feed: Feed, news: &News<'_>, violations: Option<Marks>, now: Timestamp) {
        self.has_changed = true;
        let progress = self.feeds.entry(feed).or_default();
        match (news, feed) {
            (News::Is(object), _) => {
                progress.objects.insert(hash(object.namespace(), object.name()));
                match feed {
                    Feed::Kind(kind) => self.see(kind, object, violations),
                    Feed::VulnerabilityReports => self.evidence.has_changed = true,
                }
            }
            (News::Gone(namespace, name), Feed::Kind(kind)) => {
                progress.objects.remove(&hash(namespace, name));
                self.survey.forget(kind, namespace, name);
                if feed.owns() {
                    let own = (kind.name().to_owned(), (*name).to_owned());
                    drop_from(Arc::make_mut(&mut self.owners), namespace, &own);
                }
            }
            (News::Gone(namespace, name), Feed::VulnerabilityReports) => {
                progress.objects.remove(&hash(namespace, name));
                self.evidence.has_changed = true;
            }
            (News::Whole, _) => {
                (progress.is_synced, progress.lost, progress.is_forbidden) = (true, None, false);
                match feed {
                    Feed::Kind(kind) => self.survey.can_see(kind),
                    Feed::VulnerabilityReports => {
                        (self.evidence.is_told, self.evidence.has_changed) = (true, true);
                    }
                }
            }
            (News::Lost(reason) | News::Forbidden(reason), _) => {
                let since = progress.lost.as_ref().map_or(now, |(since, _)| *since);
                if progress.lost.is_none() {
                    tracing::warn!(resource = feed.name(), "changes are not told: {reason}");
                }
                progress.lost = Some((since, (*reason).to_owned()));
                progress.is_forbidden = matches!(news, News::Forbidden(_));
                if !progress.is_synced {
                    // Whoever may not look will not be told by waiting. What depends on it says that it cannot tell.
                    progress.is_synced = progress.is_forbidden;
                    if let Feed::Kind(kind) = feed {
                        self.survey.cannot_see(kind, format!("{} cannot be read: {reason}", feed.name()));
                    }
                }
            }
        }
    }

    fn see(&mut self, kind: Kind, object: &Raw, violations: Option<Marks>) {
        match object.read(kind) {
            Ok(seen) => self.survey.see(&seen),
            // The API server has checked its type, so that this is a mistake of ours.
            Err(error) => {
                let (namespace, name) = (object.namespace(), object.name());
                tracing::error!(
                    resource = kind.resource(),
                    namespace,
                    name,
                    "an object cannot be read: {error}"
                );
            }
        }
        let Some(violations) = violations else { return };
        let own = (kind.name().to_owned(), object.name().to_owned());
        let owners = Arc::make_mut(&mut self.owners);
        if violations.is_empty() {
            drop_from(owners, object.namespace(), &own);
        } else {
            put_into(owners, object.namespace(), own, violations);
        }
    }

    /// A feed is about to be followed.
    pub(super) fn begins(&mut self, feed: Feed) {
        self.trouble = None;
        let progress = self.feeds.entry(feed).or_default();
        // One that was not served until now has not been told yet.
        if !progress.is_served {
            *progress = Progress { is_served: true, ..Progress::default() };
        }
    }

    /// The cluster has no such resource: nothing of it exists.
    pub(super) fn is_not_served(&mut self, feed: Feed) {
        self.trouble = None;
        let before = self.feeds.insert(feed, Progress { is_synced: true, ..Progress::default() });
        self.has_changed |= before.is_none_or(|before| before.is_served);
        match feed {
            Feed::Kind(kind) => self.survey.can_see(kind),
            Feed::VulnerabilityReports => self.evidence.is_told = false,
        }
    }

    pub(super) fn cannot_begin(&mut self, reason: &str) {
        self.trouble = Some(reason.to_owned());
    }

    pub(super) fn are_synced<'f>(&self, feeds: impl IntoIterator<Item = &'f Feed>) -> bool {
        feeds.into_iter().all(|feed| self.feeds.get(feed).is_some_and(|progress| progress.is_synced))
    }

    pub(super) fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Whether what comes first can be relied on by what is judged amid it.
    pub(super) fn is_handed_over(&self) -> bool {
        self.is_handed_over
    }

    /// Hands over what is known, if all that comes first is known and anything has changed.
    pub(super) fn hand_over(&mut self, reports: &Mutex<Reports>, install: &Install, now: Timestamp) {
        let outdated_since = self.outdated_since(now);
        let is_due = self.has_changed || outdated_since != self.outdated_since;
        let is_known = self.is_handed_over || self.are_synced(Feed::WORLD);
        if !is_due || !is_known {
            return;
        }
        self.outdated_since = outdated_since;
        install(&|known| {
            *known = self.survey.inventory(std::mem::take(known));
            known.owners = Source::Ready(self.owners.clone());
            known.outdated_since = outdated_since;
        });
        self.evidence.hand_over(reports, install, now);
        (self.has_changed, self.is_handed_over) = (self.evidence.has_changed, true);
        self.is_synced |= self.are_synced(Feed::WORLD) && self.are_synced(Feed::OWNERS);
    }

    /// Since when a part may be out of date, once that is worth telling.
    fn outdated_since(&self, now: Timestamp) -> Option<Timestamp> {
        let lost = self.feeds.values().filter_map(|progress| Some(progress.lost.as_ref()?.0));
        lost.min().filter(|since| now.as_second() - since.as_second() >= WORTH_TELLING)
    }

    /// Shows in the metrics how every feed stands.
    pub(super) fn show(&self, metrics: &InventoryMetrics, now: Timestamp) {
        for (feed, progress) in self.feeds.iter().filter(|(_, progress)| progress.is_served) {
            let lost = progress.lost.as_ref();
            let age = lost.map_or(0, |(since, _)| (now.as_second() - since.as_second()).max(0));
            let up = progress.is_synced && lost.is_none();
            metrics.resource(feed.name(), up, age, progress.objects.len());
        }
        metrics.synced.set(i64::from(self.is_synced()));
    }

    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        if !self.is_synced() {
            let unknown = Feed::all()
                .filter(|feed| !self.feeds.get(feed).is_some_and(|progress| progress.is_synced))
                .map(|feed| match self.feeds.get(&feed).and_then(|progress| progress.lost.as_ref()) {
                    Some((_, reason)) => format!("{} ({reason})", feed.name()),
                    None => feed.name().to_owned(),
                });
            let unknown: Vec<_> = self.trouble.iter().cloned().chain(unknown).collect();
            return Standing::Beginning(format!("not known yet: {}", unknown.join(", ")));
        }
        let lost = self.feeds.iter().filter_map(|(feed, progress)| {
            let (since, reason) = progress.lost.as_ref()?;
            let age = now.as_second() - since.as_second();
            let is_worth_it = progress.is_forbidden || age >= WORTH_TELLING;
            is_worth_it.then(|| format!("{} since {age} s ({reason})", feed.name()))
        });
        let lost: Vec<_> = lost.collect();
        if !lost.is_empty() {
            return Standing::Partial(format!("decided on what was known before: {}", lost.join(", ")));
        }
        let served = self.feeds.values().filter(|progress| progress.is_served);
        let (count, objects) =
            served.fold((0, 0), |(count, objects), one| (count + 1, objects + one.objects.len()));
        Standing::Whole(format!("{objects} objects of {count} resources are known"))
    }
}

impl Evidence {
    /// Hands over the scans of images, from whomever they are. Others put newer ones in force at any time, so that they
    /// are never handed over from memory.
    fn hand_over(&mut self, reports: &Mutex<Reports>, install: &Install, now: Timestamp) {
        let is_early = self.handed_over.is_some_and(|at| now.as_second() - at.as_second() < GATHER_REPORTS);
        if !self.is_told || !self.has_changed || is_early {
            return;
        }
        let mut reports = reports.lock().unwrap_or_else(PoisonError::into_inner);
        let evidence = reports.snapshot();
        install(&|known| known.image_evidence = evidence.clone());
        (self.has_changed, self.handed_over) = (false, Some(now));
    }
}

/// Takes what a VulnerabilityReport says to the other scans of images, under a name of its own.
pub(super) fn take_report(reports: &mut Reports, news: &News<'_>) {
    let file =
        |namespace: &str, name: &str| PathBuf::from(format!("vulnerabilityreports/{namespace}/{name}.json"));
    match news {
        News::Is(report) => {
            reports.apply(&file(report.namespace(), report.name()), report.json().as_bytes());
        }
        News::Gone(namespace, name) => reports.remove(&file(namespace, name)),
        News::Whole | News::Lost(_) | News::Forbidden(_) => {}
    }
}

fn hash(namespace: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (namespace, name).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
