//! The certificate in the cluster while the API server is away, refuses, or is written to by somebody else.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Instant,
};

use hyper::Request;
use serde_json::{Value, json};

use super::{
    fake_api::{Asked, Door, FakeApi, Fault},
    gate::{Gate, SOON},
    https,
};

const SECRET: &str = "soc2gate-tls";
const FLAGS: [&str; 4] = ["--tls-secret", SECRET, "--tls-settle", "1"];

fn gate(door: &Door, place: &tempfile::TempDir) -> Gate {
    Gate::in_cluster(&door.kubeconfig(place.path()), &FLAGS)
}

fn register(api: &FakeApi) {
    api.put(&json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "soc2gate"},
        "webhooks": [{
            "name": "workloads.soc2gate.io",
            "clientConfig": {"service": {"namespace": "soc2gate", "name": "soc2gate"}},
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
        }],
    }));
}

fn ca_bundle(api: &FakeApi) -> Value {
    let group = "admissionregistration.k8s.io";
    let registration = api.held(group, "validatingwebhookconfigurations", "", "soc2gate");
    registration["webhooks"][0]["clientConfig"]["caBundle"].clone()
}

fn secret(api: &FakeApi) -> Value {
    api.held("", "secrets", "soc2gate", SECRET)
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < SOON, "it never came to be that {what}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A condition of the certificate in this state.
fn is(state: &str) -> String {
    format!(r#""name":"certificate","state":"{state}""#)
}

/// The program before it has anything to serve.
struct Waiting {
    child: Child,
    admin: SocketAddr,
    lines: BufReader<std::process::ChildStderr>,
}

impl Waiting {
    fn start(door: &Door, place: &tempfile::TempDir) -> Self {
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
            .arg("--cluster")
            .args(FLAGS)
            .env("KUBECONFIG", door.kubeconfig(place.path()))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        let mut this = Self { child, admin: ([127, 0, 0, 1], 0).into(), lines };
        let line = this.line("waiting for a certificate");
        this.admin = line["admin_address"].as_str().unwrap().parse().unwrap();
        this
    }

    /// Reads on to the line with this message.
    fn line(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "{message:?} was never logged");
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == message {
                return line;
            }
        }
    }

    async fn admin(&self, path: &str) -> https::Answer {
        https::plain(self.admin, Request::get(path)).await.unwrap()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn probes_are_answered_before_there_is_a_certificate_and_serving_begins_with_it() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    door.fails(Fault::Refuse(503));
    let mut waiting = Waiting::start(&door, &place);
    assert_eq!(waiting.admin("/livez").await.status, 200);
    let begun = Instant::now();
    loop {
        let answer = waiting.admin("/readyz").await;
        assert_eq!(answer.status, 503);
        // The reason is known once the first request has failed.
        if answer.text().contains("it comes from the Secret (the API server") {
            break;
        }
        assert!(begun.elapsed() < SOON, "{}", answer.text());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(waiting.child.try_wait().unwrap().is_none());
    door.heals();
    waiting.line("ready for reviews");
    assert!(secret(&api)["data"]["tls.crt"].is_string());
}

#[tokio::test]
async fn a_gate_that_waits_for_its_certificate_leaves_when_it_is_told_to() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    door.fails(Fault::Hang);
    let mut waiting = Waiting::start(&door, &place);
    let told = Command::new("kill").arg(waiting.child.id().to_string()).status().unwrap();
    assert!(told.success() && waiting.child.wait().unwrap().success());
}

#[tokio::test]
async fn a_patch_that_is_forbidden_is_told_and_counted_and_tried_again() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    register(&api);
    let patches = |asked: &Asked| asked.resource == "validatingwebhookconfigurations" && asked.is_write();
    door.fails_if(move |asked| patches(asked).then_some(Fault::Refuse(403)));
    let gate = gate(&door, &place);
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("cannot be put right")).await;
    assert!(told.contains(&is("unmet")) && told.contains("has no caBundle"), "{told}");
    let metrics = gate.admin("/metrics").await;
    assert!(metrics.text().contains(r#"soc2gate_tls_ca_bundle_patches_total{outcome="failed"}"#));
    door.heals();
    gate.admin_until("/readyz?verbose", |text| text.contains(&is("met"))).await;
    assert!(ca_bundle(&api).is_string());
}

#[tokio::test]
async fn what_is_served_is_served_on_while_the_api_server_is_away() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    register(&api);
    let gate = gate(&door, &place);
    gate.admin_until("/readyz?verbose", |text| text.contains(&is("met"))).await;
    door.fails(Fault::Refuse(503));
    api.drop_watches();
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("as last seen at")).await;
    assert!(told.contains(&is("met")), "{told}");
    door.heals();
    gate.admin_until("/readyz?verbose", |text| !text.contains("as last seen at")).await;
}

#[tokio::test]
async fn a_secret_that_may_not_be_written_leaves_what_is_served_and_says_so() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    register(&api);
    let gate = gate(&door, &place);
    gate.admin_until("/readyz?verbose", |text| text.contains(&is("met"))).await;
    let writes = |asked: &Asked| asked.resource == "secrets" && asked.is_write();
    door.fails_if(move |asked| writes(asked).then_some(Fault::Refuse(403)));
    let mut asked = secret(&api);
    asked["metadata"]["annotations"] = json!({"soc2gate.io/rotate": "ca"});
    api.put(&asked);
    let told = gate.admin_until("/readyz?verbose", |text| text.contains("cannot be written")).await;
    assert!(told.contains(&is("degraded")) && told.contains("accept it"), "{told}");
    // Whoever wipes caBundle meanwhile is still outdone.
    register(&api);
    until("caBundle is back", || ca_bundle(&api).is_string()).await;
    door.heals();
    gate.admin_until("/readyz?verbose", |text| text.contains(&is("met"))).await;
    until("the request is honoured", || {
        secret(&api)["metadata"]["annotations"]["soc2gate.io/rotate"].is_null()
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_is_spoilt_again_and_again_is_no_endless_fight() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    register(&api);
    let gate = gate(&door, &place);
    gate.admin_until("/readyz?verbose", |text| text.contains(&is("met"))).await;
    let spoilt = || json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": "soc2gate"}});
    let gives_up = async {
        loop {
            if secret(&api)["data"].is_object() {
                api.put(&spoilt());
            }
            if gate.admin("/readyz?verbose").await.text().contains("find out who writes it") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, gives_up).await.unwrap();
    // What was served is served on.
    assert!(gate.admin("/readyz?verbose").await.text().contains("accept it"));
}

#[tokio::test]
async fn a_secret_of_cert_manager_is_served_and_not_written() {
    let (api, place) = (FakeApi::start(), tempfile::tempdir().unwrap());
    let door = api.door();
    let first = gate(&door, &place);
    drop(first);
    let mut foreign = secret(&api);
    foreign["metadata"]["annotations"] = json!({"cert-manager.io/certificate-name": "gate"});
    foreign["data"].as_object_mut().unwrap().remove("ca.key");
    api.put(&foreign);
    let writes = api.writes().iter().filter(|asked| asked.resource == "secrets").count();
    let gate = gate(&door, &place);
    gate.admin_until("/readyz?verbose", |text| text.contains("belongs to cert-manager")).await;
    assert_eq!(api.writes().iter().filter(|asked| asked.resource == "secrets").count(), writes);
}
