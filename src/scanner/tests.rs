//! What the door counts once, leaves out, keeps and forgets.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeSeed;
use serde_json::{Value, json};

use super::*;
use crate::{
    inventory::Survey,
    object::OfKind,
    policy::{Choice, Loaded, Settings},
};

fn policies(choice: &str, exemption: Option<&str>) -> Arc<PolicySet> {
    let settings = Settings::default();
    let policies = Loaded::shipped().unwrap().bind(&settings).unwrap();
    let exemptions = policies.read_exemptions(exemption.map(|text| ("exemption.yaml", text)), now()).unwrap();
    let policies = policies.with_exemptions(exemptions);
    Arc::new(policies.narrow(&[Choice::parse(choice).unwrap()]))
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn kind_of(object: &Value) -> Kind {
    Kind::of_manifest(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap())
}

/// Everything that exists is seen first, as the inventory of a cluster is synced before a scan.
fn scan_with(policies: Arc<PolicySet>, objects: &[Value], limits: Limits) -> Scan {
    let texts: Vec<_> = objects.iter().map(|object| (kind_of(object), object.to_string())).collect();
    let read = |(kind, text): &(Kind, String)| {
        let mut deserializer = serde_json::Deserializer::from_str(text.clone().leak());
        OfKind(*kind).deserialize(&mut deserializer).unwrap()
    };
    let mut survey = Survey::default();
    texts.iter().for_each(|text| survey.see(&read(text)));
    let inventory = survey.inventory(Inventory::default());
    let mut scanner = Scanner::new(policies, Arc::new(inventory), now(), limits);
    for kind in scanner.kinds() {
        let version = if kind.group().is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.group()) };
        scanner.begin(kind, &version);
        texts.iter().filter(|(other, _)| *other == kind).for_each(|text| scanner.judge(read(text)));
    }
    scanner.finish(now())
}

fn scan(objects: &[Value]) -> Scan {
    scan_with(policies("privileged-container", None), objects, Limits::default())
}

fn pod_spec(privileged: bool) -> Value {
    json!({"containers": [{"name": "app", "image": "a", "securityContext": {"privileged": privileged}}]})
}

fn controlled_by(api_version: &str, kind: &str, name: &str) -> Value {
    json!([{"apiVersion": api_version, "kind": kind, "name": name, "uid": "u", "controller": true}])
}

fn deployment(name: &str, privileged: bool) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"template": {"spec": pod_spec(privileged)}}})
}

fn replica_set(name: &str, owner: &Value, privileged: bool) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": owner},
        "spec": {"template": {"spec": pod_spec(privileged)}}})
}

fn pod(name: &str, owner: &Value, privileged: bool) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": owner}, "spec": pod_spec(privileged)})
}

/// The findings of namespace `shop`, each as `subject check`.
fn found(scan: &Scan) -> Vec<String> {
    let of = scan.namespaces.get("shop");
    of.into_iter()
        .flat_map(|of| &of.kept)
        .map(|found| format!("{} {}", found.subject, found.check.id))
        .collect()
}

#[test]
fn a_workload_has_a_violation_once_whatever_it_makes() {
    let by_deployment = controlled_by("apps/v1", "Deployment", "web");
    let by_set = controlled_by("apps/v1", "ReplicaSet", "web-1");
    let scan = scan(&[
        deployment("web", true),
        replica_set("web-1", &by_deployment, true),
        pod("web-1-a", &by_set, true),
        pod("web-1-b", &by_set, true),
    ]);
    assert_eq!(found(&scan), ["deployment.apps/web privileged-container"]);
    assert_eq!((scan.objects, scan.represented, scan.repeated), (3, 1, 2));
}

#[test]
fn old_replica_sets_of_a_mended_deployment_report_nothing() {
    let by_deployment = controlled_by("apps/v1", "Deployment", "web");
    let scan = scan(&[deployment("web", false), replica_set("web-1", &by_deployment, true)]);
    assert_eq!(found(&scan), Vec::<String>::new());
}

#[test]
fn what_no_known_controller_stands_for_is_judged() {
    for owner in [
        json!([]),
        controlled_by("apps/v1", "Deployment", "gone"),
        controlled_by("argoproj.io/v1alpha1", "Rollout", "web"),
        // Of another group, whatever it is called.
        controlled_by("example.com/v1", "Deployment", "web"),
    ] {
        let scan = scan(&[deployment("web", false), replica_set("web-1", &owner, true)]);
        assert_eq!((scan.represented, found(&scan).len()), (0, 1), "{owner}");
    }
}

#[test]
fn a_pod_that_still_runs_as_its_template_no_longer_is_counts_under_its_root() {
    let by_deployment = controlled_by("apps/v1", "Deployment", "web");
    let by_set = controlled_by("apps/v1", "ReplicaSet", "web-1");
    let scan = scan(&[
        deployment("web", false),
        replica_set("web-1", &by_deployment, false),
        pod("web-1-a", &by_set, true),
        pod("web-1-b", &by_set, true),
    ]);
    assert_eq!(found(&scan), ["deployment.apps/web privileged-container"]);
    let seen_on = scan.namespaces["shop"].kept[0].seen_on.as_ref().unwrap();
    assert_eq!(seen_on.to_string(), "pod/web-1-a");
}

#[test]
fn an_exempted_workload_exempts_its_pods_and_is_counted_apart() {
    let exemption = "
apiVersion: soc2gate.io/v1
kind: Exemption
metadata: {name: legacy}
spec:
  check: privileged-container
  subject: {namespace: shop, kind: Deployment, name: web}
  reason: it is replaced in July
  ticket: T-1
  requestedBy: ada
  approvedBy: bob
  expires: 2026-07-01
";
    let by_deployment = controlled_by("apps/v1", "Deployment", "web");
    let by_set = controlled_by("apps/v1", "ReplicaSet", "web-1");
    let objects = [
        deployment("web", true),
        replica_set("web-1", &by_deployment, true),
        pod("web-1-a", &by_set, true),
        deployment("api", true),
    ];
    let policies = policies("privileged-container", Some(exemption));
    let scan = scan_with(policies, &objects, Limits::default());
    let of = &scan.namespaces["shop"];
    assert_eq!((of.count(Standing::Open), of.count(Standing::Exempted)), (1, 1));
    assert_eq!(scan.exemptions["legacy"], 1);
    assert_eq!(
        found(&scan),
        ["deployment.apps/api privileged-container", "deployment.apps/web privileged-container"]
    );
}

#[test]
fn keeps_the_most_severe_and_counts_all_in_whatever_order_they_come() {
    let mut objects: Vec<_> = (0..40).map(|number| deployment(&format!("web-{number:02}"), true)).collect();
    let limits = Limits { per_namespace: 5, ..Limits::default() };
    let all = policies("CC6.1", None);
    let first = scan_with(all.clone(), &objects, limits);
    objects.reverse();
    let second = scan_with(all, &objects, limits);
    let of = &first.namespaces["shop"];
    assert_eq!(of.kept.len(), 5);
    assert!(of.kept.iter().all(|found| found.check.severity == crate::criterion::Severity::Critical));
    assert_eq!(of.counts[&("privileged-container", of.kept[0].mode, Standing::Open)], 40);
    assert_eq!(of.cut(), of.counts.values().sum::<usize>() - 5);
    assert_eq!(found(&first), found(&second));
    assert_eq!(found(&first)[0], "deployment.apps/web-00 privileged-container");
}

#[test]
fn the_whole_cluster_has_a_bound_too() {
    let objects: Vec<_> = (0..64)
        .map(|number| {
            let mut one = deployment("web", true);
            one["metadata"]["namespace"] = json!(format!("n{number}"));
            one
        })
        .collect();
    let limits = Limits { per_namespace: 8, overall: 128, ..Limits::default() };
    let scan = scan_with(policies("CC6.1", None), &objects, limits);
    let kept: usize = scan.namespaces.values().map(|of| of.kept.len()).sum();
    assert!((64..=128).contains(&kept), "{kept}");
    assert!(scan.namespaces.values().all(|of| of.kept.len() == scan.namespaces["n0"].kept.len()));
}

#[test]
fn what_only_a_request_could_tell_is_counted_apart() {
    let exemption = json!({"apiVersion": "soc2gate.io/v1", "kind": "Exemption", "metadata": {"name": "legacy"},
        "spec": {"check": "privileged-container", "subject": {"namespace": "shop"}, "requestedBy": "ada"}});
    let scan = scan_with(policies("self-approved-exemption", None), &[exemption], Limits::default());
    assert_eq!(scan.needs_request.get("self-approved-exemption"), Some(&1));
    assert!(scan.not_assessed.is_empty(), "{:?}", scan.not_assessed);
}

#[test]
fn never_asks_for_secrets_and_puts_controllers_before_what_they_make() {
    let policies = Arc::new(Loaded::shipped().unwrap().bind(&Settings::default()).unwrap());
    let scanner = Scanner::new(policies, Arc::default(), now(), Limits::default());
    let kinds = scanner.kinds();
    let at = |kind: Kind| kinds.iter().position(|other| *other == kind);
    assert!(!kinds.contains(&Kind::Secret) && !kinds.contains(&Kind::PodExecOptions));
    assert!(!kinds.contains(&Kind::Other) && !kinds.contains(&Kind::AuditPolicy));
    assert!(at(Kind::Deployment) < at(Kind::ReplicaSet) && at(Kind::ReplicaSet) < at(Kind::Pod));
    assert!(at(Kind::Pod) < at(Kind::ConfigMap) && at(Kind::ConfigMap).is_some());
}

#[test]
fn a_long_text_is_cut() {
    let scan = scan_with(
        policies("privileged-container", None),
        &[deployment(&"w".repeat(300), true)],
        Limits { text: 40, ..Limits::default() },
    );
    let found = &scan.namespaces["shop"].kept[0];
    assert!(found.message.chars().count() <= 43 && found.subject.name.len() <= 43);
}

#[test]
fn a_report_counts_all_and_lists_what_fits() {
    let objects: Vec<_> = (0..700).map(|number| deployment(&format!("web-{number:03}"), true)).collect();
    let limits = Limits { per_namespace: 600, ..Limits::default() };
    let scan = scan_with(policies("privileged-container", None), &objects, limits);
    let of = &scan.namespaces["shop"];
    let report = Report::of("shop", of);
    let content = serde_json::to_value(&report).unwrap();
    let results = content["results"].as_array().unwrap();
    assert!(results.len() <= MOST_RESULTS && content.to_string().len() <= MOST_BYTES);
    assert_eq!(content["summary"]["fail"], 700);
    assert_eq!(report.cut, 700 - results.len());
    assert_eq!(results.last().unwrap()["properties"]["notListed"], report.cut.to_string());
    assert_eq!(
        results[0]["resources"][0],
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "name": "web-000", "namespace": "shop"})
    );
    assert_eq!(content["scope"], json!({"apiVersion": "v1", "kind": "Namespace", "name": "shop"}));
}
