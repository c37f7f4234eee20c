//! What `check` knows of the world: the given files and the directory of the inventory, and whose an object is.

use serde_json::{Value, json};

use super::run;

const DEFAULT_DENY: &str = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: shop}\n\
                            spec: {podSelector: {}, policyTypes: [Ingress]}\n";

/// A privileged Deployment `web`, and with `children` the ReplicaSet and the Pods that a cluster made of it.
fn workload(children: bool) -> String {
    let container = "containers: [{name: app, image: a, securityContext: {privileged: true}}]";
    let mut text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec: {{template: {{spec: {{{container}}}}}}}\n"
    );
    let owned = |name: &str, kind: &str, owner: &str| {
        format!(
            "metadata: {{name: {name}, namespace: shop, ownerReferences: [{{kind: {kind}, name: {owner}, controller: true}}]}}"
        )
    };
    if children {
        let set = owned("odd-name", "Deployment", "web");
        text += &format!(
            "---\napiVersion: apps/v1\nkind: ReplicaSet\n{set}\nspec: {{template: {{spec: {{{container}}}}}}}\n"
        );
        for pod in ["p1", "p2", "p3"] {
            let pod = owned(pod, "ReplicaSet", "odd-name");
            text += &format!("---\napiVersion: v1\nkind: Pod\n{pod}\nspec: {{{container}}}\n");
        }
    }
    text
}

fn report(files: &[(&str, &str)], args: &[&str]) -> Value {
    let run = run(files, &[&["check", "-o", "json"], args].concat());
    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{}", run.err))
}

#[test]
fn a_violation_counts_once_for_a_workload_and_all_that_it_made() {
    let select = ["--select", "privileged-container"];
    let alone = report(&[("a.yaml", &workload(false))], &[&select[..], &["a.yaml"]].concat());
    let running = report(&[("a.yaml", &workload(true))], &[&select[..], &["a.yaml"]].concat());
    assert_eq!(running["findings"], alone["findings"]);
    let counts =
        |report: &Value| (report["summary"]["enforce"].clone(), report["summary"]["repeated"].clone());
    assert_eq!(counts(&alone), (json!(1), json!(0)));
    assert_eq!(counts(&running), (json!(1), json!(4)));
}

#[test]
fn without_its_root_a_violation_counts_once_for_its_pods_and_names_the_root() {
    let text = workload(true);
    let pods = text.split("---\n").skip(1).collect::<Vec<_>>().join("---\n");
    let report = report(&[("a.yaml", &pods)], &["--select", "privileged-container", "a.yaml"]);
    assert_eq!(report["summary"]["enforce"], 1);
    assert_eq!(report["findings"][0]["object"]["root"], json!({"kind": "Deployment", "name": "web"}));
}

#[test]
fn what_only_a_pod_has_is_reported_on_it() {
    let text = workload(true)
        + "---\napiVersion: v1\nkind: Pod\nmetadata: {name: p4, namespace: shop, ownerReferences: [{kind: ReplicaSet, name: odd-name, controller: true}]}\n\
           spec: {containers: [{name: injected, image: b, securityContext: {privileged: true}}]}\n";
    let report = report(&[("a.yaml", &text)], &["--select", "privileged-container", "a.yaml"]);
    let names: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["object"]["name"].clone())
        .collect();
    assert_eq!(names, ["web", "p4"]);
}

#[test]
fn an_inventory_that_cannot_be_used_is_refused_with_its_place() {
    let files = [("pod.yaml", "apiVersion: v1\nkind: Pod\n"), ("known/x.yaml", "kind: [")];
    let run = run(&files, &["check", "--inventory", "known", "pod.yaml"]);
    assert_eq!(run.code, 2);
    assert!(run.err.starts_with("known/x.yaml:1:"), "{}", run.err);
    assert_eq!(run.out, "");
}

#[test]
fn the_given_files_and_the_inventory_together_are_the_world() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: a, image: a}]}\n";
    let select = ["--select", "missing-default-deny"];
    let open = report(&[("pod.yaml", pod)], &[&select[..], &["pod.yaml"]].concat());
    assert_eq!(open["findings"][0]["path"], "metadata.namespace", "{open}");
    for (policy, args) in [
        ("deny.yaml", &["pod.yaml", "deny.yaml"][..]),
        ("known/deny.yaml", &["--inventory", "known", "pod.yaml"][..]),
    ] {
        let closed = report(&[("pod.yaml", pod), (policy, DEFAULT_DENY)], &[&select[..], args].concat());
        assert_eq!(closed["findings"], json!([]), "{policy}");
        assert_eq!(closed["notAssessed"], json!([]));
    }
}
