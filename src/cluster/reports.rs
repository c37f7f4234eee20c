//! Reports in the cluster: one for each namespace with findings and one for what is in none, in whichever of the two
//! report APIs the cluster serves. Written when what they say has changed, and removed when there is nothing to say.

mod content;
mod step;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

use futures::future::join_all;
use kube::{
    Api, Client,
    api::{DeleteParams, DynamicObject, ListParams, PostParams, Preconditions},
    core::{ApiResource, GroupVersionKind},
    discovery::pinned_kind,
};

pub use content::Content;

use self::{
    content::{Document, LABEL},
    step::{Existing, Step, step},
};
use super::{NAME, is_absent, is_conflict};

/// The APIs that reports come in, the preferred one first: group, version, and the kinds inside and outside namespaces.
const FAMILIES: [(&str, &str, [&str; 2]); 2] = [
    ("openreports.io", "v1alpha1", ["Report", "ClusterReport"]),
    ("wgpolicyk8s.io", "v1alpha2", ["PolicyReport", "ClusterPolicyReport"]),
];

/// How many reports are written at once.
const AT_ONCE: usize = 4;

/// Reports of one page of a list.
const PAGE: u32 = 500;

/// How many different complaints are made.
const MOST_TOLD: usize = 100;

/// What was found, by namespace; the empty one is for what is in none.
pub trait Told: Sync {
    /// The namespaces with something to say.
    fn namespaces(&self) -> Vec<&str>;
    /// What to say of one.
    fn content(&self, namespace: &str) -> Option<Content>;
    /// Whether a namespace is on its way out: nothing can be written there.
    fn is_leaving(&self, namespace: &str) -> bool;
}

/// How many reports were written, and what came of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub created: usize,
    pub replaced: usize,
    pub removed: usize,
    pub unchanged: usize,
    /// Of our name, and somebody else's: left alone.
    pub foreign: usize,
    pub failed: usize,
}

/// Writes reports, and knows what it wrote and complained of.
pub struct Reports {
    client: Client,
    /// The version of each report as it was written, so that one that somebody changed is written again.
    versions: HashMap<String, String>,
    told: HashSet<String>,
}

/// What came of one report; of those that stay, their version.
enum Did {
    Created(Option<String>),
    Replaced(Option<String>),
    Unchanged(String),
    Removed,
    Foreign,
    /// There is nothing, or nothing to write to: the namespace is gone or going.
    Gone,
    /// A right is missing; the reason, where the API server was asked.
    Refused(Option<String>),
    Failed(String),
}

/// The reports of one kind.
struct Shelf<'r> {
    client: &'r Client,
    resource: ApiResource,
    existing: &'r BTreeMap<String, Existing>,
    versions: &'r HashMap<String, String>,
    /// Set once a right is missing: it will be for the others too.
    refused: AtomicBool,
}

impl Reports {
    pub fn new(client: Client) -> Self {
        Self { client, versions: HashMap::new(), told: HashSet::new() }
    }

    /// Brings the reports in line with what was found. None if the cluster serves no report API.
    ///
    /// # Errors
    /// When the API server does not tell what there is. What may not or cannot be written is logged, once, and counted.
    pub async fn write(&mut self, told: &impl Told) -> kube::Result<Option<Written>> {
        let (mut chosen, mut written) = (None, Written::default());
        for (group, version, kinds) in FAMILIES {
            for (kind, is_outside) in kinds.into_iter().zip([false, true]) {
                let Some(resource) = served(&self.client, group, version, kind).await? else { continue };
                let mut wanted = told.namespaces();
                // What the preferred API has is not said again in the other, and taken back there.
                let speaks = *chosen.get_or_insert(group) == group;
                wanted.retain(|namespace| speaks && namespace.is_empty() == is_outside);
                self.shelve(resource, &wanted, told, &mut written).await?;
            }
        }
        Ok(chosen.map(|_| written))
    }

    /// Brings the reports of one kind in line.
    async fn shelve(
        &mut self,
        resource: ApiResource,
        wanted: &[&str],
        told: &impl Told,
        written: &mut Written,
    ) -> kube::Result<()> {
        let plural = format!("{}.{}", resource.plural, resource.group);
        let existing = match existing(&self.client, &resource).await {
            Ok(existing) => existing,
            Err(kube::Error::Api(status)) if status.code == 403 => {
                written.failed += wanted.len();
                self.refused(&plural, &status.message);
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let shelf = Shelf {
            client: &self.client,
            resource,
            existing: &existing,
            versions: &self.versions,
            refused: AtomicBool::new(false),
        };
        let is_wanted: HashSet<_> = wanted.iter().copied().collect();
        let stale = existing.keys().map(String::as_str).filter(|namespace| !is_wanted.contains(namespace));
        let namespaces: Vec<_> = wanted.iter().copied().chain(stale).collect();
        let mut outcomes = Vec::with_capacity(namespaces.len());
        for some in namespaces.chunks(AT_ONCE) {
            let settling = some.iter().map(|namespace| {
                let wanted = is_wanted.contains(namespace).then_some(told);
                shelf.settle(namespace, wanted, told.is_leaving(namespace))
            });
            outcomes.extend(join_all(settling).await);
        }
        let failed_before = written.failed;
        for (namespace, did) in outcomes {
            self.note(&plural, namespace, did, written);
        }
        if written.failed == failed_before {
            // Should the right be lost again, that is news.
            self.told.remove(&plural);
        }
        Ok(())
    }

    fn note(&mut self, plural: &str, namespace: &str, did: Did, written: &mut Written) {
        let slash = if namespace.is_empty() { "" } else { "/" };
        match did {
            Did::Created(version) => {
                written.created += 1;
                self.versions.extend(version.map(|version| (namespace.to_owned(), version)));
            }
            Did::Replaced(version) => {
                written.replaced += 1;
                self.versions.extend(version.map(|version| (namespace.to_owned(), version)));
            }
            Did::Removed => {
                written.removed += 1;
                self.versions.remove(namespace);
            }
            Did::Unchanged(version) => {
                written.unchanged += 1;
                self.versions.entry(namespace.to_owned()).or_insert(version);
            }
            Did::Gone => drop(self.versions.remove(namespace)),
            Did::Foreign => {
                written.foreign += 1;
                let name = format!("{plural} {namespace}{slash}{NAME}");
                let advice = format!("give it another name, or label it {LABEL}={NAME}");
                self.tell(&name, &format!("{name} is somebody else's and stays as it is: {advice}"));
            }
            Did::Refused(reason) => {
                written.failed += 1;
                if let Some(reason) = reason {
                    self.refused(plural, &reason);
                }
            }
            Did::Failed(reason) => {
                written.failed += 1;
                self.tell(&reason, &format!("{plural} cannot be written: {reason}"));
            }
        }
    }

    /// Says which right is missing, once for all namespaces.
    fn refused(&mut self, plural: &str, reason: &str) {
        self.tell(
            plural,
            &format!("{plural} cannot be written, grant list, get, create, update and delete: {reason}"),
        );
    }

    /// Says something about a matter once.
    fn tell(&mut self, matter: &str, problem: &str) {
        if self.told.len() < MOST_TOLD && self.told.insert(matter.to_owned()) {
            tracing::warn!("{problem}");
        }
    }
}

impl<'r> Shelf<'r> {
    /// Brings the report on one namespace in line.
    async fn settle<'n>(
        &self,
        namespace: &'n str,
        wanted: Option<&impl Told>,
        is_leaving: bool,
    ) -> (&'n str, Did) {
        if is_leaving {
            return (namespace, Did::Gone);
        }
        // Made here and dropped here: ten thousand of them would not fit.
        let content = wanted.and_then(|told| told.content(namespace));
        let content = content.map(|content| content.document(&self.resource, namespace));
        let known = self.existing.get(namespace).cloned();
        let mut outcome = self.attempt(namespace, content.as_ref(), known).await;
        if matches!(&outcome, Err(error) if is_conflict(error)) {
            outcome = match self.look(namespace).await {
                Ok(now) => self.attempt(namespace, content.as_ref(), now).await,
                Err(error) => Err(error),
            };
        }
        (namespace, outcome.unwrap_or_else(|error| self.excuse(&error)))
    }

    async fn attempt(
        &self,
        namespace: &str,
        content: Option<&Document>,
        existing: Option<Existing>,
    ) -> kube::Result<Did> {
        let digest = content.map(|content| content.digest.as_str());
        let version = self.versions.get(namespace).map(String::as_str);
        let step = step(digest, existing.as_ref(), version);
        if matches!(step, Step::Create | Step::Replace(_) | Step::Remove(_))
            && self.refused.load(Ordering::Relaxed)
        {
            return Ok(Did::Refused(None));
        }
        let api = self.api(namespace);
        let parameters = PostParams { field_manager: Some(NAME.to_owned()), ..PostParams::default() };
        let Some(content) = content else {
            return match step {
                Step::Remove(Existing { uid, version, .. }) => {
                    let is_that = Preconditions { uid, resource_version: Some(version) };
                    api.delete(NAME, &DeleteParams::default().preconditions(is_that)).await?;
                    Ok(Did::Removed)
                }
                _ => Ok(Did::Gone),
            };
        };
        Ok(match step {
            Step::Create => {
                let created = api.create(&parameters, &content.object).await?;
                Did::Created(created.metadata.resource_version)
            }
            Step::Replace(Existing { version, .. }) => {
                let mut object = content.object.clone();
                object.metadata.resource_version = Some(version);
                let replaced = api.replace(NAME, &parameters, &object).await?;
                Did::Replaced(replaced.metadata.resource_version)
            }
            Step::Keep(Existing { version, .. }) => Did::Unchanged(version),
            Step::LeaveAlone => Did::Foreign,
            Step::Remove(_) | Step::Nothing => Did::Gone,
        })
    }

    /// What an error means for one report.
    fn excuse(&self, error: &kube::Error) -> Did {
        let kube::Error::Api(status) = error else { return Did::Failed(error.to_string()) };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        if is_absent(error) || causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating") {
            return Did::Gone;
        }
        if status.code == 403 {
            self.refused.store(true, Ordering::Relaxed);
            return Did::Refused(Some(status.message.clone()));
        }
        Did::Failed(status.message.clone())
    }

    /// What is there now.
    async fn look(&self, namespace: &str) -> kube::Result<Option<Existing>> {
        let found = self.api(namespace).get_metadata_opt(NAME).await?;
        Ok(found.map(|found| Existing::of(&found.metadata)))
    }

    fn api(&self, namespace: &str) -> Api<DynamicObject> {
        match namespace {
            "" => Api::all_with(self.client.clone(), &self.resource),
            _ => Api::namespaced_with(self.client.clone(), namespace, &self.resource),
        }
    }
}

/// The resource of a kind, if the cluster serves it in this version.
async fn served(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> kube::Result<Option<ApiResource>> {
    match pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await {
        Ok((resource, _)) => Ok(Some(resource)),
        Err(kube::Error::Discovery(_)) => Ok(None),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// All reports of our name, whoever wrote them, by namespace: of each only its metadata.
async fn existing(client: &Client, resource: &ApiResource) -> kube::Result<BTreeMap<String, Existing>> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), resource);
    let mut existing = BTreeMap::new();
    let mut parameters = ListParams::default().fields(&format!("metadata.name={NAME}")).limit(PAGE);
    loop {
        let list = api.list_metadata(&parameters).await?;
        existing.extend(list.items.into_iter().map(|found| {
            let namespace = found.metadata.namespace.clone().unwrap_or_default();
            (namespace, Existing::of(&found.metadata))
        }));
        parameters.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
        if parameters.continue_token.is_none() {
            return Ok(existing);
        }
    }
}
