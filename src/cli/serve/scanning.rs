//! The background scan: the replica that leads judges what already runs, now and then and when the rules have changed.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use clap::{Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use tokio::{task::JoinHandle, time::Instant};

use crate::{
    admission::Gate,
    cli::scan::round::{Round, Stopped},
    cluster::{
        self, Cluster, Leadership, Resources,
        reports::{Content, Reports, Told},
    },
    inventory::Inventory,
    policy::PolicySet,
    scanner::{Limits, Report, Scan, Scanner, Sees},
    telemetry::{Metrics, Scanned},
};

/// When to scan, and where to tell of it.
#[derive(Args)]
pub(super) struct Scanning {
    /// How often the replica that leads judges what already runs: `10m`, `1h`. `0` is never.
    #[arg(long, value_name = "DURATION", default_value = "10m", env = "SOC2GATE_SCAN_EVERY", value_parser = every)]
    scan_every: Every,
    /// Whether the findings of a scan are written into the cluster.
    #[arg(long, value_name = "WHEN", default_value = "auto", env = "SOC2GATE_REPORTS")]
    reports: Writing,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Writing {
    /// As OpenReports, else as PolicyReports, whichever the cluster serves
    Auto,
    /// Nowhere
    Off,
}

/// None is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Every(Option<Duration>);

/// More often than this a scan would hardly end before the next one begins.
const SHORTEST: Duration = Duration::from_secs(10);

fn every(text: &str) -> Result<Every, String> {
    if text == "0" {
        return Ok(Every(None));
    }
    let refuse =
        || format!("`{text}` is no time of {SHORTEST:?} or more: write `10m`, `1h`, or `0` for never");
    let every: SignedDuration = text.parse().map_err(|_| refuse())?;
    match Duration::try_from(every) {
        Ok(every) if every >= SHORTEST => Ok(Every(Some(every))),
        Ok(every) if every.is_zero() => Ok(Every(None)),
        _ => Err(refuse()),
    }
}

/// How often it is looked whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Other rules are judged by once they have stood still for this long, and at the latest after the second.
const STANDS_STILL: Duration = Duration::from_secs(5);
const LATEST: Duration = Duration::from_secs(60);

/// How soon a scan that did not come to a whole account is tried again.
const AGAIN: Duration = Duration::from_secs(60);

/// How long to wait after each attempt to write reports.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4), Duration::ZERO];

/// How many scans in a row may miss a resource that cannot be read, before the others are told without it.
const PATIENCE: u32 = 3;

/// What the scan goes by, and whom it tells.
pub(super) struct Background {
    pub(super) cluster: Cluster,
    pub(super) gate: Arc<Gate>,
    pub(super) metrics: Arc<Metrics>,
    /// Whether the inventory tells what exists: before that a scan would find what is not there.
    pub(super) is_ready: Box<dyn Fn() -> bool + Send + Sync>,
    /// Told of every object that is met.
    pub(super) sees: Option<Arc<Sees>>,
    /// Told of each whole account.
    pub(super) tell: Box<dyn Fn(&Scan) + Send + Sync>,
}

/// Why a scan came to no account.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the API server does not tell what it serves: {0}")]
    Discovery(#[from] kube::Error),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Scanning {
    /// Begins to scan whenever this replica leads; none if it never shall.
    pub(super) fn start(&self, background: Background, leadership: Leadership) -> Option<JoinHandle<()>> {
        let every = self.scan_every.0?;
        let leader = Leader { background, every, writes: self.reports == Writing::Auto };
        Some(tokio::spawn(leader.run(leadership)))
    }
}

struct Leader {
    background: Background,
    every: Duration,
    writes: bool,
}

impl Leader {
    async fn run(self, mut leadership: Leadership) {
        let mut losing = leadership.clone();
        loop {
            leadership.gained().await;
            tokio::select! {
                biased;
                () = losing.lost() => {}
                () = self.lead() => {}
            }
            // Whoever leads now tells.
            self.background.metrics.scans.forget();
            // A candidacy that has ended may still say that it leads, for as long as its term lasts.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Scans until dropped.
    async fn lead(&self) {
        let mut reports = self.writes.then(|| Reports::new(self.background.cluster.client.clone()));
        let mut incomplete = 0;
        loop {
            while !(self.background.is_ready)() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let begun = Instant::now();
            let policies = self.background.gate.policies();
            let is_whole = self.scan(policies.clone(), reports.as_mut(), incomplete).await;
            incomplete = if is_whole { 0 } else { incomplete + 1 };
            let wait = if is_whole { self.every } else { self.every.min(AGAIN) };
            self.due(begun + jittered(wait), policies).await;
        }
    }

    /// Waits until then, or until other rules are in force and have stood still.
    async fn due(&self, then: Instant, judged_by: Arc<PolicySet>) {
        let judged_by = mark(&judged_by);
        let (mut last, mut changed): (_, Option<(Instant, Instant)>) =
            (self.background.gate.policies(), None);
        let mut now_by = mark(&last);
        while Instant::now() < then {
            tokio::time::sleep(LOOK_EVERY.min(then - Instant::now())).await;
            let policies = self.background.gate.policies();
            let now = Instant::now();
            if !Arc::ptr_eq(&policies, &last) {
                let by = mark(&policies);
                if by != now_by {
                    changed = Some((changed.map_or(now, |(first, _)| first), now));
                }
                (last, now_by) = (policies, by);
            }
            if now_by == judged_by {
                changed = None;
                continue;
            }
            // They may have changed while the scan went on.
            let (first, latest) = *changed.get_or_insert((now, now));
            if now - latest >= STANDS_STILL || now - first >= LATEST {
                return;
            }
        }
    }

    /// Scans once and tells; false if there is no account that could be told.
    async fn scan(&self, policies: Arc<PolicySet>, reports: Option<&mut Reports>, incomplete: u32) -> bool {
        let background = &self.background;
        let inventory = background.gate.inventory();
        let scan = match self.account(policies, inventory.clone()).await {
            Ok(scan) => scan,
            Err(error) => {
                background.metrics.scans.failed();
                tracing::warn!(%error, "what runs could not be scanned");
                return false;
            }
        };
        let failed: Vec<_> = scan.failures().into_iter().collect();
        if !failed.is_empty() {
            background.metrics.scans.failed();
            tracing::warn!(resources = failed.join(", "), "the scan could not read everything");
            // What they hold would be taken for mended.
            if incomplete + 1 < PATIENCE {
                return false;
            }
        }
        self.publish(&scan);
        let is_written = match reports {
            Some(reports) => self.write(reports, &scan, &inventory).await,
            None => true,
        };
        failed.is_empty() && is_written
    }

    async fn account(&self, policies: Arc<PolicySet>, inventory: Arc<Inventory>) -> Result<Scan, Error> {
        let client = &self.background.cluster.client;
        let resources = Resources::discover(client).await?;
        let namespaces = BTreeSet::new();
        let round = Round { client, resources: &resources, namespaces: &namespaces };
        let scanner = Scanner::new(policies, inventory, Timestamp::now(), Limits::default())
            .telling(self.background.sees.clone());
        let scanner = round.go(scanner, |_| {}).await?;
        Ok(scanner.finish(Timestamp::now()))
    }

    fn publish(&self, scan: &Scan) {
        let counts = scan.counts();
        let labelled = counts.iter().filter_map(|((check, mode, standing), count)| {
            let criterion = crate::checks::find(check)?.criterion;
            Some(([criterion.id(), *check, mode.id(), standing.id()], *count))
        });
        let findings: Vec<_> = labelled.collect();
        self.background.metrics.scans.scanned(&Scanned {
            findings: &findings,
            seconds: scan.seconds(),
            objects: scan.objects,
            not_scanned: scan.gaps().count(),
        });
        for gap in scan.gaps() {
            tracing::warn!(resource = gap.resource, "not scanned: {}", gap.why);
        }
        tracing::info!(
            objects = scan.objects,
            findings = counts.values().sum::<usize>(),
            seconds = scan.seconds(),
            undecided = scan.undecided,
            unreadable = scan.unreadable,
            "what runs was scanned"
        );
        (self.background.tell)(scan);
    }

    /// Brings the reports in line with a scan, with patience for an API that was defined a moment ago. True if they are.
    async fn write(&self, reports: &mut Reports, scan: &Scan, inventory: &Inventory) -> bool {
        for pause in PAUSES {
            match reports.write(&Findings { scan, inventory }).await {
                Ok(None) => {
                    tracing::debug!("the cluster serves no report API");
                    return true;
                }
                Ok(Some(written)) => {
                    if written.failed > 0 {
                        self.background.metrics.scans.failed();
                    }
                    tracing::info!(?written, "reports were brought in line");
                    return written.failed == 0;
                }
                Err(error) => {
                    self.background.metrics.scans.failed();
                    tracing::warn!(error = cluster::reason(&error), "reports could not be brought in line");
                    tokio::time::sleep(pause).await;
                }
            }
        }
        false
    }
}

/// A scan as the reports tell of it.
struct Findings<'s> {
    scan: &'s Scan,
    inventory: &'s Inventory,
}

impl Told for Findings<'_> {
    fn namespaces(&self) -> Vec<&str> {
        self.scan.namespaces.keys().map(String::as_str).collect()
    }

    fn content(&self, namespace: &str) -> Option<Content> {
        let (namespace, of) = self.scan.namespaces.get_key_value(namespace)?;
        let report = Report::of(namespace, of);
        let gaps: Vec<_> = self.scan.gaps().map(|gap| gap.resource.as_str()).collect();
        let cut = (report.cut > 0).then(|| format!("{} findings are counted and not listed", report.cut));
        let gaps = (!gaps.is_empty()).then(|| gaps.join(", "));
        let notes = [("not-listed", cut), ("not-scanned", gaps)];
        let notes = notes.into_iter().filter_map(|(name, note)| Some((name, note?)));
        Some(Content { body: serde_json::to_value(&report).ok()?, notes: notes.collect() })
    }

    fn is_leaving(&self, namespace: &str) -> bool {
        let namespaces = self.inventory.namespaces.ready();
        namespaces.and_then(|namespaces| namespaces.get(namespace)).is_some_and(|one| one.is_terminating)
    }
}

/// What is judged by, as a number that changes with it: a set that was read again need not be another one.
fn mark(policies: &PolicySet) -> u64 {
    let mut hasher = DefaultHasher::new();
    policies.digest().hash(&mut hasher);
    for exemption in policies.exemptions().iter() {
        format!("{exemption:?}").hash(&mut hasher);
    }
    hasher.finish()
}

/// A tenth more or less, so that clusters that started together do not scan together.
fn jittered(every: Duration) -> Duration {
    let random = RandomState::new().hash_one(0);
    let part = u32::try_from(random % 2_001).unwrap_or(1_000);
    every * 9 / 10 + every * part / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_often_and_refuses_what_would_never_end() {
        let minutes = |minutes: u64| Ok(Every(Some(Duration::from_secs(60 * minutes))));
        for (text, expected) in
            [("10m", minutes(10)), ("1h", minutes(60)), ("0", Ok(Every(None))), ("0s", Ok(Every(None)))]
        {
            assert_eq!(every(text), expected, "{text}");
        }
        for text in ["", "often", "1s", "-5m", "10"] {
            assert!(every(text).is_err(), "{text}");
        }
    }

    #[test]
    fn jitter_stays_within_a_tenth() {
        for _ in 0..1_000 {
            let wait = jittered(Duration::from_secs(600));
            assert!((Duration::from_secs(540)..=Duration::from_secs(661)).contains(&wait), "{wait:?}");
        }
    }
}
