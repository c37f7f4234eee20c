//! One request: an object and, where the door knows them, who asks for what.

use std::fmt;

use serde::{Deserialize, de::DeserializeSeed};

use crate::{
    manifest::{Document, Node, Unusable},
    object::{Kind, List, Metadata, Object, OfKind, Text, service_account},
};

/// What the API server is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    pub const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    pub const fn id(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// What it does, as people say it.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "change",
            Self::Delete => "delete",
            Self::Connect => "connect to",
        }
    }

    /// The operation as an AdmissionReview writes it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.id() == text)
    }
}

/// Who asks: the impersonated identity when impersonating. Neither the impersonator nor an address is in a review.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Requester<'a> {
    #[serde(borrow)]
    pub username: Option<Text<'a>>,
    #[serde(borrow)]
    pub groups: List<Text<'a>>,
}

/// Accounts under which kube-controller-manager writes what the gate is asked about. Only these by name: in
/// `kube-system` users make accounts too.
const CONTROLLERS: [&str; 30] = [
    "bootstrap-signer",
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemon-set-controller",
    "deployment-controller",
    "device-taint-eviction-controller",
    "disruption-controller",
    "endpoint-controller",
    "endpointslice-controller",
    "endpointslicemirroring-controller",
    "generic-garbage-collector",
    "horizontal-pod-autoscaler",
    "job-controller",
    "kube-apiserver-serving-clustertrustbundle-publisher",
    "legacy-service-account-token-cleaner",
    "namespace-controller",
    "node-controller",
    "pod-garbage-collector",
    "replicaset-controller",
    "replication-controller",
    "resourcequota-controller",
    "root-ca-cert-publisher",
    "service-account-controller",
    "service-ca-cert-publisher",
    "service-controller",
    "statefulset-controller",
    "storage-version-migrator-controller",
    "taint-eviction-controller",
    "token-cleaner",
    "ttl-after-finished-controller",
];

impl Requester<'_> {
    pub fn username(&self) -> &str {
        self.username.as_deref().unwrap_or_default()
    }

    /// The namespace and name of the service account, if the requester is one.
    pub fn service_account(&self) -> Option<(&str, &str)> {
        service_account(self.username())
    }

    /// Whether this is one of the named accounts of kube-controller-manager.
    pub fn is_controller(&self) -> bool {
        self.username() == "system:kube-controller-manager"
            || self
                .service_account()
                .is_some_and(|(namespace, name)| namespace == "kube-system" && CONTROLLERS.contains(&name))
    }

    /// The node whose kubelet this is (Node authorizer: user `system:node:<name>`, group `system:nodes`).
    pub fn node(&self) -> Option<&str> {
        let node = self.username().strip_prefix("system:node:").filter(|node| !node.is_empty())?;
        self.is_in("system:nodes").then_some(node)
    }

    /// Whether this is the kubelet of that node.
    pub fn is_node(&self, node: &str) -> bool {
        self.node() == Some(node)
    }

    /// Whether this is the cluster at work rather than somebody who uses it: a controller, a kubelet, the API server, or
    /// the scheduler, which deletes pods to make room.
    pub fn is_component(&self) -> bool {
        self.is_controller()
            || self.node().is_some()
            || matches!(self.username(), "system:apiserver" | "system:kube-scheduler")
    }

    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| **own == *group)
    }
}

/// One request to decide. A file knows only the object.
#[derive(Debug, Default)]
pub struct Request<'a> {
    pub kind: Kind,
    /// The kind as written, for kinds that [`Kind`] does not name.
    pub kind_name: Text<'a>,
    /// The API group, the version and the resource that the request is made to (`apps`, `v1`, `deployments`).
    pub group: Text<'a>,
    pub version: Text<'a>,
    pub resource: Text<'a>,
    pub subresource: Text<'a>,
    /// Empty with `generateName` and in a `deletecollection`; then it matches no exemption by name.
    pub name: Text<'a>,
    pub namespace: Text<'a>,
    /// Absent when the door does not know it: a file.
    pub operation: Option<Operation>,
    pub requester: Option<Requester<'a>>,
    pub dry_run: bool,
    pub object: Option<Object<'a>>,
    /// On DELETE, the object that goes.
    pub going: Option<Object<'a>>,
    /// On UPDATE, the object as it was.
    pub old: OldObject<'a>,
}

/// The object that a document of a manifest holds.
///
/// # Errors
/// [`Unusable`] at the field whose type no API server would accept.
pub fn object_of(document: &Document) -> Result<Object<'_>, Unusable> {
    let field = |name: &str| document.root.get(name).and_then(Node::as_str).unwrap_or_default();
    let kind = Kind::of_manifest(field("apiVersion"), field("kind"));
    OfKind(kind)
        .deserialize(&document.root)
        .map_err(|unfit| Unusable { file: document.file.to_string(), ..unfit })
}

impl<'a> Request<'a> {
    /// The request that a manifest in a file stands for.
    pub fn of_manifest(object: Object<'a>) -> Self {
        Self {
            kind: object.kind,
            kind_name: object.kind_name.clone(),
            group: object.kind.group().into(),
            resource: object.kind.resource().into(),
            name: object.metadata.name.clone(),
            namespace: object.metadata.namespace.clone(),
            object: Some(object),
            ..Self::default()
        }
    }

    /// The object that the request is about: on DELETE the one that goes.
    pub fn subject(&self) -> Option<&Object<'a>> {
        self.object.as_ref().or(self.going.as_ref())
    }

    /// The name of what the request is about, from the object where the request has none; empty if it has yet to be made.
    pub fn object_name(&self) -> &str {
        if self.name.is_empty() {
            self.subject().map_or("", |object| &object.metadata.name)
        } else {
            &self.name
        }
    }

    /// The name as people know it, with the prefix of a `generateName`.
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() {
            self.subject().map_or("", |object| object.display_name())
        } else {
            &self.name
        }
    }

    /// The kind's name as written.
    pub fn kind_name(&self) -> &str {
        if self.kind_name.is_empty() { self.kind.name() } else { &self.kind_name }
    }

    /// Whether a controller of kube-controller-manager asks, so that the owner that the object names counts.
    pub fn is_by_controller(&self) -> bool {
        self.requester.as_ref().is_some_and(Requester::is_controller)
    }

    /// Whether this is the mirror of a static pod: it runs whether or not its mirror is admitted, so a denial only
    /// hides it. On anybody else's object than its own node's the annotation counts for nothing.
    pub fn is_mirror_pod(&self) -> bool {
        let (Some(object), Some(requester)) = (&self.object, &self.requester) else { return false };
        object.kind == Kind::Pod
            && object.metadata.annotations.get("kubernetes.io/config.mirror").is_some()
            && object.pod().is_some_and(|pod| requester.is_node(&pod.spec.node_name))
    }
}

/// The object at the root of a chain of controllers, in the namespace of what it owns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    pub kind: String,
    pub name: String,
}

impl Owner {
    /// The root that an object's metadata names, by Kubernetes' naming alone: a ReplicaSet `web-<hash>` belongs to
    /// Deployment `web`, a Job `nightly-<minutes>` to CronJob `nightly`. Attribution only: anybody may write it.
    pub fn named_by(metadata: &Metadata<'_>) -> Option<Self> {
        let controller = metadata.controller()?;
        let (kind, name) = (&*controller.kind, &*controller.name);
        let of_deployment =
            || name.strip_suffix(metadata.labels.get("pod-template-hash")?)?.strip_suffix('-');
        let of_cron_job = || {
            let (stem, minutes) = name.rsplit_once('-')?;
            (minutes.len() >= 8 && minutes.bytes().all(|b| b.is_ascii_digit())).then_some(stem)
        };
        let (kind, name) = match kind {
            "ReplicaSet" => of_deployment().map_or((kind, name), |name| ("Deployment", name)),
            "Job" => of_cron_job().map_or((kind, name), |name| ("CronJob", name)),
            _ => (kind, name),
        };
        Some(Self { kind: kind.to_owned(), name: name.to_owned() })
    }
}

/// The object as it was, kept as text and read only when a check or the ratchet asks for it.
#[derive(Clone, Copy, Default)]
pub struct OldObject<'a>(Option<&'a str>);

impl<'a> OldObject<'a> {
    /// From the `oldObject` of a review; `null` is none.
    pub fn new(json: &'a str) -> Self {
        Self((json != "null").then_some(json))
    }

    pub const fn is_present(&self) -> bool {
        self.0.is_some()
    }

    /// Reads the old object as `kind`.
    ///
    /// # Errors
    /// What does not decode, and where in the text.
    pub fn read(&self, kind: Kind) -> Result<Option<Object<'a>>, serde_json::Error> {
        let Some(json) = self.0 else { return Ok(None) };
        OfKind(kind).deserialize(&mut serde_json::Deserializer::from_str(json)).map(Some)
    }
}

impl fmt::Debug for OldObject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may hold secrets.
        write!(f, "OldObject({} bytes)", self.0.map_or(0, str::len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requester<'a>(username: &'a str, groups: &[&'a str]) -> Requester<'a> {
        Requester {
            username: Some(username.into()),
            groups: List(groups.iter().map(|group| Text::from(*group)).collect()),
        }
    }

    #[test]
    fn an_account_that_somebody_made_in_kube_system_is_no_controller() {
        assert!(requester("system:serviceaccount:kube-system:replicaset-controller", &[]).is_controller());
        assert!(!requester("system:serviceaccount:kube-system:my-controller", &[]).is_controller());
        assert!(!requester("system:serviceaccount:shop:replicaset-controller", &[]).is_controller());
    }

    #[test]
    fn only_a_kubelet_speaks_for_its_own_node() {
        assert!(requester("system:node:n1", &["system:nodes"]).is_node("n1"));
        assert!(!requester("system:node:n1", &["system:nodes"]).is_node("n2"));
        assert!(!requester("system:node:n1", &[]).is_node("n1"));
        assert!(!requester("system:node:", &["system:nodes"]).is_node(""));
    }
}
