//! What is in force while the webhook serves: read from directories, read again when they change.
//!
//! Whatever cannot be used keeps the last good state in force, is logged with its place, and shows in the metrics
//! and in `/readyz`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::{scan_reports::ScanReports, world::World};
use crate::{
    admission::{Gate, Witness},
    cli::{
        evidence::Evidence,
        rules::{self, Rules, texts},
    },
    directory::{self, Change, Contents, Directory, Watch},
    images::Reports,
    inventory::Inventory,
    manifest::Unusable,
    policy::{Loaded, PolicySet},
    server::{Condition, State},
    telemetry::Metrics,
};

/// How often directories are looked at. A change counts once it has stood still for one interval.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The gate and the directories that feed it.
pub(super) struct InForce {
    pub(super) gate: Arc<Gate>,
    /// The scans of images, whoever tells of them.
    pub(super) scans: Arc<Mutex<Reports>>,
    sources: Mutex<Sources>,
    metrics: Arc<Metrics>,
    rules: Rules,
}

#[derive(Default)]
struct Sources {
    policies: Contents,
    exemptions: Contents,
    /// What is wrong with the files as they are now.
    trouble: Vec<Unusable>,
    watches: Vec<Watch>,
    scan_reports: Option<ScanReports>,
    world: Option<World>,
}

/// The directories whose files together make the policy set.
#[derive(Clone, Copy)]
enum Part {
    Policies,
    Exemptions,
}

impl InForce {
    /// Reads everything once and begins to watch.
    ///
    /// # Errors
    /// Everything unusable: at the start there is no last good state to keep.
    pub(super) fn start(
        rules: Rules,
        evidence: &Evidence,
        metrics: Arc<Metrics>,
        witnesses: Vec<Arc<dyn Witness>>,
    ) -> Result<Arc<Self>, Vec<Unusable>> {
        let mut sources = Sources::default();
        let mut directories = Vec::new();
        for (part, path) in [(Part::Policies, &rules.policies), (Part::Exemptions, &rules.exemptions)] {
            let Some(path) = path else { continue };
            let mut directory = Directory::new(path, directory::extensions(rules::EXTENSIONS));
            let contents = sources.contents(part);
            directory
                .round(&mut |change| {
                    contents.apply(&change);
                })
                .map_err(|error| vec![rules::unreadable(path, &error.to_string())])?;
            directories.push((part, directory));
        }
        let (policies, _) = sources.policy_set(&rules, None)?;
        let gate = Arc::new(Gate::new(policies, Inventory::default(), metrics.clone(), witnesses));
        let this =
            Arc::new(Self { gate, scans: Arc::default(), sources: Mutex::new(sources), metrics, rules });
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

    fn lock(&self) -> std::sync::MutexGuard<'_, Sources> {
        // A panic elsewhere leaves nothing half-done here.
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut sources = self.lock();
        if !sources.contents(part).apply(change) {
            return;
        }
        let trouble = match sources.policy_set(&self.rules, Some(&self.gate.policies())) {
            Ok((policies, trouble)) => {
                let (digest, checks) = (policies.digest(), policies.bound().len());
                tracing::info!(policy_digest = digest, checks, "policies were read again");
                self.gate.install(policies);
                trouble
            }
            Err(trouble) => trouble,
        };
        for error in &trouble {
            let Unusable { file, line, column, message } = error;
            tracing::error!(file, line, column, "what was in force before stays: {message}");
        }
        if !trouble.is_empty() {
            self.metrics.policy_load_failed();
        }
        sources.trouble = trouble;
    }

    /// What `/readyz` shows: an unusable file degrades, it does not stop reviews.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let sources = self.lock();
        let policies = self.gate.policies();
        let condition = if sources.trouble.is_empty() {
            let detail = format!("{} checks in force, {}", policies.bound().len(), policies.digest());
            Condition::new("policies", State::Met, detail)
        } else {
            let errors: Vec<_> = sources.trouble.iter().map(ToString::to_string).collect();
            let detail = format!("the last good set stays in force: {}", errors.join("; "));
            Condition::new("policies", State::Degraded, detail)
        };
        let scan_reports = sources.scan_reports.as_ref().map(ScanReports::condition);
        let world = sources.world.as_ref().map(World::condition);
        std::iter::once(condition).chain(scan_reports).chain(world).collect()
    }
}

impl Sources {
    fn contents(&mut self, part: Part) -> &mut Contents {
        match part {
            Part::Policies => &mut self.policies,
            Part::Exemptions => &mut self.exemptions,
        }
    }

    /// The policy set that the files make now. Good policies do not wait for bad exemptions: those in force stay,
    /// and what is wrong with the new ones is returned beside.
    fn policy_set(
        &self,
        rules: &Rules,
        in_force: Option<&PolicySet>,
    ) -> Result<(PolicySet, Vec<Unusable>), Vec<Unusable>> {
        let policies = texts(&self.policies)?;
        let policies = Loaded::shipped()?
            .with(policies.iter().map(|(file, text)| (file.as_str(), text.as_str())))?
            .bind(&rules.settings()?)?;
        let exemptions = texts(&self.exemptions).and_then(|files| {
            let files = files.iter().map(|(file, text)| (file.as_str(), text.as_str()));
            policies.read_exemptions(files, Timestamp::now())
        });
        match (exemptions, in_force) {
            (Ok(exemptions), _) => Ok((policies.with_exemptions(exemptions), Vec::new())),
            (Err(trouble), Some(before)) => {
                Ok((policies.with_exemptions(before.exemptions().clone()), trouble))
            }
            (Err(trouble), None) => Err(trouble),
        }
    }
}
