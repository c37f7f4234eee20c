//! The real program asked by a real API server: started, registered as the manifests do it, and taken away again.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    Alone, alone, kubeconfig,
    kubectl::{Said, get, holds_within, kubectl, kubectl_with, until},
};
use crate::{gate::Gate, registration::webhooks};

/// A gate that the API server asks, and a namespace to try it in.
pub(crate) struct Registered {
    pub(crate) gate: Gate,
    pub(crate) namespace: String,
    pub(crate) registration: Registration,
    certificate: Certificate,
    _alone: Alone,
}

/// A certificate that several gates can serve, and the CA behind it.
pub(crate) struct Certificate {
    ca: String,
    directory: TempDir,
}

/// A registration of the test's own; gone when dropped.
pub(crate) struct Registration {
    pub(crate) name: String,
}

/// A namespace, before the gate knows it.
pub(crate) struct Ground {
    pub(crate) namespace: String,
    alone: Alone,
}

/// A name that no other test run bears.
pub(crate) fn fresh(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{stem}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst))
}

impl Ground {
    /// A namespace whose pods could be made. None without a cluster.
    pub(crate) async fn make() -> Option<Self> {
        kubeconfig()?;
        let alone = alone().await;
        let ground = Self { namespace: fresh("gate-test"), alone };
        kubectl(&format!("create namespace {}", ground.namespace)).done();
        let account = format!("serviceaccount default -n {}", ground.namespace);
        until("an account for pods", || !get(&account).is_null());
        Some(ground)
    }

    /// Starts a gate and has the API server ask it. An absent gate fails requests, or is ignored.
    pub(crate) fn gate(self, failure_policy: &str, arguments: &[&str]) -> Registered {
        let certificate = Certificate::make();
        let files = certificate.arguments();
        let files: Vec<_> = files.iter().map(|argument| &**argument).collect();
        let gate = Gate::start(&[&files, arguments].concat());
        let begun =
            |gate: &Gate| fetch(gate.admin_address, "/readyz").is_ok_and(|said| said.contains(" 200 "));
        until("the gate knows what exists", || begun(&gate));
        let registration = Registration::make(&url(&gate), &certificate, failure_policy);
        let namespace = self.namespace;
        until("a question to the gate", || is_asked(&gate, &namespace));
        Registered { gate, namespace, registration, certificate, _alone: self.alone }
    }
}

fn url(gate: &Gate) -> String {
    format!("https://127.0.0.1:{}/validate", gate.address.port())
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        std::fs::write(directory.path().join("tls.crt"), certificate.pem()).unwrap();
        std::fs::write(directory.path().join("tls.key"), key.serialize_pem()).unwrap();
        Self { ca, directory }
    }

    /// What makes a gate serve it.
    pub(crate) fn arguments(&self) -> [String; 2] {
        let of = |flag: &str, file: &str| format!("{flag}={}", self.directory.path().join(file).display());
        [of("--tls-cert", "tls.crt"), of("--tls-key", "tls.key")]
    }
}

impl Registered {
    /// With these flags. None without a cluster.
    pub(crate) async fn start(failure_policy: &str, arguments: &[&str]) -> Option<Self> {
        Some(Ground::make().await?.gate(failure_policy, arguments))
    }

    /// One more registration of this gate.
    pub(crate) fn registered_again(&self, failure_policy: &str) -> Registration {
        Registration::make(&url(&self.gate), &self.certificate, failure_policy)
    }

    /// Runs kubectl in the namespace.
    pub(crate) fn kubectl(&self, words: &str) -> Said {
        kubectl(&format!("-n {} {words}", self.namespace))
    }

    /// The same with an object on standard input, for `-f -`.
    pub(crate) fn kubectl_with(&self, words: &str, object: &Value) -> Said {
        kubectl_with(&format!("-n {} {words}", self.namespace), object)
    }

    pub(crate) fn apply(&self, object: &Value) -> Said {
        self.kubectl_with("apply -f -", object)
    }

    pub(crate) fn get(&self, words: &str) -> Value {
        get(&format!("{words} -n {}", self.namespace))
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.registration.remove();
        // The API server goes on asking for a moment; the next test must not meet that.
        let is_over = || probe(&self.namespace) && !is_asked(&self.gate, &self.namespace);
        holds_within(Duration::from_secs(10), is_over);
        kubectl(&format!("delete namespace {} --wait=false", self.namespace));
    }
}

impl Registration {
    /// As in the manifests, to this address.
    pub(crate) fn make(url: &str, certificate: &Certificate, failure_policy: &str) -> Self {
        let name = fresh("gate-test");
        let bundle = BASE64_STANDARD.encode(&certificate.ca);
        let webhooks: Vec<_> = webhooks()
            .into_iter()
            .map(|mut webhook| {
                webhook["clientConfig"] = json!({"url": url, "caBundle": bundle});
                webhook["failurePolicy"] = failure_policy.into();
                webhook
            })
            .collect();
        let registration = Self { name };
        let object = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": registration.name}, "webhooks": webhooks,
        });
        kubectl_with("create -f -", &object).done();
        registration
    }

    pub(crate) fn remove(&self) {
        kubectl(&format!("delete validatingwebhookconfiguration {} --ignore-not-found", self.name));
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Whether the API server asks the gate about a change.
fn is_asked(gate: &Gate, namespace: &str) -> bool {
    let before = answered(gate);
    probe(namespace);
    answered(gate) > before
}

/// A change in scope that leaves nothing behind. True if it went through.
pub(crate) fn probe(namespace: &str) -> bool {
    kubectl(&format!("create configmap asked -n {namespace} --dry-run=server")).is_done
}

fn answered(gate: &Gate) -> u64 {
    metric(gate, r#"soc2gate_http_responses_total{code="200"}"#)
}

/// The value of a metric, by its name and labels as they are printed; 0 if there is none.
pub(crate) fn metric(gate: &Gate, series: &str) -> u64 {
    let text = fetch(gate.admin_address, "/metrics").unwrap_or_default();
    let mut values = text.lines().filter_map(|line| line.strip_prefix(series)?.trim().parse().ok());
    values.next().unwrap_or(0)
}

/// What a plain HTTP server answers. It waits, and needs no runtime: some of this happens while a test unwinds.
pub(crate) fn fetch(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
