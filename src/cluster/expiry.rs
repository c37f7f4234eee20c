//! Tells people in time that an exemption ends, once for each of a few days before and once when it has ended.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{Api, api::ListParams, core::DynamicObject};
use prometheus::{IntGaugeVec, Opts, Registry};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    Cluster, Leadership, Notice, Record, Store, StoreError, definitions::exemption_resource, is_absent,
    notice,
};
use crate::policy::{API_VERSION, Exemption};

/// So many days before the end.
const DAYS: [i64; 3] = [1, 7, 14];

/// How often it is looked, which is how late people may be told.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How soon it is tried again when that failed.
const AGAIN: Duration = Duration::from_secs(60);

/// What was told is remembered for so long after the end. In days.
const REMEMBERED: i64 = 30;

/// The most that is remembered as told.
const MOST_TOLD: usize = 2_000;

/// How near its end an exemption is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// At most so many days are left.
    Within(i64),
    Over,
}

impl Step {
    /// The last step that was reached; none as long as the end is far.
    fn reached(expires: Timestamp, now: Timestamp) -> Option<Self> {
        let left = expires.duration_since(now);
        if left <= SignedDuration::ZERO {
            return Some(Self::Over);
        }
        DAYS.into_iter().find(|days| left <= SignedDuration::from_hours(24 * days)).map(Self::Within)
    }

    fn id(self) -> String {
        match self {
            Self::Within(days) => format!("{days}d"),
            Self::Over => "over".to_owned(),
        }
    }

    const fn reason(self) -> &'static str {
        match self {
            Self::Within(_) => "ExemptionExpiring",
            Self::Over => "ExemptionExpired",
        }
    }
}

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Telling {
    exemption: String,
    step: Step,
    expires: Timestamp,
    line: String,
}

impl Telling {
    /// How the record remembers that it was told: name, end, step. An exemption that was prolonged is told anew.
    fn key(&self) -> String {
        format!("{} {} {}", self.exemption, self.expires, self.step.id())
    }

    /// What tells its Event from others, the same for every replica and after every start.
    fn occasion(&self) -> String {
        format!("expiry-{}-{:x}", self.step.id(), self.expires.as_second())
    }
}

/// What is to be told now.
fn due<'e>(exemptions: impl Iterator<Item = &'e Exemption>, told: &Record, now: Timestamp) -> Vec<Telling> {
    let tellings = exemptions.filter_map(|exemption| {
        let step = Step::reached(exemption.expires, now)?;
        let Exemption { name, check, ticket, expires, .. } = exemption;
        // What ended long ago is no news.
        if now.duration_since(*expires) > SignedDuration::from_hours(24 * REMEMBERED) {
            return None;
        }
        let line = match step {
            Step::Over => format!(
                "The exemption {name} from {check} ended at {expires}: what it covered counts again. Delete it, or have a \
                 new one approved ({ticket})."
            ),
            Step::Within(_) => format!(
                "The exemption {name} from {check} ends at {expires}: mend what it covers, or have it prolonged in time \
                 ({ticket})."
            ),
        };
        Some(Telling { exemption: name.clone(), step, expires: *expires, line })
    });
    tellings.filter(|telling| !told.told.contains(&telling.key())).collect()
}

/// Remembers what was told, and forgets what nobody could be told again.
fn remember(record: &mut Record, told: &[Telling], now: Timestamp) {
    record.told.extend(told.iter().map(Telling::key));
    let is_news = |line: &String| {
        let expires = line.split_whitespace().nth(1).and_then(|expires| expires.parse::<Timestamp>().ok());
        // An hour more than it is told for, or clocks that differ would have it told again.
        expires.is_some_and(|expires| {
            now.duration_since(expires) <= SignedDuration::from_hours(24 * REMEMBERED + 1)
        })
    };
    record.told.retain(is_news);
    while record.told.len() > MOST_TOLD {
        record.told.pop_first();
    }
}

/// What runs on every replica: it counts there, and tells where it leads.
pub struct Expiry {
    left: IntGaugeVec,
}

impl Expiry {
    /// # Errors
    /// When its metric is registered already.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let about = Opts::new(
            "soc2gate_exemptions_expiring",
            "Exemptions that end within so many days, or have ended (within=\"over\").",
        );
        let left = IntGaugeVec::new(about, &["within"])?;
        registry.register(Box::new(left.clone()))?;
        Ok(Self { left })
    }

    /// Looks for ever. `exemptions` tells what is in force.
    pub async fn run(
        self,
        cluster: Cluster,
        leadership: Leadership,
        exemptions: impl Fn() -> Vec<Exemption> + Send + Sync,
    ) {
        let store = Store::of(&cluster);
        // What this replica knows to have been told: it asks the API server only about what it does not know.
        let mut known = Record::default();
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut not_before = Instant::now();
        loop {
            look.tick().await;
            let (all, now) = (exemptions(), Timestamp::now());
            self.count(&all, now);
            if !leadership.is_ours() || Instant::now() < not_before {
                continue;
            }
            if let Err(error) = tell(&cluster, &store, &mut known, &all, now).await {
                tracing::warn!(%error, "who must know that an exemption ends is not told yet; it is tried again");
                not_before = Instant::now() + AGAIN;
            }
        }
    }

    fn count(&self, exemptions: &[Exemption], now: Timestamp) {
        let steps = DAYS.map(Step::Within).into_iter().chain([Step::Over]);
        for step in steps {
            let is_at = |exemption: &&Exemption| Step::reached(exemption.expires, now) == Some(step);
            let count = exemptions.iter().filter(is_at).count();
            let gauge = self.left.with_label_values(&[&step.id()]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// Why somebody was not told.
#[derive(Debug, thiserror::Error)]
enum Untold {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the API server: {0}")]
    Api(#[from] kube::Error),
}

async fn tell(
    cluster: &Cluster,
    store: &Store,
    known: &mut Record,
    exemptions: &[Exemption],
    now: Timestamp,
) -> Result<(), Untold> {
    if due(exemptions.iter(), known, now).is_empty() {
        return Ok(());
    }
    // Another replica may have told it, or this one before it was started anew.
    let told = match store.read().await {
        Err(StoreError::Damaged(_)) => Record::default(),
        read => read?.unwrap_or_default(),
    };
    known.told.extend(told.told);
    let due = due(exemptions.iter(), known, now);
    if due.is_empty() {
        return Ok(());
    }
    let objects = objects(cluster).await?;
    for telling in &due {
        let Telling { exemption, step, line, .. } = telling;
        match objects.get(exemption) {
            Some(uid) => {
                let notice = Notice::of_own(step.reason(), "Expire", regarding(exemption, uid.clone()), line);
                notice::once(cluster, &notice, &telling.occasion()).await?;
            }
            // One that comes from a file has no object that an Event could be about.
            None => tracing::warn!(exemption, within = step.id(), "{line}"),
        }
        remember(known, std::slice::from_ref(telling), now);
    }
    Ok(store.update(|record| remember(record, &due, now)).await?)
}

/// The exemptions that are objects of the cluster, with their uids; none where the kind is not defined.
async fn objects(cluster: &Cluster) -> kube::Result<BTreeMap<String, Option<String>>> {
    let api: Api<DynamicObject> = Api::all_with(cluster.client.clone(), &exemption_resource());
    let listed = match api.list_metadata(&ListParams::default()).await {
        Ok(listed) => listed.items,
        Err(error) if is_absent(&error) => Vec::new(),
        Err(error) => return Err(error),
    };
    let named = |metadata: ObjectMeta| Some((metadata.name?, metadata.uid));
    Ok(listed.into_iter().filter_map(|object| named(object.metadata)).collect())
}

fn regarding(exemption: &str, uid: Option<String>) -> ObjectReference {
    ObjectReference {
        api_version: Some(API_VERSION.to_owned()),
        kind: Some("Exemption".to_owned()),
        name: Some(exemption.to_owned()),
        uid,
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Subject;

    fn at(days_left: f64) -> (Exemption, Timestamp) {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        #[expect(clippy::cast_possible_truncation, reason = "whole seconds are enough for a test")]
        let seconds = (days_left * 86_400.0) as i64;
        let exemption = Exemption {
            name: "node-exporter".to_owned(),
            check: "host-namespace".to_owned(),
            subject: Subject::default(),
            reason: String::new(),
            ticket: "OPS-1".to_owned(),
            requested_by: String::new(),
            approved_by: String::new(),
            starts: None,
            expires: now + SignedDuration::from_secs(seconds),
        };
        (exemption, now)
    }

    #[test]
    fn people_are_told_two_weeks_a_week_and_a_day_before_and_at_the_end() {
        for (days_left, expected) in [
            (14.1, None),
            (14.0, Some("14d")),
            (7.1, Some("14d")),
            (7.0, Some("7d")),
            (1.1, Some("7d")),
            (1.0, Some("1d")),
            (0.01, Some("1d")),
            (0.0, Some("over")),
            (-29.0, Some("over")),
            (-31.0, None),
        ] {
            let (exemption, now) = at(days_left);
            let due = due([&exemption].into_iter(), &Record::default(), now);
            let step = due.first().map(|telling| telling.step.id());
            assert_eq!(step.as_deref(), expected, "{days_left}");
        }
    }

    #[test]
    fn nobody_is_told_twice_unless_the_exemption_was_prolonged() {
        let (exemption, now) = at(6.0);
        let mut record = Record::default();
        let first = due([&exemption].into_iter(), &record, now);
        remember(&mut record, &first, now);
        assert_eq!(due([&exemption].into_iter(), &record, now), []);
        let prolonged =
            Exemption { expires: exemption.expires + SignedDuration::from_hours(12), ..exemption };
        let again = due([&prolonged].into_iter(), &record, now);
        assert_eq!(again.len(), 1);
        assert_ne!(again[0].occasion(), first[0].occasion());
    }

    #[test]
    fn what_was_told_is_remembered_longer_than_it_could_be_told_and_not_for_ever() {
        let (exemption, now) = at(-29.9);
        let mut record = Record::default();
        let first = due([&exemption].into_iter(), &record, now);
        remember(&mut record, &first, now);
        assert_eq!(record.told.len(), 1);
        remember(&mut record, &[], now + SignedDuration::from_hours(24));
        assert_eq!(record.told.len(), 0);
    }
}
