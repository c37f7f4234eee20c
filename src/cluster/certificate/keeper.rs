//! The task that does what the plan says: reads, writes, hands over, patches, and begins again.

use std::{pin::pin, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::StreamExt;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use rustls::pki_types::CertificateDer;
use tokio::time::{Instant, sleep};

use super::{
    KeeperMetrics, KeptIn, Live, Status, Wanted,
    exchange::{Exchange, Trouble},
    plan::{Seen, Step, plan},
    registration::Registration,
    secret::Kept,
};
use crate::certificates::{Bundle, Held, Pair, expiry};

/// How often both objects are read although nothing tells of a change.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Between two looks at least, whatever happens out there.
const BREATH: Duration = Duration::from_millis(200);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// So many repairs in so long a time mean that somebody else writes the Secret.
const REPAIRS: usize = 6;
const REPAIRS_WITHIN: Duration = Duration::from_secs(10 * 60);
/// So many conflicts in a row are something else.
const CONFLICTS: usize = 5;

pub(super) struct Keeper {
    exchange: Exchange,
    wanted: Wanted,
    host: String,
    held: Arc<Held>,
    status: Arc<ArcSwap<Status>>,
    metrics: KeeperMetrics,
    /// The CAs that the Secret held when it was last whole.
    remembered: Bundle,
    /// The newest CA of the Secret, and since when every entry has been seen to trust it.
    trusted_since: Option<(CertificateDer<'static>, Instant)>,
    repairs: Vec<Instant>,
    /// Patches in a row that were refused because of somebody else's.
    conflicts: usize,
}

/// When to look again.
enum Next {
    AtOnce,
    Later(Duration),
}

impl Keeper {
    pub(super) fn new(
        exchange: Exchange,
        wanted: Wanted,
        held: Arc<Held>,
        status: Arc<ArcSwap<Status>>,
        metrics: KeeperMetrics,
    ) -> Self {
        let host = wanted.service.host();
        Self {
            exchange,
            wanted,
            host,
            held,
            status,
            metrics,
            remembered: Bundle::default(),
            trusted_since: None,
            repairs: Vec::new(),
            conflicts: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let mut changes = pin!(self.exchange.changes());
        let mut pause = FIRST_PAUSE;
        loop {
            let wait = match self.round().await {
                Ok(Next::AtOnce) => BREATH,
                Ok(Next::Later(wait)) => {
                    pause = FIRST_PAUSE;
                    wait.max(BREATH)
                }
                Err(away) => {
                    self.is_away(&away);
                    let wait = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    wait
                }
            };
            // Changes that come together are looked at together.
            sleep(BREATH).await;
            let away = self.status.load().away.is_some();
            let change = async {
                // A watch that fails tells nothing new of an API server that is known to be away.
                while changes.next().await.is_some_and(|is_change| !is_change && away) {}
            };
            tokio::select! {
                () = sleep(wait.saturating_sub(BREATH)) => {}
                () = change => {}
            }
        }
    }

    /// Looks once, and takes one step.
    async fn round(&mut self) -> Result<Next, Trouble> {
        let secret = self.exchange.secret().await?;
        let kept = secret.as_ref().map(Kept::read);
        let held = self.held.get();
        if held.is_none()
            && let Some(pair) = kept.as_ref().and_then(|kept| kept.pair.clone())
        {
            // Whatever else is wrong: better served than not.
            self.held.set(pair);
        }
        let live = self.exchange.registration().await?;
        let live = live.map(|live| Registration::read(&live, &self.wanted.service));
        self.has_seen(live.clone());
        let Some(kept_in) = self.wanted.secret.clone() else { return Ok(Next::Later(LOOK_EVERY)) };
        let settling = self.settling(kept.as_ref(), live.as_ref(), kept_in.settle);
        let (remembered, host) = (self.remembered.clone(), self.host.clone());
        let seen = Seen {
            kept: kept.as_ref(),
            held: held.as_ref(),
            live: live.as_ref(),
            remembered: &remembered,
            settled: settling == Some(Duration::ZERO),
            host: &host,
            names: &kept_in.names,
            now: Timestamp::now(),
        };
        let step = plan(&seen);
        let may_be_trusted = step.leaves_bundle_good();
        let trouble = match self.take(step, &seen, secret.as_ref(), &kept_in).await {
            Ok(Some(next)) => return Ok(next),
            Ok(None) => None,
            Err(trouble) => Some(trouble),
        };
        self.hand_over(&seen);
        match kept {
            Some(kept) if may_be_trusted && !kept.is_foreign => {
                let wait = settling.filter(|left| !left.is_zero()).unwrap_or(LOOK_EVERY);
                // Short lives are looked at more often.
                let wait = wait.min(kept_in.lives.certificate / 20);
                Ok(self.make_trusted(&kept.bundle, live.as_ref(), trouble, wait).await)
            }
            _ => {
                self.cannot(trouble);
                Ok(Next::Later(LONGEST_PAUSE))
            }
        }
    }

    /// Sees to it that callers trust what the Secret says.
    async fn make_trusted(
        &mut self,
        bundle: &Bundle,
        live: Option<&Registration>,
        trouble: Option<String>,
        wait: Duration,
    ) -> Next {
        self.remembered = bundle.clone();
        if let Ok(end) = expiry(bundle.pem().as_bytes()) {
            self.metrics.ca_ends(end);
        }
        let Some(patch) = live.and_then(|live| live.patch(bundle)) else {
            let wait = if trouble.is_some() { LONGEST_PAUSE } else { wait };
            self.cannot(trouble);
            return Next::Later(wait);
        };
        let registration = &self.wanted.registration;
        match self.exchange.patch(&patch).await {
            Ok(patched) => {
                tracing::info!(registration, "caBundle was put right");
                self.metrics.patches.count(&["done"]);
                self.has_seen(Some(Registration::read(&patched, &self.wanted.service)));
                self.conflicts = 0;
                Next::AtOnce
            }
            // A JSON patch whose test fails is answered with 422.
            Err(error) if error.is_any_of(&[404, 409, 422]) && self.conflicts < CONFLICTS => {
                tracing::debug!(%error, "the registration changed meanwhile");
                self.metrics.patches.count(&["conflict"]);
                self.conflicts += 1;
                Next::Later(FIRST_PAUSE)
            }
            Err(error) => {
                self.metrics.patches.count(&["failed"]);
                self.cannot(Some(format!("caBundle of {registration} cannot be put right: {error}")));
                self.conflicts = 0;
                Next::Later(LONGEST_PAUSE)
            }
        }
    }

    /// Writes what the step says: when to look again, or in words why it could not be done. None when there was
    /// nothing to write.
    async fn take(
        &mut self,
        step: Step,
        seen: &Seen<'_>,
        there: Option<&Secret>,
        kept_in: &KeptIn,
    ) -> Result<Option<Next>, String> {
        let name = &kept_in.name;
        if seen.kept.is_some_and(|kept| kept.is_foreign) {
            return Err(format!(
                "the Secret {name} belongs to cert-manager, so the gate only reads it. Mount it and give its files \
                 with --tls-cert and --tls-key, or give another name with --tls-secret"
            ));
        }
        let Some(reason) = step.reason() else { return Ok(None) };
        if reason.is_repair() && !self.may_repair() {
            let minutes = REPAIRS_WITHIN.as_secs() / 60;
            return Err(format!(
                "the Secret {name} was lost or damaged {REPAIRS} times within {minutes} minutes: find out who writes it"
            ));
        }
        let content = step.content(seen, kept_in.lives).map_err(|error| error.to_string())?;
        let Some(content) = content else { return Ok(None) };
        match self.exchange.write(&content.written_to(there, name)).await {
            Ok(()) => {
                tracing::info!(secret = name, reason = reason.word(), "certificates were written");
                self.metrics.renewals.count(&[reason.word()]);
                if reason.is_repair() {
                    self.repairs.push(Instant::now());
                }
                Ok(Some(Next::AtOnce))
            }
            Err(error) if error.is_any_of(&[409]) || there.is_some() && error.is_any_of(&[404]) => {
                tracing::debug!(%error, "another replica was first");
                Ok(Some(Next::Later(FIRST_PAUSE)))
            }
            Err(error) => Err(format!("the Secret {name} cannot be written: {error}")),
        }
    }

    fn hand_over(&self, seen: &Seen<'_>) {
        if let Some(pair) = seen.next_to_serve() {
            self.held.set(Pair::clone(pair));
        }
    }

    /// How long the newest CA still needs until every reader must know it; none while one of them does not trust it.
    fn settling(
        &mut self,
        kept: Option<&Kept>,
        live: Option<&Registration>,
        settle: Duration,
    ) -> Option<Duration> {
        let newest = kept.and_then(|kept| kept.bundle.newest());
        let entries = live.map(|live| live.entries.as_slice()).unwrap_or_default();
        let newest = newest.filter(|newest| entries.iter().all(|entry| entry.trusted.contains(newest)));
        let since = match (newest, self.trusted_since.take()) {
            (None, _) => return None,
            (Some(newest), Some((seen, since))) if seen == *newest => since,
            (Some(_), _) => Instant::now(),
        };
        self.trusted_since = newest.map(|newest| (newest.clone(), since));
        Some(settle.saturating_sub(since.elapsed()))
    }

    fn may_repair(&mut self) -> bool {
        self.repairs.retain(|repair| repair.elapsed() < REPAIRS_WITHIN);
        self.repairs.len() < REPAIRS
    }

    fn has_seen(&self, live: Option<Registration>) {
        let live = live.map_or(Live::Absent, |live| Live::There(live, Timestamp::now()));
        let before = self.status.load();
        if before.away.is_some() {
            tracing::info!("the API server answers again");
        }
        self.status.store(Arc::new(Status { live, away: None, trouble: before.trouble.clone() }));
    }

    fn is_away(&mut self, error: &Trouble) {
        // What nobody sees cannot be counted as seen all the time.
        self.trusted_since = None;
        let (away, before) = (error.to_string(), self.status.load());
        if before.away.as_ref() != Some(&away) {
            tracing::warn!(error = away, "the certificate cannot be looked after: the one there is stays");
        }
        self.status.store(Arc::new(Status { away: Some(away), ..Status::clone(&before) }));
    }

    /// What cannot be done; none when everything can. Told once per reason.
    fn cannot(&self, trouble: Option<String>) {
        let before = self.status.load();
        if before.trouble == trouble {
            return;
        }
        if let Some(trouble) = &trouble {
            tracing::error!(trouble, "the certificate cannot be kept as it should be");
        }
        self.status.store(Arc::new(Status { trouble, ..Status::clone(&before) }));
    }
}
