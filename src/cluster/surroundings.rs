//! Keeps the inventory current: follows what decisions depend on, and hands over snapshots as it changes.

mod feed;
mod state;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
    time::Instant,
};

pub use feed::Feed;
use state::State;

use super::{Bare, Cluster, News, Raw, Resources, follow};
use crate::{
    images::Reports,
    inventory::{Inventory, Marks},
    object::Object,
    telemetry::Metrics,
};

/// Changes are gathered for this long before they become a new snapshot.
const GATHER: Duration = Duration::from_millis(200);
/// How often ages are renewed, and how often custom resources are looked for that are not served yet.
const TICK: Duration = Duration::from_secs(5);
const LOOK_FOR_RESOURCES: Duration = Duration::from_secs(60);
/// The identities of the owners' violations are drawn anew this often: they depend on everything else too.
const REVIEW_OWNERS: Duration = Duration::from_secs(600);

/// Changes the inventory in force.
pub(super) type Install = dyn Fn(&dyn Fn(&mut Inventory)) + Send + Sync;
/// What stands for the violations that a controller object has under the policies in force.
pub(super) type Violations = dyn Fn(Object<'_>) -> Marks + Send + Sync;

/// What the outside gives to whoever keeps the inventory.
#[derive(Clone)]
pub struct Wiring {
    pub install: Arc<Install>,
    pub violations: Arc<Violations>,
    /// The scans of images that other sources tell of too.
    pub reports: Arc<Mutex<Reports>>,
    pub metrics: Arc<Metrics>,
}

/// What exists in the cluster, kept current until dropped.
pub struct Surroundings {
    shared: Arc<Shared>,
    again: watch::Sender<u64>,
    _tasks: JoinSet<()>,
}

struct Shared {
    state: Mutex<State>,
    changed: Notify,
    wiring: Wiring,
}

impl Surroundings {
    /// Begins to follow. What is known is handed over once everything is.
    pub fn start(cluster: &Cluster, wiring: Wiring) -> Self {
        let shared = Arc::new(Shared { state: Mutex::new(State::default()), changed: Notify::new(), wiring });
        let (again, never) = (watch::Sender::new(0), watch::Sender::new(0));
        let supervisor = Supervisor {
            shared: shared.clone(),
            client: cluster.client.clone(),
            again: again.clone(),
            never,
            tasks: JoinSet::new(),
            followed: BTreeMap::new(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(supervisor.run());
        tasks.spawn(hand_over(shared.clone()));
        Self { shared, again, _tasks: tasks }
    }

    /// Draws the identities of the owners' violations anew: policies have changed.
    pub fn review_owners(&self) {
        self.again.send_modify(|times| *times += 1);
    }

    /// For people: what is not known yet, what is not current, or that all is well.
    pub fn standing(&self) -> Standing {
        self.shared.state().standing(Timestamp::now())
    }
}

/// How well the surroundings are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not all was known yet since the start; what is missing.
    Beginning(String),
    /// What cannot be seen, or not now, and since when.
    Partial(String),
    Whole(String),
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves one object's change half-told at worst; the next listing tells it again.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in news of one feed.
    fn take(&self, feed: Feed, news: &News<'_>) {
        let drawn = match (feed, news) {
            (Feed::Kind(kind), News::Is(object)) if feed.owns() => {
                // Outside the lock: a decision takes longer than anything else here.
                object.read(kind).ok().map(|object| (self.wiring.violations)(object))
            }
            _ => None,
        };
        if feed == Feed::VulnerabilityReports {
            let mut reports = self.wiring.reports.lock().unwrap_or_else(PoisonError::into_inner);
            state::take_report(&mut reports, news);
        }
        self.state().take(feed, news, drawn, Timestamp::now());
        self.changed.notify_one();
    }
}

/// Hands a snapshot over whenever something has changed and everything is known.
async fn hand_over(shared: Arc<Shared>) {
    loop {
        // Ages grow without anything having changed.
        let _nothing_new = tokio::time::timeout(TICK, shared.changed.notified()).await.is_err();
        tokio::time::sleep(GATHER).await;
        let (now, wiring) = (Timestamp::now(), &shared.wiring);
        let mut state = shared.state();
        state.hand_over(&wiring.reports, &*wiring.install, now);
        state.show(&wiring.metrics.inventory, now);
    }
}

/// Sees to it that every feed that the cluster serves is followed.
struct Supervisor {
    shared: Arc<Shared>,
    client: kube::Client,
    again: watch::Sender<u64>,
    /// For feeds that are never told anew.
    never: watch::Sender<u64>,
    tasks: JoinSet<()>,
    followed: BTreeMap<Feed, AbortHandle>,
}

impl Supervisor {
    async fn run(mut self) {
        // Owners are judged amid everything else, so that everything else comes first.
        let mut phases = [Feed::WORLD, Feed::OWNERS].into_iter();
        let (mut feeds, mut looked): (Vec<Feed>, Option<Instant>) = (Vec::new(), None);
        let mut reviewed = Instant::now();
        loop {
            if feeds.is_empty() || self.shared.state().is_handed_over() {
                let more = phases.next().into_iter().flatten();
                let before = feeds.len();
                feeds.extend(more);
                looked = looked.filter(|_| feeds.len() == before);
            }
            if looked.is_none_or(|looked| looked.elapsed() > LOOK_FOR_RESOURCES) {
                match Resources::discover(&self.client).await {
                    Ok(resources) => {
                        looked = Some(Instant::now());
                        feeds.iter().for_each(|feed| self.begin(*feed, &resources));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the API server does not say what it serves");
                        self.shared.state().cannot_begin(&error.to_string());
                    }
                }
                self.shared.changed.notify_one();
            }
            if reviewed.elapsed() > REVIEW_OWNERS {
                reviewed = Instant::now();
                self.again.send_modify(|times| *times += 1);
            }
            let is_synced = self.shared.state().is_synced();
            let retry = if looked.is_some() { GATHER } else { TICK };
            tokio::time::sleep(if is_synced { TICK } else { retry }).await;
        }
    }

    /// Begins to follow a feed that is served and not followed yet.
    fn begin(&mut self, feed: Feed, resources: &Resources) {
        if self.followed.get(&feed).is_some_and(|task| !task.is_finished()) {
            return;
        }
        let Some(resource) = feed.resource(resources).cloned() else {
            self.shared.state().is_not_served(feed);
            return self.shared.wiring.metrics.inventory.unwatched(feed.name());
        };
        self.shared.state().begins(feed);
        let shared = self.shared.clone();
        let tell = move |news: News<'_>| shared.take(feed, &news);
        let again = if feed.owns() { self.again.subscribe() } else { self.never.subscribe() };
        let client = self.client.clone();
        let task = if feed.needs_metadata_alone() {
            self.tasks.spawn(follow::<Bare>(client, resource, again, tell))
        } else {
            self.tasks.spawn(follow::<Raw>(client, resource, again, tell))
        };
        self.followed.insert(feed, task);
    }
}
