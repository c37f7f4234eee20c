//! The real program as a running webhook, on free ports, with a state directory of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use hyper::Request;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::https::{self, Client, Connection, Http};

/// How long a test waits for what must happen.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A `soc2gate serve` that is ready for reviews.
pub(crate) struct Gate {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) admin_address: SocketAddr,
    ca: Vec<u8>,
    log: Arc<Mutex<Vec<Value>>>,
    _state: TempDir,
}

/// The answer to a review.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Gate {
    /// Starts the program with these arguments beside the ones that give it free ports.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_amid(&[], arguments)
    }

    /// Starts it in the cluster that a kubeconfig leads to.
    pub(crate) fn in_cluster(kubeconfig: &Path, arguments: &[&str]) -> Self {
        let environment = [("KUBECONFIG", kubeconfig.to_str().unwrap())];
        Self::start_amid(&environment, &[&["--cluster"], arguments].concat())
    }

    fn start_amid(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let state = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_soc2gate"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--admin-listen",
                "127.0.0.1:0",
                "--log-format",
                "json",
            ])
            .arg("--state")
            .arg(state.path())
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let ready = first_ready(&mut lines);
        let address = |field: &str| ready[field].as_str().unwrap().parse().unwrap();
        let ca = std::fs::read(state.path().join("ca.crt")).unwrap_or_default();
        let log = Arc::new(Mutex::new(Vec::new()));
        let writing = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                writing.lock().unwrap().push(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
        });
        Self {
            child,
            address: address("address"),
            admin_address: address("admin_address"),
            ca,
            log,
            _state: state,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.address, &self.ca)
    }

    pub(crate) async fn connect(&self, http: Http) -> Connection {
        self.client().connect(http).await.unwrap()
    }

    /// Posts one body on a connection of its own.
    pub(crate) async fn post(&self, body: impl Into<hyper::body::Bytes>) -> Answer {
        let answer = self.connect(Http::One).await.post("/validate?timeout=10s", body).await.unwrap();
        let status = answer.status.as_u16();
        let text = || Value::String(String::from_utf8_lossy(&answer.body).into_owned());
        Answer { status, body: serde_json::from_slice(&answer.body).unwrap_or_else(|_| text()) }
    }

    /// Posts a review around an object that is to be created.
    pub(crate) async fn create(&self, object: &Value) -> Answer {
        self.post(review("CREATE", object, &Value::Null).to_string()).await
    }

    /// What the admin port says.
    pub(crate) async fn admin(&self, path: &str) -> https::Answer {
        https::plain(self.admin_address, Request::get(path)).await.unwrap()
    }

    /// Waits until the admin port's answer fits.
    pub(crate) async fn admin_until(&self, path: &str, fits: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.admin(path).await.text().to_owned();
            if fits(&text) {
                return text;
            }
            assert!(begun.elapsed() < SOON, "never came: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything logged so far, one JSON value per line.
    pub(crate) fn logged(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// Ends it without a warning.
    pub(crate) fn crash(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The CA of the certificate that it made for itself (PEM).
    pub(crate) fn ca(&self) -> &[u8] {
        &self.ca
    }

    /// Asks it to end, as a kubelet does, and waits until it has.
    pub(crate) async fn leave(mut self) {
        let asked = Command::new("kill").args(["-TERM", &self.process().to_string()]).status().unwrap();
        assert!(asked.success());
        let begun = Instant::now();
        while self.is_running() {
            assert!(begun.elapsed() < SOON * 3, "it does not end");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.crash();
    }
}

impl Answer {
    pub(crate) fn response(&self) -> &Value {
        &self.body["response"]
    }

    pub(crate) fn allowed(&self) -> bool {
        self.response()["allowed"].as_bool().unwrap_or_else(|| panic!("no answer to a review: {self:?}"))
    }

    pub(crate) fn message(&self) -> &str {
        self.response()["status"]["message"].as_str().unwrap_or_default()
    }

    pub(crate) fn warnings(&self) -> Vec<&str> {
        let warnings = self.response()["warnings"].as_array();
        warnings.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub(crate) fn decision(&self) -> &str {
        self.response()["auditAnnotations"]["decision"].as_str().unwrap_or_default()
    }
}

fn first_ready(lines: &mut BufReader<ChildStderr>) -> Value {
    let mut all = String::new();
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before it was ready:\n{all}");
        let value: Value = serde_json::from_str(&line).unwrap_or_default();
        if value["message"] == "ready for reviews" {
            return value;
        }
        all.push_str(&line);
    }
}

/// An AdmissionReview of a Pod or of whatever `object` says it is.
pub(crate) fn review(operation: &str, object: &Value, old: &Value) -> Value {
    let subject = if object.is_null() { old } else { object };
    let api_version = subject["apiVersion"].as_str().unwrap_or("v1");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "11111111-2222-3333-4444-555555555555",
            "kind": {"group": group, "version": version, "kind": subject["kind"]},
            "resource": {"group": group, "version": version, "resource": "things"},
            "name": subject["metadata"]["name"],
            "namespace": subject["metadata"]["namespace"].as_str().unwrap_or("shop"),
            "operation": operation,
            "userInfo": {"username": "jane", "groups": ["developers", "system:authenticated"]},
            "object": object,
            "oldObject": old,
            "dryRun": false,
        }
    })
}

/// A Pod with one container of these fields.
pub(crate) fn pod(container: Value) -> Value {
    let mut fields = json!({"name": "app", "image": "registry.example.com/shop/app:1.0"});
    fields.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [fields]},
    })
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}
