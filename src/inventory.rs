//! What else exists, as plain data: the surroundings in which a request is decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;

pub mod image_evidence;
pub mod isolation;
mod owners;
mod roles;
mod shared;
mod survey;

pub use image_evidence::ImageEvidence;
pub use roles::{BoundRole, Roles};
pub use shared::{drop_from, put_into};
pub use survey::Survey;

use crate::{
    object::{AuthorizationPolicy, Labels, LimitRange, NetworkPolicy, Selector},
    request::Request,
};

/// Everything outside the request that a decision may read. An immutable snapshot: whoever fills it swaps it whole.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub namespaces: Source<BTreeMap<String, Namespace>>,
    /// The namespaces that hold a pod spec, each with the first object that has one.
    pub workload_namespaces: Source<BTreeMap<String, Target>>,
    /// By namespace, then by name; without those on their way out, on which nobody can rely.
    pub network_policies: Source<ByNamespace<NetworkPolicy>>,
    /// Who may call whom in a service mesh.
    pub authorization_policies: Source<ByNamespace<AuthorizationPolicy>>,
    pub roles: Source<Roles>,
    /// Service accounts.
    pub accounts: Source<ByNamespace<Account>>,
    pub pods: Source<ByNamespace<Pod>>,
    pub disruption_budgets: Source<ByNamespace<Budget>>,
    /// The smallest number of replicas that an autoscaler keeps, by namespace and then by target.
    pub autoscalers: Source<ByNamespace<i64, Target>>,
    pub limit_ranges: Source<ByNamespace<LimitRange>>,
    /// HTTPRoutes by name; others by kind and name (`GRPCRoute/web`).
    pub routes: Source<ByNamespace<crate::object::Route>>,
    /// The namespaces that claim a host (lower case) through an Ingress or a route.
    pub hosts: Source<BTreeMap<String, BTreeSet<String>>>,
    /// Scans of images by digest.
    pub image_evidence: Source<ImageEvidence>,
    /// Who controls a controller: the Deployment of a ReplicaSet, the CronJob of a Job.
    pub controllers: Source<ByNamespace<Target, Target>>,
    /// The gate's own policies by name.
    pub policies: Source<BTreeMap<String, Standing>>,
    /// Per controller object, the identities of the violations that its own template has; without a cluster nobody
    /// knows.
    pub owners: Source<ByNamespace<Marks, Target>>,
    /// Since when (UTC) a part of it may be out of date, as its watch is lost; absent while all of it is current.
    pub outdated_since: Option<Timestamp>,
}

impl Inventory {
    /// The pod that a request connects to, if it is known. A proxy's name may hold a port and is then no pod's.
    pub fn target(&self, request: &Request<'_>) -> Option<&Pod> {
        let pods = self.pods.ready().filter(|_| *request.resource == *"pods")?;
        pods.get(&*request.namespace)?.get(&*request.name)
    }
}

/// What is known of objects, by namespace and then by name. Snapshots share the namespaces in which nothing changed.
pub type ByNamespace<T, N = String> = BTreeMap<String, Arc<BTreeMap<N, T>>>;

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    pub labels: Labels,
    pub annotations: Labels,
    /// Whether it is on its way out, and everything in it.
    pub is_terminating: bool,
}

/// A service account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Absent means that its token is mounted.
    pub automount: Option<bool>,
}

/// A pod, as far as somebody who connects to it is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pod {
    pub labels: Labels,
    pub account: String,
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Absent selects nothing.
    pub selector: Option<Selector>,
}

/// What stands for the identities of an owner's violations, in ascending order (`ratchet::mark`): there may be dozens
/// for each of thousands of owners.
pub type Marks = Box<[u128]>;

/// An object of a namespace, such as an autoscaler scales: kind and name.
pub type Target = (String, String);

/// What is in force under the name of a policy. Both are whole manifests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub in_force: Arc<serde_json::Value>,
    /// What would be, if the cluster had no object of this name; nothing if nothing lies below it.
    pub without: Option<Arc<serde_json::Value>>,
    /// Whether it is the cluster's object that is in force, rather than a file or what comes with the program.
    pub is_of_cluster: bool,
}

/// A part of the inventory that comes from somewhere and may fail to.
#[derive(Clone, Debug, Default)]
pub enum Source<T> {
    /// Nobody configured it.
    #[default]
    NotConfigured,
    /// Configured, but what it holds cannot be relied on; with the reason.
    Unavailable(String),
    Ready(Arc<T>),
}

impl<T> Source<T> {
    /// What it holds, if it can be relied on.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(content) => Some(content),
            Self::NotConfigured | Self::Unavailable(_) => None,
        }
    }

    /// A source that can be relied on: what it does not hold does not exist.
    pub fn of(content: T) -> Self {
        Self::Ready(Arc::new(content))
    }
}
