//! The cluster while the webhook serves: what is asked of the API server, kept from it, and done there by one replica.

use std::sync::Arc;

use clap::Args;
use tokio::task::JoinHandle;

use super::{
    in_force::InForce,
    scanning::{Background, Scanning},
};
use crate::{
    admission::Witness,
    cluster::{self, Cluster, Leadership, Term},
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
    #[command(flatten)]
    pub(super) scanning: Scanning,
}

/// What goes on in the cluster as long as this lives.
pub(super) struct Joined {
    leadership: Leadership,
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

    /// Who wants to know of every decision.
    pub(super) fn witnesses(&self, _cluster: Option<&Cluster>) -> Vec<Arc<dyn Witness>> {
        Vec::new()
    }
}

impl Joined {
    /// Begins everything that goes on beside the answers.
    pub(super) async fn start(
        cluster: &Cluster,
        flags: &InCluster,
        in_force: &Arc<InForce>,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, cluster::Error> {
        let (leadership, standing) = cluster::stand(cluster, "soc2gate", Term::default());
        let background = Background {
            cluster: cluster.clone(),
            gate: in_force.gate.clone(),
            metrics: metrics.clone(),
            is_ready: Box::new(|| true),
            tell: Box::new(|_| {}),
        };
        let scanning = flags.scanning.start(background, leadership.clone());
        Ok(Self { leadership, tasks: std::iter::once(standing).chain(scanning).collect() })
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
