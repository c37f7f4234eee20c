//! The gate's certificate in the cluster: kept in a Secret, trusted through `caBundle` of the registration, renewed
//! without a failed call, and judged by what the API server trusts now.
//!
//! Every replica does all of this. Whoever writes first wins, the others read again.

mod exchange;
mod keeper;
mod metrics;
mod plan;
mod registration;
mod secret;

pub use metrics::KeeperMetrics;
pub use secret::ROTATE;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::Cluster;
use crate::certificates::{Held, Lives};
use exchange::Exchange;
use keeper::Keeper;
use registration::Registration;

/// The Service by which the API server calls the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub namespace: String,
    pub name: String,
}

impl Service {
    /// The name that the API server expects in the certificate.
    pub fn host(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }
}

/// What is looked after.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The ValidatingWebhookConfiguration by which the API server calls the gate.
    pub registration: String,
    pub service: Service,
    /// The Secret to keep the certificate in; without one only what is served is judged.
    pub secret: Option<KeptIn>,
}

/// How the certificate is kept in a Secret of the gate's namespace.
#[derive(Clone, Debug)]
pub struct KeptIn {
    pub name: String,
    /// What the certificate must be good for.
    pub names: Vec<String>,
    pub lives: Lives,
    /// From seeing a CA in `caBundle` to trusting that every API server has seen it too.
    pub settle: Duration,
}

/// What is known about the registration and the Secret.
#[derive(Clone, Debug, Default)]
struct Status {
    live: Live,
    /// Why `live` is no longer known to be so.
    away: Option<String>,
    /// What could not be done about it.
    trouble: Option<String>,
}

#[derive(Clone, Debug, Default)]
enum Live {
    #[default]
    Unknown,
    Absent,
    There(Registration, Timestamp),
}

/// The certificate as it is looked after, as long as its task runs.
pub struct Looked {
    wanted: Wanted,
    status: Arc<ArcSwap<Status>>,
}

/// Whether those who call accept the certificate, in words for whoever must act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    Accepted(String),
    /// By some of the registration's entries, or nobody knows.
    Doubtful(String),
    Refused(String),
}

/// Begins to look after the certificate. What is to be served is handed over to `held`.
pub fn look_after(
    cluster: &Cluster,
    wanted: Wanted,
    held: Arc<Held>,
    metrics: KeeperMetrics,
) -> (Looked, JoinHandle<()>) {
    let status = Arc::new(ArcSwap::from_pointee(Status::default()));
    let exchange = Exchange::new(cluster, &wanted);
    let keeper = Keeper::new(exchange, wanted.clone(), held, status.clone(), metrics);
    (Looked { wanted, status }, tokio::spawn(keeper.run()))
}

impl Looked {
    /// Judges the chain that is shown (PEM; none when there is none yet).
    pub fn judge(&self, chain: Option<&[u8]>, now: Timestamp) -> Judgement {
        let status = self.status.load();
        let judged = status.judge(&self.wanted, chain, now);
        let Some(away) = &status.away else { return judged };
        let seen = match &status.live {
            Live::There(_, at) => format!(" (as last seen at {at}; now {away})"),
            Live::Absent | Live::Unknown => format!(" ({away})"),
        };
        match judged {
            Judgement::Accepted(words) => Judgement::Accepted(words + &seen),
            Judgement::Doubtful(words) => Judgement::Doubtful(words + &seen),
            Judgement::Refused(words) => Judgement::Refused(words + &seen),
        }
    }
}

impl Status {
    fn judge(&self, wanted: &Wanted, chain: Option<&[u8]>, now: Timestamp) -> Judgement {
        let trouble = self.trouble.as_ref().map(|trouble| format!(": {trouble}")).unwrap_or_default();
        let name = &wanted.registration;
        let Some(chain) = chain else {
            return Judgement::Refused(format!("it comes from the Secret{trouble}"));
        };
        let live = match &self.live {
            Live::Unknown => {
                return Judgement::Doubtful(
                    "whether callers accept it is not known yet".to_owned() + &trouble,
                );
            }
            Live::Absent => {
                return Judgement::Doubtful(format!(
                    "nobody calls the gate, as there is no ValidatingWebhookConfiguration {name}: apply the manifests, \
                     or give the name of yours with --registration{trouble}"
                ));
            }
            Live::There(live, _) if live.entries.is_empty() => {
                return Judgement::Doubtful(format!(
                    "nobody calls the gate, as no entry *.soc2gate.io of ValidatingWebhookConfiguration {name} names \
                     the Service {}/{}: correct its clientConfig, or --service and --gate-namespace{trouble}",
                    wanted.service.namespace, wanted.service.name
                ));
            }
            Live::There(live, _) => live,
        };
        let refusals = live.refusals(chain, now);
        let count = live.entries.len();
        if refusals.is_empty() && trouble.is_empty() {
            return Judgement::Accepted(format!("all {count} entries of {name} accept it"));
        }
        if refusals.is_empty() {
            return Judgement::Doubtful(format!("all {count} entries of {name} accept it{trouble}"));
        }
        let refused_by_all = refusals.len() == count && refusals.iter().all(|refusal| refusal.is_certain);
        let words: Vec<_> = refusals.into_iter().map(|refusal| refusal.words).collect();
        let words = format!("{}: {}{trouble}", words.join(", "), remedy(wanted, live));
        if refused_by_all { Judgement::Refused(words) } else { Judgement::Doubtful(words) }
    }
}

fn remedy(wanted: &Wanted, live: &Registration) -> String {
    match (&wanted.secret, live.injected) {
        (Some(_), Some(annotation)) => format!(
            "the annotation {annotation} has cert-manager keep caBundle, so the gate does not. Remove it, or serve \
             the Secret that cert-manager writes with --tls-cert and --tls-key"
        ),
        (Some(_), None) => "caBundle is being put right".to_owned(),
        (None, Some(annotation)) => format!("see what the annotation {annotation} names"),
        (None, None) => {
            "put the CA of the certificate into caBundle, and the name into the certificate".to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
