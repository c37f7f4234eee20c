//! A registry in trouble as the running program bears it: reviews are answered meanwhile, as the policy says, time and
//! memory stay bounded, and its recovery shows.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use soc2gate::object::Digest;
use tempfile::TempDir;

use super::{Fake, Reply, at, attached, image, referrer, referrers, sha256};
use crate::{
    gate::{self, Answer, Gate},
    images::{allowing, registries_file},
    sigstore::{BUNDLE, Key, signature_statement},
};

/// What is wrong with the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Broken,
    /// Five seconds for every answer.
    Slow,
    Garbage,
    /// Every document has 100 MiB, whatever was announced.
    Huge,
    RedirectLoop,
    /// A list of 10,000 referrers that are not there.
    Flooded,
}

/// How much memory the program may have taken at its most, in KiB: what it takes at rest, and the bound of all answers
/// about one image (32 MiB), twice over.
const MOST_MEMORY: u64 = 160 * 1024;

struct World {
    fake: Fake,
    fault: Arc<Mutex<Option<Fault>>>,
    gate: Gate,
    image: String,
    _state: TempDir,
}

impl World {
    /// A registry with a signed image, in trouble, and a gate that demands the signature.
    async fn start(fault: Fault, unknown: &str) -> Self {
        let (key, state) = (Key::make(), tempfile::tempdir().unwrap());
        let fault = Arc::new(Mutex::new(Some(fault)));
        let answers = Answers::of(&key);
        let digest = answers.digest.clone();
        let current = fault.clone();
        let fake = Fake::start(move |seen| {
            let fault = *current.lock().unwrap();
            answers.to(&seen.path, &seen.host, fault)
        })
        .await;
        let identities = json!([{"images": fake.host, "key": key.pem()}]);
        let checks = format!(
            "- {{id: unsigned-image, mode: enforce, params: {{identities: {identities}}}}}\n  {unknown}"
        );
        let policies = allowing(state.path(), &fake.host, &checks);
        let registries = registries_file(state.path(), &fake.host);
        let gate =
            Gate::start(&["--policies", &policies, "--registries", &registries, "--image-refresh", "1s"]);
        let image = format!("{}/shop/web@{digest}", fake.host);
        Self { fake, fault, gate, image, _state: state }
    }

    async fn answer(&self) -> Answer {
        self.gate.create(&gate::pod(json!({"image": self.image}))).await
    }

    async fn answer_when(&self, fits: impl Fn(&Answer) -> bool) -> Answer {
        let begun = Instant::now();
        loop {
            let answer = self.answer().await;
            if fits(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < gate::SOON * 2, "never came: {:?}", answer.body);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The registry is well again: the signature counts, and metrics and readiness show it.
    async fn recovers(&self) {
        *self.fault.lock().unwrap() = None;
        self.answer_when(Answer::allowed).await;
        self.gate.admin_until("/metrics", |text| text.contains("soc2gate_images{state=\"failed\"} 0")).await;
        let metrics = self.gate.admin("/metrics").await.text().to_owned();
        assert!(metrics.contains("soc2gate_images{state=\"answered\"} 1"), "{metrics}");
        assert!(count(&metrics, "answered") >= 1, "{metrics}");
        self.gate.admin_until("/readyz?verbose", |text| standing(text) == Some("met".to_owned())).await;
        let most = most_memory(self.gate.process());
        assert!(most < MOST_MEMORY, "{most} KiB");
    }
}

/// What the registry answers.
struct Answers {
    digest: Digest,
    bundle: String,
    signature: Vec<u8>,
}

impl Answers {
    fn of(key: &Key) -> Self {
        let digest = sha256(&image());
        let bundle = key.bundle(&signature_statement("", digest.as_str()));
        let signature = String::from_utf8(attached(&digest, bundle.as_bytes())).unwrap();
        let signature = signature.replace(super::DSSE, BUNDLE).into_bytes();
        Self { digest, bundle, signature }
    }

    fn to(&self, path: &str, host: &str, fault: Option<Fault>) -> Reply {
        let healthy = self.healthy(path);
        let is_list = path.starts_with("/v2/shop/web/referrers/");
        match fault {
            None => healthy,
            Some(Fault::Broken) => Reply::status(503),
            Some(Fault::Slow) => Reply { delay: Duration::from_secs(5), ..healthy },
            Some(Fault::Garbage) => Reply::ok(vec![0xff; 4096]),
            Some(Fault::Huge) if path.contains("/blobs/") => {
                Reply { times: Some(100), ..Reply::ok(vec![b' '; 1 << 20]) }
            }
            Some(Fault::RedirectLoop) => Reply::redirect(format!("http://{host}{path}")),
            Some(Fault::Flooded) if is_list => {
                let absent = |number: usize| referrer(number.to_string().as_bytes());
                referrers(&(0..10_000).map(absent).collect::<Vec<Value>>())
            }
            Some(Fault::Huge | Fault::Flooded) => healthy,
        }
    }

    fn healthy(&self, path: &str) -> Reply {
        if path == at(&self.digest) {
            Reply::ok(image())
        } else if path == at(&sha256(&self.signature)) {
            Reply::ok(self.signature.clone())
        } else if path.starts_with("/v2/shop/web/referrers/") {
            referrers(&[referrer(&self.signature)])
        } else if path == format!("/v2/shop/web/blobs/{}", sha256(self.bundle.as_bytes())) {
            Reply::ok(self.bundle.clone())
        } else {
            Reply::status(404)
        }
    }
}

/// How many questions came to this.
fn count(metrics: &str, result: &str) -> u64 {
    let name = format!("soc2gate_image_lookups_total{{result=\"{result}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&*name)?.parse().ok()).unwrap_or_default()
}

/// How the registries are, as `/readyz` says.
fn standing(readiness: &str) -> Option<String> {
    let readiness: Value = serde_json::from_str(readiness).ok()?;
    let conditions = readiness["conditions"].as_array()?;
    let condition = conditions.iter().find(|condition| condition["name"] == "image-registries")?;
    Some(condition["state"].as_str()?.to_lowercase())
}

/// The most memory that a process ever had resident, in KiB.
fn most_memory(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

const DENYING: &str = "- {id: unknown-image-evidence, mode: enforce}";

#[tokio::test(flavor = "multi_thread")]
async fn while_a_registry_is_broken_or_answers_nonsense_the_verdict_is_the_configured_one() {
    let faults = [Fault::Broken, Fault::Garbage, Fault::RedirectLoop].map(|fault| async move {
        let world = World::start(fault, DENYING).await;
        let answer = world.answer_when(|answer| answer.message().contains("could not be fetched")).await;
        assert!(!answer.allowed() && answer.message().contains("unknown-image-evidence"), "{fault:?}");
        let metrics = world.gate.admin("/metrics").await.text().to_owned();
        let failed = ["too-many", "unavailable", "unusable", "forbidden"];
        let failed: u64 = failed.iter().map(|result| count(&metrics, result)).sum();
        assert!(failed >= 1 && count(&metrics, "answered") == 0, "{fault:?} {metrics}");
        world.gate.admin_until("/readyz?verbose", |text| standing(text) == Some("degraded".to_owned())).await;
        // It is left alone for a while, instead of being asked for every review.
        let asked = world.fake.seen().len();
        assert!(asked <= 40, "{fault:?}: {asked}");
        world.recovers().await;
    });
    futures::future::join_all(faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_warns_or_errs_where_the_policy_says_so() {
    let warning = World::start(Fault::Broken, "- {id: unknown-image-evidence, mode: warn}").await;
    let answer = warning.answer_when(|answer| !answer.warnings().is_empty()).await;
    assert!(answer.allowed(), "{:?}", answer.body);
    assert!(answer.warnings().iter().any(|line| line.contains("unknown-image-evidence")), "{answer:?}");
    // Nobody has the word for it: what is enforced could not be decided, and that is no pass.
    let silent = World::start(Fault::Broken, "- {id: unknown-image-evidence, mode: \"off\"}").await;
    let answer = silent.answer().await;
    assert_eq!((answer.allowed(), answer.decision()), (false, "error"), "{:?}", answer.body);
    warning.recovers().await;
    silent.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_takes_five_seconds_holds_up_no_review() {
    let world = World::start(Fault::Slow, DENYING).await;
    world.answer().await;
    let begun = Instant::now();
    while world.fake.seen().is_empty() {
        assert!(begun.elapsed() < gate::SOON, "it was never asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let answers = (0..50).map(|_| world.answer());
    for answer in futures::future::join_all(answers).await {
        assert!(answer.message().contains(" fetched from "), "{}", answer.message());
    }
    // All of them came while the first question was still out.
    assert_eq!(world.fake.seen().len(), 1);
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_of_100_mib_and_10_000_referrers_cost_bounded_memory_and_hide_nothing_for_good() {
    let faults = [Fault::Huge, Fault::Flooded].map(|fault| async move {
        let world = World::start(fault, DENYING).await;
        let answer = world.answer_when(|answer| answer.message().contains("unsigned-image")).await;
        assert!(!answer.allowed() && answer.message().contains("holds no signature"), "{:?}", answer.body);
        assert!(answer.message().contains("left unread: "), "{}", answer.message());
        world.recovers().await;
    });
    futures::future::join_all(faults).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registry_that_is_not_there_at_all_is_asked_again_until_it_is() {
    // A port that nobody listens at until later.
    let host = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (key, state) = (Key::make(), tempfile::tempdir().unwrap());
    let identities = json!([{"images": host, "key": key.pem()}]);
    let check = format!("- {{id: unsigned-image, mode: enforce, params: {{identities: {identities}}}}}");
    let policies = allowing(state.path(), &host, &format!("{check}\n  {DENYING}"));
    let registries = registries_file(state.path(), &host);
    let gate = Gate::start(&["--policies", &policies, "--registries", &registries]);
    let answers = Answers::of(&key);
    let image = format!("{host}/shop/web@{}", answers.digest);
    let pod = gate::pod(json!({"image": image}));
    let answer = || gate.create(&pod);
    assert!(!answer().await.allowed());
    gate.admin_until("/metrics", |text| count(text, "unavailable") >= 1).await;
    gate.admin_until("/metrics", |text| text.contains("soc2gate_images{state=\"failed\"} 1")).await;
    let told = answer().await;
    assert!(told.message().contains("could not be fetched"), "{}", told.message());
    let _fake = Fake::start_at(&host, move |seen| answers.to(&seen.path, &seen.host, None)).await;
    gate.admin_until("/metrics", |text| count(text, "answered") >= 1).await;
    assert!(answer().await.allowed());
}
