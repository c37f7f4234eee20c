//! What runs already is judged by what is known now: an image that was let in becomes a finding of the background scan.

use std::{fs, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{digest, pinned, trivy};
use crate::{
    cli::run_with,
    fake_api::{FakeApi, Resource},
    gate::{Gate, SOON, review},
};

const POLICY: &str = "apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: cc6.8-software}
spec:
  criterion: CC6.8
  control: Only software that is scanned runs.
  checks:
  - {id: unscanned-image, mode: enforce}
  - {id: stale-scan, mode: enforce, params: {maxAgeDays: 7}}
  - {id: vulnerable-image, mode: enforce, params: {severity: critical}}
";

/// A cluster with a report API, a policy, a file of known exploited vulnerabilities, and a token for CI.
struct World {
    api: FakeApi,
    root: TempDir,
    token: String,
}

impl World {
    fn new() -> Self {
        let (api, root) = (FakeApi::start(), tempfile::tempdir().unwrap());
        api.put(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}));
        let definitions = include_str!("../../../manifests/base/05-definitions.yaml");
        for document in soc2gate::manifest::parse("05-definitions.yaml", definitions).unwrap() {
            api.put(&serde_json::from_str(&document.to_json_text()).unwrap());
        }
        api.serve(Resource::new("wgpolicyk8s.io/v1alpha2", "PolicyReport", "policyreports"));
        api.serve(
            Resource::new("wgpolicyk8s.io/v1alpha2", "ClusterPolicyReport", "clusterpolicyreports")
                .cluster_wide(),
        );
        fs::create_dir(root.path().join("policies")).unwrap();
        fs::write(root.path().join("policies/software.yaml"), POLICY).unwrap();
        fs::write(root.path().join("exploited.json"), exploited(&["CVE-2020-1"])).unwrap();
        let made = run_with(root.path(), &["image", "token", "ci-shop"], "");
        let (token, line) = made.out.trim_end().split_once('\n').unwrap();
        fs::write(root.path().join("tokens"), line).unwrap();
        Self { api, token: token.to_owned(), root }
    }

    fn path(&self, name: &str) -> String {
        self.root.path().join(name).to_str().unwrap().to_owned()
    }

    async fn gate(&self) -> Gate {
        let kubeconfig = self.api.door().kubeconfig(self.root.path());
        let [policies, tokens, exploited] =
            ["policies", "tokens", "exploited.json"].map(|name| self.path(name));
        let flags = ["--policies", &policies, "--ingest-tokens", &tokens, "--known-exploited", &exploited];
        let gate = Gate::in_cluster(&kubeconfig, &[&flags[..], &["--scan-every", "10s"]].concat());
        gate.admin_until("/readyz", |text| text.starts_with("ready")).await;
        gate
    }

    /// Hands in a report as a pipeline does.
    fn ingest(&self, gate: &Gate, report: &str) {
        fs::write(self.path("ca.pem"), gate.ca()).unwrap();
        fs::write(self.path("token"), &self.token).unwrap();
        let server = format!("https://localhost:{}", gate.address.port());
        let args = ["image", "ingest", "-", "--server", &server, "--ca", "ca.pem", "--token-file", "token"];
        let run = run_with(self.root.path(), &args, report);
        assert_eq!(run.code, 0, "{} {}", run.out, run.err);
    }

    /// What the report of the namespace says of this check.
    async fn reported(&self, gate: &Gate, check: &str) -> Value {
        let found = async {
            loop {
                let report = self.api.held("wgpolicyk8s.io", "policyreports", "shop", "soc2gate");
                let results = report["results"].as_array().cloned().unwrap_or_default();
                if let Some(result) = results.into_iter().find(|result| result["rule"] == check) {
                    return result;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(SOON * 3, found).await;
        in_time.unwrap_or_else(|_| panic!("{check} was never reported: {:?}", gate.logged()))
    }
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": pinned('a')}]},
            },
        },
    })
}

fn exploited(cves: &[&str]) -> String {
    let listed: Vec<_> = cves.iter().map(|cve| json!({"cveID": cve})).collect();
    json!({"vulnerabilities": listed}).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_deploy_passes_once_ci_has_handed_in_its_scan_and_becomes_a_finding_when_that_is_stale() {
    let world = World::new();
    let gate = world.gate().await;
    let create = review("CREATE", &deployment(), &Value::Null).to_string();
    let before = gate.post(create.clone()).await;
    assert!(!before.allowed() && before.message().contains("unscanned-image"), "{}", before.message());
    // A few seconds from too old.
    let age = SignedDuration::from_hours(7 * 24) - SignedDuration::from_secs(6);
    let created = Timestamp::now() - age;
    world.ingest(&gate, &trivy('a', &created.to_string(), &["CVE-2026-1 LOW 2"]));
    let after = gate.post(create).await;
    assert!(after.allowed(), "{}", after.message());
    world.api.put(&deployment());
    let finding = world.reported(&gate, "stale-scan").await;
    assert_eq!(finding["result"], "fail", "{finding}");
    assert_eq!(finding["resources"][0]["name"], "web");
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("more than 7 days ago") && message.contains(&digest('a')), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_image_becomes_a_finding_when_its_flaw_is_known_to_be_exploited() {
    let world = World::new();
    let gate = world.gate().await;
    world.ingest(&gate, &trivy('a', &Timestamp::now().to_string(), &["CVE-2026-1 LOW 2"]));
    world.api.put(&deployment());
    let create = review("CREATE", &deployment(), &Value::Null).to_string();
    assert!(gate.post(create.clone()).await.allowed());
    fs::write(world.path("exploited.json"), exploited(&["CVE-2020-1", "CVE-2026-1"])).unwrap();
    let finding = world.reported(&gate, "vulnerable-image").await;
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("CVE-2026-1") && message.contains("known to be exploited"), "{message}");
    assert!(!gate.post(create).await.allowed());
}
