//! Policies and exemptions that the cluster holds: followed for as long as the webhook serves, and answered in their
//! status by the replica that leads.

use std::sync::Arc;

use tokio::{sync::watch, task::JoinHandle};

use super::in_force::{InForce, Own};
use crate::cluster::{
    Cluster, Leadership,
    definitions::{StatusWriter, exemption_resource, follow, policy_resource},
};

/// Goes on until dropped.
pub(super) struct Definitions {
    status: Arc<StatusWriter>,
    followers: [JoinHandle<()>; 2],
}

impl Definitions {
    pub(super) fn start(cluster: &Cluster, leadership: Leadership, in_force: &Arc<InForce>) -> Self {
        let (tell, mut told) = watch::channel(false);
        let (client, taking) = (cluster.client.clone(), in_force.clone());
        let policies = tokio::spawn(follow(client, policy_resource(), move |news| {
            tell.send_if_modified(|known| {
                let is_known = taking.take_objects(Own::Policies, news);
                let is_new = is_known && !*known;
                *known |= is_known;
                is_new
            });
        }));
        let (client, taking) = (cluster.client.clone(), in_force.clone());
        let exemptions = tokio::spawn(async move {
            // An exemption is judged by the policies: without those of the cluster it would be judged wrongly.
            if told.wait_for(|known| *known).await.is_ok() {
                follow(client, exemption_resource(), move |news| {
                    taking.take_objects(Own::Exemptions, news);
                })
                .await;
            }
        });
        let status = StatusWriter::start(cluster, leadership, in_force.clone(), in_force.news.clone());
        Self { status: Arc::new(status), followers: [policies, exemptions] }
    }

    /// Who tells in the status of policies what a scan finds.
    pub(super) fn status(&self) -> Arc<StatusWriter> {
        self.status.clone()
    }
}

impl Drop for Definitions {
    fn drop(&mut self) {
        self.followers.iter().for_each(JoinHandle::abort);
    }
}
