//! The checks of availability: resources, replicas, budgets, rollouts.

use soc2gate::{
    check::Version,
    checks,
    inventory::{Inventory, Source},
};

use crate::library::{self, Sent, examine, found, policies, refusal, told, told_amid, world};

fn pod(spec: &str) -> String {
    format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p, namespace: shop}}, spec: {spec}}}")
}

/// A Deployment of the first tier in `shop` with these fields beside.
fn deployment(spec: &str, template: &str) -> String {
    workload("Deployment", spec, template)
}

fn workload(kind: &str, spec: &str, template: &str) -> String {
    format!(
        "{{apiVersion: apps/v1, kind: {kind}, metadata: {{name: web, namespace: shop, labels: {{soc2gate.io/tier: '1'}}}}, \
         spec: {{{spec} template: {{metadata: {{labels: {{app: web}}}}, spec: {{containers: [{{name: c}}]}}, {template}}}}}}}"
    )
}

/// The amounts that are missing, without the path to them.
fn unbounded(inventory: Inventory, params: &str, spec: &str) -> Vec<String> {
    let told = told_amid(inventory, "unbounded-resources", params, &pod(spec));
    told.iter().map(|line| line.replace("spec.", "").replace("resources.", "")).collect()
}

fn of_one(resources: &str) -> Vec<String> {
    unbounded(Inventory::default(), "", &format!("{{containers: [{{name: c, resources: {resources}}}]}}"))
}

#[test]
fn a_container_must_state_its_requests_and_a_memory_limit() {
    for (resources, expected) in [
        ("{requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}", &[][..]),
        ("{requests: {cpu: 0.5, memory: '1073741824'}, limits: {memory: 1073741824}}", &[]),
        // The API server copies a limit to the request that is not there.
        ("{limits: {cpu: 1, memory: 1Gi}}", &[]),
        ("{requests: {cpu: 1}, limits: {memory: 1Gi}}", &[]),
        ("{requests: {cpu: 1, memory: 1Gi}}", &["containers[0].limits.memory is not set"]),
        ("{requests: {memory: 1Gi}, limits: {memory: 1Gi}}", &["containers[0].requests.cpu is not set"]),
        (
            "{requests: {cpu: 0m, memory: '0'}, limits: {cpu: 1, memory: 0.0Gi}}",
            &[
                "containers[0].requests.cpu is `0m`, which is as good as unset",
                "containers[0].requests.memory is `0`, which is as good as unset",
                "containers[0].limits.memory is `0.0Gi`, which is as good as unset",
            ],
        ),
        (
            "null",
            &[
                "containers[0].requests.cpu is not set",
                "containers[0].requests.memory is not set",
                "containers[0].limits.memory is not set",
            ],
        ),
    ] {
        assert_eq!(of_one(resources), expected, "{resources}");
    }
    let cpu = unbounded(Inventory::default(), "{require: [limits.cpu]}", "{containers: [{name: c}]}");
    assert_eq!(cpu, ["containers[0].limits.cpu is not set"]);
    assert!(refusal("unbounded-resources", "{require: []}").contains("`require` is empty"));
    refusal("unbounded-resources", "{require: [limits.disk]}");
}

#[test]
fn init_containers_count_and_ephemeral_ones_do_not() {
    let spec = |list: &str| format!("{{{list}: [{{name: c}}]}}");
    let told = |list: &str| unbounded(Inventory::default(), "", &spec(list)).len();
    assert_eq!((told("containers"), told("initContainers"), told("ephemeralContainers")), (3, 3, 0));
}

#[test]
fn what_the_pod_states_counts_for_all_its_containers() {
    let spec = |resources: &str| {
        format!(
            "{{resources: {resources}, containers: [{{name: a}}, {{name: b, resources: {{requests: {{cpu: 0}}}}}}]}}"
        )
    };
    let told = |resources: &str| unbounded(Inventory::default(), "", &spec(resources)).len();
    assert_eq!(told("{requests: {cpu: 1, memory: 1Gi}, limits: {memory: 1Gi}}"), 0);
    assert_eq!(told("{limits: {cpu: 1, memory: 1Gi}}"), 0);
    assert_eq!(told("{requests: {cpu: 1}}"), 4);
}

#[test]
fn a_default_of_the_namespace_counts_for_what_is_not_set() {
    let range = |namespace: &str, limit: &str| {
        world(&format!(
            "{{apiVersion: v1, kind: LimitRange, metadata: {{name: l, namespace: {namespace}}}, spec: {{limits: [{limit}]}}}}"
        ))
    };
    let bare = "{containers: [{name: c}]}";
    let all = "default: {cpu: 1, memory: 1Gi}";
    for (namespace, limit, missing) in [
        ("shop", format!("{{type: Container, {all}}}"), 0),
        ("shop", "{type: Container, default: {memory: 1Gi}, defaultRequest: {cpu: 1}}".to_owned(), 0),
        ("shop", "{type: Container, defaultRequest: {cpu: 1, memory: 1Gi}}".to_owned(), 1),
        ("shop", "{type: Container, default: {cpu: 0, memory: 0}}".to_owned(), 3),
        ("shop", format!("{{type: Pod, {all}}}"), 3),
        ("shop", "{type: Container, max: {cpu: 1, memory: 1Gi}}".to_owned(), 3),
        ("other", format!("{{type: Container, {all}}}"), 3),
    ] {
        assert_eq!(unbounded(range(namespace, &limit), "", bare).len(), missing, "{namespace} {limit}");
    }
    // What was set to nothing stays so.
    let zero = "{containers: [{name: c, resources: {requests: {cpu: 0}}}]}";
    assert_eq!(unbounded(range("shop", &format!("{{type: Container, {all}}}")), "", zero).len(), 1);
}

#[test]
fn one_replica_of_the_first_tier_is_too_few() {
    let told = |text: &str| told("single-replica", "", text);
    for kind in ["Deployment", "StatefulSet"] {
        assert_eq!(told(&workload(kind, "replicas: 1,", "")), ["spec.replicas is 1, fewer than 2"]);
        assert_eq!(told(&workload(kind, "replicas: 0,", "")), ["spec.replicas is 0, fewer than 2"]);
        assert_eq!(told(&workload(kind, "", "")), ["spec.replicas is not set, which means 1, fewer than 2"]);
        assert_eq!(told(&workload(kind, "replicas: null,", "")).len(), 1);
        assert!(told(&workload(kind, "replicas: 2,", "")).is_empty());
    }
    assert!(told(&workload("DaemonSet", "", "")).is_empty());
    assert!(told(&workload("ReplicaSet", "replicas: 1,", "")).is_empty());
    let second = deployment("replicas: 1,", "").replace("tier: '1'", "tier: '2'");
    assert!(told(&second).is_empty());
    // A label of the pods is none of the object.
    let unlabelled = deployment("replicas: 1,", "")
        .replace("soc2gate.io/tier: '1'", "")
        .replace("app: web", "soc2gate.io/tier: '1'");
    assert!(told(&unlabelled).is_empty());
}

#[test]
fn which_objects_are_meant_and_how_many_they_need_is_a_parameter() {
    let told = |params: &str, spec: &str| told("single-replica", params, &deployment(spec, "")).len();
    assert_eq!(told("{minimum: 3}", "replicas: 2,"), 1);
    assert_eq!(told("{selector: {soc2gate.io/tier: '2'}}", "replicas: 1,"), 0);
    assert_eq!(told("{selector: {}}", "replicas: 1,"), 1);
    assert!(refusal("single-replica", "{minimum: 0}").contains("`minimum`"));
    assert!(refusal("single-replica", "{selector: {a: '*'}}").contains("`selector`"));
    assert!(refusal("missing-disruption-budget", "{selector: {'': a}}").contains("`selector`"));
    refusal("single-replica", "{minimal: 2}");
}

const AUTOSCALER: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minReplicas: LEAST, maxReplicas: 9}
";

#[test]
fn the_minimum_of_an_autoscaler_counts_instead_of_the_replicas() {
    let amid = |least: &str, text: &str| {
        told_amid(world(&AUTOSCALER.replace("LEAST", least)), "single-replica", "", text)
    };
    assert!(amid("2", &deployment("", "")).is_empty());
    assert_eq!(
        amid("1", &deployment("replicas: 5,", "")),
        ["spec.replicas gives way to an autoscaler that keeps 1, fewer than 2"]
    );
    assert_eq!(amid("null", &deployment("replicas: 5,", "")).len(), 1);
    assert_eq!(amid("2", &workload("StatefulSet", "replicas: 1,", "")).len(), 1);
    assert_eq!(amid("2", &deployment("", "").replace("namespace: shop", "namespace: other")).len(), 1);
}

/// What a policy with this parameter says of a request to scale.
fn scaled(params: &str, resource: &str, replicas: u8, inventory: Inventory) -> (Vec<String>, usize) {
    let policy = format!(
        "{{apiVersion: soc2gate.io/v1, kind: ControlPolicy, metadata: {{name: p}}, spec: {{criterion: A1, control: c, \
         checks: [{{id: single-replica, mode: enforce, params: {params}}}]}}}}"
    );
    let scale = |replicas: u8| {
        format!(
            "{{apiVersion: autoscaling/v1, kind: Scale, metadata: {{name: web, namespace: shop}}, spec: {{replicas: {replicas}}}}}"
        )
    };
    let sent = Sent::update(&scale(3), &scale(replicas))
        .set("resource", serde_json::json!({"group": "apps", "version": "v1", "resource": resource}))
        .set("subResource", "scale".into())
        .amid(inventory);
    let decision = sent.decide(&policies(&[&policy]));
    (found(&decision), decision.unassessed.len())
}

#[test]
fn a_request_to_scale_is_judged_where_its_labels_do_not_matter_and_otherwise_not_assessable() {
    let finding = vec!["new single-replica spec.replicas".to_owned()];
    let scaled_to = |params: &str, resource: &str, replicas| scaled(params, resource, replicas, world(""));
    assert_eq!(scaled_to("{selector: {}}", "deployments", 1), (finding.clone(), 0));
    assert_eq!(scaled_to("{selector: {}}", "statefulsets", 0), (finding.clone(), 0));
    assert_eq!(scaled_to("{selector: {}}", "deployments", 2), (vec![], 0));
    assert_eq!(scaled_to("{selector: {}}", "replicasets", 1), (vec![], 0));
    assert_eq!(scaled_to("{}", "deployments", 1), (vec![], 1));
    assert_eq!(scaled_to("{}", "deployments", 2), (vec![], 0));
    let autoscaled =
        |least: &str| scaled("{selector: {}}", "deployments", 1, world(&AUTOSCALER.replace("LEAST", least)));
    assert_eq!(autoscaled("2"), (vec![], 0));
    assert_eq!(autoscaled("1"), (finding, 0));
}

#[test]
fn replicas_of_the_first_tier_need_a_budget_that_selects_their_pods() {
    let id = "missing-disruption-budget";
    let amid = |budget: &str| {
        let budget = format!(
            "{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: b, namespace: shop}}, spec: {budget}}}"
        );
        told_amid(world(&budget), id, "", &deployment("replicas: 2,", "")).len()
    };
    assert_eq!(amid("{selector: {matchLabels: {app: web}}}"), 0);
    assert_eq!(amid("{selector: {matchExpressions: [{key: app, operator: In, values: [web, api]}]}}"), 0);
    assert_eq!(amid("{selector: {}}"), 0);
    assert_eq!(amid("{}"), 1);
    assert_eq!(amid("{selector: {matchLabels: {app: api}}}"), 1);
    let elsewhere = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: other}, spec: {selector: {}}}";
    assert_eq!(
        told_amid(world(elsewhere), id, "", &deployment("replicas: 2,", "")),
        ["spec.template.metadata.labels are selected by no PodDisruptionBudget of the namespace"]
    );
    for (text, lines) in [
        (deployment("", ""), 0),
        (deployment("replicas: 1,", ""), 0),
        (deployment("replicas: 2,", "").replace("tier: '1'", "tier: '2'"), 0),
        (workload("StatefulSet", "replicas: 3,", ""), 1),
        (workload("DaemonSet", "", ""), 0),
    ] {
        assert_eq!(told_amid(world(""), id, "", &text).len(), lines, "{text}");
    }
    let least = world(&AUTOSCALER.replace("LEAST", "2"));
    assert_eq!(told_amid(least, id, "", &deployment("", "")).len(), 1);
}

#[test]
fn without_the_budgets_of_the_cluster_nothing_is_said_of_them_where_it_matters() {
    let id = "missing-disruption-budget";
    let told = |inventory: Inventory, spec: &str| told_amid(inventory, id, "", &deployment(spec, ""));
    let missing = "? the inventory of disruption budgets is not there";
    assert_eq!(told(Inventory::default(), "replicas: 2,"), [missing]);
    assert!(told(Inventory::default(), "replicas: 1,").is_empty());
    let stale = Inventory {
        disruption_budgets: Source::Unavailable("the watch ended".into()),
        ..Inventory::default()
    };
    assert_eq!(
        told(stale, "replicas: 2,"),
        ["? the inventory of disruption budgets is unavailable: the watch ended"]
    );
}

#[test]
fn a_budget_that_allows_no_disruption_is_found() {
    for (amounts, expected) in [
        ("maxUnavailable: 0", &["spec.maxUnavailable is `0`"][..]),
        ("maxUnavailable: 0%", &["spec.maxUnavailable is `0%`"]),
        ("maxUnavailable: 1", &[]),
        ("maxUnavailable: 10%", &[]),
        ("minAvailable: 100%", &["spec.minAvailable is `100%`"]),
        ("minAvailable: 99%", &[]),
        ("minAvailable: 0", &[]),
        ("minAvailable: 2", &["? how many replicas the budget guards is not known here"]),
    ] {
        let budget = |selector: &str| {
            format!(
                "{{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {{name: b}}, spec: {{{amounts}{selector}}}}}"
            )
        };
        assert_eq!(told("undrainable-workload", "", &budget(", selector: {}")), expected, "{amounts}");
        assert!(told("undrainable-workload", "", &budget("")).is_empty(), "{amounts}");
    }
}

#[test]
fn replicas_are_spread_by_constraints_or_kept_apart() {
    let of = |replicas: u8, spec: &str| {
        let text = deployment(&format!("replicas: {replicas},"), "")
            .replace("containers:", &format!("{spec} containers:"));
        told("unspread-replicas", "", &text).len()
    };
    assert_eq!(of(2, ""), 1);
    assert_eq!(of(1, ""), 0);
    assert_eq!(of(2, "topologySpreadConstraints: [{maxSkew: 1}],"), 0);
    assert_eq!(of(2, "topologySpreadConstraints: [],"), 1);
    for (anti_affinity, findings) in [
        ("{requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: a}]}", 0),
        ("{preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1}]}", 0),
        ("{}", 1),
        ("null", 1),
    ] {
        assert_eq!(
            of(2, &format!("affinity: {{podAntiAffinity: {anti_affinity}}},")),
            findings,
            "{anti_affinity}"
        );
    }
    assert_eq!(of(2, "affinity: {nodeAffinity: {}},"), 1);
}

#[test]
fn a_rollout_interrupts_where_all_old_pods_go_first_or_no_new_one_says_that_it_is_ready() {
    let told = |text: &str| told("interrupting-rollout", "", text);
    let ready = "spec: {containers: [{name: a}, {name: b, readinessProbe: {tcpSocket: {port: 80}}}]}";
    let with = |strategy: &str| deployment(strategy, "").replace("spec: {containers: [{name: c}]}", ready);
    assert!(told(&with("")).is_empty());
    assert!(told(&with("strategy: {type: RollingUpdate},")).is_empty());
    assert!(told(&with("strategy: null,")).is_empty());
    assert_eq!(told(&with("strategy: {type: Recreate},")), ["spec.strategy.type is Recreate"]);
    assert_eq!(told(&deployment("", "")), ["spec.template.spec.containers have no readiness probe"]);
}

#[test]
fn no_check_of_availability_denies_what_was_admitted_before() {
    let policy = "
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: p}
spec:
  criterion: A1
  control: c
  checks: [{id: unbounded-resources, mode: enforce}, {id: single-replica, mode: enforce}]
";
    let old = deployment("replicas: 1,", "");
    let relabelled = old.replace("app: web", "app: shop");
    let decision = Sent::update(&old, &relabelled).decide(&policies(&[policy]));
    assert!(decision.outcome.admits());
    assert_eq!(decision.findings.len(), 4);
    let scaled_down = library::found(
        &Sent::update(&old, &old.replace("replicas: 1", "replicas: 0")).decide(&policies(&[policy])),
    );
    assert!(scaled_down.contains(&"new single-replica spec.replicas".to_owned()));
}

#[test]
fn every_check_of_availability_takes_an_empty_object() {
    for check in checks::all().filter(|check| check.criterion.id() == "A1") {
        for kind in [
            "apps/v1, kind: Deployment",
            "apps/v1, kind: StatefulSet",
            "policy/v1, kind: PodDisruptionBudget",
            "v1, kind: Pod",
        ] {
            for spec in ["{}", "null"] {
                let text = format!("{{apiVersion: {kind}, metadata: null, spec: {spec}}}");
                assert!(
                    examine(check, "", Version::NEWEST, &text).violations.is_empty(),
                    "{} {text}",
                    check.id
                );
            }
        }
    }
}
