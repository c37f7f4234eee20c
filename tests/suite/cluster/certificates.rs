//! The gate's own certificate under a real API server: agreed on by racing replicas, mended, rotated, and no call lost.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::{FutureExt, future::BoxFuture};
use k8s_openapi::api::{
    admissionregistration::v1::ValidatingWebhookConfiguration,
    core::v1::{ConfigMap, Namespace, Secret},
};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use soc2gate::certificates::{Authority, Bundle, Lives, names_of, validate};
use tokio::task::JoinHandle;

use super::{Alone, alone, kubeconfig};
use crate::{
    gate::{Gate, SOON},
    https::{self, Http},
};

const SECRET: &str = "soc2gate-tls";

/// The API server, a namespace of the test's own, and a registration of the same name.
struct Cluster {
    client: Client,
    name: String,
    _alone: Alone,
}

impl Cluster {
    async fn connect(test: &str) -> Option<Self> {
        kubeconfig()?;
        let alone = alone().await;
        soc2gate::server::install_provider();
        let client = Client::try_from(Config::infer().await.unwrap()).unwrap();
        let this = Self { client, name: format!("gate-{test}-{}", std::process::id()), _alone: alone };
        let own = serde_json::from_value(json!({"metadata": {"name": this.name}})).unwrap();
        let namespaces: Api<Namespace> = Api::all(this.client.clone());
        namespaces.create(&PostParams::default(), &own).await.unwrap();
        Some(this)
    }

    /// Leaves nothing behind.
    async fn clear(&self) {
        let how = DeleteParams::default();
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        self.registrations().delete(&self.name, &how).await.unwrap();
        namespaces.delete(&self.name, &how).await.unwrap();
    }

    fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.name)
    }

    fn registrations(&self) -> Api<ValidatingWebhookConfiguration> {
        Api::all(self.client.clone())
    }

    fn start(&self, identity: &str, more: &[&str]) -> Gate {
        let own = ["--cluster", "--gate-namespace", &self.name, "--registration", &self.name];
        Gate::start(&[&own, &["--identity", identity][..], more].concat())
    }

    /// Replicas that start at the same time, as those of a Deployment do.
    fn replicas(&self, more: &[&str]) -> [Gate; 2] {
        let arguments = [&["--tls-secret", SECRET, "--tls-settle", "3"][..], more].concat();
        std::thread::scope(|scope| {
            let starts = ["a", "b"].map(|identity| {
                let arguments = &arguments;
                scope.spawn(move || self.start(identity, arguments))
            });
            starts.map(|start| start.join().unwrap())
        })
    }

    /// Has both replicas asked about every ConfigMap of the namespace, fail closed; and an entry that nothing ever
    /// matches names the Service.
    async fn register(&self, gates: &[Gate; 2]) {
        let url = |gate: &Gate| json!({"url": format!("https://{}/validate", gate.address)});
        let service = json!({"service": {"namespace": self.name, "name": "soc2gate"}});
        let webhooks = [
            ("a.soc2gate.io", url(&gates[0]), self.name.as_str()),
            ("b.soc2gate.io", url(&gates[1]), self.name.as_str()),
            ("service.soc2gate.io", service.clone(), "no-such-namespace"),
            ("foreign.example.com", service, "no-such-namespace"),
        ];
        let webhooks = webhooks.map(|(name, client, namespace)| webhook(name, &client, namespace));
        self.put(json!({"metadata": {"name": self.name}, "webhooks": webhooks})).await;
    }

    /// As `kubectl replace` does: whatever else was in it is gone.
    async fn put(&self, mut object: Value) {
        let there = self.registrations().get_opt(&self.name).await.unwrap();
        object["metadata"]["resourceVersion"] =
            json!(there.as_ref().and_then(|o| o.metadata.resource_version.clone()));
        let object = serde_json::from_value(object).unwrap();
        if there.is_some() {
            self.registrations().replace(&self.name, &PostParams::default(), &object).await.unwrap();
        } else {
            self.registrations().create(&PostParams::default(), &object).await.unwrap();
        }
    }

    /// What each entry trusts, by its name.
    async fn trusted(&self) -> Vec<(String, Bundle)> {
        let webhooks = self.registrations().get(&self.name).await.unwrap().webhooks.unwrap();
        let bundle = |text: Option<k8s_openapi::ByteString>| Bundle::read(&text.unwrap_or_default().0);
        webhooks.into_iter().map(|entry| (entry.name, bundle(entry.client_config.ca_bundle))).collect()
    }

    /// What the Secret holds under a key.
    async fn kept(&self, key: &str) -> Vec<u8> {
        let secret = self.secrets().get_opt(SECRET).await.unwrap();
        let data = secret.and_then(|secret| secret.data);
        data.and_then(|mut data| data.remove(key)).unwrap_or_default().0
    }

    async fn annotate(&self, rotate: &str) {
        let patch = json!({"metadata": {"annotations": {"soc2gate.io/rotate": rotate}}});
        self.secrets().patch(SECRET, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
    }

    async fn is_annotated(&self) -> bool {
        let secret = self.secrets().get(SECRET).await.unwrap();
        secret.metadata.annotations.unwrap_or_default().contains_key("soc2gate.io/rotate")
    }

    /// Waits until every entry of ours trusts what the Secret says, and both gates serve what it holds.
    async fn settled(&self, gates: &[Gate; 2]) {
        until("callers trust what is served", async || {
            let bundle = Bundle::read(&self.kept("ca.crt").await);
            let chain = self.kept("tls.crt").await;
            let kept = first(&chain);
            let ours = self.trusted().await.into_iter().filter(|(name, _)| name.ends_with(".soc2gate.io"));
            let (mut served, trusting) = (true, ours.map(|(_, trusted)| trusted).collect::<Vec<_>>());
            for gate in gates {
                served &= shown(gate.address, &bundle).await == kept;
            }
            served && kept.is_some() && trusting.iter().all(|trusted| trusted.trusts_the_same(&bundle))
        })
        .await;
        for gate in gates {
            gate.admin_until("/readyz?verbose", |text| {
                text.contains("entries of gate-") && text.contains("accept it")
            })
            .await;
        }
    }
}

fn webhook(name: &str, client: &Value, namespace: &str) -> Value {
    json!({
        "name": name,
        "clientConfig": client,
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
    })
}

async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let begun = Instant::now();
    while !so().await {
        assert!(begun.elapsed() < SOON, "it never came to be that {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn first(pem: &[u8]) -> Option<CertificateDer<'static>> {
    Bundle::read(pem).newest().cloned()
}

/// What a caller who trusts `bundle` is shown; none if it does not accept it.
async fn shown(address: SocketAddr, bundle: &Bundle) -> Option<CertificateDer<'static>> {
    let client = https::Client::new(address, bundle.pem().as_bytes());
    let connection = client.connect(Http::One).await.ok()?;
    Some(CertificateDer::from(connection.certificate().to_vec()))
}

/// Dry-run creates through both gates, and handshakes as an API server would make them, until it is told to end.
#[derive(Default)]
struct Load {
    ended: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    failures: Arc<Mutex<Vec<String>>>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn begin(cluster: &Cluster, gates: &[Gate; 2]) -> Self {
        let mut load = Self::default();
        for _ in 0..8 {
            let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), &cluster.name);
            load.call(move || {
                let maps = maps.clone();
                async move {
                    let map = serde_json::from_value(json!({"metadata": {"generateName": "try-"}})).unwrap();
                    let how = PostParams { dry_run: true, ..PostParams::default() };
                    maps.create(&how, &map).await.map(drop).map_err(|error| error.to_string())
                }
                .boxed()
            });
        }
        for gate in gates {
            let (api, name, address) = (cluster.registrations(), cluster.name.clone(), gate.address);
            load.call(move || {
                let (api, name) = (api.clone(), name.clone());
                async move {
                    let webhooks = api.get(&name).await.unwrap().webhooks.unwrap();
                    let trusted = webhooks[0].client_config.ca_bundle.clone().unwrap_or_default().0;
                    let accepted = shown(address, &Bundle::read(&trusted)).await;
                    accepted.map(drop).ok_or_else(|| format!("{address} is not trusted"))
                }
                .boxed()
            });
        }
        load
    }

    fn call(&mut self, once: impl Fn() -> BoxFuture<'static, Result<(), String>> + Send + 'static) {
        let (ended, done, failures) = (self.ended.clone(), self.done.clone(), self.failures.clone());
        self.callers.push(tokio::spawn(async move {
            while !ended.load(Ordering::SeqCst) {
                match once().await {
                    Ok(()) => drop(done.fetch_add(1, Ordering::SeqCst)),
                    Err(failure) => failures.lock().unwrap().push(failure),
                }
            }
        }));
    }

    /// Ends it once there was enough of it: no call may have failed.
    async fn end(self) {
        until("enough calls are made", async || self.done.load(Ordering::SeqCst) > 100).await;
        self.ended.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await.unwrap();
        }
        assert_eq!(*self.failures.lock().unwrap(), Vec::<String>::new());
        eprintln!("{} calls, none failed", self.done.load(Ordering::SeqCst));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_race_from_nothing_agree_on_one_certificate() {
    let Some(cluster) = Cluster::connect("certificate-race").await else { return };
    let gates = cluster.replicas(&["--tls-san", "gate.example.com"]);
    // Nobody calls yet: that is told, and is no reason to be sent nothing.
    let is_ready = |text: &str| text.contains("--registration") && text.contains(r#""ready":true"#);
    gates[0].admin_until("/readyz?verbose", is_ready).await;
    cluster.register(&gates).await;
    cluster.settled(&gates).await;
    let chain = cluster.kept("tls.crt").await;
    for (name, trusted) in cluster.trusted().await {
        if name == "foreign.example.com" {
            assert!(trusted.is_empty());
            continue;
        }
        let names = names_of("soc2gate", &cluster.name, &["gate.example.com".to_owned()]);
        for host in names {
            validate(&chain, &trusted, &host, jiff::Timestamp::now()).unwrap();
        }
    }
    Load::begin(&cluster, &gates).end().await;
    let metrics = gates[0].admin("/metrics").await;
    assert!(metrics.text().contains("soc2gate_tls_ca_expiry_seconds "), "{}", metrics.text());
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_asked_for_comes_in_two_phases_without_one_failed_call() {
    let Some(cluster) = Cluster::connect("certificate-rotation").await else { return };
    let gates = cluster.replicas(&[]);
    cluster.register(&gates).await;
    cluster.settled(&gates).await;
    let (old, before) = (Bundle::read(&cluster.kept("ca.crt").await), cluster.kept("tls.crt").await);
    let load = Load::begin(&cluster, &gates);
    cluster.annotate("ca").await;
    until("the request is honoured", async || !cluster.is_annotated().await).await;
    let both = Bundle::read(&cluster.kept("ca.crt").await);
    assert_eq!((both.len(), both.contains(old.newest().unwrap())), (2, true));
    assert_eq!(cluster.kept("tls.crt").await, before, "the certificate changed before readers knew the CA");
    until("the new CA signs", async || cluster.kept("tls.crt").await != before).await;
    cluster.settled(&gates).await;
    assert_eq!(Bundle::read(&cluster.kept("ca.crt").await), both);
    // Another certificate needs no new CA.
    let before = cluster.kept("tls.crt").await;
    cluster.annotate("certificate").await;
    until("another certificate", async || cluster.kept("tls.crt").await != before).await;
    cluster.settled(&gates).await;
    assert!(!cluster.is_annotated().await);
    assert_eq!(Bundle::read(&cluster.kept("ca.crt").await), both);
    load.end().await;
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_deleted_or_spoilt_is_mended_without_one_failed_call() {
    let Some(cluster) = Cluster::connect("certificate-mending").await else { return };
    let gates = cluster.replicas(&[]);
    cluster.register(&gates).await;
    cluster.settled(&gates).await;
    let load = Load::begin(&cluster, &gates);
    let spoilt = |keys: &[&str]| {
        let data: serde_json::Map<_, _> =
            keys.iter().map(|key| ((*key).to_owned(), json!("c3BvaWx0"))).collect();
        Patch::Merge(json!({"data": data}))
    };
    for keys in [&[][..], &["tls.crt", "tls.key", "ca.crt", "ca.key"], &["ca.key"], &["tls.key"]] {
        let (bundle, chain) = (cluster.kept("ca.crt").await, cluster.kept("tls.crt").await);
        if keys.is_empty() {
            cluster.secrets().delete(SECRET, &DeleteParams::default()).await.unwrap();
        } else {
            cluster.secrets().patch(SECRET, &PatchParams::default(), &spoilt(keys)).await.unwrap();
        }
        until("another certificate is kept", async || {
            let kept = cluster.kept("tls.crt").await;
            first(&kept).is_some() && kept != chain
        })
        .await;
        cluster.settled(&gates).await;
        // What callers trusted they go on to trust.
        let now = Bundle::read(&cluster.kept("ca.crt").await);
        assert!(Bundle::read(&bundle).iter().all(|ca| now.contains(ca)), "after {keys:?}");
    }
    load.end().await;
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wiped_ca_bundle_is_put_right_within_seconds() {
    let Some(cluster) = Cluster::connect("certificate-wiping").await else { return };
    let gates = cluster.replicas(&[]);
    for _ in 0..3 {
        // Made anew without any caBundle, as by whoever applies a manifest again.
        cluster.register(&gates).await;
        let begun = Instant::now();
        cluster.settled(&gates).await;
        assert!(begun.elapsed() < Duration::from_secs(8), "it took {:?}", begun.elapsed());
    }
    Load::begin(&cluster, &gates).end().await;
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_lives_are_renewed_again_and_again_without_one_failed_call() {
    let Some(cluster) = Cluster::connect("certificate-lives").await else { return };
    let gates = cluster.replicas(&["--tls-ca-life", "45", "--tls-certificate-life", "15"]);
    cluster.register(&gates).await;
    cluster.settled(&gates).await;
    let first_ca = Bundle::read(&cluster.kept("ca.crt").await);
    let load = Load::begin(&cluster, &gates);
    let begun = Instant::now();
    // Long enough for two more CAs, and for the first to end.
    while begun.elapsed() < Duration::from_secs(70) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    load.end().await;
    cluster.settled(&gates).await;
    let now = Bundle::read(&cluster.kept("ca.crt").await);
    assert!(!now.contains(first_ca.newest().unwrap()), "a CA that ended is still trusted");
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cert_manager_keeps_is_judged_and_never_written() {
    let Some(cluster) = Cluster::connect("certificate-injected").await else { return };
    let gates = cluster.replicas(&[]);
    let service = json!({"service": {"namespace": cluster.name, "name": "soc2gate"}});
    let annotations = json!({"cert-manager.io/inject-ca-from": "gate/certificate"});
    let webhooks = [webhook("service.soc2gate.io", &service, "no-such-namespace")];
    cluster
        .put(json!({"metadata": {"name": cluster.name, "annotations": annotations}, "webhooks": webhooks}))
        .await;
    let told = gates[0].admin_until("/readyz?verbose", |text| text.contains("has cert-manager keep")).await;
    assert!(told.contains(r#""name":"certificate","state":"unmet""#), "{told}");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(cluster.trusted().await[0].1.is_empty());
    cluster.clear().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_from_files_is_judged_too() {
    let Some(cluster) = Cluster::connect("certificate-files").await else { return };
    let now = jiff::Timestamp::now();
    let ca = || Authority::make("a CA of the test", Lives::IN_SECRET, now).unwrap();
    let (right, wrong) = (ca(), ca());
    let names = names_of("soc2gate", &cluster.name, &[]);
    let pair = right.issue(&names, Lives::IN_SECRET, now).unwrap();
    let place = tempfile::tempdir().unwrap();
    let files = ["tls.crt", "tls.key"].map(|file| place.path().join(file).to_str().unwrap().to_owned());
    std::fs::write(&files[0], &pair.certificate).unwrap();
    std::fs::write(&files[1], &pair.key).unwrap();
    let gate = cluster.start("a", &["--tls-cert", &files[0], "--tls-key", &files[1]]);
    for (ca, ready) in [(&wrong, false), (&right, true)] {
        let trusted = Bundle::from(ca.certificate().clone()).pem();
        let client = json!({
            "service": {"namespace": cluster.name, "name": "soc2gate"},
            "caBundle": k8s_openapi::ByteString(trusted.into_bytes()),
        });
        let webhooks = [webhook("service.soc2gate.io", &client, "no-such-namespace")];
        cluster.put(json!({"metadata": {"name": cluster.name}, "webhooks": webhooks})).await;
        let words = if ready { "entries of gate-" } else { "signed by none" };
        let told = gate.admin_until("/readyz?verbose", |text| text.contains(words)).await;
        assert!(
            told.contains(&format!(
                r#""name":"certificate","state":"{}""#,
                if ready { "met" } else { "unmet" }
            ))
        );
        let trusted_now = cluster.trusted().await.remove(0).1;
        assert_eq!(trusted_now.newest(), Some(ca.certificate()), "a caBundle of somebody else's was written");
    }
    cluster.clear().await;
}
