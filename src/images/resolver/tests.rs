//! The resolver against registries that do what the test says.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{FutureExt, future::BoxFuture};

use tokio::time::sleep;

use super::*;
use crate::{
    images::{Documents, Failure},
    inventory::image_evidence::{Answer as Known, Tagged},
    object::{Digest, ImagePrefix, ImageReference},
};

/// Counts what it is asked, and answers as it is told.
#[derive(Default)]
struct Told {
    asked: AtomicUsize,
    down: std::sync::atomic::AtomicBool,
    children: Vec<Digest>,
    panics: bool,
}

impl Registry for Told {
    fn resolve<'a>(&'a self, _: &'a ImageReference) -> BoxFuture<'a, Result<Digest, Failure>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        async { Ok(digest('7')) }.boxed()
    }

    fn documents<'a>(
        &'a self,
        image: &'a ImageReference,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<Documents, Failure>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(!self.panics, "told to");
            sleep(Duration::from_millis(20)).await;
            if self.down.load(Ordering::SeqCst) {
                return Err(Failure::Unavailable("r.example.com is down".to_owned()));
            }
            let children = if *digest == self::digest('9') { self.children.clone() } else { Vec::new() };
            Ok(Documents {
                image: image.clone(),
                digest: digest.clone(),
                children,
                attached: Vec::new(),
                left_out: None,
            })
        }
        .boxed()
    }
}

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

struct Under {
    registry: Arc<Told>,
    learner: Learner,
    _running: Running,
    evidence: Arc<ArcSwap<Option<Arc<ImageEvidence>>>>,
    metrics: prometheus::Registry,
}

fn start(registry: Told, ages: Ages) -> Under {
    start_with(registry, ages, None)
}

fn start_with(registry: Told, ages: Ages, shelf: Option<PathBuf>) -> Under {
    let registry = Arc::new(registry);
    let evidence: Arc<ArcSwap<Option<Arc<ImageEvidence>>>> = Arc::default();
    let (installed, metrics) = (evidence.clone(), prometheus::Registry::new());
    let resolver = Resolver {
        registry: registry.clone(),
        trust: Box::new(|| ImageTrust {
            registries: vec![ImagePrefix::parse("r.example.com").unwrap()],
            ..ImageTrust::default()
        }),
        roots: Vec::new(),
        reports: Arc::default(),
        install: Box::new(move |source| {
            if let Source::Ready(evidence) = source {
                installed.store(Arc::new(Some(evidence)));
            }
        }),
        ages,
        shelf,
    };
    let (learner, listening) = listen(&metrics).unwrap();
    Under { registry, learner, _running: resolver.start(listening).unwrap(), evidence, metrics }
}

impl Under {
    /// The state of an image in one word, for as long as it is not `wanted`.
    async fn becomes(&self, text: &str, wanted: &str) {
        let mut state = String::new();
        for _ in 0..500 {
            state = self.state(text);
            if state == wanted {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("{text} is {state}, not {wanted}");
    }

    fn state(&self, text: &str) -> String {
        let image = ImageReference::parse(text).unwrap();
        let Some(evidence) = (**self.evidence.load()).clone() else { return "nothing".to_owned() };
        let registry = evidence.registry().unwrap();
        let Some(digest) = image.digest.clone() else {
            return match registry.tagged(&image) {
                Some(Tagged::Resolved { digest, .. }) => digest.to_string(),
                Some(Tagged::Pending { .. }) | None => "pending".to_owned(),
                Some(Tagged::Failed { reason, .. }) => reason.to_string(),
            };
        };
        match registry.about(&image, &digest) {
            Known::NotCovered => "not covered".to_owned(),
            Known::Pending { .. } => "pending".to_owned(),
            Known::Failed { reason, .. } => reason.to_owned(),
            Known::Known(_) => "known".to_owned(),
        }
    }

    fn asked(&self) -> usize {
        self.registry.asked.load(Ordering::SeqCst)
    }
}

fn app(digit: char) -> String {
    format!("r.example.com/app@{}", digest(digit))
}

fn quick() -> Ages {
    Ages { retry: Duration::from_millis(50), longest_retry: Duration::from_millis(200), ..Ages::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reviews_of_one_new_image_ask_once() {
    let under = start(Told::default(), Ages::default());
    let tasks = (0..1_000).map(|_| {
        let learner = under.learner.clone();
        tokio::spawn(async move { learner.saw_reference(&app('1')) })
    });
    futures::future::join_all(tasks).await;
    under.becomes(&app('1'), "known").await;
    assert_eq!(under.asked(), 1);
}

#[tokio::test]
async fn a_tag_leads_to_its_digest_and_that_to_what_is_attested() {
    let under = start(Told::default(), Ages::default());
    under.learner.saw_reference("r.example.com/app:1");
    under.becomes("r.example.com/app:1", digest('7').as_str()).await;
    under.becomes(&app('7'), "known").await;
}

#[tokio::test]
async fn the_platforms_of_an_index_are_asked_about_too() {
    let under = start(Told { children: vec![digest('1'), digest('2')], ..Told::default() }, Ages::default());
    under.learner.saw_reference(&app('9'));
    under.becomes(&app('1'), "known").await;
    under.becomes(&app('2'), "known").await;
    assert_eq!((**under.evidence.load()).clone().unwrap().children(&digest('9')).len(), 2);
}

#[tokio::test]
async fn a_registry_that_is_down_is_named_and_its_recovery_shows_in_the_metrics() {
    let under = start(Told { down: true.into(), ..Told::default() }, quick());
    under.learner.saw_reference(&app('1'));
    under.becomes(&app('1'), "r.example.com is down").await;
    under.registry.down.store(false, Ordering::SeqCst);
    under.becomes(&app('1'), "known").await;
    let text = prometheus::TextEncoder::new().encode_to_string(&under.metrics.gather()).unwrap();
    assert!(text.contains(r#"soc2gate_images{state="answered"} 1"#), "{text}");
    assert!(text.contains(r#"soc2gate_image_lookups_total{result="answered"} 1"#), "{text}");
}

#[tokio::test]
async fn an_image_of_a_registry_that_no_policy_allows_is_never_asked_about() {
    let under = start(Told::default(), Ages::default());
    let image = format!("evil.example.com/app@{}", digest('1'));
    under.learner.saw_reference(&image);
    under.learner.saw_reference(&app('2'));
    under.becomes(&app('2'), "known").await;
    assert_eq!((under.state(&image).as_str(), under.asked()), ("not covered", 1));
}

#[tokio::test]
async fn a_question_that_fails_unexpectedly_is_asked_again() {
    let under = start(Told { panics: true, ..Told::default() }, quick());
    under.learner.saw_reference(&app('1'));
    under.becomes(&app('1'), "asking about it failed unexpectedly").await;
    for _ in 0..300 {
        if under.asked() > 2 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it was not asked again");
}

#[tokio::test]
async fn what_was_known_is_known_again_after_a_start_while_the_registry_is_down() {
    let shelf = tempfile::tempdir().unwrap();
    let under = start_with(Told::default(), Ages::default(), Some(shelf.path().to_owned()));
    under.learner.saw_reference(&app('1'));
    under.becomes(&app('1'), "known").await;
    drop(under);
    let down = Told { down: true.into(), ..Told::default() };
    let under = start_with(down, quick(), Some(shelf.path().to_owned()));
    under.becomes(&app('1'), "known").await;
}
