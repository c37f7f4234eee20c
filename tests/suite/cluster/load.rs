//! Writers who never stop, through the gate: none of them may notice when it restarts, or its policies change.

use std::{
    io,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, PostParams},
};
use serde_json::json;
use tokio::task::JoinHandle;

use super::{
    kubectl::{pod, privileged, until},
    registered::{Certificate, Ground, Registered, Registration, fetch, fresh, metric},
};
use crate::gate::Gate;

/// Writers through the API server, who keep every failure.
struct Load {
    is_over: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    async fn begin(namespace: &str, writers: usize) -> Self {
        soc2gate::server::install_provider();
        let mut config = Config::infer().await.unwrap();
        // A failure that is tried again would not be seen.
        config.default_retry = false;
        let client = Client::try_from(config).unwrap();
        let (is_over, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let failures = Arc::new(Mutex::new(Vec::new()));
        let begin = |number| {
            let (client, namespace) = (client.clone(), namespace.to_owned());
            let (is_over, done, failures) = (is_over.clone(), done.clone(), failures.clone());
            tokio::spawn(async move {
                while !is_over.load(Ordering::SeqCst) {
                    match write(&client, &namespace, number).await {
                        Ok(()) => drop(done.fetch_add(1, Ordering::SeqCst)),
                        Err(error) => failures.lock().unwrap().push(error.to_string()),
                    }
                }
            })
        };
        let writers = (0..writers).map(begin).collect();
        Self { is_over, done, failures, writers }
    }

    /// How many rounds were written so far.
    fn done(&self) -> usize {
        self.done.load(Ordering::SeqCst)
    }

    /// Waits until this many more rounds are written.
    async fn goes_on(&self, rounds: usize) {
        let (begun, from) = (Instant::now(), self.done());
        while self.done() < from + rounds {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "the load stands still: {:?}",
                self.failures.lock()
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Panics if anything failed.
    async fn ends(self) -> usize {
        self.is_over.store(true, Ordering::SeqCst);
        for writer in self.writers {
            writer.await.unwrap();
        }
        let (done, failures) = (self.done.load(Ordering::SeqCst), self.failures.lock().unwrap());
        assert!(failures.is_empty(), "{} of {done} rounds failed: {failures:#?}", failures.len());
        done
    }
}

/// One round: a dry run, a real object, its change and its end.
async fn write(client: &Client, namespace: &str, number: usize) -> kube::Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let name = format!("load-{number}");
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    pods.create(&dry, &serde_json::from_value(pod(&name, json!({}))).unwrap()).await?;
    let map: ConfigMap =
        serde_json::from_value(json!({"metadata": {"name": name}, "data": {"a": "1"}})).unwrap();
    let mut map = maps.create(&PostParams::default(), &map).await?;
    map.data.get_or_insert_default().insert("a".to_owned(), "2".to_owned());
    let replaced = maps.replace(&name, &PostParams::default(), &map).await;
    maps.delete(&name, &DeleteParams::default()).await?;
    replaced.map(drop)
}

/// One address in front of several gates, as a Service is: a new connection goes to one that was ready when last asked.
struct Service {
    address: SocketAddr,
    gates: Arc<Mutex<Vec<(SocketAddr, SocketAddr)>>>,
    is_over: Arc<AtomicBool>,
}

impl Service {
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let gates: Arc<Mutex<Vec<(SocketAddr, SocketAddr)>>> = Arc::default();
        let ready: Arc<Mutex<Vec<SocketAddr>>> = Arc::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let (asked, known, over) = (gates.clone(), ready.clone(), is_over.clone());
        thread::spawn(move || {
            while !over.load(Ordering::SeqCst) {
                let all = asked.lock().unwrap().clone();
                let is_ready =
                    |admin| fetch(admin, "/readyz").is_ok_and(|said| said.starts_with("HTTP/1.1 200"));
                let now =
                    all.into_iter().filter(|(_, admin)| is_ready(*admin)).map(|(gate, _)| gate).collect();
                *known.lock().unwrap() = now;
                thread::sleep(Duration::from_millis(200));
            }
        });
        thread::spawn(move || {
            for (turn, caller) in listener.incoming().map_while(Result::ok).enumerate() {
                let ready = ready.lock().unwrap().clone();
                // With none ready the caller is hung up on.
                let Some(gate) = ready.get(turn % ready.len().max(1)) else { continue };
                if let Ok(gate) = TcpStream::connect(gate) {
                    forward(caller, gate);
                }
            }
        });
        Self { address, gates, is_over }
    }

    fn adds(&self, gate: &Gate) {
        self.gates.lock().unwrap().push((gate.address, gate.admin_address));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// Carries bytes both ways until either side ends.
fn forward(caller: TcpStream, gate: TcpStream) {
    let (to_gate, to_caller) = (gate.try_clone().unwrap(), caller.try_clone().unwrap());
    for (mut from, mut to) in [(caller, to_gate), (gate, to_caller)] {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_restart_one_after_the_other_under_load_without_one_failed_request() {
    let Some(ground) = Ground::make().await else { return };
    let certificate = Certificate::make();
    let service = Service::open();
    let start = || {
        let gate = Gate::start(&certificate.arguments().each_ref().map(|argument| &**argument));
        service.adds(&gate);
        gate
    };
    let mut gates = [start(), start()].map(Some);
    let url = format!("https://{}/validate", service.address);
    let registration = Registration::make(&url, &certificate, "Fail");
    let denied = || {
        let apply = format!("apply -f - -n {}", ground.namespace);
        super::kubectl::kubectl_with(&apply, &privileged("web")).err.contains("denied the request")
    };
    until("a gate is asked", denied);
    let load = Load::begin(&ground.namespace, 8).await;
    load.goes_on(100).await;
    for _ in 0..2 {
        for gate in &mut gates {
            gate.take().unwrap().leave().await;
            load.goes_on(50).await;
            *gate = Some(start());
            load.goes_on(50).await;
        }
    }
    assert!(denied());
    println!("{} rounds of four requests, none failed", load.ends().await);
    registration.remove();
    until("the gates are no longer asked", || !denied());
    super::kubectl::kubectl(&format!("delete namespace {} --wait=false", ground.namespace));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_change_under_load_without_one_failed_request() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.yaml");
    let policy = |mode: &str| {
        let head = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.1-access}\n";
        let spec = "spec:\n  criterion: CC6.1\n  control: No power over the node.\n";
        let text = format!("{head}{spec}  checks: [{{id: privileged-container, mode: {mode}}}]\n");
        let aside = file.with_extension("new");
        std::fs::write(&aside, text).unwrap();
        std::fs::rename(aside, &file).unwrap();
    };
    policy("enforce");
    let arguments = ["--policies", directory.path().to_str().unwrap()];
    let Some(registered) = Registered::start("Fail", &arguments).await else { return };
    let load = Load::begin(&registered.namespace, 8).await;
    let admitted = || {
        let name = fresh("web");
        registered.kubectl_with("apply -f - --dry-run=server", &privileged(&name)).is_done
    };
    for mode in ["warn", "enforce", "harsh", "audit", "enforce"] {
        policy(mode);
        match mode {
            // A mode that does not exist: what was in force stays.
            "harsh" => until("it is noticed", || {
                metric(&registered.gate, "soc2gate_policy_load_failures_total") > 0 && !admitted()
            }),
            mode => until(mode, || admitted() == (mode != "enforce")),
        }
        load.goes_on(50).await;
    }
    println!("{} rounds of four requests, none failed", load.ends().await);
}
