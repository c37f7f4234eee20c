//! An API server in this process, over plain HTTP: enough of Kubernetes for the gate's client, with faults on demand.

mod patch;
mod resources;
mod serving;
mod store;
#[cfg(test)]
mod tests;
mod watching;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use serde_json::{Value, json};
use soc2gate::cluster::Cluster;
use tokio::{net::TcpListener, runtime::Runtime, sync::watch};

pub(crate) use resources::Resource;
use store::Store;

/// The server. It has threads of its own, so that a test that waits does not stop it.
pub(crate) struct FakeApi {
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

/// One address of the server. What goes wrong at one door does not at the others.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    rule: Arc<watch::Sender<Option<Rule>>>,
}

/// What happens to a request instead of an answer, or before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Answered with this HTTP status; 429 and 503 with a Retry-After of a second.
    Refuse(u16),
    /// Nothing happens until the door heals, as behind a cut network. Watches that run fall silent.
    Hang,
    /// Done at once, answered only when the door heals.
    LoseAnswer,
    /// Done and answered after this long.
    Delay(Duration),
}

type Rule = Arc<dyn Fn(&Asked) -> Option<Fault> + Send + Sync>;

/// A request as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// As in RBAC: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub(crate) verb: &'static str,
    pub(crate) path: String,
    pub(crate) query: String,
    /// Empty for the core group, and for what is no resource.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) is_dry_run: bool,
}

impl Asked {
    pub(crate) fn is_write(&self) -> bool {
        !["get", "list", "watch"].contains(&self.verb)
    }
}

struct Shared {
    store: Mutex<Store>,
    asked: Mutex<Vec<Asked>>,
    /// The version of the newest change.
    newest: watch::Sender<u64>,
    /// How often all watches were dropped.
    drops: watch::Sender<u64>,
}

impl Shared {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    /// Changes what is held, and tells the watches.
    fn change<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.store();
        let outcome = change(&mut store);
        self.newest.send_replace(store.version());
        outcome
    }
}

impl FakeApi {
    /// Starts one that serves the usual resources and holds nothing.
    pub(crate) fn start() -> Self {
        let shared = Arc::new(Shared {
            store: Mutex::new(Store::new()),
            asked: Mutex::default(),
            newest: watch::channel(0).0,
            drops: watch::channel(0).0,
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { shared, runtime: Some(runtime.unwrap()) }
    }

    /// Opens a door.
    pub(crate) fn door(&self) -> Door {
        let runtime = self.runtime.as_ref().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let rule = Arc::new(watch::channel(None).0);
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(listener).unwrap();
        runtime.spawn(serving::serve(listener, self.shared.clone(), rule.subscribe()));
        Door { address, rule }
    }

    /// Serves one more resource, or another version of it. Definitions of custom resources do so by themselves.
    pub(crate) fn serve(&self, resource: Resource) {
        self.shared.store().built_in.push(resource);
    }

    /// No longer serves a resource.
    pub(crate) fn unserve(&self, group: &str, plural: &str) {
        self.shared.store().built_in.retain(|other| (&*other.group, &*other.plural) != (group, plural));
    }

    /// Holds this object from now on, whatever was there before, its status included. Panics if it is of no resource.
    pub(crate) fn put(&self, object: &Value) {
        self.shared.change(|store| store.put(object));
    }

    /// The object as it is held; null if there is none.
    pub(crate) fn held(&self, group: &str, plural: &str, namespace: &str, name: &str) -> Value {
        self.shared
            .store()
            .held(group, plural, namespace, name)
            .map_or(Value::Null, |held| Value::clone(&held))
    }

    /// All objects of a resource.
    pub(crate) fn all(&self, group: &str, plural: &str) -> Vec<Value> {
        self.shared.store().all(group, plural).iter().map(|held| Value::clone(held)).collect()
    }

    /// Breaks off every watch.
    pub(crate) fn drop_watches(&self) {
        self.shared.drops.send_modify(|drops| *drops += 1);
    }

    /// Forgets which changes led here: a watch from an earlier version is told 410, and so is each that runs when it
    /// begins anew.
    pub(crate) fn forget_history(&self) {
        self.shared.store().forget_history();
    }

    /// Whoever is in the middle of a list in pieces is told 410.
    pub(crate) fn expire_continue_tokens(&self) {
        self.shared.store().expire_continue_tokens();
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// The requests so far that were to change something, dry runs aside.
    pub(crate) fn writes(&self) -> Vec<Asked> {
        let asked = self.asked().into_iter();
        asked.filter(|asked| asked.is_write() && !asked.is_dry_run).collect()
    }
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        // Not waited for: a test may be async itself.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Door {
    /// A client of this door, as the gate has one.
    pub(crate) fn client(&self) -> kube::Client {
        soc2gate::server::install_provider();
        let config = kube::Config::new(format!("http://{}", self.address).parse().unwrap());
        kube::Client::try_from(config).unwrap()
    }

    /// The gate's connection through this door, as this replica in the namespace `soc2gate`.
    pub(crate) fn cluster(&self, identity: &str) -> Cluster {
        let (namespace, identity) = ("soc2gate".to_owned(), identity.to_owned());
        Cluster { client: self.client(), namespace, identity }
    }

    /// Writes a kubeconfig that leads to this door.
    pub(crate) fn kubeconfig(&self, directory: &Path) -> PathBuf {
        let path = directory.join("kubeconfig");
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "fake", "cluster": {"server": format!("http://{}", self.address)}}],
            "users": [{"name": "gate", "user": {}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "gate"}}],
            "current-context": "fake",
        });
        std::fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// From now on this happens to every request.
    pub(crate) fn fails(&self, fault: Fault) {
        self.fails_if(move |_| Some(fault));
    }

    /// From now on this happens to the requests that the rule picks.
    pub(crate) fn fails_if(&self, rule: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) {
        self.rule.send_replace(Some(Arc::new(rule)));
    }

    /// From now on everything is answered, also what hung.
    pub(crate) fn heals(&self) {
        self.rule.send_replace(None);
    }
}
