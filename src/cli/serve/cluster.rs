//! The cluster while the webhook serves: what is asked of the API server, kept from it, and done there by one replica.

use std::{sync::Arc, time::Duration};

use clap::Args;
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::super::rules::Rules;
use super::{
    definitions::Definitions,
    in_force::InForce,
    notices::{self, Telling},
    scanning::{Background, Scanning},
};
use crate::{
    admission::Gate,
    cluster::{self, Cluster, Leadership, Observer, Standing, Surroundings, Term, Wiring},
    decision::ratchet,
    images::resolver::Learner,
    object::Object,
    scanner::Sees,
    server::{Condition, State},
    telemetry::Metrics,
};

/// Where the gate stands in its cluster.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct InCluster {
    /// Ask the API server what exists, and keep policies, exemptions and what they judge by current from there. By
    /// KUBECONFIG, or by the account of the pod.
    #[arg(long, conflicts_with = "inventory", env = "SOC2GATE_CLUSTER")]
    pub(super) cluster: bool,
    /// This replica's name among the others, as the name of its pod.
    #[arg(long, value_name = "NAME", env = "HOSTNAME", default_value = "soc2gate", hide_env_values = true)]
    pub(super) identity: String,
    #[command(flatten)]
    pub(super) scanning: Scanning,
}

/// How long the end may take: the pod is killed if it takes too long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What goes on in the cluster as long as this lives.
pub(super) struct Joined {
    leadership: Leadership,
    observer: Arc<Observer>,
    surroundings: Arc<Surroundings>,
    _definitions: Definitions,
    tasks: Vec<JoinHandle<()>>,
}

impl InCluster {
    /// The connection of a gate in this namespace, if one is wanted.
    pub(super) async fn connect(&self, namespace: &str) -> Result<Option<Cluster>, cluster::Error> {
        if !self.cluster {
            return Ok(None);
        }
        Cluster::connect(namespace, &self.identity).await.map(Some)
    }
}

/// Judges by the version of the cluster, unless another is wanted.
pub(super) async fn with_version(mut rules: Rules, cluster: Option<&Cluster>) -> Rules {
    let Some(cluster) = cluster.filter(|_| rules.kubernetes_version.is_none()) else { return rules };
    let version = cluster.version().await.map_err(|error| error.to_string());
    match version.and_then(|version| version.parse()) {
        Ok(version) => rules.kubernetes_version = Some(version),
        Err(reason) => tracing::warn!("judging by the newest version of Kubernetes that is known: {reason}"),
    }
    rules
}

impl Joined {
    /// Begins everything that goes on beside the answers.
    pub(super) async fn start(
        cluster: &Cluster,
        flags: &InCluster,
        in_force: &Arc<InForce>,
        metrics: &Arc<Metrics>,
        telling: Telling,
        learner: Option<Learner>,
    ) -> Result<Self, cluster::Error> {
        let (leadership, standing) = cluster::stand(cluster, "soc2gate", Term::default());
        let (observer, telling) = telling.start(cluster, &leadership, &in_force.gate);
        let definitions = Definitions::start(cluster, leadership.clone(), in_force);
        let surroundings = Arc::new(Surroundings::start(cluster, wiring(in_force, metrics, learner.clone())));
        let reviewing = tokio::spawn(review_owners(in_force.gate.clone(), surroundings.clone()));
        let (known, observing, judging) = (surroundings.clone(), observer.clone(), in_force.gate.clone());
        let status = definitions.status();
        let background = Background {
            cluster: cluster.clone(),
            gate: in_force.gate.clone(),
            metrics: metrics.clone(),
            is_ready: Box::new(move || !matches!(known.standing(), Standing::Beginning(_))),
            sees: learner
                .map(|learner| Arc::new(move |object: &Object<'_>| learner.saw(object)) as Arc<Sees>),
            tell: Box::new(move |scan| {
                let open = scan.policies.iter().map(|(policy, found)| (policy.clone(), found.open as u64));
                status.set_findings(open.collect());
                notices::tell_scan(&observing, &judging.inventory(), scan);
            }),
        };
        let scanning = flags.scanning.start(background, leadership.clone());
        let tasks = [standing, reviewing].into_iter().chain(telling).chain(scanning).collect();
        Ok(Self { leadership, observer, surroundings, _definitions: definitions, tasks })
    }

    /// Writes down at the end what was observed. Nothing else waits for the API server.
    pub(super) async fn leave(&self) {
        let _in_time = tokio::time::timeout(PATIENCE, self.observer.flush()).await.is_ok();
    }

    /// What `/readyz` shows.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let role = if self.leadership.is_ours() { "this replica leads" } else { "another replica leads" };
        let (state, detail) = match self.surroundings.standing() {
            Standing::Beginning(detail) => (State::Unmet, detail),
            Standing::Partial(detail) => (State::Degraded, detail),
            Standing::Whole(detail) => (State::Met, detail),
        };
        vec![Condition::new("leadership", State::Met, role), Condition::new("surroundings", state, detail)]
    }
}

fn wiring(in_force: &Arc<InForce>, metrics: &Arc<Metrics>, learner: Option<Learner>) -> Wiring {
    let (changing, judging) = (in_force.gate.clone(), in_force.gate.clone());
    Wiring {
        install: Arc::new(move |change| changing.update_inventory(change)),
        violations: Arc::new(move |object| {
            // Each replica meets everything that makes pods again and again: its images stay known.
            learner.iter().for_each(|learner| learner.saw(&object));
            ratchet::of_template(&judging.policies(), object, &judging.inventory(), Timestamp::now())
        }),
        reports: in_force.scans.clone(),
        metrics: metrics.clone(),
    }
}

/// Other policies find other violations in what makes pods.
async fn review_owners(gate: Arc<Gate>, surroundings: Arc<Surroundings>) {
    let mut digest = gate.policies().digest().to_owned();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let policies = gate.policies();
        if policies.digest() != digest {
            digest = policies.digest().to_owned();
            surroundings.review_owners();
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
