//! Policies, exemptions and certificates change while reviews come in: none of them may fail.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};

use super::{
    gate::{Gate, SOON, pod, review},
    https::{Client, Http},
};

/// Reviews that come in over both protocols until it is told to end.
struct Load {
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    callers: Vec<tokio::task::JoinHandle<()>>,
}

impl Load {
    fn begin(client: &Client) -> Self {
        let (ended, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let body = review("CREATE", &privileged(), &Value::Null).to_string();
        let callers = [Http::One, Http::Two, Http::One, Http::Two].map(|http| {
            let (client, body) = (client.clone(), body.clone());
            let (ended, answered) = (ended.clone(), answered.clone());
            tokio::spawn(async move {
                while !ended.load(Ordering::SeqCst) {
                    // A new connection now and then, so that handshakes meet the change too.
                    let mut connection = client.connect(http).await.unwrap();
                    for _ in 0..50 {
                        let answer = connection.post("/validate?timeout=10s", body.clone()).await.unwrap();
                        assert_eq!(answer.status, 200);
                        assert_eq!(answer.json()["response"]["uid"], "11111111-2222-3333-4444-555555555555");
                        answered.fetch_add(1, Ordering::SeqCst);
                    }
                }
            })
        });
        Self { ended, answered, callers: callers.into() }
    }

    /// Ends it; a caller that met a failure panics here.
    async fn end(self) {
        self.ended.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await.unwrap();
        }
        assert!(self.answered.load(Ordering::SeqCst) > 100);
    }
}

fn privileged() -> Value {
    pod(json!({"securityContext": {"privileged": true}}))
}

/// Writes beside and renames, as a careful writer does.
fn put(path: &Path, text: &str) {
    let aside = path.with_extension("new");
    fs::write(&aside, text).unwrap();
    fs::rename(aside, path).unwrap();
}

/// Waits until a privileged Pod is admitted, or refused.
async fn admits(gate: &Gate, admitted: bool) {
    let fits = async {
        while gate.create(&privileged()).await.allowed() != admitted {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, fits).await.unwrap();
}

fn policy(mode: &str) -> String {
    let head = "apiVersion: soc2gate.io/v1\nkind: ControlPolicy\nmetadata: {name: cc6.1-access}\n";
    let spec = "spec:\n  criterion: CC6.1\n  control: No power over the node.\n";
    format!("{head}{spec}  checks: [{{id: privileged-container, mode: {mode}}}]\n")
}

#[tokio::test]
async fn policies_change_under_load_without_one_failed_review() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("access.yaml");
    put(&file, &policy("enforce"));
    let gate = Gate::start(&["--policies", directory.path().to_str().unwrap()]);
    let load = Load::begin(&gate.client());
    admits(&gate, false).await;
    put(&file, &policy("warn"));
    admits(&gate, true).await;
    // A bad file keeps the last good set, and says where it is bad.
    put(&file, &policy("harsh"));
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("degraded")).await;
    assert!(told.contains("access.yaml:7:"), "{told}");
    assert!(gate.create(&privileged()).await.allowed());
    let metrics = gate.admin("/metrics").await;
    assert!(metrics.text().contains("soc2gate_policy_load_failures_total 1"), "{}", metrics.text());
    put(&file, &policy("enforce"));
    admits(&gate, false).await;
    gate.admin_until("/readyz?verbose", |text| !text.contains("degraded")).await;
    load.end().await;
}

#[tokio::test]
async fn the_inventory_changes_under_load_without_one_failed_review() {
    let (policies, known) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let scope = "spec:\n  match: {namespaceSelector: {matchLabels: {tier: prod}}}\n";
    put(&policies.path().join("access.yaml"), &policy("enforce").replace("spec:\n", scope));
    let file = known.path().join("namespaces.yaml");
    let namespace = |tier: &str| {
        format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop, labels: {{tier: {tier}}}}}\n")
    };
    put(&file, &namespace("prod"));
    let directories = [policies.path().to_str().unwrap(), known.path().to_str().unwrap()];
    let gate = Gate::start(&["--policies", directories[0], "--inventory", directories[1]]);
    let load = Load::begin(&gate.client());
    admits(&gate, false).await;
    put(&file, &namespace("test"));
    admits(&gate, true).await;
    // A bad file keeps the last good inventory, and says where it is bad.
    put(&file, "kind: Namespace\n");
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("degraded")).await;
    assert!(told.contains("namespaces.yaml:1:1: this object has no `apiVersion`"), "{told}");
    assert!(gate.create(&privileged()).await.allowed());
    put(&file, &namespace("prod"));
    admits(&gate, false).await;
    gate.admin_until("/readyz?verbose", |text| !text.contains("degraded")).await;
    load.end().await;
}

#[tokio::test]
async fn exemptions_change_under_load_without_one_failed_review() {
    let directory = tempfile::tempdir().unwrap();
    let gate = Gate::start(&["--exemptions", directory.path().to_str().unwrap()]);
    let load = Load::begin(&gate.client());
    admits(&gate, false).await;
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    let file = directory.path().join("shop.yaml");
    let head = "apiVersion: soc2gate.io/v1\nkind: Exemption\nmetadata: {name: shop}\n";
    let spec = "spec:\n  check: privileged-container\n  subject: {namespace: shop}\n  reason: Migration.\n";
    let people = "  ticket: OPS-1\n  requestedBy: jane\n  approvedBy: joe\n";
    put(&file, &format!("{head}{spec}{people}  expires: {expires}\n"));
    admits(&gate, true).await;
    fs::remove_file(&file).unwrap();
    admits(&gate, false).await;
    load.end().await;
}

/// A server certificate and its key in PEM, signed by `ca`.
fn pair(ca: &Issuer<'_, KeyPair>) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.signed_by(&key, ca).unwrap().pem(), key.serialize_pem())
}

#[tokio::test]
async fn the_certificate_changes_under_load_without_one_failed_review() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);

    let directory = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (directory.path().join("tls.crt"), directory.path().join("tls.key"));
    let (certificate, key) = pair(&issuer);
    put(&certificate_file, &certificate);
    put(&key_file, &key);
    let gate = Gate::start(&[
        "--tls-cert",
        certificate_file.to_str().unwrap(),
        "--tls-key",
        key_file.to_str().unwrap(),
    ]);
    let client = Client::new(gate.address, ca.as_bytes());
    let first = client.connect(Http::One).await.unwrap().certificate().to_vec();
    let load = Load::begin(&client);
    let (certificate, key) = pair(&issuer);
    put(&certificate_file, &certificate);
    // For a while the pair does not match: the old one is served on.
    gate.admin_until("/metrics", |text| text.contains("soc2gate_tls_certificate_last_reload_success 0"))
        .await;
    assert_eq!(client.connect(Http::One).await.unwrap().certificate(), first);
    put(&key_file, &key);
    gate.admin_until("/metrics", |text| text.contains("soc2gate_tls_certificate_last_reload_success 1"))
        .await;
    assert_ne!(client.connect(Http::One).await.unwrap().certificate(), first);
    load.end().await;
}
