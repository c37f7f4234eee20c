//! What is in force while the webhook serves: read from directories and the cluster, read again when they change.
//!
//! Whatever cannot be used keeps the last good state in force, is logged with its place, and shows in the metrics
//! and in `/readyz`.

mod objects;
mod sources;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Notify;

use super::{scan_reports::ScanReports, world::World};
use crate::{
    admission::{Gate, Witness},
    cli::{
        evidence::Evidence,
        rules::{self, Rules},
    },
    directory::{self, Change, Directory, Watch},
    images::Reports,
    inventory::Inventory,
    manifest::Unusable,
    policy::PolicySet,
    server::{Condition, State},
    telemetry::Metrics,
};
use objects::Hearing;
use sources::{Part, Sources};

pub(super) use objects::Own;

/// How often directories are looked at. A change counts once it has stood still for one interval.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The gate and what feeds it.
pub(super) struct InForce {
    pub(super) gate: Arc<Gate>,
    /// The scans of images, whoever tells of them.
    pub(super) scans: Arc<Mutex<Reports>>,
    /// Told when something else may be to say of the cluster's objects.
    pub(super) news: Arc<Notify>,
    state: Mutex<Inner>,
    metrics: Arc<Metrics>,
    rules: Rules,
}

/// Everything that changes.
#[derive(Default)]
struct Inner {
    known: Sources,
    /// How the API server is heard about policies and about exemptions.
    policies: Hearing,
    exemptions: Hearing,
    /// Why nothing could be put in force the last time.
    failure: Vec<Unusable>,
    watches: Vec<Watch>,
    scan_reports: Option<ScanReports>,
    world: Option<World>,
}

impl Inner {
    fn hearing(&mut self, own: Own) -> &mut Hearing {
        match own {
            Own::Policies => &mut self.policies,
            Own::Exemptions => &mut self.exemptions,
        }
    }

    /// Everything that cannot be used as it is now.
    fn trouble(&self) -> Vec<String> {
        let files = self.known.trouble().chain(&self.failure).map(ToString::to_string);
        files.chain(self.known.flawed()).collect()
    }
}

impl InForce {
    /// Reads everything once and begins to watch. With a cluster, its policies and exemptions will be told later.
    ///
    /// # Errors
    /// Everything unusable: at the start there is no last good state to keep.
    pub(super) fn start(
        rules: Rules,
        evidence: &Evidence,
        metrics: Arc<Metrics>,
        witnesses: Vec<Arc<dyn Witness>>,
        has_cluster: bool,
    ) -> Result<Arc<Self>, Vec<Unusable>> {
        let mut known = Sources::default();
        let mut directories = Vec::new();
        for (part, path) in [(Part::Policies, &rules.policies), (Part::Exemptions, &rules.exemptions)] {
            let Some(path) = path else { continue };
            let mut directory = Directory::new(path, directory::extensions(rules::EXTENSIONS));
            let contents = known.contents(part);
            directory
                .round(&mut |change| {
                    contents.apply(&change);
                })
                .map_err(|error| vec![rules::unreadable(path, &error.to_string())])?;
            directories.push((part, directory));
        }
        let policies = known.first_set(&rules, has_cluster)?;
        let gate = Arc::new(Gate::new(policies, Inventory::default(), metrics.clone(), witnesses));
        let hearing = || if has_cluster { Hearing::AWAITED } else { Hearing::None };
        let inner = Inner { known, policies: hearing(), exemptions: hearing(), ..Inner::default() };
        let this = Arc::new(Self {
            gate,
            scans: Arc::default(),
            news: Arc::default(),
            state: Mutex::new(inner),
            metrics,
            rules,
        });
        for (part, directory) in directories {
            let telling = Arc::downgrade(&this);
            let path = directory.path().to_owned();
            let watch = directory
                .watch(LOOK_EVERY, move |change| {
                    if let Some(this) = telling.upgrade() {
                        this.take(part, &change);
                    }
                })
                .map_err(|error| vec![rules::unreadable(&path, &error.to_string())])?;
            this.lock().watches.push(watch);
        }
        if let Some(path) = &evidence.scan_reports {
            let reports = ScanReports::start(path, &this.gate, this.scans.clone())
                .map_err(|error| vec![rules::unreadable(path, &error.to_string())])?;
            this.lock().scan_reports = Some(reports);
        }
        if let Some(path) = &evidence.inventory {
            let world = World::start(path, &this.gate)?;
            this.lock().world = Some(world);
        }
        Ok(this)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves nothing half-done here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in one change of a directory, and puts the result in force when all of them are told.
    fn take(&self, part: Part, change: &Change<'_>) {
        let directory = match part {
            Part::Policies => &self.rules.policies,
            Part::Exemptions => &self.rules.exemptions,
        };
        if let Change::Unreadable { path, reason } = change
            && directory.as_deref() == Some(*path)
        {
            tracing::error!(directory = %path.display(), "policies stay as they were: {reason}");
            return;
        }
        let mut inner = self.lock();
        if inner.known.contents(part).apply(change) {
            let set = inner.known.reloaded_set(&self.rules);
            self.put(&mut inner, set);
            drop(inner);
            self.news.notify_one();
        }
    }

    /// Puts in force what everything makes now.
    fn put(&self, inner: &mut Inner, set: Result<PolicySet, Vec<Unusable>>) {
        let failure = match set {
            Ok(policies) => {
                let (policy_digest, checks) = (policies.digest(), policies.bound().len());
                tracing::info!(policy_digest, checks, "policies were read again");
                self.gate.install(policies);
                Vec::new()
            }
            Err(failure) => failure,
        };
        for Unusable { file, line, column, message } in inner.known.trouble().chain(&failure) {
            tracing::error!(file, line, column, "what was in force before stays: {message}");
        }
        for words in inner.known.newly_shadowed() {
            tracing::info!("{words}");
        }
        for flaw in inner.known.newly_flawed() {
            tracing::error!("what was in force before this object of the cluster stays: {flaw}");
        }
        inner.failure = failure;
        if !inner.trouble().is_empty() {
            self.metrics.policy_load_failed();
        }
    }

    /// What `/readyz` shows: an unusable file or object degrades, it does not stop reviews.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let inner = self.lock();
        let now = Timestamp::now();
        let policies = self.gate.policies();
        let well = format!("{} checks in force, {}", policies.bound().len(), policies.digest());
        let bad = inner.trouble();
        let bad = (!bad.is_empty())
            .then(|| (State::Degraded, format!("the last good set stays in force: {}", bad.join("; "))));
        let heard = [("controlpolicies", &inner.policies), ("exemptions", &inner.exemptions)];
        let heard = heard.into_iter().filter_map(|(kind, hearing)| hearing.trouble(kind, now));
        let condition = objects::condition(well, heard.chain(bad).collect());
        let scan_reports = inner.scan_reports.as_ref().map(ScanReports::condition);
        let world = inner.world.as_ref().map(World::condition);
        std::iter::once(condition).chain(scan_reports).chain(world).collect()
    }
}
