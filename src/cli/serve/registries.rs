//! Asking registries while the webhook serves: who tells of images, whom is believed, and how far it has come.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use clap::Args;
use jiff::SignedDuration;
use tokio::task::JoinHandle;

use super::in_force::InForce;
use crate::{
    admission::Witness,
    cli::rules::unreadable,
    decision::Decision,
    images::{
        Registry, attestations,
        resolver::{self, Ages, Learner, Listening, Resolver, Running},
    },
    manifest::Unusable,
    request::Request,
    server::{Condition, State},
    telemetry::Metrics,
};

/// Which registries are asked about images, beside all requests.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Images")]
pub(super) struct Registries {
    /// Ask registries what is attested of images: signatures, scans, provenance, SBOMs, VEX. The file says how to reach
    /// them; which may be asked is what policies allow images to come from (`untrusted-registry`).
    #[arg(long, value_name = "FILE", env = "SOC2GATE_REGISTRIES")]
    pub(super) registries: Option<PathBuf>,
    /// File of images to know of before anybody asks, one reference a line; read again every minute.
    #[arg(long, value_name = "FILE", env = "SOC2GATE_IMAGES", requires = "registries")]
    pub(super) images: Option<PathBuf>,
    /// Trust root of a private Sigstore (`trusted_root.json`), beside the public one; may be repeated.
    #[arg(long = "sigstore-root", value_name = "FILE", requires = "registries")]
    pub(super) sigstore_roots: Vec<PathBuf>,
    /// How often a registry is asked again about an image that it has attestations of: `1h`.
    #[arg(long, value_name = "DURATION", default_value = "1h", env = "SOC2GATE_IMAGE_REFRESH", value_parser = pause)]
    image_refresh: Duration,
    /// How often it is asked what a tag names: `5m`. What a tag named counts for six times as long.
    #[arg(long, value_name = "DURATION", default_value = "5m", env = "SOC2GATE_TAG_REFRESH", value_parser = pause)]
    tag_refresh: Duration,
}

/// Asking more often than this would be all that a registry hears.
const SHORTEST: Duration = Duration::from_secs(1);

fn pause(text: &str) -> Result<Duration, String> {
    let pause = text.parse::<SignedDuration>().ok().and_then(|pause| Duration::try_from(pause).ok());
    let refuse = || format!("`{text}` is no time of {SHORTEST:?} or more: write `5m`, `1h`");
    pause.filter(|pause| *pause >= SHORTEST).ok_or_else(refuse)
}

/// How often the list of images is read.
const LIST_EVERY: Duration = Duration::from_secs(60);

/// What hears of images, before anything is asked.
pub(super) struct Hearing {
    learner: Learner,
    listening: Listening,
}

/// Registries that are asked until this is dropped.
pub(super) struct Asking {
    running: Running,
    list: Option<JoinHandle<()>>,
}

impl Registries {
    /// The ear for images, if registries are asked at all.
    ///
    /// # Errors
    /// When a metric of its name is there already.
    pub(super) fn listen(&self, metrics: &Metrics) -> prometheus::Result<Option<Hearing>> {
        if self.registries.is_none() {
            return Ok(None);
        }
        let (learner, listening) = resolver::listen(metrics.registry())?;
        Ok(Some(Hearing { learner, listening }))
    }

    /// Which file is to be changed.
    fn blame(&self, error: &resolver::Error) -> Vec<Unusable> {
        let root = match error {
            resolver::Error::Trust(attestations::Unusable::Root { position, .. }) => {
                position.checked_sub(1).and_then(|at| self.sigstore_roots.get(at))
            }
            _ => None,
        };
        vec![unreadable(root.map_or(Path::new(""), |path| path), &error.to_string())]
    }

    fn ages(&self) -> Ages {
        let (refresh, tag) = (self.image_refresh, self.tag_refresh);
        Ages { refresh, tag, keep_tag: tag * 6, ..Ages::default() }
    }

    /// The trust roots beside the public one.
    fn roots(&self) -> Result<Vec<String>, Unusable> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| unreadable(path, &error.to_string()))
        };
        self.sigstore_roots.iter().map(read).collect()
    }
}

impl Hearing {
    pub(super) fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Hears of the images in reviews.
    pub(super) fn witness(&self) -> Arc<dyn Witness> {
        Arc::new(Noting(self.learner.clone()))
    }

    /// Begins to ask.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub(super) fn start(
        self,
        flags: &Registries,
        registry: Arc<dyn Registry>,
        in_force: &Arc<InForce>,
        store: Option<&Path>,
    ) -> Result<Asking, Vec<Unusable>> {
        let (trusting, installing) = (in_force.gate.clone(), in_force.gate.clone());
        let resolver = Resolver {
            registry,
            trust: Box::new(move || trusting.policies().image_trust()),
            roots: flags.roots().map_err(|error| vec![error])?,
            reports: in_force.scans.clone(),
            install: Box::new(move |evidence| {
                installing.update_inventory(|inventory| inventory.image_evidence = evidence.clone());
            }),
            ages: flags.ages(),
            shelf: store.map(|store| store.join("registry")),
        };
        let running = resolver.start(self.listening).map_err(|error| flags.blame(&error))?;
        let list = flags.images.clone().map(|path| tokio::spawn(tell_list(path, self.learner)));
        Ok(Asking { running, list })
    }
}

struct Noting(Learner);

impl Witness for Noting {
    fn saw(&self, request: &Request<'_>, _: &Decision, _: &str) {
        if let Some(object) = &request.object {
            self.0.saw(object);
        }
    }
}

async fn tell_list(path: PathBuf, learner: Learner) {
    loop {
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => references(&text).for_each(|reference| learner.saw_reference(reference)),
            Err(error) => list_is_unreadable(&path, &error),
        }
        tokio::time::sleep(LIST_EVERY).await;
    }
}

fn list_is_unreadable(path: &Path, error: &std::io::Error) {
    tracing::error!(path = %path.display(), "the list of images cannot be read: {error}");
}

/// The references of a list; `#` begins a comment.
fn references(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).filter(|line| !line.is_empty())
}

impl Asking {
    /// What `/readyz` shows. That a registry is away degrades: what is known of its images still counts.
    pub(super) fn condition(&self) -> Condition {
        let standing = self.running.standing();
        let (pending, failed, answered) = (standing.pending, standing.failed, standing.answered);
        let counts = format!("{answered} images and tags known, {pending} being asked about");
        match &standing.trouble {
            None => Condition::new("image-registries", State::Met, counts),
            Some(reason) => {
                let detail = format!("{counts}, {failed} unknown for trouble; the first: {reason}");
                Condition::new("image-registries", State::Degraded, detail)
            }
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.list.iter().for_each(JoinHandle::abort);
    }
}
