//! Takes an installation out of a cluster.

use std::time::Duration;

use kube::Client;
use serde_json::Value;
use tokio::time::Instant;

use super::order::{Stage, of_stage};
use crate::{
    cli::{
        access::{Access, Cause, explain},
        install::is_ours,
        tell,
    },
    cluster::{Id, NAME, Objects, Resources},
    installation::{self, NAMESPACE},
};

/// How long the API server may take to notice that it is to ask nobody any more.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

/// How often is looked whether something has happened.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What reports of the gate bear.
const MANAGED: &str = "app.kubernetes.io/managed-by=soc2gate";

/// Where reports of the gate may lie.
const REPORTS: [(&str, &str); 4] = [
    ("openreports.io", "reports"),
    ("openreports.io", "clusterreports"),
    ("wgpolicyk8s.io", "policyreports"),
    ("wgpolicyk8s.io", "clusterpolicyreports"),
];

/// Tells what there is to remove and, if `yes`, removes it.
///
/// # Errors
/// What stood in the way, in words. Whatever could go is gone.
pub(super) fn run(
    access: &Access,
    namespace: Option<&str>,
    yes: bool,
    timeout: Duration,
) -> Result<(), String> {
    access.connected(async |client| {
        let mut leaving = Leaving::new(client);
        let namespace = match namespace {
            Some(namespace) => namespace.to_owned(),
            None => leaving.home().await?,
        };
        let installed = installation::everything(&namespace).map_err(|error| error.to_string())?;
        leaving.look(&installed).await?;
        if leaving.there.iter().all(|(_, ids)| ids.is_empty()) {
            tell(format_args!("nothing of the gate is here (namespace {namespace})"));
            return leaving.outcome();
        }
        if !yes {
            for (_, ids) in &leaving.there {
                ids.iter().for_each(|id| tell(format_args!("would remove {id}")));
            }
            tell(format_args!("everything else in namespace {namespace} goes with it. Do it with --yes"));
            return leaving.outcome();
        }
        leaving.remove().await;
        leaving.until_gone(timeout).await;
        leaving.outcome()
    })
}

struct Leaving {
    client: Client,
    cluster: Objects,
    /// What is there, by stage.
    there: Vec<(Stage, Vec<Id>)>,
    removed: Vec<Id>,
    trouble: Vec<String>,
}

impl Leaving {
    fn new(client: Client) -> Self {
        let cluster = Objects::new(client.clone());
        Self { client, cluster, there: Vec::new(), removed: Vec::new(), trouble: Vec::new() }
    }

    /// The namespace that the registration or the binding of the gate's rights names.
    async fn home(&mut self) -> Result<String, String> {
        let id = |api_version: &str, kind: &str| Id {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: String::new(),
            name: NAME.to_owned(),
        };
        let registration = id("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration");
        let binding = id("rbac.authorization.k8s.io/v1", "ClusterRoleBinding");
        for (id, path) in
            [(registration, "/webhooks/0/clientConfig/service/namespace"), (binding, "/subjects/0/namespace")]
        {
            let live = self.cluster.get(&id).await.map_err(|error| format!("{id}: {}", explain(&error)))?;
            let named = live.filter(is_ours).and_then(|live| Some(live.pointer(path)?.as_str()?.to_owned()));
            if let Some(namespace) = named {
                return Ok(namespace);
            }
        }
        Ok(NAMESPACE.to_owned())
    }

    /// Finds what is there. Whoever may not look at something is told so, and the rest goes on.
    async fn look(&mut self, installed: &[Value]) -> Result<(), String> {
        for stage in Stage::ALL {
            let mut there = Vec::new();
            for id in of_stage(installed, stage) {
                match self.cluster.get(&id).await {
                    Ok(Some(live)) if is_ours(&live) => there.push(id),
                    Ok(Some(_)) => {
                        tell(format_args!("left alone: {id} bears no label of the gate"));
                    }
                    Ok(None) => {}
                    Err(error @ kube::Error::Api(_)) => {
                        self.trouble.push(format!("{id}: {}", explain(&error)))
                    }
                    // Without a connection there is nothing to go on with.
                    Err(error) => return Err(explain(&error)),
                }
            }
            if stage == Stage::Reports {
                there.extend(self.reports().await?);
            }
            self.there.push((stage, there));
        }
        Ok(())
    }

    async fn reports(&mut self) -> Result<Vec<Id>, String> {
        let served = Resources::discover(&self.client).await.map_err(|error| explain(&error))?;
        let mut reports = Vec::new();
        for (group, plural) in REPORTS {
            let Some(resource) = served.get(group, plural) else { continue };
            match self.cluster.labelled(resource, MANAGED).await {
                Ok(found) => reports.extend(found),
                Err(error) => self.trouble.push(format!("{plural}.{group}: {}", explain(&error))),
            }
        }
        Ok(reports)
    }

    async fn remove(&mut self) {
        let mut waiting = Vec::new();
        let unseen = self.trouble.len();
        for (stage, ids) in std::mem::take(&mut self.there) {
            for id in ids {
                // Whoever is no installer cannot take the registration away before the guard's binding is gone.
                if stage == Stage::Registration
                    && let Err(error) = self.delete_once(&id).await
                {
                    match Cause::of(&error) {
                        Cause::Guard => waiting.push(id),
                        _ => self.trouble.push(format!("{id}: {}", explain(&error))),
                    }
                    continue;
                }
                if stage != Stage::Registration {
                    self.delete(&id).await;
                }
            }
            if stage == Stage::GuardBinding {
                for id in std::mem::take(&mut waiting) {
                    self.delete(&id).await;
                }
                // A registration without its gate would be worse than both, and every further request would be refused.
                if self.trouble.len() > unseen {
                    self.trouble.push("everything else stays until that is gone".to_owned());
                    return;
                }
            }
        }
    }

    /// Deletes an object, again and again as long as the API server has not noticed what went before.
    async fn delete(&mut self, id: &Id) {
        let begun = Instant::now();
        while let Err(error) = self.delete_once(id).await {
            let may_pass = matches!(Cause::of(&error), Cause::Guard | Cause::AbsentGate);
            if !may_pass || begun.elapsed() > NOTICED_WITHIN {
                self.trouble.push(format!("{id}: {}", explain(&error)));
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn delete_once(&mut self, id: &Id) -> kube::Result<()> {
        if self.cluster.delete(id).await? {
            tell(format_args!("removed {id}"));
            self.removed.push(id.clone());
        }
        Ok(())
    }

    /// A namespace and a definition go only after what they hold.
    async fn until_gone(&mut self, timeout: Duration) {
        let begun = Instant::now();
        let slow = |id: &&Id| matches!(id.kind.as_str(), "Namespace" | "CustomResourceDefinition");
        let mut left: Vec<_> = self.removed.iter().filter(slow).cloned().collect();
        while let Some(id) = left.last().cloned() {
            match self.cluster.get(&id).await {
                Ok(None) => {
                    left.pop();
                }
                Ok(Some(_)) if begun.elapsed() >= timeout => {
                    let look = match id.kind.as_str() {
                        "Namespace" => format!("kubectl get namespace {} -o yaml", id.name),
                        _ => format!("kubectl get crd {} -o yaml", id.name),
                    };
                    self.trouble.push(format!("{id}: it is still going: `{look}` tells what it waits for"));
                    left.pop();
                }
                Ok(Some(_)) => tokio::time::sleep(LOOK_EVERY).await,
                Err(error) => {
                    self.trouble.push(format!("{id}: {}", explain(&error)));
                    left.pop();
                }
            }
        }
    }

    fn outcome(self) -> Result<(), String> {
        if !self.removed.is_empty() {
            tell(format_args!("removed {} objects", self.removed.len()));
        }
        if self.trouble.is_empty() { Ok(()) } else { Err(self.trouble.join("\n")) }
    }
}
