//! Writes the status of policies and exemptions, on the one replica that leads and only where something new is to be said.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
    core::ApiResource,
};
use serde_json::{Value, json};
use tokio::{sync::Notify, task::JoinHandle};

use super::{
    Holding, PolicyFacts, exemption_news, exemption_resource, next_change, policy_resource,
    status::is_said_to_be_invalid,
    warning::{self, Invalid},
};
use crate::{
    cluster::{Cluster, Leadership, NAME, Raw, is_absent, is_conflict},
    policy::Exemption,
};

/// What is known of an object, to be told in its status.
pub enum Facts<'f> {
    Policy(PolicyFacts<'f>),
    Exemption(&'f Holding<Exemption>),
}

/// Who knows what the cluster's objects are worth.
pub trait Known: Send + Sync + 'static {
    /// Hands over each object by name with what is known of it. `findings` tells what a scan found, by policy.
    fn each(&self, findings: Option<&BTreeMap<String, u64>>, tell: &mut dyn FnMut(&str, Facts<'_>));
}

/// Says in their status what objects are worth, until dropped.
pub struct StatusWriter {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    findings: Mutex<Option<BTreeMap<String, u64>>>,
    news: Arc<Notify>,
}

/// How long a write may take, and how long after a failure it is tried again.
const LONGEST_WRITE: Duration = Duration::from_secs(10);
const RETRY: Duration = Duration::from_secs(15);
/// What nothing points to is looked at all the same: a status may have been written over.
const AT_LATEST: Duration = Duration::from_secs(300);
/// Changes that come in a row are told in one go.
const SETTLE: Duration = Duration::from_millis(200);

impl StatusWriter {
    /// Begins to write. `news` is told whenever `known` may say something else.
    pub fn start(
        cluster: &Cluster,
        leadership: Leadership,
        known: Arc<dyn Known>,
        news: Arc<Notify>,
    ) -> Self {
        let shared = Arc::new(Shared { findings: Mutex::default(), news });
        let writer = Writer {
            client: cluster.client.clone(),
            identity: cluster.identity.clone(),
            known,
            shared: shared.clone(),
            written: HashMap::new(),
        };
        Self { shared, task: tokio::spawn(writer.run(leadership)) }
    }

    /// Takes in how much a scan found under each policy, by its name. A policy that is not named has none.
    pub fn set_findings(&self, findings: BTreeMap<String, u64>) {
        *self.shared.findings.lock().unwrap_or_else(PoisonError::into_inner) = Some(findings);
        self.shared.news.notify_one();
    }
}

impl Drop for StatusWriter {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Writer {
    client: Client,
    identity: String,
    known: Arc<dyn Known>,
    shared: Arc<Shared>,
    /// What we have written, by uid: as long as the watch has not told of it, it counts as said.
    written: HashMap<String, Written>,
}

struct Written {
    /// The version that was known when we wrote.
    seen: String,
    status: Value,
}

/// One status to write.
struct Job {
    kind: ApiResource,
    name: String,
    uid: String,
    seen: String,
    generation: i64,
    status: Value,
    /// Why the object cannot be used, if so and nobody has been told.
    trouble: Option<String>,
}

/// What is to be done, and when to look again at the latest.
#[derive(Default)]
struct Plan {
    jobs: Vec<Job>,
    next_change: Option<Timestamp>,
}

impl Writer {
    async fn run(mut self, mut leadership: Leadership) {
        loop {
            leadership.gained().await;
            tokio::select! {
                () = self.lead() => {}
                () = leadership.lost() => self.written.clear(),
            }
        }
    }

    /// Writes as long as nobody else leads; does not return.
    async fn lead(&mut self) {
        loop {
            let now = Timestamp::now();
            let plan = self.plan(now);
            let mut failed = false;
            for job in plan.jobs {
                failed |= !self.write(job).await;
            }
            let until =
                |moment: Timestamp| moment.duration_since(now).unsigned_abs() + Duration::from_millis(50);
            let change = plan.next_change.map_or(AT_LATEST, until).min(AT_LATEST);
            let pause = if failed { change.min(RETRY) } else { change };
            let news = self.shared.news.clone();
            if tokio::time::timeout(pause, news.notified()).await.is_ok() {
                tokio::time::sleep(SETTLE).await;
            }
        }
    }

    fn plan(&mut self, now: Timestamp) -> Plan {
        let findings = self.shared.findings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut plan = Plan::default();
        let mut alive = Vec::new();
        let written = &self.written;
        self.known.each(findings.as_ref(), &mut |name, facts| {
            let (kind, object) = match &facts {
                Facts::Policy(facts) => (policy_resource(), Object::of(facts.holding)),
                Facts::Exemption(holding) => (exemption_resource(), Object::of(holding)),
            };
            alive.push(object.uid.to_owned());
            let own = written.get(object.uid).filter(|written| written.seen == object.seen);
            let said = own.map(|written| &written.status).or(object.status);
            let status = match &facts {
                Facts::Policy(facts) => facts.news(said, now),
                Facts::Exemption(holding) => {
                    let held = holding.in_force.as_ref();
                    let change = held.and_then(|(_, exemption)| next_change(exemption, now));
                    plan.next_change = plan.next_change.into_iter().chain(change).min();
                    exemption_news(holding, said, now)
                }
            };
            let Some(status) = status else { return };
            let is_told = is_said_to_be_invalid(said, object.generation);
            plan.jobs.push(Job {
                kind,
                name: name.to_owned(),
                uid: object.uid.to_owned(),
                seen: object.seen.to_owned(),
                generation: object.generation,
                status,
                trouble: object.trouble.filter(|_| !is_told),
            });
        });
        self.written.retain(|uid, _| alive.contains(uid));
        plan
    }

    /// Writes one status. False if that is to be tried again.
    async fn write(&mut self, job: Job) -> bool {
        if let Some(trouble) = &job.trouble {
            let Job { kind, name, uid, generation, .. } = &job;
            let invalid = Invalid { kind, name, uid, generation: *generation, trouble };
            warning::send(&self.client, &self.identity, &invalid).await;
        }
        let Job { kind, name, uid, seen, status, .. } = job;
        let api: Api<Raw> = Api::all_with(self.client.clone(), &kind);
        // Named by its uid, an object that was made anew meanwhile is not written to.
        let patch = json!({
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": name, "uid": uid},
            "status": status,
        });
        let params = PatchParams::apply(NAME).force();
        let patch = Patch::Apply(patch);
        let outcome = tokio::time::timeout(LONGEST_WRITE, api.patch_status(&name, &params, &patch)).await;
        let kind = kind.kind;
        match outcome {
            Ok(Ok(_)) => {
                self.written.insert(uid, Written { seen, status });
                true
            }
            // Gone, or another one by now: the watch will tell.
            Ok(Err(error)) if is_absent(&error) || is_conflict(&error) => true,
            Ok(Err(error)) => {
                tracing::warn!(%kind, name, %error, "the status cannot be written");
                false
            }
            Err(_) => {
                tracing::warn!(%kind, name, "writing the status took too long");
                false
            }
        }
    }
}

/// What a holding of either kind tells of its object.
struct Object<'h> {
    uid: &'h str,
    seen: &'h str,
    generation: i64,
    status: Option<&'h Value>,
    trouble: Option<String>,
}

impl<'h> Object<'h> {
    fn of<T>(holding: &'h Holding<T>) -> Self {
        Self {
            uid: &holding.uid,
            seen: &holding.resource_version,
            generation: holding.generation,
            status: holding.status.as_ref(),
            trouble: (!holding.flaws.is_empty()).then(|| holding.trouble()),
        }
    }
}
