//! Which certificate `serve` shows, and who looks after it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use crate::{
    certificates::{Held, Lives, Source, names_of},
    cluster::{
        Cluster,
        certificate::{self, Judgement, KeeperMetrics, KeptIn, Looked, Service, Wanted},
    },
    server::{Certificate, Condition, State},
    telemetry::Metrics,
};

#[derive(Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct Tls {
    /// Certificate chain in PEM, read again when it changes. With neither this nor --tls-secret one is made in --state.
    #[arg(long, value_name = "FILE", requires = "tls_key", env = "SOC2GATE_TLS_CERT")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "SOC2GATE_TLS_KEY")]
    tls_key: Option<PathBuf>,
    /// Callers must show a certificate signed by this CA (PEM).
    #[arg(long, value_name = "FILE", env = "SOC2GATE_CLIENT_CA")]
    client_ca: Option<PathBuf>,
    /// Where a made CA and certificate are kept.
    #[arg(long, value_name = "DIR", default_value = "certs/dev", env = "SOC2GATE_STATE")]
    state: PathBuf,
    /// Another DNS name or address that a made certificate is good for; may be repeated.
    #[arg(long = "tls-san", value_name = "NAME")]
    names: Vec<String>,
    /// Keep a CA and a certificate in this Secret of --gate-namespace, for all replicas, and `caBundle` of --registration
    /// with it. Needs --cluster.
    #[arg(
        long,
        value_name = "NAME",
        requires = "cluster",
        conflicts_with = "tls_cert",
        env = "SOC2GATE_TLS_SECRET"
    )]
    tls_secret: Option<String>,
    /// The Service in --gate-namespace by which the API server calls the gate.
    #[arg(long, value_name = "NAME", default_value = "soc2gate", env = "SOC2GATE_SERVICE")]
    service: String,
    /// The ValidatingWebhookConfiguration by which the API server calls the gate.
    #[arg(long, value_name = "NAME", default_value = "soc2gate", env = "SOC2GATE_REGISTRATION")]
    registration: String,
    #[command(flatten)]
    hurry: Hurry,
}

/// Hidden, because only a rehearsal needs them: nobody can wait months for a CA to grow old.
#[derive(Args)]
struct Hurry {
    /// Seconds that a CA in --tls-secret is good for.
    #[arg(long, hide = true, value_name = "SECONDS")]
    tls_ca_life: Option<u64>,
    /// Seconds that a certificate in --tls-secret is good for.
    #[arg(long, hide = true, value_name = "SECONDS")]
    tls_certificate_life: Option<u64>,
    /// Seconds that every API server is given to learn of a new CA.
    #[arg(long, hide = true, value_name = "SECONDS", default_value_t = 60)]
    tls_settle: u64,
}

/// The certificate while it is served.
pub(super) struct Shown {
    pub(super) source: Source,
    pub(super) client_ca: Option<PathBuf>,
    looked: Option<Arc<Looked>>,
    task: Option<JoinHandle<()>>,
}

impl Tls {
    /// Begins to look after the certificate, as far as there is something to look after.
    pub(super) fn show(&self, cluster: Option<&Cluster>, metrics: &Metrics) -> prometheus::Result<Shown> {
        let held = Arc::new(Held::default());
        let source = self.source(&held);
        let Some(cluster) = cluster else {
            return Ok(Shown { source, client_ca: self.client_ca.clone(), looked: None, task: None });
        };
        let wanted = Wanted {
            registration: self.registration.clone(),
            service: Service { namespace: cluster.namespace.clone(), name: self.service.clone() },
            secret: self.tls_secret.clone().map(|name| KeptIn {
                name,
                names: names_of(&self.service, &cluster.namespace, &self.names),
                lives: self.hurry.lives(),
                settle: Duration::from_secs(self.hurry.tls_settle),
            }),
        };
        let metrics = KeeperMetrics::register(metrics.registry())?;
        let (looked, task) = certificate::look_after(cluster, wanted, held, metrics);
        Ok(Shown {
            source,
            client_ca: self.client_ca.clone(),
            looked: Some(Arc::new(looked)),
            task: Some(task),
        })
    }

    fn source(&self, held: &Arc<Held>) -> Source {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Source::Files { certificate: certificate.clone(), key: key.clone() }
            }
            _ if self.tls_secret.is_some() => Source::Held(held.clone()),
            _ => Source::Made { state: self.state.clone(), names: self.names.clone() },
        }
    }
}

impl Hurry {
    fn lives(&self) -> Lives {
        let or = |seconds: Option<u64>, usual| seconds.map_or(usual, Duration::from_secs);
        Lives {
            ca: or(self.tls_ca_life, Lives::IN_SECRET.ca),
            certificate: or(self.tls_certificate_life, Lives::IN_SECRET.certificate),
        }
    }
}

impl Shown {
    /// What `/readyz` says about the chain that is shown.
    pub(super) fn judge(&self) -> Arc<Certificate> {
        let looked = self.looked.clone();
        Arc::new(move |chain| {
            let (state, words) = match looked.as_ref()?.judge(chain, Timestamp::now()) {
                Judgement::Accepted(words) => (State::Met, words),
                Judgement::Doubtful(words) => (State::Degraded, words),
                Judgement::Refused(words) => (State::Unmet, words),
            };
            Some(Condition::new("certificate", state, words))
        })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.task.iter().for_each(JoinHandle::abort);
    }
}
