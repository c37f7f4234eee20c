//! A large cluster: 10,000 namespaces with what is made in each by itself, a Deployment in each, and 50,000 scans of
//! images. Prints what it measures; asserts what is promised of memory.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use kube::{Client, Config, config::KubeConfigOptions};
use serde_json::{Value, json};

use super::{super::gate::Gate, kubeconfig};

const NAMESPACES: usize = 10_000;
const REPORTS: usize = 50_000;
/// Requests under way at once.
const AT_ONCE: usize = 64;

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "vulnerabilityreports.aquasecurity.github.io"},
        "spec": {
            "group": "aquasecurity.github.io", "scope": "Namespaced",
            "names": {"kind": "VulnerabilityReport", "plural": "vulnerabilityreports"},
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })
}

fn report(number: usize) -> Value {
    let vulnerabilities: Vec<_> = (0..20)
        .map(|at| {
            let severity = ["LOW", "MEDIUM", "HIGH"][at % 3];
            json!({
                "vulnerabilityID": format!("CVE-2026-{}", 1000 + (number * 7 + at) % 9000),
                "resource": format!("lib{}", at % 11), "installedVersion": "1.2.3", "fixedVersion": "1.2.4",
                "severity": severity, "title": "", "links": [],
            })
        })
        .collect();
    json!({
        "apiVersion": "aquasecurity.github.io/v1alpha1", "kind": "VulnerabilityReport",
        "metadata": {"name": format!("scan-{number}")},
        "report": {
            "updateTimestamp": jiff::Timestamp::now().to_string(),
            "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "0.70.0"},
            "registry": {"server": "registry.example.com"},
            "artifact": {"repository": format!("team/app-{number}"), "digest": format!("sha256:{number:064x}")},
            "summary": {}, "vulnerabilities": vulnerabilities,
        },
    })
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "registry.example.com/shop/web:latest"}]},
            },
        },
    })
}

/// Creates what is not there yet.
async fn create(client: &Client, path: &str, object: &Value) {
    let request = hyper::Request::post(path).header("Content-Type", "application/json");
    let request = request.body(serde_json::to_vec(object).unwrap()).unwrap();
    match client.request::<Value>(request).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 409 => {}
        Err(error) => panic!("{path}: {error}"),
    }
}

/// Creates so many objects, several at once.
async fn create_all(client: &Client, count: usize, object: fn(usize) -> (String, Value)) {
    let next = Arc::new(AtomicUsize::new(0));
    let working: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, next) = (client.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let (path, object) = object(number);
                    create(&client, &path, &object).await;
                }
            })
        })
        .collect();
    for worker in working {
        worker.await.unwrap();
    }
}

fn namespace(number: usize) -> String {
    format!("team-{}", number % NAMESPACES)
}

async fn populate(client: &Client) {
    create(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", &definition()).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    create_all(client, NAMESPACES, |number| {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace(number)}});
        ("/api/v1/namespaces".to_owned(), namespace)
    })
    .await;
    create_all(client, REPORTS, |number| {
        let group = "/apis/aquasecurity.github.io/v1alpha1";
        (format!("{group}/namespaces/{}/vulnerabilityreports", namespace(number)), report(number))
    })
    .await;
    create_all(client, NAMESPACES, |number| {
        (format!("/apis/apps/v1/namespaces/{}/deployments", namespace(number)), deployment())
    })
    .await;
}

/// Memory of the gate now and at its most (MiB).
fn memory(gate: &Gate) -> [u64; 2] {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.process())).unwrap();
    ["VmRSS:", "VmHWM:"].map(|field| {
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_namespaces_and_fifty_thousand_scans_fit() {
    let Some(kubeconfig) = kubeconfig() else { return };
    if std::env::var_os("SOC2GATE_TEST_SCALE").is_none() {
        eprintln!(
            "NOT RUN: ten_thousand_namespaces_and_fifty_thousand_scans_fit needs SOC2GATE_TEST_SCALE=1"
        );
        return;
    }
    let _alone = super::alone().await;
    soc2gate::server::install_provider();
    let config = kube::config::Kubeconfig::read_from(&kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let begun = Instant::now();
    populate(&client).await;
    eprintln!("populated in {:.0} s", begun.elapsed().as_secs_f64());

    let begun = Instant::now();
    let gate = Gate::in_cluster(kubeconfig.as_ref(), &[]);
    while !gate.admin("/readyz").await.text().starts_with("ready") {
        assert!(begun.elapsed().as_secs() < 600);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let synced = begun.elapsed();
    let [now, most] = memory(&gate);
    eprintln!("known in full after {:.1} s; {now} MiB, {most} at its most", synced.as_secs_f64());
    for line in gate.admin("/metrics").await.text().lines() {
        if line.starts_with("soc2gate_inventory_objects") && !line.ends_with(" 0") {
            eprintln!("  {line}");
        }
    }
    assert!(now < 200, "{now} MiB");
}
