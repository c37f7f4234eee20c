//! Changes of network policies: what opens something is refused, all else is not, and the requests that are no change.

use std::time::Instant;

use soc2gate::{
    check::Missing,
    decision::{Decision, Outcome},
    inventory::Inventory,
};

use super::{enforced, entangled, reported_amid};
use crate::library::{Sent, world};

const CHECK: &str = "loosened-network-policy";
const NAMESPACE: &str = "{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}";
const DENY: &str = "{podSelector: {}, policyTypes: [Ingress, Egress]}";

/// A policy of `shop`.
fn policy(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: {name}, namespace: shop}}, spec: {spec}}}"
    )
}

fn amid(policies: &[String]) -> Inventory {
    let all: Vec<_> = [NAMESPACE.to_owned()].iter().chain(policies).cloned().collect();
    world(&all.join("\n---\n"))
}

/// What is said of an update, or of a deletion if there is no new spec, amid policies named `s0`, `s1`, ...
fn said(standing: &[&str], before: &str, after: Option<&str>) -> Vec<String> {
    let before = policy("changed", before);
    let standing = standing.iter().enumerate().map(|(number, spec)| policy(&format!("s{number}"), spec));
    let world = amid(&standing.chain([before.clone()]).collect::<Vec<_>>());
    let sent = match after {
        Some(after) => Sent::update(&before, &policy("changed", after)),
        None => Sent::delete(&before),
    };
    lines(&sent.amid(world).decide(&enforced(CHECK)))
}

fn lines(decision: &Decision) -> Vec<String> {
    assert_eq!(decision.outcome == Outcome::Deny, !decision.findings.is_empty());
    decision.findings.iter().map(soc2gate::decision::Finding::message).collect()
}

fn harmless(standing: &[&str], before: &str, after: Option<&str>) {
    assert_eq!(said(standing, before, after), Vec::<String>::new(), "{standing:?}: {before} to {after:?}");
}

/// One sentence that begins with the path and holds all the words.
fn refused(standing: &[&str], before: &str, after: Option<&str>, path: &str, words: &[&str]) {
    let said = said(standing, before, after);
    let [line] = &said[..] else { panic!("{standing:?}: {before} to {after:?}: {said:?}") };
    assert!(line.starts_with(&format!("{path} ")), "{line}");
    for word in words {
        assert!(line.contains(word), "{line} without {word}");
    }
}

const WEB: &str = "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: front}}}], ports: [{port: 8080}]}]}";

#[test]
fn an_allow_rule_may_go_below_a_standing_default_deny_but_the_default_deny_may_not() {
    harmless(&[DENY], WEB, None);
    harmless(&[DENY], "{podSelector: {}, ingress: [{}]}", None);
    refused(
        &[WEB],
        "{podSelector: {}, policyTypes: [Ingress]}",
        None,
        "metadata.name",
        &[", a policy that goes", "a pod without labels of another namespace", "reach a pod without labels"],
    );
    // Another policy that isolates everybody takes its place.
    harmless(&["{podSelector: {}, ingress: []}"], "{podSelector: {}, policyTypes: [Ingress]}", None);
    // Two that select complements do as well.
    let has = "{podSelector: {matchExpressions: [{key: app, operator: Exists}]}}";
    let has_not = "{podSelector: {matchExpressions: [{key: app, operator: DoesNotExist}]}}";
    harmless(&[has, has_not], "{podSelector: {}, policyTypes: [Ingress]}", None);
    refused(
        &[has],
        "{podSelector: {}, policyTypes: [Ingress]}",
        None,
        "metadata.name",
        &["a pod without labels"],
    );
    // An egress policy isolates nobody for ingress.
    let egress = "{podSelector: {}, policyTypes: [Egress]}";
    refused(&[egress], "{podSelector: {}, policyTypes: [Ingress]}", None, "metadata.name", &["reach a pod"]);
    // A policy that lets everything through takes nothing with it.
    harmless(&[], "{podSelector: {matchLabels: {app: web}}, ingress: [{}]}", None);
    // Going, a policy leaves its pods to nobody's care, other pods or not.
    refused(&[], WEB, None, "metadata.name", &["reach a pod labelled `app=web`"]);
}

#[test]
fn a_rule_is_refused_only_if_it_opens_what_nothing_opened() {
    let wider = WEB.replace("port: 8080", "port: 8080}, {port: 9090");
    refused(
        &[DENY],
        WEB,
        Some(&wider),
        "spec.ingress[0]",
        &["reach a pod labelled `app=web` on TCP port 9090"],
    );
    // Narrowing, reordering, and saying the same in other words.
    harmless(&[DENY], &wider, Some(WEB));
    harmless(&[DENY], &wider, Some(&WEB.replace("port: 8080", "port: 9090}, {port: 8080")));
    harmless(&[DENY], WEB, Some(&WEB.replace("8080}", "8080, endPort: 8080, protocol: TCP}")));
    harmless(&[DENY], WEB, Some("{podSelector: {matchLabels: {app: web}}, ingress: []}"));
    harmless(&[DENY], WEB, Some(&WEB.replace("app: front", "app: front, tier: edge")));
    // Another policy allows it already, for these pods or for all.
    let same = "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 9000, endPort: 9999}]}]}";
    harmless(&[DENY, same], WEB, Some(&wider));
    harmless(&[DENY, &same.replace("{matchLabels: {app: web}}", "{}")], WEB, Some(&wider));
    refused(
        &[DENY, &same.replace("app: web", "app: web, tier: x")],
        WEB,
        Some(&wider),
        "spec.ingress[0]",
        &["9090"],
    );
    // The wider peer, port, selector and direction.
    for (from, to, path, words) in [
        ("{podSelector: {matchLabels: {app: front}}}", "", "spec.ingress[0]", "another namespace"),
        (
            "{podSelector: {matchLabels: {app: front}}}",
            "{podSelector: {}}",
            "spec.ingress[0]",
            "same namespace",
        ),
        (
            "{podSelector: {matchLabels: {app: front}}}",
            "{namespaceSelector: {}}",
            "spec.ingress[0]",
            "another",
        ),
        (", ports: [{port: 8080}]", "", "spec.ingress[0]", "TCP port 1"),
        ("port: 8080", "port: 8080, endPort: 8081", "spec.ingress[0]", "TCP port 8081"),
        ("port: 8080", "port: 8080, protocol: UDP", "spec.ingress[0]", "UDP port 8080"),
        ("port: 8080", "port: http", "spec.ingress[0]", "if it is named `http`"),
        ("app: web", "app: api", "spec.ingress[0]", "`app=api`"),
    ] {
        refused(&[DENY], WEB, Some(&WEB.replace(from, to)), path, &[words]);
    }
}

#[test]
fn pods_that_are_left_out_are_open_unless_another_policy_holds_them() {
    let all = "{podSelector: {}, policyTypes: [Ingress]}";
    let some = "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}";
    refused(&[], all, Some(some), "spec.podSelector", &["leaves pods out", "reach a pod without labels"]);
    harmless(&[], some, Some(all));
    harmless(
        &["{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}}"],
        all,
        Some(some),
    );
    refused(
        &["{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [web, api]}]}}"],
        all,
        Some(some),
        "spec.podSelector",
        &["a pod labelled `app=api`"],
    );
    let both = "{podSelector: {}, policyTypes: [Ingress, Egress]}";
    refused(
        &[],
        both,
        Some(all),
        "spec.policyTypes",
        &["gives up a direction", "a pod without labels reach"],
    );
    harmless(&["{podSelector: {}, policyTypes: [Egress]}"], both, Some(all));
    // Without types, egress is in force as long as there are egress rules.
    let implied = "{podSelector: {}, egress: [{to: [{podSelector: {}}]}]}";
    refused(&[], implied, Some("{podSelector: {}, egress: []}"), "spec.policyTypes", &["reach"]);
    harmless(&[], implied, Some("{podSelector: {}, policyTypes: [Ingress, Egress]}"));
    // A pod that nothing isolated could be reached by everybody: to name some opens nothing.
    harmless(&[], some, Some(&format!("{}, ingress: []}}", all.trim_end_matches('}'))));
    harmless(&[], "{podSelector: {matchLabels: {app: api}}, policyTypes: [Egress], egress: [{}]}", Some(all));
}

#[test]
fn who_is_meant_is_told_by_what_they_are_and_not_by_how_they_are_written() {
    let from = |peers: &str| format!("{{podSelector: {{}}, ingress: [{{from: [{peers}]}}]}}");
    let inside = from("{podSelector: {matchLabels: {app: a}}}");
    // The namespace by its own name, or by labels that it has.
    for same in ["kubernetes.io/metadata.name: shop", "kubernetes.io/metadata.name: shop, team: shop"] {
        let named = from(&format!(
            "{{namespaceSelector: {{matchLabels: {{{same}}}}}, podSelector: {{matchLabels: {{app: a}}}}}}"
        ));
        harmless(&[], &inside, Some(&named));
    }
    harmless(
        &[],
        &from("{namespaceSelector: {matchLabels: {team: shop}}, podSelector: {matchLabels: {app: a}}}"),
        Some(&inside),
    );
    // By a label that it does not have, nobody is meant.
    let lacking = "{matchLabels: {kubernetes.io/metadata.name: shop, tier: gold}}";
    harmless(
        &[],
        &inside,
        Some(&from(&format!(
            "{{podSelector: {{matchLabels: {{app: a}}}}}}, {{namespaceSelector: {lacking}}}"
        ))),
    );
    // Others may bear the same label.
    let team = from("{namespaceSelector: {matchLabels: {team: shop}}, podSelector: {matchLabels: {app: a}}}");
    refused(&[], &inside, Some(&team), "spec.ingress[0]", &["another namespace labelled", "team=shop"]);
    // Of one peer both hold; two peers are alternatives.
    let both = from("{namespaceSelector: {matchLabels: {team: x}}, podSelector: {matchLabels: {app: a}}}");
    let either =
        from("{namespaceSelector: {matchLabels: {team: x}}}, {podSelector: {matchLabels: {app: a}}}");
    refused(&[], &both, Some(&either), "spec.ingress[0]", &[]);
    // Every namespace is every pod, and no address.
    refused(
        &[],
        &from("{namespaceSelector: {}}"),
        Some(&from("")),
        "spec.ingress[0]",
        &["the address 0.0.0.0"],
    );
    harmless(&[], &from("{namespaceSelector: {}}"), Some(&from("{namespaceSelector: {}, podSelector: {}}")));
    let everybody = "{namespaceSelector: {}}, {ipBlock: {cidr: 0.0.0.0/0}}, {ipBlock: {cidr: '::/0'}}";
    harmless(&[], &from(everybody), Some(&from("")));
    let name_exists =
        "{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: Exists}]}}";
    harmless(&[], &from(name_exists), Some(&from("{namespaceSelector: {}}")));
}

#[test]
fn addresses_are_compared_as_sets_however_they_are_written() {
    let to =
        |blocks: &str| format!("{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{blocks}]}}]}}");
    let block = |cidr: &str, except: &str| format!("{{ipBlock: {{cidr: '{cidr}', except: [{except}]}}}}");
    for (before, after) in [
        (block("10.0.0.0/8", ""), block("10.1.2.3/8", "")),
        (block("10.0.0.0/8", ""), block("010.0.0.0/08", "")),
        (block("10.0.0.0/8", ""), block("::ffff:10.0.0.0/104", "")),
        (block("0.0.0.0/0", ""), [block("0.0.0.0/1", ""), block("128.0.0.0/1", "")].join(", ")),
        ([block("0.0.0.0/1", ""), block("128.0.0.0/1", "")].join(", "), block("0.0.0.0/0", "")),
        (
            block("10.0.0.0/8", "10.1.0.0/16"),
            [block("10.0.0.0/16", ""), block("10.128.0.0/9", "")].join(", "),
        ),
        ([block("10.0.0.0/8", "10.1.0.0/16"), block("10.1.0.0/16", "")].join(", "), block("10.0.0.0/8", "")),
        (block("::/0", ""), block("2001:db8::/32", "2001:db8:1::/48")),
    ] {
        harmless(&[], &to(&before), Some(&to(&after)));
    }
    for (before, after, witness) in [
        (block("10.0.0.0/9", ""), block("10.0.0.0/8", ""), "10.128.0.0"),
        (block("10.0.0.0/8", "10.1.0.0/16"), block("10.0.0.0/8", ""), "10.1.0.0"),
        (block("10.0.0.0/8", "10.1.0.0/16"), block("10.0.0.0/8", "10.1.0.0/17"), "10.1.128.0"),
        (block("0.0.0.0/0", ""), block("::/0", ""), "::"),
        (block("::/1", ""), block("::/0", ""), "8000::"),
    ] {
        refused(
            &[],
            &to(&before),
            Some(&to(&after)),
            "spec.egress[0]",
            &[&format!("the address {witness} on")],
        );
    }
    let on = |ports: &str| to(&block("10.0.0.0/8", "")).replace("]}]}", &format!("], ports: [{ports}]}}]}}"));
    let both = on("{port: 80}, {port: 443}");
    refused(&[], &on("{port: 80}"), Some(&both), "spec.egress[0]", &["the address 10.0.0.0 on TCP port 443"]);
    // Nobody outside gives names to ports.
    let named = to(&block("10.0.0.0/8", "")).replace("]}]}", "], ports: [{port: http}]}]}");
    harmless(&[], "{podSelector: {}, policyTypes: [Egress]}", Some(&named));
    let ingress =
        "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}], ports: [{port: http}]}]}";
    refused(&[], "{podSelector: {}}", Some(ingress), "spec.ingress[0]", &["10.0.0.0", "named `http`"]);
}

#[test]
fn rules_that_exclude_each_other_do_not_add_up() {
    // Each port is open to somebody, and no one has both.
    let in_a =
        "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}], ports: [{port: 80}]}]}";
    let not_a = "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}}]}]}";
    let all = "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}, {port: 443}]}]}";
    refused(
        &[in_a, not_a],
        "{podSelector: {}}",
        Some(all),
        "spec.ingress[0]",
        &["`app=a` of the same", "TCP port 443"],
    );
    harmless(&[in_a, not_a], "{podSelector: {}}", Some(&all.replace(", {port: 443}", "")));
    // The same of the pods that are selected.
    let to_a = "{podSelector: {matchLabels: {app: a}}, ingress: [{ports: [{port: 80}]}]}";
    let to_others =
        "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}, ingress: [{}]}";
    let to_all = "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}";
    harmless(&[to_a, to_others], "{podSelector: {}}", Some(to_all));
    refused(
        &[to_a, to_others],
        "{podSelector: {}}",
        Some(&to_all.replace("80}", "80}, {port: http}")),
        "spec.ingress[0]",
        &["a pod labelled `app=a`", "named `http`"],
    );
    let apart = "{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 100}, {port: 443}]}]}";
    let whole = "{podSelector: {}, ingress: [{ports: [{port: 80, endPort: 443}]}]}";
    refused(&[], apart, Some(whole), "spec.ingress[0]", &["TCP port 101"]);
    harmless(&[], whole, Some(apart));
    // Ranges side by side are one; a name is in no range but the whole.
    let ranges =
        "{podSelector: {}, ingress: [{ports: [{port: 1, endPort: 500}, {port: 501, endPort: 65535}]}]}";
    harmless(&[], ranges, Some(&ranges.replace("port: 1, endPort: 500", "port: http")));
    harmless(&[], ranges, Some("{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}"));
}

#[test]
fn what_is_no_loosening_change_is_not_judged() {
    let deny = policy("deny", DENY);
    let judge = |sent: Sent| lines(&sent.amid(amid(std::slice::from_ref(&deny))).decide(&enforced(CHECK)));
    let none = Vec::<String>::new();
    assert_eq!(judge(Sent::create(&policy("open", "{podSelector: {}, ingress: [{}]}"))), none);
    // Labels and annotations let nobody through.
    let labelled = deny.replace("name: deny", "name: deny, labels: {a: b}");
    assert_eq!(judge(Sent::update(&deny, &labelled)), none);
    let nameless = Sent::delete(&deny).set("name", "".into()).set("namespace", "".into());
    assert_eq!(judge(nameless).len(), 2, "the items of a deletecollection have no name of their own");
    let controller = "system:serviceaccount:kube-system:namespace-controller";
    assert_eq!(judge(Sent::delete(&deny).by(controller, &[])), none);
    assert_eq!(
        judge(Sent::delete(&deny).by("system:serviceaccount:shop:namespace-controller", &[])).len(),
        2
    );
    let leaving = NAMESPACE.replace("name: shop", "name: shop, deletionTimestamp: '2027-01-15T12:00:00Z'");
    let world = world(&[leaving, deny.clone()].join("\n---\n"));
    assert_eq!(lines(&Sent::delete(&deny).amid(world).decide(&enforced(CHECK))), none);
}

#[test]
fn nobody_can_rely_on_a_policy_that_is_on_its_way_out() {
    let (deny, other) = (policy("deny", DENY), policy("other", DENY));
    let going = other.replace("name: other", "name: other, deletionTimestamp: '2027-01-15T12:00:00Z'");
    let judge = |world| lines(&Sent::delete(&deny).amid(world).decide(&enforced(CHECK))).len();
    assert_eq!(judge(amid(&[deny.clone(), other])), 0);
    assert_eq!(judge(amid(&[deny.clone(), going])), 2);
    // Not yet in the inventory, the policy is known from the request.
    assert_eq!(judge(amid(&[])), 2);
}

#[test]
fn what_it_cannot_know_it_says_and_never_passes() {
    let deny = policy("deny", DENY);
    let reported = reported_amid(CHECK, "", &deny, &deny);
    assert!(reported.violations.is_empty());
    assert!(matches!(&reported.missing[..], [Missing::NotKnownHere(_)]), "{:?}", reported.missing);
    let decision = Sent::delete(&deny).decide(&enforced(CHECK));
    assert_eq!(decision.unassessed.len(), 2, "both inventories are absent");
    assert!(decision.findings.is_empty());
}

/// A policy that lets every pod in, which is hard to see.
fn pigeons(holes: usize) -> String {
    let peers: Vec<_> =
        entangled(holes).iter().map(|selector| format!("{{podSelector: {selector}}}")).collect();
    format!("{{podSelector: {{}}, ingress: [{{from: [{}]}}]}}", peers.join(", "))
}

#[test]
fn policies_that_are_too_entangled_to_compare_count_as_loosened_in_bounded_time() {
    let after = "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}";
    harmless(&[&pigeons(3)], "{podSelector: {}}", Some(after));
    let (hard, started) = (pigeons(9), Instant::now());
    let line = "spec.ingress[0] is too much to compare with the other policies, and so counts as loosened";
    assert_eq!(said(&[&hard], "{podSelector: {}}", Some(after)), [line]);
    // Unoptimised, on a busy machine: a bound against the exponential, no benchmark.
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

#[test]
fn many_rules_that_only_together_open_everything_are_no_trouble() {
    let halves = |key: usize| {
        ["Exists", "DoesNotExist"].map(|operator| {
            format!("{{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{matchExpressions: [{{key: k{key}, operator: {operator}}}]}}}}], ports: [{{port: {}}}]}}]}}", key + 1)
        })
    };
    let halves: Vec<_> = (0..40).flat_map(halves).collect();
    let halves: Vec<_> = halves.iter().map(String::as_str).collect();
    let ports = |last: u32| {
        format!(
            "{{podSelector: {{}}, ingress: [{{from: [{{podSelector: {{}}}}], ports: [{{port: 1, endPort: {last}}}]}}]}}"
        )
    };
    harmless(&halves, "{podSelector: {}}", Some(&ports(40)));
    refused(&halves, "{podSelector: {}}", Some(&ports(41)), "spec.ingress[0]", &["TCP port 41"]);
    refused(
        &halves[1..],
        "{podSelector: {}}",
        Some(&ports(40)),
        "spec.ingress[0]",
        &["`k0=other`", "TCP port 1"],
    );
}

#[test]
fn a_long_list_of_addresses_is_shortened_without_a_word_and_lengthened_with_one() {
    let list = |numbers: std::ops::Range<u32>| {
        let blocks: Vec<_> = numbers
            .map(|n| format!("{{ipBlock: {{cidr: 198.{}.{}.0/25}}}}", 18 + n / 256, n % 256))
            .collect();
        format!(
            "{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{}], ports: [{{port: 443}}]}}]}}",
            blocks.join(", ")
        )
    };
    harmless(&[DENY], &list(0..500), Some(&list(1..500)));
    refused(
        &[DENY],
        &list(0..499),
        Some(&list(0..500)),
        "spec.egress[0]",
        &["the address 198.19.243.0 on TCP port 443"],
    );
}
