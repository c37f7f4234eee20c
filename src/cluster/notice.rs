//! Tells people by Kubernetes Events what was denied, where they look for it: bounded, and never at the cost of a review.

mod bucket;
mod event;
mod ledger;

pub use event::Notice;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::events::v1::{Event, EventSeries},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use serde_json::json;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use uuid::Uuid;

use super::{Cluster, is_absent, is_conflict};
use ledger::{Act, Ledger, Repeat, Written};

/// Notices that wait to be written.
const QUEUE: usize = 256;

/// How long one answer of the API server may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long nothing is tried once the API server has failed.
const REST: Duration = Duration::from_secs(10);

/// How often it is looked for series to bring up to date.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Why a notice became no Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropped {
    /// Too many waited already.
    Queue,
    /// Too many were written lately.
    Rate,
    /// The API server is away or has no time.
    Unreachable,
    /// The namespace does not exist, or is on its way out.
    Namespace,
    /// The API server does not take it: the gate lacks the right, as a rule.
    Refused,
}

impl Dropped {
    const ALL: [Self; 5] = [Self::Queue, Self::Rate, Self::Unreachable, Self::Namespace, Self::Refused];

    const fn id(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Rate => "rate",
            Self::Unreachable => "unreachable",
            Self::Namespace => "namespace",
            Self::Refused => "refused",
        }
    }
}

/// What became of notices.
#[derive(Clone)]
struct Counts {
    written: IntCounter,
    dropped: IntCounterVec,
}

impl Counts {
    fn register(registry: &Registry) -> prometheus::Result<Self> {
        let written = IntCounter::new(
            "soc2gate_events_written_total",
            "Kubernetes Events written or brought up to date.",
        )?;
        let about =
            Opts::new("soc2gate_events_dropped_total", "Kubernetes Events that were not written, by reason.");
        let dropped = IntCounterVec::new(about, &["reason"])?;
        registry.register(Box::new(written.clone()))?;
        registry.register(Box::new(dropped.clone()))?;
        for reason in Dropped::ALL {
            dropped.with_label_values(&[reason.id()]);
        }
        Ok(Self { written, dropped })
    }

    fn dropped(&self, reason: Dropped, count: u64) {
        self.dropped.with_label_values(&[reason.id()]).inc_by(count);
    }
}

/// Where notices are handed in.
#[derive(Clone)]
pub struct Notices {
    queue: mpsc::Sender<Notice>,
    counts: Counts,
}

/// The other end: what writes them.
pub struct Writing {
    notices: mpsc::Receiver<Notice>,
    counts: Counts,
}

impl Notices {
    /// Where to hand in, and what must run for it.
    ///
    /// # Errors
    /// When its metrics are registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<(Self, Writing)> {
        let counts = Counts::register(registry)?;
        let (queue, notices) = mpsc::channel(QUEUE);
        Ok((Self { queue, counts: counts.clone() }, Writing { notices, counts }))
    }

    /// Hands in a notice without waiting. It is not even made where there is no room for it.
    pub fn offer(&self, notice: impl FnOnce() -> Notice) {
        match self.queue.try_reserve() {
            Ok(room) => room.send(notice()),
            Err(_) => self.counts.dropped(Dropped::Queue, 1),
        }
    }
}

impl Writing {
    /// Writes for ever.
    pub async fn run(mut self, cluster: Cluster) {
        let mut writer = Writer {
            cluster,
            counts: self.counts,
            ledger: Ledger::new(),
            begun: Instant::now(),
            rests_until: None,
            was_refused: false,
        };
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Some(notice) => writer.take(&notice).await,
                    None => return,
                },
                _ = look.tick() => writer.bring_up().await,
            }
        }
    }
}

struct Writer {
    cluster: Cluster,
    counts: Counts,
    ledger: Ledger,
    begun: Instant,
    rests_until: Option<Instant>,
    /// Whether it was logged that the API server does not take events.
    was_refused: bool,
}

impl Writer {
    async fn take(&mut self, notice: &Notice) {
        if self.rests() {
            return self.counts.dropped(Dropped::Unreachable, 1);
        }
        let now = Timestamp::now();
        let written = notice.written(&Uuid::now_v7().simple().to_string());
        match self.ledger.take(&notice.key, || written.clone(), self.begun.elapsed(), now) {
            Act::Count => {}
            Act::Drop(reason) => self.counts.dropped(reason, 1),
            Act::Write => {
                let event = notice.event(&self.cluster, &written, now);
                match self.create(&written, &event).await {
                    Ok(()) => self.counts.written.inc(),
                    Err(reason) => {
                        if reason == Dropped::Unreachable {
                            self.ledger.forget(&notice.key);
                        } else {
                            self.ledger.mute(&notice.key);
                        }
                        self.counts.dropped(reason, 1);
                    }
                }
            }
        }
    }

    async fn create(&mut self, written: &Written, event: &Event) -> Result<(), Dropped> {
        let api: Api<Event> = Api::namespaced(self.cluster.client.clone(), &written.namespace);
        let answer = tokio::time::timeout(PATIENCE, api.create(&PostParams::default(), event)).await;
        let error = match answer {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(self.judge(error.as_ref()))
    }

    /// Brings the series up to date that were seen again.
    async fn bring_up(&mut self) {
        if self.rests() {
            return;
        }
        let (due, dropped) = self.ledger.due(self.begun.elapsed());
        self.counts.dropped(Dropped::Rate, dropped);
        for Repeat { event, count, last } in due {
            if self.rests() {
                self.counts.dropped(Dropped::Unreachable, 1);
                continue;
            }
            let api: Api<Event> = Api::namespaced(self.cluster.client.clone(), &event.namespace);
            let series = EventSeries { count, last_observed_time: MicroTime(last) };
            let patch = Patch::Merge(json!({"series": series}));
            let params = PatchParams::default();
            match tokio::time::timeout(PATIENCE, api.patch(&event.name, &params, &patch)).await {
                Ok(Ok(_)) => self.counts.written.inc(),
                // It was deleted: that is no failure.
                Ok(Err(error)) if is_absent(&error) => self.ledger.gone(&event),
                Ok(Err(error)) => {
                    let reason = self.judge(Some(&error));
                    self.counts.dropped(reason, 1);
                }
                Err(_) => {
                    let reason = self.judge(None);
                    self.counts.dropped(reason, 1);
                }
            }
        }
    }

    fn rests(&self) -> bool {
        self.rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// What a failure means; none is no answer in time. An API server that fails is left in peace for a while.
    fn judge(&mut self, error: Option<&kube::Error>) -> Dropped {
        let reason = error.map_or(Dropped::Unreachable, meaning);
        match (reason, error) {
            (Dropped::Unreachable, _) => self.rests_until = Some(Instant::now() + REST),
            (Dropped::Refused, Some(error)) if !std::mem::replace(&mut self.was_refused, true) => {
                tracing::warn!(%error, "Kubernetes Events about denials are refused by the API server");
            }
            _ => {}
        }
        reason
    }
}

/// What an answer of the API server means for the notice.
fn meaning(error: &kube::Error) -> Dropped {
    let kube::Error::Api(status) = error else { return Dropped::Unreachable };
    match status.code {
        404 => Dropped::Namespace,
        // NamespaceLifecycle refuses everything new in a namespace on its way out.
        403 if status.message.contains("is being terminated") => Dropped::Namespace,
        429 | 500.. => Dropped::Unreachable,
        _ => Dropped::Refused,
    }
}

/// Writes one Event under a name that is always the same for the same occasion. True if nobody had written it before.
///
/// # Errors
/// As the API server's.
pub(super) async fn once(cluster: &Cluster, notice: &Notice, occasion: &str) -> kube::Result<bool> {
    let written = notice.written(occasion);
    let api: Api<Event> = Api::namespaced(cluster.client.clone(), &written.namespace);
    let event = notice.event(cluster, &written, Timestamp::now());
    match api.create(&PostParams::default(), &event).await {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn a_failure_is_told_by_what_can_be_done_about_it() {
        for (code, message, expected) in [
            (404, "namespaces \"shop\" not found", Dropped::Namespace),
            (
                403,
                "unable to create new content in namespace shop because it is being terminated",
                Dropped::Namespace,
            ),
            (403, "events.events.k8s.io is forbidden", Dropped::Refused),
            (422, "Event is invalid", Dropped::Refused),
            (429, "too many requests", Dropped::Unreachable),
            (503, "apiserver is shutting down", Dropped::Unreachable),
        ] {
            let status = Status { code, message: message.to_owned(), ..Status::default() };
            assert_eq!(meaning(&kube::Error::Api(Box::new(status))), expected, "{code} {message}");
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_and_not_even_made() {
        let (notices, _writing) = Notices::new(&Registry::new()).unwrap();
        let notice = || Notice::of_own("Test", "Test", Default::default(), "line");
        (0..QUEUE).for_each(|_| notices.offer(notice));
        notices.offer(|| panic!("made"));
        assert_eq!(notices.counts.dropped.with_label_values(&["queue"]).get(), 1);
    }
}
