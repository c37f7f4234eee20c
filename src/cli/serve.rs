//! `soc2gate serve`: the webhook.

mod certificate;
mod cluster;
mod definitions;
mod in_force;
mod ingest;
mod notices;
mod registries;
mod scan_reports;
mod scanning;
mod upkeep;
mod world;

use std::{
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use clap::Args;
use hyper::{StatusCode, body::Bytes};
use jiff::Timestamp;

use super::{evidence::Evidence, rules::Rules, waiting};
use crate::{
    admission::{self, Gate},
    images::oci::OciRegistries,
    server::{self, Condition, Failure, Handlers, Limits, Readiness},
    telemetry::{Metrics, logs},
};
use certificate::{Shown, Tls};
use cluster::{InCluster, Joined};
use in_force::InForce;
use ingest::{Desk, Ingesting};
use notices::Telling;
use registries::{Asking, Hearing, Registries};
use upkeep::Upkeep;

/// Serve AdmissionReviews over HTTPS.
#[derive(Args)]
pub(super) struct Serve {
    /// Address for reviews (HTTPS, `POST /validate`).
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:8443", env = "SOC2GATE_LISTEN")]
    listen: SocketAddr,
    /// Address for `/livez`, `/readyz` and `/metrics` (plain HTTP). In a cluster: 0.0.0.0:9090.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090", env = "SOC2GATE_ADMIN_LISTEN")]
    admin_listen: SocketAddr,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    evidence: Evidence,
    #[command(flatten)]
    registries: Registries,
    #[command(flatten)]
    ingesting: Ingesting,
    #[command(flatten)]
    cluster: InCluster,
    #[command(flatten)]
    tls: Tls,
    /// How log lines look: `text`, `json`, or `auto` (text on a terminal).
    #[arg(long, value_name = "FORMAT", default_value = "auto", env = "SOC2GATE_LOG_FORMAT")]
    log_format: logs::Format,
    /// What to log: a level, or `module=level` pairs.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "SOC2GATE_LOG_LEVEL")]
    log_level: String,
}

/// Why the webhook did not start.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Logs(#[from] logs::Error),
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Unusable(Vec<crate::manifest::Unusable>),
    #[error(transparent)]
    Server(#[from] server::Error),
    #[error(transparent)]
    Cluster(#[from] crate::cluster::Error),
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Serve {
    pub(super) fn run(self) -> ExitCode {
        match self.serve() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                super::complain(&error.to_string());
                ExitCode::from(2)
            }
        }
    }

    fn serve(self) -> Result<(), Error> {
        logs::start(self.log_format, &self.log_level)?;
        let metrics = Arc::new(admission::metrics()?);
        waiting::on_every_core(async {
            let cluster = self.cluster.connect(&self.rules.gate_namespace).await?;
            let telling = cluster.as_ref().map(|_| Telling::new(metrics.registry())).transpose()?;
            let hearing = self.registries.listen(&metrics)?;
            let witnesses = telling.iter().map(Telling::witness);
            let witnesses = witnesses.chain(hearing.iter().map(Hearing::witness)).collect();
            let rules = cluster::with_version(self.rules.clone(), cluster.as_ref()).await;
            let has_cluster = cluster.is_some();
            let in_force = InForce::start(rules, &self.evidence, metrics.clone(), witnesses, has_cluster)
                .map_err(Error::Unusable)?;
            let learner = hearing.as_ref().map(|hearing| hearing.learner().clone());
            let desk = self.ingesting.start(&in_force, cluster.as_ref()).map_err(Error::Unusable)?;
            let store = self.ingesting.image_store.as_deref();
            let _upkeep = Upkeep::start(&self.evidence, store, &in_force).map_err(Error::Unusable)?;
            let asking = self.ask(hearing, &in_force)?;
            let joined = match cluster.as_ref().zip(telling) {
                Some((cluster, telling)) => {
                    Some(Joined::start(cluster, &self.cluster, &in_force, &metrics, telling, learner).await?)
                }
                None => None,
            };
            let joined = Arc::new(joined);
            let shown = self.tls.show(cluster.as_ref(), &metrics)?;
            let images = Images { asking, desk };
            let handlers = handlers(&in_force, &joined, images, &shown, &metrics);
            let handle = match server::serve(self.config(&shown), handlers, server::termination()?).await {
                Err(stopped @ server::Error::Stopped) => {
                    tracing::info!("{stopped}");
                    return Ok(());
                }
                started => started?,
            };
            let policies = in_force.gate.policies();
            tracing::info!(
                address = %handle.address(),
                admin_address = %handle.admin_address().map(|address| address.to_string()).unwrap_or_default(),
                checks = policies.bound().len(),
                policy_digest = policies.digest(),
                "ready for reviews"
            );
            if let Some(ca) = handle.made_ca() {
                introduce(ca, handle.address())?;
            }
            let counting = tokio::spawn(recount(in_force.gate.clone()));
            let left = handle.finished().await;
            counting.abort();
            if let Some(joined) = &*joined {
                joined.leave().await;
            }
            tracing::info!(?left, "stopped");
            Ok(())
        })?
    }

    /// Begins to ask registries, if they are to be asked.
    fn ask(&self, hearing: Option<Hearing>, in_force: &Arc<InForce>) -> Result<Option<Asking>, Error> {
        let Some((hearing, path)) = hearing.zip(self.registries.registries.as_ref()) else { return Ok(None) };
        let registry = OciRegistries::read(path).map_err(|error| Error::Unusable(vec![error]))?;
        hearing
            .start(&self.registries, Arc::new(registry), in_force, self.ingesting.image_store.as_deref())
            .map(Some)
            .map_err(Error::Unusable)
    }

    fn config(&self, shown: &Shown) -> server::Config {
        server::Config {
            listen: self.listen,
            admin_listen: Some(self.admin_listen),
            certificate: shown.source.clone(),
            client_ca: shown.client_ca.clone(),
            limits: Limits::default(),
        }
    }
}

/// What keeps the evidence of images current.
struct Images {
    asking: Option<Asking>,
    desk: Option<Arc<Desk>>,
}

impl Images {
    fn conditions(&self) -> impl Iterator<Item = Condition> {
        let handed_in = self.desk.iter().flat_map(|desk| desk.conditions());
        self.asking.iter().map(Asking::condition).chain(handed_in)
    }
}

fn handlers(
    in_force: &Arc<InForce>,
    joined: &Arc<Option<Joined>>,
    images: Images,
    shown: &Shown,
    metrics: &Arc<Metrics>,
) -> Handlers {
    let (deciding, failing, telling) = (in_force.gate.clone(), in_force.gate.clone(), in_force.clone());
    let joined = joined.clone();
    let ingest = images.desk.as_ref().and_then(Desk::door);
    Handlers {
        validate: Arc::new(move |review| reply(deciding.answer(&review.body))),
        failed: Arc::new(move |body, failure| {
            let reason = match failure {
                Failure::Panicked => "a check failed unexpectedly".to_owned(),
                Failure::TimedOut(limit) => format!("it took longer than {} ms", limit.as_millis()),
            };
            reply(failing.answer_failure(body, &reason))
        }),
        readiness: Arc::new(move || {
            let mut conditions = telling.conditions();
            conditions.extend(joined.iter().flat_map(Joined::conditions));
            conditions.extend(images.conditions());
            Readiness { conditions }
        }),
        certificate: shown.judge(),
        ingest,
        metrics: metrics.clone(),
    }
}

fn reply(reply: admission::Reply) -> server::Reply {
    match reply.status {
        200 => server::Reply::json(reply.body),
        status => server::Reply {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            content_type: "text/plain; charset=utf-8",
            body: Bytes::from(reply.body),
        },
    }
}

/// Exemptions expire by themselves, so their gauge is renewed without anything having changed.
async fn recount(gate: Arc<Gate>) {
    let mut minute = tokio::time::interval(Duration::from_secs(60));
    loop {
        minute.tick().await;
        gate.count_exemptions(Timestamp::now());
    }
}

/// Tells a newcomer how to talk to a server whose certificate was made on the spot.
fn introduce(ca: &Path, address: SocketAddr) -> io::Result<()> {
    let bundle = BASE64_STANDARD.encode(std::fs::read(ca)?);
    let mut out = io::stdout().lock();
    writeln!(out, "caBundle: {bundle}")?;
    writeln!(out, "\nTry it from another terminal:")?;
    writeln!(
        out,
        "  curl --cacert {} -H 'Content-Type: application/json' \\\n    --data @tests/fixtures/reviews/009-CREATE-Pod-node-shell.json https://localhost:{}/validate",
        ca.display(),
        address.port()
    )?;
    out.flush()
}
