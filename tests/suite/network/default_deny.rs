//! Whether a namespace denies what nobody has allowed: which policies do that, and when it is asked.

use soc2gate::{check::Missing, decision::Outcome};

use super::{enforced, entangled, refused, reported_amid, said_amid};
use crate::library::{Sent, found, world};

const CHECK: &str = "missing-default-deny";
const EGRESS: &str = "missing-egress-default-deny";
const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}, spec: {containers: []}}";
const NONE: &str = "where no network policy isolates a pod without labels for ingress";

/// Policies of `shop`, from their specs.
fn policies(specs: &[&str]) -> String {
    let policy = |(number, spec): (usize, &&str)| {
        format!(
            "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p{number}, namespace: shop}}, spec: {spec}}}"
        )
    };
    specs.iter().enumerate().map(policy).collect::<Vec<_>>().join("\n---\n")
}

/// Says that these policies leave the pod's namespace closed, or what they leave open.
fn judged(check: &str, specs: &[&str], expected: Option<&str>) {
    let said = said_amid(check, "", &policies(specs), POD);
    let expected: Vec<_> =
        expected.into_iter().map(|what| format!("metadata.namespace is `shop`, {what}")).collect();
    assert_eq!(said, expected, "{specs:?}");
}

#[test]
fn a_namespace_is_closed_by_policies_that_together_isolate_every_pod() {
    for closed in [
        &["{podSelector: {}, policyTypes: [Ingress]}"][..],
        &["{podSelector: {}}"],
        &["{podSelector: null, ingress: null, policyTypes: null}"],
        &["{}"],
        &["{podSelector: {matchLabels: {}, matchExpressions: []}, policyTypes: [Egress, Ingress]}"],
        &["{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"],
        &["{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}"],
        &["{podSelector: {}}", "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 443}]}]}"],
        // What no API server takes opens nothing.
        &["{podSelector: {}, ingress: [{from: [{}]}]}"],
        &[
            "{podSelector: {matchExpressions: [{key: app, operator: In, values: [web, db]}]}}",
            "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [db]}]}}",
        ],
    ] {
        judged(CHECK, closed, None);
    }
}

#[test]
fn a_namespace_is_open_as_long_as_one_pod_could_be() {
    for (open, what) in [
        (&[][..], NONE),
        (&["{podSelector: {}, policyTypes: [Egress]}"], NONE),
        (&["{podSelector: {}, policyTypes: [egress, ingress]}"], NONE),
        (&["{podSelector: {matchLabels: {app: web}}}"], NONE),
        (
            &[
                "{podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}}",
                "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web, db]}]}}",
            ],
            "where no network policy isolates a pod labelled `app=db` for ingress",
        ),
        (
            &["{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}"],
            "where no network policy isolates a pod labelled `app=other` for ingress",
        ),
        (
            &["{podSelector: {}, ingress: [{}]}"],
            "where network policies let everybody reach a pod without labels",
        ),
        // Given to all pods, a port was chosen for none of them.
        (
            &["{podSelector: {}, ingress: [{from: [], ports: [{port: 80}]}]}"],
            "where network policies let everybody reach a pod without labels",
        ),
        (
            &["{podSelector: {}}", "{podSelector: {}, ingress: [{from: null}]}"],
            "where network policies let everybody reach a pod without labels",
        ),
        (
            &["{podSelector: {}}", "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}"],
            "where network policies let everybody reach a pod labelled `app=web`",
        ),
        (
            &[
                "{podSelector: {matchLabels: {app: a}}, ingress: [{from: [{podSelector: {}}]}]}",
                "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}, ingress: [{}]}",
            ],
            "where network policies let everybody reach a pod without labels",
        ),
        // Everybody in disguise.
        (
            &[
                "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}, {ipBlock: {cidr: '::/0'}}]}]}",
                "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/1}}, {ipBlock: {cidr: 128.0.0.0/1}}]}]}",
            ],
            "where network policies let everybody reach a pod labelled `app=web`",
        ),
    ] {
        judged(CHECK, open, Some(what));
    }
}

#[test]
fn what_is_too_entangled_to_tell_is_no_pass() {
    let isolating = |holes| -> Vec<_> {
        entangled(holes).iter().map(|selector| format!("{{podSelector: {selector}}}")).collect()
    };
    let [few, many] = [3, 9].map(isolating);
    judged(CHECK, &few.iter().map(String::as_str).collect::<Vec<_>>(), None);
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let what =
        "where the network policies are too entangled to tell whether they isolate every pod for ingress";
    judged(CHECK, &many, Some(what));
    judged(CHECK, &[&many[..], &["{podSelector: {}}"]].concat(), None);
}

#[test]
fn egress_is_judged_for_itself() {
    let dns =
        "{podSelector: {}, egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}]}";
    for (specs, open) in [
        (
            &["{podSelector: {}}"][..],
            Some("where no network policy isolates a pod without labels for egress"),
        ),
        (&["{podSelector: {}, policyTypes: [Egress]}"], None),
        (&[dns], None),
        (
            &["{podSelector: {}, egress: [{}]}"],
            Some("where network policies let everybody be reached by a pod without labels"),
        ),
    ] {
        judged(EGRESS, specs, open);
    }
}

#[test]
fn a_policy_of_another_namespace_closes_nothing() {
    let elsewhere = policies(&["{podSelector: {}}"]).replace("namespace: shop", "namespace: lab");
    assert_eq!(said_amid(CHECK, "", &elsewhere, POD).len(), 1);
    let going =
        policies(&["{podSelector: {}}"]).replace("namespace: shop", "namespace: shop, deletionTimestamp: x");
    assert_eq!(said_amid(CHECK, "", &going, POD).len(), 1);
}

#[test]
fn files_hear_of_a_namespace_once_where_they_would_look_for_it() {
    let deployment = POD
        .replace("v1, kind: Pod", "apps/v1, kind: Deployment")
        .replace("{containers: []}", "{template: {spec: {}}}");
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    let said = |world: &[&str], object: &str| said_amid(CHECK, "", &world.join("\n---\n"), object);
    // The Namespace says it, if it is there and anything runs in it.
    assert_eq!(said(&[POD, namespace], namespace), [format!("metadata.name is `shop`, {NONE}")]);
    assert_eq!(said(&[POD, namespace], POD), Vec::<String>::new());
    assert_eq!(said(&[namespace], namespace), Vec::<String>::new());
    // Else the first that runs there does.
    assert_eq!(said(&[POD, &deployment], POD), Vec::<String>::new());
    assert_eq!(said(&[POD, &deployment], &deployment), [format!("metadata.namespace is `shop`, {NONE}")]);
    // Without a namespace nobody knows which it will be.
    let nowhere = POD.replace(", namespace: shop", "");
    let reported = reported_amid(CHECK, "", "", &nowhere);
    assert!(reported.violations.is_empty() && matches!(&reported.missing[..], [Missing::NotKnownHere(_)]));
}

#[test]
fn the_gate_asks_when_somebody_brings_something_to_run() {
    let policies = enforced(CHECK);
    let decide = |sent: Sent| found(&sent.amid(world("")).decide(&policies));
    let denied = ["new missing-default-deny metadata.namespace"];
    assert_eq!(decide(Sent::create(POD)), denied);
    assert_eq!(decide(Sent::create(&POD.replace("name: p", "generateName: p-"))), denied);
    let none = Vec::<String>::new();
    assert_eq!(decide(Sent::update(POD, &POD.replace("name: p", "name: p, labels: {a: b}"))), none);
    assert_eq!(decide(Sent::delete(POD)), none);
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}";
    assert_eq!(decide(Sent::create(namespace)), none);
    // What a controller makes pods of was judged when somebody asked for it; who only bears its name was not.
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    assert_eq!(decide(Sent::create(POD).by(controller, &[])), none);
    assert_eq!(decide(Sent::create(POD).by("system:serviceaccount:shop:replicaset-controller", &[])), denied);
    // No policy is known anywhere: not a pass.
    let decision = Sent::create(POD).decide(&policies);
    assert_eq!((decision.outcome, decision.unassessed.len()), (Outcome::Allow, 1));
}

#[test]
fn where_the_network_plugin_isolates_the_pods_nothing_is_claimed() {
    for check in [CHECK, EGRESS] {
        let reported = reported_amid(check, "provider: external", "", POD);
        assert!(reported.violations.is_empty(), "{check}");
        assert!(reported.missing[0].reason().contains("network plugin"), "{check}");
        assert_eq!(said_amid(check, "provider: networkpolicy", "", POD).len(), 1);
        assert!(refused(check, "provider: calico").contains("external"), "{check}");
    }
}
