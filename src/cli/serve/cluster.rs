//! The cluster while the webhook serves: what is asked of the API server, kept from it, and done there by one replica.

use std::{sync::Arc, time::Duration};

use clap::Args;
use tokio::task::JoinHandle;

use super::{in_force::InForce, notices::Telling};
use crate::{
    cluster::{self, Cluster, Leadership, Observer, Term},
    server::{Condition, State},
    telemetry::Metrics,
};

/// Where the gate stands in its cluster.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct InCluster {
    /// Ask the API server what exists, and keep policies, exemptions and what they judge by current from there. By
    /// KUBECONFIG, or by the account of the pod.
    #[arg(long, env = "SOC2GATE_CLUSTER")]
    pub(super) cluster: bool,
    /// The namespace that the gate itself runs in.
    #[arg(long, value_name = "NAME", default_value = "soc2gate", env = "SOC2GATE_NAMESPACE")]
    pub(super) namespace: String,
    /// This replica's name among the others, as the name of its pod.
    #[arg(long, value_name = "NAME", env = "HOSTNAME", default_value = "soc2gate", hide_env_values = true)]
    pub(super) identity: String,
}

/// How long the end may take: the pod is killed if it takes too long.
const PATIENCE: Duration = Duration::from_secs(5);

/// What goes on in the cluster as long as this lives.
pub(super) struct Joined {
    leadership: Leadership,
    observer: Arc<Observer>,
    tasks: Vec<JoinHandle<()>>,
}

impl InCluster {
    /// The connection, if one is wanted.
    pub(super) async fn connect(&self) -> Result<Option<Cluster>, cluster::Error> {
        if !self.cluster {
            return Ok(None);
        }
        Cluster::connect(&self.namespace, &self.identity).await.map(Some)
    }
}

impl Joined {
    /// Begins everything that goes on beside the answers.
    pub(super) async fn start(
        cluster: &Cluster,
        _flags: &InCluster,
        in_force: &Arc<InForce>,
        _metrics: &Arc<Metrics>,
        telling: Telling,
    ) -> Result<Self, cluster::Error> {
        let (leadership, standing) = cluster::stand(cluster, "soc2gate", Term::default());
        let (observer, telling) = telling.start(cluster, &leadership, &in_force.gate);
        let tasks = std::iter::once(standing).chain(telling).collect();
        Ok(Self { leadership, observer, tasks })
    }

    /// Writes down at the end what was observed. Nothing else waits for the API server.
    pub(super) async fn leave(&self) {
        let _in_time = tokio::time::timeout(PATIENCE, self.observer.flush()).await.is_ok();
    }

    /// What `/readyz` shows.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        let role = if self.leadership.is_ours() { "this replica leads" } else { "another replica leads" };
        vec![Condition::new("leadership", State::Met, role)]
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
