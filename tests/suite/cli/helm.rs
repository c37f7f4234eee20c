//! What renders manifests, piped into the binary: Helm and kustomize.

use std::path::Path;

use serde_json::Value;

use super::{Run, run_with};

/// What `helm template` prints for a chart with a subchart, a hook and a template that is switched off.
const RENDERED: &str = r#"---
# Source: shop/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: release-shop
  labels:
    helm.sh/chart: shop-0.1.0
    app.kubernetes.io/managed-by: Helm
automountServiceAccountToken: false
---
# Source: shop/charts/redis/templates/configmap.yaml
# Copyright somebody
apiVersion: v1
kind: ConfigMap
metadata:
  name: release-redis
data:
  redis.conf: |-
    # User-supplied configuration:
    ---
    maxmemory 100mb
---
# Source: shop/templates/disabled.yaml
---
# Source: shop/templates/deployment.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: release-shop
  namespace: shop
spec:
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          securityContext:
            {}
          image: "registry.example.com/shop:1.16.0"
          ports:
            - name: http
              containerPort: 80
              protocol: TCP
---
# Source: shop/templates/tests/test-connection.yaml
apiVersion: v1
kind: Pod
metadata:
  name: "release-shop-test-connection"
  annotations:
    "helm.sh/hook": test
spec:
  hostNetwork: true
  containers:
    - name: wget
      image: busybox
      command: ['wget']
      args: ['release-shop:80']
  restartPolicy: Never
"#;

/// The line of a text that holds a word first.
fn line(text: &str, word: &str) -> usize {
    text.lines().position(|line| line.contains(word)).unwrap() + 1
}

fn piped(args: &[&str], text: &str) -> Run {
    run_with(Path::new("."), &[&["check"], args, &["-"]].concat(), text)
}

#[test]
fn a_rendered_chart_is_judged_and_each_finding_names_its_template() {
    let run = piped(&["--select", "host-namespace,possible-root-user"], RENDERED);
    assert_eq!(run.code, 1, "{}", run.err);
    for (word, finding) in [
        (
            "securityContext",
            "warn medium CC6.1 possible-root-user: Deployment shop/release-shop (shop/templates/deployment.yaml): ",
        ),
        (
            "hostNetwork",
            "enforce high CC6.1 host-namespace: Pod release-shop-test-connection (shop/templates/tests/test-connection.yaml): ",
        ),
    ] {
        let place = format!("-:{}:", line(RENDERED, word));
        let found = run.out.lines().find(|line| line.starts_with(&place)).unwrap_or_default();
        assert!(found.contains(finding), "{word}: {}", run.out);
    }
    assert!(run.out.contains("4 objects in 1 file: "), "an empty template is no object: {}", run.out);
}

#[test]
fn sarif_and_json_name_the_template_too() {
    let run = piped(&["--select", "host-namespace", "-o", "sarif"], RENDERED);
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let template = "shop/templates/tests/test-connection.yaml";
    assert_eq!(log["runs"][0]["results"][0]["properties"]["template"], template);
    let run = piped(&["--select", "host-namespace", "-o", "json"], RENDERED);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let finding = &report["findings"][0];
    assert_eq!(finding["template"], template);
    assert_eq!(finding["line"], line(RENDERED, "hostNetwork"));
}

#[test]
fn what_kustomize_builds_is_judged() {
    let built = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n---\napiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\n\
                 metadata:\n  name: settings-7b9k2t6m4d\n  namespace: shop\n---\napiVersion: batch/v1\nkind: CronJob\nmetadata:\n  \
                 name: nightly\n  namespace: shop\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          \
                 hostPID: true\n          containers:\n          - image: a\n            name: a\n";
    let run = piped(&["--select", "host-namespace"], built);
    assert!(
        run.out.starts_with("-:24:11: enforce high CC6.1 host-namespace: CronJob shop/nightly: "),
        "{}",
        run.out
    );
    assert!(run.out.contains("3 objects in 1 file"), "{}", run.out);
}

#[test]
fn helms_report_about_a_release_is_refused_with_the_command_to_use() {
    let head = "NAME: release\nLAST DEPLOYED: Mon Nov 23 10:00:00 2026\nNAMESPACE: shop\nSTATUS: pending-install\nREVISION: 1\n\
                HOOKS:\nMANIFEST:\n";
    let notes = "\nNOTES:\n1. Get the application URL by running these commands:\n  export POD_NAME=$(kubectl get pods)\n";
    for text in
        [format!("{head}{RENDERED}"), format!("{RENDERED}{notes}"), format!("{head}{RENDERED}{notes}")]
    {
        let run = piped(&[], &text);
        assert_eq!(run.code, 2, "{}", run.err);
        assert!(
            run.err.contains(
                "Helm's report about a release, with notes for people: check what `helm template` prints"
            ),
            "{}",
            run.err
        );
    }
}

#[test]
fn a_template_that_is_not_rendered_is_refused_where_it_begins_to_be_one() {
    let run = piped(&[], "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n");
    assert!(run.code == 2 && run.err.starts_with("-:4:"), "{}", run.err);
}

#[test]
fn nothing_at_all_is_no_failure() {
    for text in ["", "---\n# Source: shop/templates/none.yaml\n", "\n---\n---\n"] {
        let run = piped(&[], text);
        assert_eq!((run.code, &*run.out), (0, "0 objects in 1 file: no findings\n"), "{text}");
    }
}
