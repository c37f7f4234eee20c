//! Keeps a warm store of what registries know of images: learns which are asked about, asks beside all requests,
//! verifies, and hands the checks a new snapshot.

mod asking;
mod learner;
mod metrics;
mod schedule;
mod shelf;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::task::{JoinHandle, JoinSet};

pub use learner::Learner;

use super::{
    Registry, Reports,
    attestations::{self, Verifier},
};
use crate::{
    check::ImageTrust,
    inventory::{ImageEvidence, Source},
};
use asking::Asking;
use learner::Learning;
use metrics::Metrics;
use schedule::Schedule;
use shelf::Shelf;

/// How old what is known may become, and how often registries are asked.
#[derive(Clone, Copy, Debug)]
pub struct Ages {
    /// When an image is asked about again.
    pub refresh: Duration,
    /// When a tag is.
    pub tag: Duration,
    /// How long an answer counts while its registry cannot be asked.
    pub keep: Duration,
    /// How long what a tag named counts meanwhile.
    pub keep_tag: Duration,
    /// The first pause after a failure, or after an answer that attests nothing; each next one is twice as long.
    pub retry: Duration,
    /// The longest pause after a failure.
    pub longest_retry: Duration,
    /// When an image that nobody asks about is let go.
    pub forget: Duration,
}

impl Default for Ages {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        Self {
            refresh: minutes(60),
            tag: minutes(5),
            keep: minutes(24 * 60),
            keep_tag: minutes(30),
            retry: Duration::from_secs(5),
            longest_retry: minutes(5),
            forget: minutes(7 * 24 * 60),
        }
    }
}

/// Whom the resolver asks, whom it believes, and whom it tells.
pub struct Resolver {
    pub registry: Arc<dyn Registry>,
    /// What the policies in force want, called every second.
    pub trust: Box<dyn Fn() -> ImageTrust + Send + Sync>,
    /// Sigstore trust roots (JSON) beside the public one.
    pub roots: Vec<String>,
    /// The scans of images, whoever tells of them.
    pub reports: Arc<Mutex<Reports>>,
    /// Puts new evidence in force.
    pub install: Box<dyn Fn(Source<ImageEvidence>) + Send + Sync>,
    pub ages: Ages,
    /// Where answers are kept for the next start; absent keeps them in memory alone.
    pub shelf: Option<PathBuf>,
}

/// What hears of images before the resolver runs, so that whoever tells can be wired first.
pub struct Listening {
    learning: Learning,
    metrics: Metrics,
}

/// The two ends of one ear.
///
/// # Errors
/// When a metric of the same name is there already.
pub fn listen(registry: &prometheus::Registry) -> prometheus::Result<(Learner, Listening)> {
    let metrics = Metrics::register(registry)?;
    let (learner, learning) = learner::pair(metrics.dropped.clone());
    Ok((learner, Listening { learning, metrics }))
}

/// A resolver that runs until this is dropped.
pub struct Running {
    standing: Arc<ArcSwap<Standing>>,
    task: JoinHandle<()>,
}

/// How far the asking has come, for people.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub pending: usize,
    pub failed: usize,
    pub answered: usize,
    /// Why one of those that failed did.
    pub trouble: Option<Arc<str>>,
}

impl Running {
    pub fn standing(&self) -> Arc<Standing> {
        self.standing.load_full()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Resolver {
    /// Begins to ask about what is heard.
    ///
    /// # Errors
    /// When a trust root cannot be used, or there is no place to keep answers.
    pub fn start(self, listening: Listening) -> Result<Running, Error> {
        let Listening { learning, metrics } = listening;
        let shelf = self.shelf.as_deref().map(Shelf::open).transpose()?;
        let trust = (self.trust)();
        let verifier = Arc::new(self.verifier(&trust)?);
        let (schedule, standing) = (Schedule::new(self.ages), Arc::<ArcSwap<Standing>>::default());
        let asking = Asking {
            resolver: self,
            metrics,
            learning,
            schedule,
            verifier,
            trust,
            standing: standing.clone(),
            shelf,
            running: JoinSet::new(),
        };
        Ok(Running { standing, task: tokio::spawn(asking.run()) })
    }

    fn verifier(&self, trust: &ImageTrust) -> Result<Verifier, attestations::Unusable> {
        Verifier::new(&trust.keys, &self.roots)
    }
}

/// Why the resolver did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key or a trust root.
    #[error(transparent)]
    Trust(#[from] attestations::Unusable),
    #[error("answers of registries cannot be kept: {0}")]
    Shelf(#[from] std::io::Error),
}

#[cfg(test)]
mod tests;
