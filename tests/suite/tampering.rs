//! Tampering with controls: the gate itself, its policies and exemptions, labels, tools, and whom the cluster trusts.

mod exemptions;
mod labels;
mod policies;
mod registrations;

use serde_json::json;
use soc2gate::decision::Outcome;

use crate::library::{Sent, enforcing, in_file, messages, refusal};

/// An object of this kind, name and namespace.
fn object(api: &str, kind: &str, namespace: &str, name: &str) -> String {
    format!("{{apiVersion: {api}, kind: {kind}, metadata: {{name: {name}, namespace: {namespace}}}}}")
}

/// What a request draws of a check: its messages.
fn said(check: &str, params: &str, sent: &Sent) -> Vec<String> {
    let decision = sent.decide(&enforcing(check, params));
    assert_eq!(decision.outcome == Outcome::Deny, !decision.findings.is_empty(), "nothing is taken for old");
    messages(&decision)
}

fn denied(check: &str, params: &str, sent: &Sent) -> bool {
    !said(check, params, sent).is_empty()
}

const OWN: &str = "gate-namespace-change";

#[test]
fn nobody_but_its_keepers_changes_what_the_gate_runs_on() {
    for (api, kind) in [
        ("apps/v1", "Deployment"),
        ("v1", "Pod"),
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("v1", "Service"),
        ("v1", "ServiceAccount"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
        ("policy/v1", "PodDisruptionBudget"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("autoscaling/v1", "Scale"),
    ] {
        let own = object(api, kind, "soc2gate", "soc2gate");
        for sent in [Sent::create(&own), Sent::delete(&own)] {
            assert!(denied(OWN, "", &sent), "{kind}");
            assert!(denied(OWN, "", &sent.by("root", &["system:masters"])), "{kind}");
        }
        assert!(!denied(OWN, "", &Sent::create(&object(api, kind, "soc2gate-2", "soc2gate"))), "{kind}");
    }
    let many = Sent::delete(&object("v1", "Secret", "soc2gate", "soc2gate-tls")).set("name", json!(""));
    assert_eq!(
        said(OWN, "", &many),
        ["userInfo.username is `ann`, who may not delete Secret `soc2gate-tls`"]
    );
}

#[test]
fn the_gates_keepers_are_its_account_its_installer_and_the_cluster() {
    let own = object("v1", "ConfigMap", "soc2gate", "policies");
    let installers = "{installers: [{kind: Group, name: platform}]}";
    for (user, groups, params, expected) in [
        ("system:serviceaccount:soc2gate:soc2gate", &[][..], "", false),
        ("system:serviceaccount:soc2gate:other", &[], "", true),
        ("system:serviceaccount:kube-system:root-ca-cert-publisher", &[], "", false),
        ("system:node:n1", &["system:nodes"], "", false),
        ("ann", &["platform"], "", true),
        ("ann", &["platform"], installers, false),
        ("system:serviceaccount:gate:soc2gate", &[], "{namespace: soc2gate}", true),
        ("robot", &[], "{account: robot}", false),
    ] {
        assert_eq!(denied(OWN, params, &Sent::create(&own).by(user, groups)), expected, "{user} {params}");
    }
    let elsewhere = Sent::create(&object("v1", "ConfigMap", "gate", "policies"));
    assert!(denied(OWN, "{namespace: gate}", &elsewhere));
    let by_account = elsewhere.by("system:serviceaccount:gate:soc2gate", &[]);
    assert!(!denied(OWN, "{namespace: gate}", &by_account), "the account follows the namespace");
}

#[test]
fn the_gates_namespace_is_one_of_the_things_it_runs_on() {
    // As the API server sends it: the namespace of a Namespace is its own name.
    let namespace = |labels: &str| {
        format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: soc2gate, labels: {{{labels}}}}}}}")
    };
    for sent in [Sent::delete(&namespace("")), Sent::update(&namespace(""), &namespace("a: b"))] {
        assert!(denied(OWN, "", &sent.set("namespace", json!("soc2gate"))));
    }
    assert!(!denied(OWN, "", &Sent::update(&namespace(""), &namespace(""))));
}

#[test]
fn who_would_apply_a_file_is_not_known() {
    let unknown = "the requester is not known".to_owned();
    assert_eq!(in_file(OWN, "", &object("v1", "Secret", "soc2gate", "tls")), (vec![], vec![unknown]));
    assert_eq!(in_file(OWN, "", &object("v1", "Secret", "shop", "tls")), (vec![], vec![]));
}

#[test]
fn a_gate_that_is_nowhere_is_refused() {
    for (params, words) in [
        ("{namespace: ''}", "full name"),
        ("{namespace: 'soc2*'}", "full name"),
        ("{account: ''}", "`account` is empty"),
    ] {
        assert!(refusal(OWN, params).contains(words), "{params}");
    }
}

#[test]
fn the_definitions_of_the_gates_own_kinds_stay() {
    let check = "deleted-gate-crd";
    let definition = |name: &str| {
        format!(
            "{{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {{name: {name}}}}}"
        )
    };
    for (name, expected) in [
        ("controlpolicies.soc2gate.io", true),
        ("exemptions.soc2gate.io", true),
        ("shops.example.com", false),
        ("soc2gate.io", false),
        ("shops.notsoc2gate.io", false),
        ("exemptions.soc2gate.io.example.com", false),
    ] {
        assert_eq!(denied(check, "", &Sent::delete(&definition(name))), expected, "{name}");
        let many = Sent::delete(&definition(name)).set("name", json!(""));
        assert_eq!(denied(check, "", &many), expected, "{name} among many");
        assert!(!denied(check, "", &Sent::create(&definition(name))));
    }
    let (found, missing) = in_file(check, "", &definition("exemptions.soc2gate.io"));
    assert_eq!((found.len(), missing.len()), (0, 1));
}

const TOOL: &str = "removed-security-tool";

/// A Deployment or DaemonSet `name` with this generation and number of replicas.
fn workload(kind: &str, at: (&str, &str), generation: u32, spec: &str) -> String {
    let (namespace, name) = at;
    let metadata = format!("{{name: {name}, namespace: {namespace}, generation: {generation}}}");
    format!("{{apiVersion: apps/v1, kind: {kind}, metadata: {metadata}, spec: {{{spec}}}}}")
}

#[test]
fn a_security_tool_is_neither_deleted_nor_stopped_nor_changed() {
    let falco = |generation, spec: &str| workload("DaemonSet", ("falco", "falco"), generation, spec);
    let gate = |generation, spec: &str| {
        workload("Deployment", ("kyverno", "kyverno-admission-controller"), generation, spec)
    };
    let scale = |replicas: &str| {
        format!(
            "{{apiVersion: autoscaling/v1, kind: Scale, metadata: {{name: kyverno, namespace: kyverno}}, spec: {{{replicas}}}}}"
        )
    };
    let namespace = |name: &str| format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {name}}}}}");
    let who = "userInfo.username is `ann`, who may not";
    for (what, sent, expected) in [
        ("deleted", Sent::delete(&falco(1, "")), "delete DaemonSet `falco`"),
        ("patched", Sent::update(&falco(1, ""), &falco(2, "")), "change DaemonSet `falco`"),
        ("not changed", Sent::update(&falco(2, ""), &falco(2, "")), ""),
        ("installed", Sent::create(&falco(1, "")), ""),
        (
            "stopped",
            Sent::update(&gate(1, "replicas: 2"), &gate(2, "replicas: 0")),
            "scale to nothing Deployment `kyverno-admission-controller`",
        ),
        ("already stopped", Sent::update(&gate(2, "replicas: 0"), &gate(2, "replicas: 0")), ""),
        (
            "scaled to zero",
            Sent::update(&scale("replicas: 2"), &scale("replicas: 0")),
            "scale to nothing Scale `kyverno`",
        ),
        (
            "scaled to zero, which is left out",
            Sent::update(&scale("replicas: 2"), &scale("")),
            "scale to nothing Scale `kyverno`",
        ),
        ("scaled down", Sent::update(&scale("replicas: 3"), &scale("replicas: 1")), ""),
        ("still at zero", Sent::update(&scale(""), &scale("replicas: 0")), ""),
        ("with its namespace", Sent::delete(&namespace("falco")), "delete Namespace `falco`"),
        ("another namespace", Sent::delete(&namespace("shop")), ""),
        ("another object", Sent::delete(&workload("Deployment", ("shop", "falco"), 1, "")), ""),
    ] {
        let expected: Vec<_> =
            (!expected.is_empty()).then(|| format!("{who} {expected}")).into_iter().collect();
        assert_eq!(said(TOOL, "", &sent), expected, "{what}");
    }
    let by_the_cluster =
        Sent::delete(&falco(1, "")).by("system:serviceaccount:kube-system:generic-garbage-collector", &[]);
    assert!(!denied(TOOL, "", &by_the_cluster));
    let allowed = "{allow: [{kind: Group, name: security}]}";
    assert!(!denied(TOOL, allowed, &Sent::delete(&falco(1, "")).by("bob", &["security"])));
    assert!(denied(TOOL, allowed, &Sent::delete(&falco(1, ""))));
}

#[test]
fn tools_are_named_by_namespace_and_name() {
    let delete = |namespace, name| Sent::delete(&workload("Deployment", (namespace, name), 1, ""));
    let own = "{tools: [edr/agent, 'edr/scan-*']}";
    for (namespace, name, expected) in [
        ("edr", "agent", true),
        ("edr", "agent-2", false),
        ("edr", "scan-1", true),
        ("shop", "agent", false),
        ("falco", "falco", false),
    ] {
        assert_eq!(denied(TOOL, own, &delete(namespace, name)), expected, "{namespace}/{name}");
    }
    for text in ["agent", "'*/agent'", "edr/", "/agent", "'edr/a*b'", "a/b/c"] {
        let refused = refusal(TOOL, &format!("{{tools: [{text}]}}"));
        assert!(refused.contains("names no object"), "{text}: {refused}");
    }
    assert!(refusal("cluster-identity-change", "{configMaps: [aws-auth]}").contains("names no object"));
}

#[test]
fn whom_the_cluster_trusts_is_not_changed_by_an_edit() {
    let check = "cluster-identity-change";
    let map = |namespace: &str, name: &str, data: &str| {
        format!(
            "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, namespace: {namespace}}}, data: {{a: {data}}}}}"
        )
    };
    let bundle = "{apiVersion: certificates.k8s.io/v1beta1, kind: ClusterTrustBundle, metadata: {name: corp}, spec: {}}";
    let auth = |data: &str| map("kube-system", "aws-auth", data);
    for (what, sent, expected) in [
        ("made", Sent::create(&auth("x")), true),
        ("edited", Sent::update(&auth("x"), &auth("z")), true),
        ("left alone", Sent::update(&auth("x"), &auth("x")), false),
        ("deleted", Sent::delete(&auth("x")), true),
        ("another namespace", Sent::create(&map("shop", "aws-auth", "x")), false),
        ("another name", Sent::create(&map("kube-system", "coredns", "x")), false),
        (
            "kubeadm",
            Sent::update(
                &map("kube-system", "kubeadm-config", "x"),
                &map("kube-system", "kubeadm-config", "z"),
            ),
            true,
        ),
        ("a trust bundle", Sent::create(bundle), true),
        ("a trust bundle, of which nothing is read", Sent::update(bundle, bundle), true),
        ("by the API server", Sent::update(&auth("x"), &auth("z")).by("system:apiserver", &[]), false),
    ] {
        assert_eq!(denied(check, "", &sent), expected, "{what}");
    }
    let admins = "{allow: [{kind: User, name: ann}]}";
    assert!(!denied(check, admins, &Sent::create(&auth("x"))));
}
