//! Collects what the webhook and the scan see, without ever holding up a review, and writes it down once a minute.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use jiff::civil::Date;
use prometheus::{IntCounter, Registry};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{News, Store, StoreError, today};

/// Sightings that wait to be taken in. What was seen already does not come this far.
const QUEUE: usize = 4_096;

/// The least time between two snapshots of what was seen, which bounds the cost of making them.
const PAUSE: Duration = Duration::from_millis(100);

const WRITE_EVERY: Duration = Duration::from_secs(60);

/// The most pairs of a check and a namespace, and the most namespaces, that one replica notes.
const MOST_PAIRS: usize = 200_000;
const MOST_NAMESPACES: usize = 50_000;

/// Told by whoever sees something.
pub struct Observer {
    seen: ArcSwap<Seen>,
    queue: mpsc::Sender<Item>,
    is_incomplete: AtomicBool,
    dropped: IntCounter,
}

/// What was seen on a day so far: of each namespace the checks that found something.
struct Seen {
    day: Date,
    namespaces: HashMap<Box<str>, Arc<HashSet<&'static str>>>,
}

enum Item {
    Sighting { namespace: Box<str>, day: Date, checks: Vec<&'static str> },
    Flush(oneshot::Sender<()>),
}

/// The other end: what takes in, and writes.
pub struct Collecting {
    observer: Arc<Observer>,
    items: mpsc::Receiver<Item>,
    found: BTreeMap<(&'static str, String), Date>,
    namespaces: BTreeMap<String, Date>,
    /// Whether the last write failed: it is told once, and once again when it is over.
    failed: bool,
}

impl Observer {
    /// An observer, and what must run for it.
    ///
    /// # Errors
    /// When its metric is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<(Arc<Self>, Collecting)> {
        let help =
            "Findings that could not be noted for `soc2gate ramp`: their day then counts as not watched.";
        let dropped = IntCounter::new("soc2gate_observations_dropped_total", help)?;
        registry.register(Box::new(dropped.clone()))?;
        let (queue, items) = mpsc::channel(QUEUE);
        let seen = Seen { day: today(), namespaces: HashMap::new() };
        let observer = Arc::new(Self {
            seen: ArcSwap::from_pointee(seen),
            queue,
            is_incomplete: AtomicBool::new(false),
            dropped,
        });
        let collecting = Collecting {
            observer: observer.clone(),
            items,
            found: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            failed: false,
        };
        Ok((observer, collecting))
    }

    /// Takes note of a decision about an object of a namespace (empty for none) without waiting: `checks` found
    /// something in it that no exemption covers.
    pub fn saw(&self, namespace: &str, checks: impl Iterator<Item = &'static str>) {
        if !is_namespace(namespace) {
            return;
        }
        let (day, seen) = (today(), self.seen.load());
        let known = (seen.day == day).then(|| seen.namespaces.get(namespace)).flatten();
        let is_known = |check: &&'static str| known.is_some_and(|known| known.contains(check));
        let mut checks: Vec<_> = checks.filter(|check| !is_known(check)).collect();
        if known.is_some() && checks.is_empty() {
            return;
        }
        checks.dedup();
        if self.queue.try_send(Item::Sighting { namespace: namespace.into(), day, checks }).is_err() {
            self.lost();
        }
    }

    /// Takes note of everything that a scan has seen: of each namespace there is, and of what is in none, the checks that
    /// found something that no exemption covers. Waits for room, so that nothing is lost.
    pub async fn scanned(&self, found: BTreeMap<String, BTreeSet<&'static str>>) {
        for (namespace, checks) in found {
            if is_namespace(&namespace) {
                let (namespace, checks) = (namespace.into(), checks.into_iter().collect());
                // Whoever collects is gone: the program ends.
                let _ = self.queue.send(Item::Sighting { namespace, day: today(), checks }).await;
            }
        }
    }

    /// Has everything written down now. Returns when that was tried.
    pub async fn flush(&self) {
        let (done, waiting) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).await.is_ok() {
            let _ = waiting.await;
        }
    }

    fn lost(&self) {
        self.dropped.inc();
        self.is_incomplete.store(true, Ordering::Relaxed);
    }
}

impl Collecting {
    /// Collects for ever. `checks` tells what is in force.
    pub async fn run(mut self, store: Store, checks: impl Fn() -> Vec<&'static str>) {
        let mut writing = interval_at(Instant::now() + WRITE_EVERY, WRITE_EVERY);
        writing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut items = Vec::new();
        loop {
            tokio::select! {
                received = self.items.recv_many(&mut items, QUEUE) => {
                    if received == 0 {
                        return;
                    }
                    let flushes = self.take(items.drain(..));
                    if !flushes.is_empty() {
                        self.write(&store, checks()).await;
                        // Whoever asked may have stopped waiting.
                        for done in flushes {
                            let _ = done.send(());
                        }
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                _ = writing.tick() => self.write(&store, checks()).await,
            }
        }
    }

    fn take(&mut self, items: impl Iterator<Item = Item>) -> Vec<oneshot::Sender<()>> {
        let (mut flushes, mut fresh) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Flush(done) => flushes.push(done),
                Item::Sighting { namespace, day, checks } => {
                    if self.note(&namespace, day, &checks) {
                        fresh.push((namespace, day, checks));
                    } else {
                        self.observer.lost();
                    }
                }
            }
        }
        if !fresh.is_empty() {
            self.publish(fresh);
        }
        flushes
    }

    /// Takes in one sighting; false if there is no room.
    fn note(&mut self, namespace: &str, day: Date, checks: &[&'static str]) -> bool {
        if self.found.len() + checks.len() > MOST_PAIRS || self.namespaces.len() >= MOST_NAMESPACES {
            return false;
        }
        if !namespace.is_empty() {
            self.namespaces.entry(namespace.to_owned()).or_insert(day);
        }
        for check in checks {
            self.found.insert((check, namespace.to_owned()), day);
        }
        true
    }

    /// Lets those who see things know what need not be told again on this day.
    fn publish(&self, fresh: Vec<(Box<str>, Date, Vec<&'static str>)>) {
        let seen = self.observer.seen.load();
        let day = fresh.iter().map(|(_, day, _)| *day).fold(seen.day, Date::max);
        let mut namespaces = if seen.day == day { seen.namespaces.clone() } else { HashMap::new() };
        for (namespace, _, checks) in fresh.into_iter().filter(|(_, seen_on, _)| *seen_on == day) {
            Arc::make_mut(namespaces.entry(namespace).or_default()).extend(checks);
        }
        self.observer.seen.store(Arc::new(Seen { day, namespaces }));
    }

    async fn write(&mut self, store: &Store, checks: Vec<&'static str>) {
        let today = today();
        let is_incomplete = self.observer.is_incomplete.swap(false, Ordering::Relaxed);
        let news = News {
            today,
            checks,
            namespaces: self.namespaces.clone(),
            found: self.found.clone(),
            is_incomplete,
        };
        match store.update(|record| record.take(&news)).await {
            Ok(()) => {
                // Today's are written again every time: somebody may delete the ConfigMap.
                self.found.retain(|_, day| *day >= today);
                if std::mem::take(&mut self.failed) {
                    tracing::info!("what was observed is written down again");
                }
            }
            Err(error) => {
                if is_incomplete {
                    self.observer.is_incomplete.store(true, Ordering::Relaxed);
                }
                self.tell(&error);
            }
        }
    }

    fn tell(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.failed, true) {
            tracing::warn!(%error, "what was observed is not written down yet; it is tried every minute");
        }
    }
}

/// Whether it can be a namespace (RFC 1123 label) or none: a name takes room in the record, and anybody may post one.
fn is_namespace(name: &str) -> bool {
    name.len() <= 63
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !name.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Arc<Observer>, Collecting) {
        Observer::new(&Registry::new()).unwrap()
    }

    fn drain(collecting: &mut Collecting) -> usize {
        let mut items = Vec::new();
        while let Ok(item) = collecting.items.try_recv() {
            items.push(item);
        }
        let count = items.len();
        collecting.take(items.into_iter());
        count
    }

    #[test]
    fn what_was_seen_on_a_day_is_told_once() {
        let (observer, mut collecting) = pair();
        observer.saw("shop", ["host-port"].into_iter());
        observer.saw("shop", ["host-port"].into_iter());
        assert_eq!(drain(&mut collecting), 2, "not known yet");
        observer.saw("shop", ["host-port"].into_iter());
        observer.saw("shop", [].into_iter());
        assert_eq!(drain(&mut collecting), 0);
        observer.saw("shop", ["host-port", "root-user"].into_iter());
        observer.saw("", ["cluster-admin-binding"].into_iter());
        assert_eq!(drain(&mut collecting), 2);
        let found: Vec<_> =
            collecting.found.keys().map(|(check, namespace)| (*check, &**namespace)).collect();
        assert_eq!(found, [("cluster-admin-binding", ""), ("host-port", "shop"), ("root-user", "shop")]);
        assert_eq!(collecting.namespaces.keys().collect::<Vec<_>>(), ["shop"]);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_spoils_the_day() {
        let (observer, _collecting) = pair();
        for n in 0..QUEUE + 3 {
            observer.saw(&format!("namespace-{n}"), [].into_iter());
        }
        assert_eq!(observer.dropped.get(), 3);
        assert!(observer.is_incomplete.load(Ordering::Relaxed));
    }

    #[test]
    fn a_name_that_no_namespace_has_takes_no_room() {
        let (observer, mut collecting) = pair();
        for name in ["Shop", "a b", "-", "a\nb", &"a".repeat(64)] {
            observer.saw(name, ["host-port"].into_iter());
        }
        assert_eq!(drain(&mut collecting), 0);
    }
}
