//! Objects of any kind, as a person applies and deletes them.

use std::{collections::HashMap, fmt};

use kube::{
    Api, Client, Config,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::{ApiResource, GroupVersionKind, discovery::Scope},
    discovery,
};
use serde_json::Value;

use super::{Error, Raw, Resource, is_absent};

/// What tells an object from every other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub api_version: String,
    pub kind: String,
    /// Empty for what is in no namespace.
    pub namespace: String,
    pub name: String,
}

impl Id {
    /// Reads it from an object.
    pub fn of(object: &Value) -> Self {
        let text = |part: Option<&Value>| part.and_then(Value::as_str).unwrap_or_default().to_owned();
        let metadata = |field: &str| text(object.get("metadata").and_then(|metadata| metadata.get(field)));
        Self {
            api_version: text(object.get("apiVersion")),
            kind: text(object.get("kind")),
            namespace: metadata("namespace"),
            name: metadata("name"),
        }
    }
}

/// `Deployment soc2gate/soc2gate`
impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, namespace, name, .. } = self;
        if namespace.is_empty() { write!(f, "{kind} {name}") } else { write!(f, "{kind} {namespace}/{name}") }
    }
}

/// Connects as the environment says, in the name of somebody else if that is wanted. Nothing is sent yet.
///
/// # Errors
/// When there is nothing to connect to.
pub async fn connect_as(user: Option<&str>, groups: &[String]) -> Result<Client, Error> {
    let mut config = Config::infer().await.map_err(|error| Error::Config(error.to_string()))?;
    if let Some(user) = user {
        config.auth_info.impersonate = Some(user.to_owned());
        config.auth_info.impersonate_groups = (!groups.is_empty()).then(|| groups.to_vec());
    }
    Ok(Client::try_from(config)?)
}

/// The objects of a cluster, of whatever kind. What kinds it serves is asked once each.
pub struct Objects {
    client: Client,
    kinds: HashMap<(String, String), Option<Resource>>,
}

impl Objects {
    pub fn new(client: Client) -> Self {
        Self { client, kinds: HashMap::new() }
    }

    /// The object as it is; none if it is absent or its kind is not served.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn get(&mut self, id: &Id) -> kube::Result<Option<Value>> {
        let Some(api) = self.api(id).await? else { return Ok(None) };
        match api.get_opt(&id.name).await? {
            Some(object) => serde_json::to_value(object).map(Some).map_err(kube::Error::SerdeError),
            None => Ok(None),
        }
    }

    /// Whether the cluster serves the kind.
    ///
    /// # Errors
    /// When the API server does not say.
    pub async fn serves(&mut self, id: &Id) -> kube::Result<bool> {
        Ok(self.api(id).await?.is_some())
    }

    /// Applies an object by its fields (server-side apply), over what others wrote, and returns the outcome. A dry run
    /// changes nothing. None if its kind is not served.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn apply(
        &mut self,
        object: &Value,
        manager: &str,
        dry_run: bool,
    ) -> kube::Result<Option<Value>> {
        let id = Id::of(object);
        // A definition that was applied a moment ago adds a kind.
        self.kinds.retain(|_, served| served.is_some());
        let Some(api) = self.api(&id).await? else { return Ok(None) };
        let params = PatchParams { dry_run, ..PatchParams::apply(manager).force() };
        let applied = api.patch(&id.name, &params, &Patch::Apply(object)).await?;
        serde_json::to_value(applied).map(Some).map_err(kube::Error::SerdeError)
    }

    /// Deletes an object and what it owns. False if it was not there.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn delete(&mut self, id: &Id) -> kube::Result<bool> {
        let Some(api) = self.api(id).await? else { return Ok(false) };
        match api.delete(&id.name, &DeleteParams::background()).await {
            Ok(_) => Ok(true),
            Err(error) if is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What bears a label, in all namespaces. Of a long list page by page.
    ///
    /// # Errors
    /// The API server's refusal.
    pub async fn labelled(&self, resource: &Resource, selector: &str) -> kube::Result<Vec<Id>> {
        let api = resource.everywhere(&self.client);
        let mut params = ListParams::default().labels(selector).limit(500);
        let mut found = Vec::new();
        loop {
            let page = api.list(&params).await?;
            found.extend(page.items.iter().map(|item: &Raw| Id {
                api_version: resource.api.api_version.clone(),
                kind: resource.api.kind.clone(),
                namespace: item.namespace().to_owned(),
                name: item.name().to_owned(),
            }));
            match page.metadata.continue_.filter(|more| !more.is_empty()) {
                Some(more) => params = params.continue_token(&more),
                None => return Ok(found),
            }
        }
    }

    async fn api(&mut self, id: &Id) -> kube::Result<Option<Api<DynamicObject>>> {
        let key = (id.api_version.clone(), id.kind.clone());
        if !self.kinds.contains_key(&key) {
            let resource = self.discover(id).await?;
            self.kinds.insert(key.clone(), resource);
        }
        let resource = self.kinds.get(&key).and_then(Option::as_ref);
        Ok(resource.map(|resource| match resource.is_namespaced {
            true => Api::namespaced_with(self.client.clone(), &id.namespace, &resource.api),
            false => Api::all_with(self.client.clone(), &resource.api),
        }))
    }

    async fn discover(&self, id: &Id) -> kube::Result<Option<Resource>> {
        let (group, version) = id.api_version.rsplit_once('/').unwrap_or(("", &id.api_version));
        let kind = GroupVersionKind::gvk(group, version, &id.kind);
        let resource =
            |api: ApiResource, scope: Scope| Resource { api, is_namespaced: scope == Scope::Namespaced };
        match discovery::pinned_kind(&self.client, &kind).await {
            Ok((api, capabilities)) => Ok(Some(resource(api, capabilities.scope))),
            Err(kube::Error::Discovery(_)) => Ok(None),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
