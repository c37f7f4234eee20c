//! Which resources this cluster serves, and in which version: custom ones come and go with their definitions.

use std::collections::HashMap;

use kube::{
    Api, Client, Discovery,
    core::{ApiResource, discovery::Scope},
};

use super::raw::Told;

/// A resource as the cluster serves it today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub api: ApiResource,
    pub is_namespaced: bool,
}

impl Resource {
    /// All of its objects, in whichever namespace.
    pub fn everywhere<O: Told>(&self, client: &Client) -> Api<O> {
        Api::all_with(client.clone(), &self.api)
    }
}

/// The resources that the cluster serves, each in its preferred version.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    by_name: HashMap<(String, String), Resource>,
}

impl Resources {
    /// Asks the API server what it serves.
    ///
    /// # Errors
    /// When it does not say. An aggregated API that is down is left out.
    pub async fn discover(client: &Client) -> kube::Result<Self> {
        let discovery = Discovery::new(client.clone()).run_aggregated().await?;
        let served = discovery.groups().flat_map(|group| group.recommended_resources());
        let by_name = served.map(|(api, capabilities)| {
            let name = (api.group.clone(), api.plural.clone());
            (name, Resource { api, is_namespaced: capabilities.scope == Scope::Namespaced })
        });
        Ok(Self { by_name: by_name.collect() })
    }

    /// The resource of a group by its plural name (`apps`, `deployments`), if it is served.
    pub fn get(&self, group: &str, plural: &str) -> Option<&Resource> {
        self.by_name.get(&(group.to_owned(), plural.to_owned()))
    }
}
