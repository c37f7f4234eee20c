//! One of the replicas does what must be done once: it holds a Lease (coordination.k8s.io/v1) as long as it renews it.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
    jiff::Timestamp,
};
use kube::{
    Api,
    api::{ObjectMeta, PostParams},
};
use tokio::{sync::watch, time::Instant};

use super::{Cluster, is_absent, is_conflict};

/// How long a Lease holds, and how often its holder renews it.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Whoever has not renewed for this long holds it no more. Whole seconds.
    pub holds: Duration,
    pub renew_every: Duration,
}

impl Default for Term {
    fn default() -> Self {
        Self { holds: Duration::from_secs(15), renew_every: Duration::from_secs(4) }
    }
}

/// Whether this replica leads: until when, as it may be cut off, or stand still, before it can say so. Every clone
/// tells the same.
#[derive(Clone, Debug)]
pub struct Leadership(watch::Receiver<Option<Instant>>);

impl Leadership {
    pub fn is_ours(&self) -> bool {
        // A candidacy that has ended leads nobody.
        self.0.has_changed().is_ok() && is_now(*self.0.borrow())
    }

    /// Waits until this replica leads; for ever if the candidacy has ended.
    pub async fn gained(&mut self) {
        // Nobody stands for it any more once the sender is gone, whatever it said last.
        if self.0.has_changed().is_err() || self.0.wait_for(|until| is_now(*until)).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until this replica no longer leads.
    pub async fn lost(&mut self) {
        loop {
            let until = *self.0.borrow_and_update();
            let Some(until) = until.filter(|until| is_now(Some(*until))) else { return };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                told = self.0.changed() => if told.is_err() { return },
            }
        }
    }
}

fn is_now(until: Option<Instant>) -> bool {
    until.is_some_and(|until| Instant::now() < until)
}

/// Runs for leadership under the Lease `name` until the returned task is aborted.
pub fn stand(cluster: &Cluster, name: &str, term: Term) -> (Leadership, tokio::task::JoinHandle<()>) {
    let (tell, told) = watch::channel(None);
    let api = Api::namespaced(cluster.client.clone(), &cluster.namespace);
    let candidate = Candidate {
        api,
        name: name.to_owned(),
        identity: cluster.identity.clone(),
        term,
        seen: None,
        renewed: None,
    };
    (Leadership(told), tokio::spawn(candidate.run(tell)))
}

struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    term: Term,
    /// Another holder's last sign of life, and when we saw it: by our own clock, as theirs may be off.
    seen: Option<(Option<String>, Instant)>,
    /// When we last renewed our own.
    renewed: Option<Instant>,
}

impl Candidate {
    async fn run(mut self, tell: watch::Sender<Option<Instant>>) {
        let mut led = false;
        loop {
            // An answer that takes longer than this would tell of a Lease that has run out meanwhile.
            let asked = Instant::now();
            let outcome = tokio::time::timeout(self.term.renew_every, self.take()).await;
            match outcome {
                Ok(Ok(true)) => (self.renewed, self.seen) = (Some(asked), None),
                Ok(Ok(false)) => self.renewed = None,
                Ok(Err(error)) => tracing::warn!(%error, lease = self.name, "the lease cannot be renewed"),
                Err(_) => tracing::warn!(lease = self.name, "renewing the lease took too long"),
            }
            // Whoever cannot reach the API server stops before another may begin.
            let leads_for = self.term.holds.saturating_sub(self.term.renew_every / 2);
            let until = self.renewed.map(|renewed| renewed + leads_for);
            let leads = is_now(until);
            if leads != led {
                tracing::info!(lease = self.name, leads, "leadership changed");
            }
            led = leads;
            tell.send_replace(until);
            tokio::time::sleep(self.term.renew_every).await;
        }
    }

    /// Takes or renews the Lease. True if it is ours now.
    async fn take(&mut self) -> kube::Result<bool> {
        let lease = match self.api.get(&self.name).await {
            Ok(lease) => lease,
            Err(error) if is_absent(&error) => {
                // Deleted, and whoever held it does not know yet.
                if self.seen.is_some() && !self.has_run_out(None, self.term.holds) {
                    return Ok(false);
                }
                return self.create().await;
            }
            Err(error) => return Err(error),
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.as_deref().filter(|holder| !holder.is_empty());
        let is_ours = holder == Some(&self.identity);
        let holds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let holds = holds.map_or(self.term.holds, Duration::from_secs);
        let sign = lease.metadata.resource_version.clone();
        if !is_ours && holder.is_some() && !self.has_run_out(sign, holds) {
            return Ok(false);
        }
        let transitions = spec.lease_transitions.unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let renewed = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.term.holds.as_secs()).ok(),
            acquire_time: if is_ours { spec.acquire_time.clone() } else { Some(now.clone()) },
            renew_time: Some(now),
            lease_transitions: Some(if is_ours { transitions } else { transitions.saturating_add(1) }),
            ..spec
        };
        // Carries the version that was read: of two who take it at once, one is refused.
        let replaced = Lease { spec: Some(renewed), ..lease };
        won(self.api.replace(&self.name, &PostParams::default(), &replaced).await)
    }

    async fn create(&self) -> kube::Result<bool> {
        let now = MicroTime(Timestamp::now());
        let lease = Lease {
            metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.term.holds.as_secs()).ok(),
                acquire_time: Some(now.clone()),
                renew_time: Some(now),
                lease_transitions: Some(0),
                ..LeaseSpec::default()
            }),
        };
        won(self.api.create(&PostParams::default(), &lease).await)
    }

    /// Whether its holder has given no sign of life for as long as the Lease holds. That it was deleted is one too.
    fn has_run_out(&mut self, sign: Option<String>, holds: Duration) -> bool {
        match &self.seen {
            Some((seen, when)) if *seen == sign => when.elapsed() > holds,
            _ => {
                self.seen = Some((sign, Instant::now()));
                false
            }
        }
    }
}

fn won(written: kube::Result<Lease>) -> kube::Result<bool> {
    match written {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
