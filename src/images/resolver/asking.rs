//! The one task that asks: it owns everything that changes, so that one image is asked about once however many reviews
//! name it.

use std::{
    future::pending,
    panic::AssertUnwindSafe,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use futures::FutureExt;
use jiff::Timestamp;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::{sleep, timeout},
};

use super::{
    Resolver, Standing,
    learner::Learning,
    metrics::Metrics,
    schedule::{self, Answer, Job, Schedule, Wanted},
    shelf::Shelf,
};
use crate::{
    check::ImageTrust,
    images::{Documents, Failure, Registry, Reports, attestations::Verifier},
    inventory::image_evidence::Attested,
    object::{Digest, ImageReference},
};

/// Questions that wait for registries at once.
const AT_ONCE: usize = 32;

/// A question that takes longer has failed, whatever the registry's own limits are.
const LONGEST: Duration = Duration::from_secs(60);

/// How often it is looked what policies want.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How soon after another a snapshot may come: it costs time by the number of images.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(100);

/// How many times as long as a snapshot takes the next one waits, so that making them costs one part in so many.
const SHARE_OF_SNAPSHOTS: u32 = 20;

/// When everybody is asked to tell again what they see.
const LISTEN_ANEW: Duration = Duration::from_secs(600);

/// What became of one job.
pub(super) struct Done {
    job: Job,
    result: Result<Learnt, Failure>,
    took: Duration,
}

enum Learnt {
    Tag(Digest),
    Image { attested: Attested, children: Vec<Digest> },
}

/// The one task.
pub(super) struct Asking {
    pub(super) resolver: Resolver,
    pub(super) metrics: Metrics,
    pub(super) learning: Learning,
    pub(super) schedule: Schedule,
    pub(super) verifier: Arc<Verifier>,
    pub(super) trust: ImageTrust,
    pub(super) standing: Arc<ArcSwap<Standing>>,
    pub(super) shelf: Option<Shelf>,
    pub(super) running: JoinSet<Done>,
}

impl Asking {
    pub(super) async fn run(mut self) {
        let (mut looked, mut listened) = (Instant::now(), Instant::now());
        let mut news = News::default();
        self.restore().await;
        loop {
            let now = Timestamp::now();
            let room = AT_ONCE.saturating_sub(self.running.len());
            self.schedule.take_due(now, room).into_iter().for_each(|job| self.begin(job));
            let pause = self.pause(now, room).min(LOOK_EVERY).min(news.pause());
            tokio::select! {
                Some(reference) = self.learning.receiver.recv() => news.came |= self.hear(&reference),
                done = next(&mut self.running) => news.came |= self.finish(done),
                () = sleep(pause) => {}
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                news.came |= self.look();
            }
            if listened.elapsed() >= LISTEN_ANEW {
                listened = Instant::now();
                self.learning.listen_anew();
            }
            if news.is_ripe() {
                let began = Instant::now();
                self.publish();
                news = News::published(began.elapsed());
            }
        }
    }

    /// Takes in what was known before this start, verified again.
    async fn restore(&mut self) {
        let Some(shelf) = self.shelf.clone() else { return };
        let (verifier, reports) = (self.verifier.clone(), self.resolver.reports.clone());
        let restored = spawn_blocking(move || {
            let read = |(documents, asked_at): (Documents, Timestamp)| {
                let image = with_digest(&documents.image, &documents.digest);
                let name = schedule::key(&image);
                (image, take_in(&documents, &verifier, &reports, Path::new(&*name), asked_at))
            };
            shelf.all().map(read).collect::<Vec<_>>()
        });
        for (image, learnt) in restored.await.unwrap_or_default() {
            if self.trust.registries.iter().any(|prefix| prefix.covers(&image)) {
                self.schedule.restore(&image, Arc::new(learnt), Timestamp::now());
            } else {
                self.let_go(&schedule::key(&image));
            }
        }
    }

    /// Forgets what an image's attestations said.
    fn let_go(&self, key: &schedule::Key) {
        self.reports().remove(Path::new(&**key));
        self.shelf.iter().for_each(|shelf| shelf.remove(key));
    }

    /// How long there is nothing to begin.
    fn pause(&self, now: Timestamp, room: usize) -> Duration {
        let Some(at) = self.schedule.next_due().filter(|_| room > 0) else { return LOOK_EVERY };
        let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        // Due and not begun: its registry is busy.
        if wait.is_zero() { Duration::from_millis(50) } else { wait }
    }

    /// Takes in that somebody asks about an image; whether that is news.
    fn hear(&mut self, reference: &str) -> bool {
        self.learning.heard(reference);
        let Ok(image) = ImageReference::parse(reference) else { return false };
        self.want(&image)
    }

    fn want(&mut self, image: &ImageReference) -> bool {
        if !self.trust.registries.iter().any(|prefix| prefix.covers(image)) {
            return false;
        }
        match self.schedule.want(image, Timestamp::now()) {
            Wanted::Known => false,
            Wanted::New { evicted } => {
                evicted.iter().for_each(|key| self.let_go(key));
                true
            }
        }
    }

    fn begin(&mut self, job: Job) {
        let registry = self.resolver.registry.clone();
        let (verifier, reports) = (self.verifier.clone(), self.resolver.reports.clone());
        let shelf = self.shelf.clone();
        self.running.spawn(async move {
            let began = Instant::now();
            // A job that panics must end like any other, or its image would never be asked about again.
            let asked = AssertUnwindSafe(ask(&*registry, &job, verifier, reports, shelf)).catch_unwind();
            let result = match timeout(LONGEST, asked).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Failure::Unusable("asking about it failed unexpectedly".to_owned())),
                Err(_) => {
                    Err(Failure::Unavailable(format!("{} took longer than {LONGEST:?}", job.image.registry)))
                }
            };
            Done { result, took: began.elapsed(), job }
        });
    }

    /// Takes in what came of a job; whether that is news.
    fn finish(&mut self, done: Done) -> bool {
        let Done { job, result, took } = done;
        self.metrics.asked(&result);
        self.metrics.duration.observe(took.as_secs_f64());
        let answer = result.map(|learnt| match learnt {
            Learnt::Tag(digest) => {
                self.want(&with_digest(&job.image, &digest));
                Answer::Tag(digest)
            }
            Learnt::Image { attested, children } => {
                children.iter().for_each(|child| {
                    self.want(&with_digest(&job.image, child));
                });
                Answer::Image(Arc::new(attested))
            }
        });
        let answer = answer.map_err(|failure| {
            tracing::debug!(image = %job.key, "a registry was asked in vain: {failure}");
            let pause = match &failure {
                Failure::TooMany { retry_after } => *retry_after,
                _ => None,
            };
            (failure.to_string(), pause)
        });
        self.schedule.done(&job, answer, Timestamp::now());
        true
    }

    /// Looks whether policies want something else, and lets go of what nobody wants; whether that is news.
    fn look(&mut self) -> bool {
        let trust = (self.resolver.trust)();
        let changed = trust != self.trust;
        if changed {
            match self.resolver.verifier(&trust) {
                Ok(verifier) => self.verifier = Arc::new(verifier),
                Err(error) => tracing::error!("signatures are verified as before: {error}"),
            }
            self.trust = trust;
            self.schedule.ask_all_again(Timestamp::now());
            self.learning.listen_anew();
        }
        let gone = self.schedule.forget(Timestamp::now(), &self.trust.registries);
        gone.iter().for_each(|key| self.let_go(key));
        changed || !gone.is_empty()
    }

    fn publish(&mut self) {
        let now = Timestamp::now();
        let covered = self.trust.registries.clone().into();
        let evidence = Arc::new(self.schedule.evidence(&covered, now));
        {
            // In force before anybody else takes a snapshot: an older one must never follow a newer.
            let mut reports = self.reports();
            reports.set_registry(evidence);
            (self.resolver.install)(reports.snapshot());
        }
        self.learning.publish();
        let standing = self.schedule.standing(now);
        self.metrics.show(&standing);
        self.standing.store(Arc::new(standing));
    }

    fn reports(&self) -> std::sync::MutexGuard<'_, Reports> {
        self.resolver.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is something to publish, and when that may be.
struct News {
    came: bool,
    earliest: Instant,
    /// What does not come with an answer, such as an answer's age, is published this late.
    latest: Instant,
}

impl Default for News {
    fn default() -> Self {
        Self { came: true, earliest: Instant::now(), latest: Instant::now() }
    }
}

impl News {
    fn published(took: Duration) -> Self {
        let now = Instant::now();
        let pause = BETWEEN_SNAPSHOTS.max(took * SHARE_OF_SNAPSHOTS);
        Self { came: false, earliest: now + pause, latest: now + pause.max(Duration::from_secs(30)) }
    }

    fn is_ripe(&self) -> bool {
        let now = Instant::now();
        (self.came && now >= self.earliest) || now >= self.latest
    }

    fn pause(&self) -> Duration {
        let until = if self.came { self.earliest } else { self.latest };
        until.saturating_duration_since(Instant::now())
    }
}

async fn next(running: &mut JoinSet<Done>) -> Done {
    loop {
        match running.join_next().await {
            Some(Ok(done)) => return done,
            // Cancelled, as the program goes down.
            Some(Err(_)) => {}
            None => return pending().await,
        }
    }
}

/// Asks, verifies, and lays what an image's attestations say among the scans.
async fn ask(
    registry: &dyn Registry,
    job: &Job,
    verifier: Arc<Verifier>,
    reports: Arc<Mutex<Reports>>,
    shelf: Option<Shelf>,
) -> Result<Learnt, Failure> {
    let Some(digest) = &job.image.digest else { return registry.resolve(&job.image).await.map(Learnt::Tag) };
    let documents = registry.documents(&job.image, digest).await?;
    let key = job.key.clone();
    let verified = spawn_blocking(move || {
        let now = Timestamp::now();
        if let Some(Err(error)) = shelf.map(|shelf| shelf.keep(&documents, now)) {
            tracing::warn!(image = %key, "what the registry answered is known in memory alone: {error}");
        }
        let children = documents.children.clone();
        let attested = take_in(&documents, &verifier, &reports, Path::new(&*key), now);
        Learnt::Image { attested, children }
    });
    verified
        .await
        .map_err(|_| Failure::Unusable("what the registry holds about it could not be verified".to_owned()))
}

fn take_in(
    documents: &Documents,
    verifier: &Verifier,
    reports: &Mutex<Reports>,
    name: &Path,
    asked_at: Timestamp,
) -> Attested {
    let verified = verifier.read(documents, asked_at);
    reports.lock().unwrap_or_else(PoisonError::into_inner).take(name, documents, verified)
}

fn with_digest(image: &ImageReference, digest: &Digest) -> ImageReference {
    ImageReference { tag: None, digest: Some(digest.clone()), ..image.clone() }
}
