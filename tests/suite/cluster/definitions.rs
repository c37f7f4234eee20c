//! Policies and exemptions in a real API server: taken, refused, put in force one by one, and answered in their status.

use std::time::{Duration, Instant};

use k8s_openapi::api::{core::v1::Namespace, events::v1::Event};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};
use soc2gate::cluster::definitions::{exemption_resource, manifests, policy_resource};

use super::{Alone, alone, kubeconfig};
use crate::gate::{Gate, SOON, pod};

/// The API server, alone with it, and a namespace of the test's own for the gate's Lease.
pub(super) struct Cluster {
    pub(super) client: Client,
    pub(super) namespace: String,
    _alone: Alone,
}

fn documents(text: &str) -> Vec<Value> {
    let documents = soc2gate::manifest::parse("m.yaml", text).unwrap();
    documents.iter().map(|document| serde_json::from_str(&document.to_json_text()).unwrap()).collect()
}

fn definition() -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"))
}

impl Cluster {
    /// With the definitions and none of their objects, or nothing where there is no API server.
    pub(super) async fn connect(test: &str) -> Option<Self> {
        kubeconfig()?;
        let alone = alone().await;
        soc2gate::server::install_provider();
        let client = Client::try_from(Config::infer().await.unwrap()).unwrap();
        let this =
            Self { client, namespace: format!("soc2gate-{test}-{}", std::process::id()), _alone: alone };
        let namespaces: Api<Namespace> = Api::all(this.client.clone());
        let own = serde_json::from_value(json!({"metadata": {"name": this.namespace}})).unwrap();
        let _already_there = namespaces.create(&PostParams::default(), &own).await;
        this.define().await;
        this.clear().await;
        Some(this)
    }

    pub(super) fn api(&self, kind: &ApiResource) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), kind)
    }

    async fn define(&self) {
        for crd in documents(&manifests().unwrap()) {
            self.apply(&definition(), crd).await.unwrap();
        }
        for kind in [policy_resource(), exemption_resource()] {
            self.until("the kind is served", async || {
                self.api(&kind).list(&ListParams::default()).await.ok()
            })
            .await;
        }
    }

    /// Leaves none of the gate's objects behind.
    async fn clear(&self) {
        for kind in [policy_resource(), exemption_resource()] {
            let all = (&DeleteParams::default(), &ListParams::default());
            self.api(&kind).delete_collection(all.0, all.1).await.unwrap();
        }
    }

    pub(super) async fn apply(&self, kind: &ApiResource, object: Value) -> kube::Result<DynamicObject> {
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        let params = PatchParams::apply("test").force();
        self.api(kind).patch(&name, &params, &Patch::Apply(object)).await
    }

    /// Makes an object as a dry run: what the API server says of it.
    async fn try_out(&self, kind: &ApiResource, object: &Value) -> Result<(), String> {
        let params = PostParams { dry_run: true, ..PostParams::default() };
        let object = serde_json::from_value(object.clone()).unwrap();
        match self.api(kind).create(&params, &object).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(status.message.clone()),
            Err(error) => panic!("{error}"),
        }
    }

    async fn status(&self, kind: &ApiResource, name: &str) -> Value {
        self.api(kind).get(name).await.unwrap().data["status"].clone()
    }

    /// Waits until what `look` sees is something.
    pub(super) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(begun.elapsed() < SOON, "never came: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the status of an object is as wanted.
    async fn until_said(&self, kind: &ApiResource, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status(kind, name).await;
            if fits(&status) {
                return status;
            }
            assert!(begun.elapsed() < SOON, "never came: {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The gate, once it has read everything.
    pub(super) async fn gate(&self, identity: &str, arguments: &[&str]) -> Gate {
        let own = ["--cluster", "--gate-namespace", &self.namespace, "--identity", identity];
        let gate = Gate::start(&[&own[..], arguments].concat());
        gate.admin_until("/readyz?verbose", |text| text.contains(r#""ready":true"#)).await;
        gate
    }

    /// The table that kubectl prints: per object a map of its columns.
    async fn table(&self, kind: &ApiResource, name: &str) -> Value {
        let path = format!("/apis/soc2gate.io/v1/{}/{name}", kind.plural);
        let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let request = hyper::Request::get(path).header("Accept", accept).body(Vec::new()).unwrap();
        let table: Value = self.client.request(request).await.unwrap();
        let columns = table["columnDefinitions"].as_array().unwrap().iter();
        let cells = table["rows"][0]["cells"].as_array().unwrap().iter();
        columns
            .zip(cells)
            .map(|(column, cell)| (column["name"].as_str().unwrap().to_owned(), cell.clone()))
            .collect()
    }

    /// The events about a policy as it is now: those of an earlier object of the name live on for a while.
    async fn events(&self, name: &str) -> Vec<Event> {
        let uid = self.api(&policy_resource()).get(name).await.unwrap().metadata.uid;
        let events: Api<Event> = Api::namespaced(self.client.clone(), "default");
        let all = events.list(&ListParams::default()).await.unwrap().items;
        all.into_iter().filter(|event| event.regarding.as_ref().is_some_and(|of| of.uid == uid)).collect()
    }

    /// Takes away what the test has made.
    pub(super) async fn leave(self) {
        self.clear().await;
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let _gone = namespaces.delete(&self.namespace, &DeleteParams::default()).await;
    }
}

pub(super) fn policy(name: &str, checks: Value) -> Value {
    json!({
        "apiVersion": "soc2gate.io/v1", "kind": "ControlPolicy", "metadata": {"name": name},
        "spec": {"criterion": "CC6.1", "control": "Tested.", "checks": checks},
    })
}

pub(super) fn exemption(name: &str, spec: &[(&str, Value)]) -> Value {
    let mut whole = json!({
        "check": "privileged-container", "subject": {"namespace": "shop"}, "reason": "Migration.",
        "ticket": "OPS-1", "requestedBy": "bob", "approvedBy": "ann", "expires": in_seconds(3_600),
    });
    for (field, value) in spec {
        whole[field] = value.clone();
    }
    json!({"apiVersion": "soc2gate.io/v1", "kind": "Exemption", "metadata": {"name": name}, "spec": whole})
}

pub(super) fn in_seconds(seconds: i64) -> Value {
    let moment = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    json!(moment.to_string())
}

pub(super) fn privileged() -> Value {
    pod(json!({"securityContext": {"privileged": true}}))
}

/// Waits until a privileged Pod is admitted, or refused.
async fn admits(gate: &Gate, admitted: bool) {
    let fits = async {
        while gate.create(&privileged()).await.allowed() != admitted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(SOON, fits).await.unwrap_or_else(|_| panic!("admitted is never {admitted}"));
}

fn ready(status: &Value) -> (&str, &str) {
    let condition = &status["conditions"][0];
    (condition["status"].as_str().unwrap_or_default(), condition["reason"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn the_api_server_takes_the_definitions_without_a_warning_and_every_shipped_policy() {
    let Some(cluster) = Cluster::connect("schema").await else { return };
    for crd in documents(&manifests().unwrap()) {
        let name = crd["metadata"]["name"].as_str().unwrap();
        let path = format!(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}?fieldManager=test&force=true&dryRun=All&fieldValidation=Strict"
        );
        let request = hyper::Request::patch(path).header("Content-Type", "application/apply-patch+yaml");
        let answer =
            cluster.client.send(request.body(crd.to_string().into_bytes().into()).unwrap()).await.unwrap();
        assert!(answer.status().is_success(), "{name}: {}", answer.status());
        assert_eq!(answer.headers().get("warning"), None, "{name}");
    }
    for (file, text) in soc2gate::policy::SHIPPED {
        for object in documents(text) {
            cluster
                .try_out(&policy_resource(), &object)
                .await
                .unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
    cluster.leave().await;
}

#[tokio::test]
async fn the_definitions_refuse_what_the_reader_refuses_and_say_what_to_change() {
    let Some(cluster) = Cluster::connect("refusals").await else { return };
    let check = json!({"id": "host-port", "mode": "warn"});
    let of_spec = |field: &str, value: Value| {
        let mut object = policy("t", json!([check]));
        object["spec"][field] = value;
        object
    };
    let entry = |entry: Value| policy("t", json!([entry]));
    let scope = |scope: Value| of_spec("match", scope);
    let requirement =
        |requirement: Value| scope(json!({"namespaceSelector": {"matchExpressions": [requirement]}}));
    for (object, expected) in [
        (of_spec("criterion", json!("CC9.9")), "spec.criterion: Unsupported value"),
        (of_spec("control", json!(" ")), "write in one sentence what the policy promises"),
        (of_spec("kubernetesVersion", json!("new")), "spec.kubernetesVersion"),
        (of_spec("kubernetesVersion", json!("1.33")), ""),
        (of_spec("exemptions", json!({"maxDays": 0})), "spec.exemptions.maxDays"),
        (of_spec("checks", json!([check, check])), "spec.checks[1]: Duplicate value"),
        (entry(json!({"id": "host-port", "mode": "loud"})), "spec.checks[0].mode: Unsupported value"),
        (entry(json!({"id": "host-port", "mode": "off", "params": {"any": [{"thing": 1}]}})), ""),
        (entry(json!({"id": "host-port"})), "spec.checks[0].mode: Required value"),
        (entry(json!({"id": "host-port", "mode": "warn", "reason": " "})), "say why, or leave it out"),
        (scope(json!({"kinds": []})), "spec.match.kinds"),
        (scope(json!({"excludeNamespaces": ["shop-*"]})), "write each namespace by its full name"),
        (requirement(json!({"key": "a", "operator": "In"})), "`values` go with In and NotIn"),
        (
            requirement(json!({"key": "a", "operator": "Exists", "values": ["b"]})),
            "`values` go with In and NotIn",
        ),
        (requirement(json!({"key": "a", "operator": "NotIn", "values": ["b"]})), ""),
    ] {
        expect(cluster.try_out(&policy_resource(), &object).await, expected, &object);
    }
    for (spec, expected) in [
        (vec![], ""),
        (vec![("subject", json!({}))], "spec.subject"),
        (vec![("subject", json!({"namespace": null}))], "spec.subject"),
        (vec![("subject", json!({"namespace": "shop-*"}))], "only a name may end in `*`"),
        (vec![("subject", json!({"name": "*"}))], "only a name may end in `*`"),
        (vec![("subject", json!({"name": "web-*"}))], ""),
        (vec![("ticket", json!(" "))], "an auditor will ask for it"),
        (vec![("approvedBy", json!("Bob "))], "somebody else must approve"),
        (vec![("expires", json!("soon"))], "is no date"),
        (vec![("expires", json!("2027-01-31T10:00:00.5+02:00"))], ""),
        (vec![("starts", json!("2027-02-01")), ("expires", json!("2027-01-31"))], "it would never hold"),
        (vec![("starts", json!("2027-01-31")), ("expires", json!("2027-01-31"))], ""),
        (
            vec![("starts", json!("2027-01-31T10:00:00Z")), ("expires", json!("2027-01-31T10:00:00Z"))],
            "it would never hold",
        ),
    ] {
        let object = exemption("t", &spec);
        expect(cluster.try_out(&exemption_resource(), &object).await, expected, &object);
    }
    cluster.leave().await;
}

fn expect(outcome: Result<(), String>, expected: &str, object: &Value) {
    match (&outcome, expected) {
        (Ok(()), "") => {}
        (Err(message), expected) if !expected.is_empty() => {
            assert!(message.contains(expected), "{message}: {object}")
        }
        _ => panic!("{outcome:?} instead of `{expected}`: {object}"),
    }
}

#[tokio::test]
async fn a_bad_version_leaves_the_last_good_one_in_force_and_a_deletion_what_lies_below() {
    let Some(cluster) = Cluster::connect("policies").await else { return };
    let kind = policy_resource();
    let gate = cluster.gate("one", &[]).await;
    admits(&gate, false).await;
    let audit = json!([
        {"id": "privileged-container", "mode": "audit", "reason": "Until the agents are gone."},
        {"id": "host-port", "mode": "warn"},
    ]);
    let applied = cluster.apply(&kind, policy("cc6.1-access", audit)).await.unwrap();
    admits(&gate, true).await;
    let status =
        cluster.until_said(&kind, "cc6.1-access", |status| ready(status) == ("True", "InForce")).await;
    assert_eq!(status["checks"], json!({"total": 2, "enforce": 0, "warn": 1, "audit": 1}));
    let row = cluster.table(&kind, "cc6.1-access").await;
    for (column, expected) in [
        ("Criterion", json!("CC6.1")),
        ("Checks", json!(2)),
        ("Enforce", json!(0)),
        ("Warn", json!(1)),
        ("Audit", json!(1)),
        ("Findings", Value::Null),
        ("Ready", json!("True")),
        ("Control", json!("Tested.")),
    ] {
        assert_eq!(row[column], expected, "{column}: {row}");
    }

    // No webhook is registered here, as when it could not be asked. Another policy is none the worse for it.
    let bad = policy("cc6.1-access", json!([{"id": "privileged-contaner", "mode": "enforce"}]));
    cluster.apply(&kind, bad).await.unwrap();
    cluster.apply(&kind, policy("beside", json!([{"id": "root-user", "mode": "enforce"}]))).await.unwrap();
    let status =
        cluster.until_said(&kind, "cc6.1-access", |status| ready(status) == ("False", "Invalid")).await;
    let generation = applied.metadata.generation.unwrap();
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        format!(
            "spec.checks[0].id: unknown check `privileged-contaner`, did you mean `privileged-container`. \
             Meanwhile generation {generation} stays in force"
        )
    );
    assert_eq!(status["checks"]["total"], 2, "what is in force is counted");
    assert_eq!(status["observedGeneration"], generation + 1);
    assert!(gate.create(&privileged()).await.allowed());
    gate.admin_until("/readyz?verbose", |text| {
        !policies_are_met(text) && text.contains("privileged-contaner")
    })
    .await;
    let root = pod(json!({"securityContext": {"runAsUser": 0}}));
    cluster
        .until("the policy beside is in force", async || (!gate.create(&root).await.allowed()).then_some(()))
        .await;
    let events = cluster
        .until("the event", async || {
            let events = cluster.events("cc6.1-access").await;
            (!events.is_empty()).then_some(events)
        })
        .await;
    let event = &events[0];
    assert_eq!((event.type_.as_deref(), event.reason.as_deref()), (Some("Warning"), Some("Invalid")));

    let delete = DeleteParams::default();
    cluster.api(&kind).delete("cc6.1-access", &delete).await.unwrap();
    admits(&gate, false).await;
    cluster.api(&kind).delete("beside", &delete).await.unwrap();
    gate.admin_until("/readyz?verbose", policies_are_met).await;
    cluster.leave().await;
}

#[tokio::test]
async fn what_never_was_good_leaves_what_lies_below_it_in_force() {
    let Some(cluster) = Cluster::connect("below").await else { return };
    let kind = policy_resource();
    let bad = policy("cc6.1-access", json!([{"id": "nothing", "mode": "audit"}]));
    cluster.apply(&kind, bad.clone()).await.unwrap();
    let gate = cluster.gate("one", &[]).await;
    assert!(!gate.create(&privileged()).await.allowed(), "from the first moment on");
    let status =
        cluster.until_said(&kind, "cc6.1-access", |status| ready(status) == ("False", "Invalid")).await;
    let message = status["conditions"][0]["message"].as_str().unwrap();
    assert!(
        message.ends_with("Meanwhile the policy that comes with soc2gate is in force instead"),
        "{message}"
    );
    assert_eq!(status["checks"]["total"], 0);
    // A new object of the name inherits nothing of the old one.
    let audit = json!([{"id": "privileged-container", "mode": "audit", "reason": "Later."}]);
    cluster.apply(&kind, policy("cc6.1-access", audit)).await.unwrap();
    admits(&gate, true).await;
    cluster.api(&kind).delete("cc6.1-access", &DeleteParams::default()).await.unwrap();
    cluster.apply(&kind, bad).await.unwrap();
    admits(&gate, false).await;
    cluster.leave().await;
}

#[tokio::test]
async fn an_exemption_of_the_cluster_comes_ends_and_tells_its_state() {
    let Some(cluster) = Cluster::connect("exemptions").await else { return };
    let kind = exemption_resource();
    let gate = cluster.gate("one", &[]).await;
    admits(&gate, false).await;
    let when = [("starts", in_seconds(3)), ("expires", in_seconds(7))];
    cluster.apply(&kind, exemption("shop", &when)).await.unwrap();
    let state =
        async |wanted: &str| cluster.until_said(&kind, "shop", |status| status["state"] == wanted).await;
    assert_eq!(ready(&state("Pending").await), ("False", "Pending"));
    assert!(!gate.create(&privileged()).await.allowed());
    let active = state("Active").await;
    assert_eq!((ready(&active), &active["subject"]), (("True", "InForce"), &json!("namespace=shop")));
    assert!(gate.create(&privileged()).await.allowed());
    let row = cluster.table(&kind, "shop").await;
    assert_eq!(
        (&row["Check"], &row["Subject"], &row["State"]),
        (&json!("privileged-container"), &json!("namespace=shop"), &json!("Active"))
    );
    assert_eq!(ready(&state("Expired").await), ("False", "Expired"));
    assert!(!gate.create(&privileged()).await.allowed());

    cluster.apply(&kind, exemption("shop", &[])).await.unwrap();
    admits(&gate, true).await;
    cluster.apply(&kind, exemption("shop", &[("check", json!("no-such-check"))])).await.unwrap();
    let invalid = state("Invalid").await;
    let message = invalid["conditions"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("no policy has a check `no-such-check`. Meanwhile generation 2 stays"),
        "{message}"
    );
    assert!(gate.create(&privileged()).await.allowed(), "the last good one stays");
    cluster.api(&kind).delete("shop", &DeleteParams::default()).await.unwrap();
    admits(&gate, false).await;
    cluster.leave().await;
}

#[tokio::test]
async fn what_has_been_said_is_not_said_again_by_anybody() {
    let Some(cluster) = Cluster::connect("loops").await else { return };
    let kind = policy_resource();
    let good = policy("quiet", json!([{"id": "host-port", "mode": "enforce"}]));
    cluster.apply(&kind, good).await.unwrap();
    cluster.apply(&kind, policy("broken", json!([{"id": "nothing", "mode": "warn"}]))).await.unwrap();
    cluster.apply(&exemption_resource(), exemption("quiet", &[])).await.unwrap();
    let versions = async || {
        let mut versions = Vec::new();
        for (kind, name) in [(&kind, "quiet"), (&kind, "broken"), (&exemption_resource(), "quiet")] {
            versions.push(cluster.api(kind).get(name).await.unwrap().metadata.resource_version);
        }
        versions
    };
    // A scan has news of its own.
    let first = cluster.gate("one", &["--scan-every", "0"]).await;
    cluster.until_said(&kind, "quiet", |status| ready(status).0 == "True").await;
    cluster.until_said(&kind, "broken", |status| ready(status).0 == "False").await;
    cluster.until_said(&exemption_resource(), "quiet", |status| ready(status).0 == "True").await;
    let settled = versions().await;
    let second = cluster.gate("two", &["--scan-every", "0"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(versions().await, settled, "beside a second replica");
    // The other takes over once the Lease has run out.
    drop(first);
    let leads = |text: &str| text.contains("this replica leads");
    let begun = Instant::now();
    while !leads(second.admin("/readyz?verbose").await.text()) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(versions().await, settled, "by the next leader");
    assert_eq!(cluster.events("broken").await.len(), 1, "one event for one version");
    // What somebody else has written over is set right.
    let lie = json!({"status": {"checks": {"total": 99, "enforce": 99, "warn": 0, "audit": 0}}});
    cluster.api(&kind).patch_status("quiet", &PatchParams::default(), &Patch::Merge(lie)).await.unwrap();
    cluster.until_said(&kind, "quiet", |status| status["checks"]["total"] == 1).await;
    cluster.leave().await;
}

#[tokio::test]
async fn without_the_definitions_the_gate_serves_and_keeps_looking() {
    let Some(cluster) = Cluster::connect("undefined").await else { return };
    let crds = cluster.api(&definition());
    for name in ["controlpolicies.soc2gate.io", "exemptions.soc2gate.io"] {
        crds.delete(name, &DeleteParams::default()).await.unwrap();
        cluster
            .until("the definition is gone", async || {
                crds.get_opt(name).await.unwrap().is_none().then_some(())
            })
            .await;
    }
    let gate = cluster.gate("one", &[]).await;
    let told = gate.admin_until("/readyz?verbose", |text| !policies_are_met(text)).await;
    assert!(
        told.contains("does not know controlpolicies.soc2gate.io") && told.contains("05-definitions.yaml"),
        "{told}"
    );
    assert!(!gate.create(&privileged()).await.allowed());
    cluster.define().await;
    let audit = json!([{"id": "privileged-container", "mode": "audit", "reason": "Later."}]);
    cluster.apply(&policy_resource(), policy("cc6.1-access", audit)).await.unwrap();
    admits(&gate, true).await;
    gate.admin_until("/readyz?verbose", policies_are_met).await;
    cluster.leave().await;
}

#[tokio::test]
async fn the_log_says_which_of_two_of_one_name_wins() {
    let Some(cluster) = Cluster::connect("names").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let text = policy("own", json!([{"id": "privileged-container", "mode": "enforce"}]));
    std::fs::write(directory.path().join("own.json"), text.to_string()).unwrap();
    let shipped = policy("cc6.1-access", json!([{"id": "host-port", "mode": "enforce"}]));
    cluster.apply(&policy_resource(), shipped).await.unwrap();
    let gate = cluster.gate("one", &["--policies", directory.path().to_str().unwrap()]).await;
    admits(&gate, false).await;
    let audit = json!([{"id": "privileged-container", "mode": "audit", "reason": "Later."}]);
    cluster.apply(&policy_resource(), policy("own", audit)).await.unwrap();
    admits(&gate, true).await;
    let logged: Vec<_> = gate.logged().iter().map(|line| line["message"].to_string()).collect();
    for words in [
        "ControlPolicy own is in force in place of the policy of ",
        "cc6.1-access is in force in place of the policy that comes with",
    ] {
        assert_eq!(logged.iter().filter(|line| line.contains(words)).count(), 1, "{words}: {logged:?}");
    }
    cluster.leave().await;
}

/// Whether the gate is content with its policies, whatever else there is to say.
fn policies_are_met(readiness: &str) -> bool {
    let readiness: Value = serde_json::from_str(readiness).unwrap();
    let conditions = readiness["conditions"].as_array().unwrap().iter();
    conditions.filter(|one| one["name"] == "policies").all(|one| one["state"] == "met")
}

/// A loosening through the cluster, as the gate in force judges it.
#[tokio::test]
async fn the_gate_knows_what_a_deletion_would_bring_into_force() {
    let Some(cluster) = Cluster::connect("standing").await else { return };
    let strict = policy("extra", json!([{"id": "host-port", "mode": "enforce"}]));
    cluster.apply(&policy_resource(), strict.clone()).await.unwrap();
    let shipped: Value = documents(soc2gate::policy::SHIPPED[0].1).remove(0);
    cluster.apply(&policy_resource(), shipped.clone()).await.unwrap();
    let gate = cluster.gate("one", &[]).await;
    for (object, denied) in [(&strict, true), (&shipped, false)] {
        let mut review = crate::gate::review("DELETE", &Value::Null, object);
        review["request"]["namespace"] = json!("");
        let answer = gate.post(review.to_string()).await;
        assert_eq!(!answer.allowed(), denied, "{answer:?}");
    }
    cluster.leave().await;
}
