//! Which image is to be asked about next, and what is known of each: a plain state machine, told the time.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, hash_map::Entry as Slot},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;

use super::{Ages, Standing};
use crate::{
    inventory::image_evidence::{Asked, Attested, RegistryEvidence, Tagged},
    object::{Digest, ImagePrefix, ImageReference},
};

/// Names one thing to ask: `registry/repository:tag`, or `registry/repository@digest`.
pub(super) type Key = Arc<str>;

/// One thing to ask.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: Key,
    /// With a digest its documents are wanted, without one the digest of its tag.
    pub(super) image: ImageReference,
}

/// What came of a job.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Tag(Digest),
    Image(Arc<Attested>),
}

/// How many images are kept; beyond it the one that nobody wanted for longest goes.
const MOST: usize = 20_000;

/// How many jobs run at once at one registry: a slow one holds up no other.
const PER_REGISTRY: usize = 8;

#[derive(Debug)]
struct Entry {
    image: ImageReference,
    answer: Option<(Answer, Timestamp)>,
    /// Why it could not be asked the last time.
    trouble: Option<Arc<str>>,
    /// Since when it is wanted without an answer, or in trouble.
    since: Timestamp,
    /// Answers without news in a row, or failures in a row.
    streak: u32,
    next: Timestamp,
    runs: bool,
    wanted: Timestamp,
}

/// Everything that is asked about.
#[derive(Debug)]
pub(super) struct Schedule {
    ages: Ages,
    entries: HashMap<Key, Entry>,
    /// Those that do not run, by the time at which they are due.
    due: BTreeSet<(Timestamp, Key)>,
    running: HashMap<String, usize>,
}

impl Schedule {
    pub(super) fn new(ages: Ages) -> Self {
        Self { ages, entries: HashMap::new(), due: BTreeSet::new(), running: HashMap::new() }
    }

    /// Somebody asks about this image. Says whether it is new.
    pub(super) fn want(&mut self, image: &ImageReference, now: Timestamp) -> Wanted {
        let key = key(image);
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.wanted = now;
            return Wanted::Known;
        }
        let evicted = if self.entries.len() >= MOST { self.evict() } else { None };
        let entry = Entry {
            image: image.clone(),
            answer: None,
            trouble: None,
            since: now,
            streak: 0,
            next: now,
            runs: false,
            wanted: now,
        };
        self.due.insert((now, key.clone()));
        self.entries.insert(key, entry);
        Wanted::New { evicted }
    }

    /// What was known of an image at an earlier start. Its registry is asked again soon.
    pub(super) fn restore(&mut self, image: &ImageReference, attested: Arc<Attested>, now: Timestamp) {
        self.want(image, now);
        if let Some(entry) = self.entries.get_mut(&key(image)) {
            let asked_at = attested.asked_at;
            entry.answer = Some((Answer::Image(attested), asked_at));
        }
    }

    /// What is to be asked now. Each counts as running until it is [`done`](Self::done).
    pub(super) fn take_due(&mut self, now: Timestamp, most: usize) -> Vec<Job> {
        let mut jobs = Vec::new();
        let ready: Vec<_> = self.due.iter().take_while(|(at, _)| *at <= now).cloned().collect();
        for (at, key) in ready {
            if jobs.len() >= most {
                break;
            }
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            let busy = self.running.entry(entry.image.registry.clone()).or_default();
            if *busy >= PER_REGISTRY {
                continue;
            }
            *busy += 1;
            entry.runs = true;
            self.due.remove(&(at, key.clone()));
            jobs.push(Job { key, image: entry.image.clone() });
        }
        jobs
    }

    /// When something is due next.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes in what came of a job; at `retry_after` the registry wants to be asked again at the earliest.
    pub(super) fn done(
        &mut self,
        job: &Job,
        result: Result<Answer, (String, Option<Duration>)>,
        now: Timestamp,
    ) {
        if let Slot::Occupied(mut busy) = self.running.entry(job.image.registry.clone()) {
            *busy.get_mut() = busy.get().saturating_sub(1);
            if *busy.get() == 0 {
                busy.remove();
            }
        }
        let Some(entry) = self.entries.get_mut(&job.key) else { return };
        entry.runs = false;
        let pause = match result {
            Ok(answer) => entry.answered(answer, now, &self.ages),
            Err((reason, retry_after)) => {
                let pause = entry.failed(reason, now, &self.ages);
                retry_after.map_or(pause, |least| pause.max(least.min(self.ages.refresh)))
            }
        };
        entry.next = later(now, jittered(pause, &job.key));
        self.due.insert((entry.next, job.key.clone()));
    }

    /// Everything is to be asked again soon, as other keys or other registries count.
    pub(super) fn ask_all_again(&mut self, now: Timestamp) {
        for (key, entry) in &mut self.entries {
            if !entry.runs {
                self.due.remove(&(entry.next, key.clone()));
                entry.next = now;
                self.due.insert((now, key.clone()));
            }
        }
    }

    /// Lets go of what nobody wanted for long, and of what may no longer be asked; tells which.
    pub(super) fn forget(&mut self, now: Timestamp, covered: &[ImagePrefix]) -> Vec<Key> {
        let is_old = |entry: &Entry| now.duration_since(entry.wanted).unsigned_abs() > self.ages.forget;
        let is_covered = |entry: &Entry| covered.iter().any(|prefix| prefix.covers(&entry.image));
        let gone =
            self.entries.iter().filter(|(_, entry)| !entry.runs && (is_old(entry) || !is_covered(entry)));
        let gone: Vec<Key> = gone.map(|(key, _)| key.clone()).collect();
        for key in &gone {
            self.remove(key);
        }
        gone
    }

    /// What the checks are to know now.
    pub(super) fn evidence(&self, covered: &Arc<[ImagePrefix]>, now: Timestamp) -> RegistryEvidence {
        let mut evidence = RegistryEvidence { covered: covered.clone(), ..RegistryEvidence::default() };
        for (key, entry) in &self.entries {
            match &entry.image.digest {
                None => {
                    evidence.tags.insert(key.clone(), entry.tagged(now, &self.ages));
                }
                Some(digest) => {
                    let here = (entry.image.name().into(), entry.asked(now, &self.ages));
                    evidence.images.entry(digest.clone()).or_default().push(here);
                }
            }
        }
        evidence
    }

    /// How far the asking has come.
    pub(super) fn standing(&self, now: Timestamp) -> Standing {
        let mut standing = Standing::default();
        for entry in self.entries.values() {
            match (entry.counting(now, &self.ages), &entry.trouble) {
                (Some(_), _) => standing.answered += 1,
                (None, Some(_)) => standing.failed += 1,
                (None, None) => standing.pending += 1,
            }
            if standing.trouble.is_none() {
                standing.trouble.clone_from(&entry.trouble);
            }
        }
        standing
    }

    /// Makes room: first goes what has no answer, then what nobody wanted for longest.
    fn evict(&mut self) -> Option<Key> {
        let idle = self.entries.iter().filter(|(_, entry)| !entry.runs);
        let (key, _) = idle.max_by_key(|(_, entry)| (entry.answer.is_none(), Reverse(entry.wanted)))?;
        let key = key.clone();
        self.remove(&key);
        Some(key)
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.due.remove(&(entry.next, key.clone()));
        }
    }
}

/// What became of a wish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Known,
    New { evicted: Option<Key> },
}

impl Entry {
    /// Takes an answer in; says how long it may stand.
    fn answered(&mut self, answer: Answer, now: Timestamp, ages: &Ages) -> Duration {
        let had_trouble = self.trouble.take().is_some();
        let is_empty = matches!(&answer, Answer::Image(attested) if attested.attestations.is_empty());
        self.streak = if had_trouble || self.answer.is_none() { 0 } else { self.streak.saturating_add(1) };
        let pause = match &answer {
            Answer::Tag(_) => ages.tag,
            // Whoever has just pushed an image signs it a moment later.
            Answer::Image(_) if is_empty => doubled(ages.retry, self.streak, ages.refresh),
            Answer::Image(_) => ages.refresh,
        };
        self.answer = Some((answer, now));
        pause
    }

    fn failed(&mut self, reason: String, now: Timestamp, ages: &Ages) -> Duration {
        if self.trouble.is_none() {
            self.streak = 0;
            self.since = now;
        }
        self.trouble = Some(reason.into());
        self.streak = self.streak.saturating_add(1);
        doubled(ages.retry, self.streak - 1, ages.longest_retry)
    }

    /// The answer, as long as it is young enough to count.
    fn counting(&self, now: Timestamp, ages: &Ages) -> Option<&(Answer, Timestamp)> {
        let keep = match &self.answer {
            Some((Answer::Tag(_), _)) => ages.keep_tag,
            _ => ages.keep,
        };
        self.answer.as_ref().filter(|(_, at)| now.duration_since(*at).unsigned_abs() <= keep)
    }

    fn asked(&self, now: Timestamp, ages: &Ages) -> Asked {
        match (self.counting(now, ages), &self.trouble) {
            (Some((Answer::Image(attested), _)), _) => Asked::Answered(attested.clone()),
            (_, Some(reason)) => {
                Asked::Failed { reason: reason.clone(), since: self.since, retry_at: self.next }
            }
            _ => Asked::Pending { since: self.since },
        }
    }

    fn tagged(&self, now: Timestamp, ages: &Ages) -> Tagged {
        match (self.counting(now, ages), &self.trouble) {
            (Some((Answer::Tag(digest), at)), _) => {
                Tagged::Resolved { digest: digest.clone(), asked_at: *at }
            }
            (_, Some(reason)) => {
                Tagged::Failed { reason: reason.clone(), since: self.since, retry_at: self.next }
            }
            _ => Tagged::Pending { since: self.since },
        }
    }
}

/// A digest wins over a tag, as in a pull.
pub(super) fn key(image: &ImageReference) -> Key {
    match (&image.digest, image.effective_tag()) {
        (Some(digest), _) => format!("{}@{digest}", image.name()).into(),
        (None, tag) => format!("{}:{}", image.name(), tag.unwrap_or_default()).into(),
    }
}

fn doubled(first: Duration, times: u32, most: Duration) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(20)).unwrap_or(u32::MAX)).min(most)
}

/// Up to a tenth shorter, the same for one key every time: what was asked at once is not asked at once again.
fn jittered(pause: Duration, key: &str) -> Duration {
    let share = BuildHasherDefault::<DefaultHasher>::default().hash_one(key) % 100;
    pause.saturating_sub(pause / 1_000 * u32::try_from(share).unwrap_or_default())
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.saturating_add(pause).unwrap_or(now)
}

#[cfg(test)]
mod tests;
