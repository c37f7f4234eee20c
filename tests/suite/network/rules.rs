//! Rules of network policies by themselves: for everybody, and for blocks of all addresses.

use super::{enforced, refused, said};
use crate::library::{Sent, found};

const OPEN: &str = "unrestricted-network-policy";
const WORLD: &str = "world-open-ip-block";

fn policy(spec: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {{name: p, namespace: shop}}, spec: {{podSelector: {{}}, {spec}}}}}"
    )
}

#[test]
fn a_rule_without_peers_is_for_everybody_once_for_each_port() {
    for (spec, sentences) in [
        ("ingress: [{}]", &["spec.ingress[0].from names nobody, so that everybody may connect"][..]),
        ("ingress: [null]", &["spec.ingress[0].from names nobody, so that everybody may connect"]),
        ("ingress: [{from: []}]", &["spec.ingress[0].from names nobody, so that everybody may connect"]),
        ("ingress: [{from: null}]", &["spec.ingress[0].from names nobody, so that everybody may connect"]),
        (
            "ingress: [{from: [{podSelector: {}}]}, {ports: [{port: 80}, {port: dns, protocol: UDP}, {port: 1, endPort: 9}, {}]}]",
            &[
                "spec.ingress[1].from names nobody, so that everybody may connect on TCP/80",
                "spec.ingress[1].from names nobody, so that everybody may connect on UDP/dns",
                "spec.ingress[1].from names nobody, so that everybody may connect on TCP/1-9",
                "spec.ingress[1].from names nobody, so that everybody may connect on TCP",
            ],
        ),
        ("egress: [{}]", &["spec.egress[0].to names nobody, so that the pods may connect to everybody"]),
        (
            "egress: [{ports: [{port: 443}]}]",
            &["spec.egress[0].to names nobody, so that the pods may connect to everybody on TCP/443"],
        ),
        ("ingress: []", &[]),
        ("policyTypes: [Ingress, Egress]", &[]),
        ("ingress: [{from: [{podSelector: {}}]}]", &[]),
        // A direction that the policy leaves alone has no rules in force.
        ("policyTypes: [Egress], ingress: [{}]", &[]),
        ("policyTypes: [Ingress], egress: [{}]", &[]),
        (
            "policyTypes: [Ingress, Egress], egress: [{}]",
            &["spec.egress[0].to names nobody, so that the pods may connect to everybody"],
        ),
    ] {
        assert_eq!(said(OPEN, "", &policy(spec)), sentences, "{spec}");
    }
    let old = policy("ingress: [{}]").replace("networking.k8s.io/v1", "extensions/v1beta1");
    assert_eq!(said(OPEN, "", &old).len(), 1);
}

#[test]
fn a_peer_that_selects_every_namespace_is_everybody_inside() {
    let inside = "selects every namespace, so that every pod of the cluster may connect";
    for (peer, is_everybody) in [
        ("namespaceSelector: {}", true),
        ("namespaceSelector: {matchLabels: {}, matchExpressions: null}, podSelector: null", true),
        ("namespaceSelector: {}, podSelector: {}", true),
        ("namespaceSelector: {}, podSelector: {matchLabels: {app: web}}", false),
        ("namespaceSelector: {matchLabels: {team: shop}}", false),
        ("namespaceSelector: null, podSelector: {}", false),
        ("podSelector: {}", false),
        ("ipBlock: {cidr: 10.0.0.0/8}", false),
    ] {
        let said = said(
            OPEN,
            "",
            &policy(&format!("ingress: [{{from: [{{ipBlock: {{cidr: 10.0.0.0/8}}}}, {{{peer}}}]}}]")),
        );
        let expected: Vec<_> = is_everybody
            .then(|| format!("spec.ingress[0].from[1].namespaceSelector {inside}"))
            .into_iter()
            .collect();
        assert_eq!(said, expected, "{peer}");
    }
    let egress = said(
        OPEN,
        "",
        &policy("egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}]"),
    );
    let to = "selects every namespace, so that the pods may connect to every pod of the cluster on UDP/53";
    assert_eq!(egress, [format!("spec.egress[0].to[0].namespaceSelector {to}")]);
}

#[test]
fn ports_and_namespaces_can_be_permitted() {
    let with_ports =
        policy("ingress: [{ports: [{port: 80}]}, {from: [{namespaceSelector: {}}], ports: [{port: 80}]}]");
    let bare = policy("ingress: [{}, {from: [{namespaceSelector: {}}]}]");
    for (params, left) in [
        ("{}", [2, 2]),
        ("{allowWithPorts: true}", [0, 2]),
        ("{allNamespaces: allow}", [1, 1]),
        ("{allowWithPorts: true, allNamespaces: allow}", [0, 1]),
        ("{allowWithPorts: false, allNamespaces: deny}", [2, 2]),
    ] {
        let counted = [&with_ports, &bare].map(|policy| said(OPEN, params, policy).len());
        assert_eq!(counted, left, "{params}");
    }
    assert!(refused(OPEN, "allNamespaces: maybe").contains("allow"));
    assert!(refused(OPEN, "allowwithports: true").contains("allowWithPorts"));
}

#[test]
fn a_rule_for_everybody_stays_as_it_was_when_it_moves_and_is_new_with_each_port_more() {
    let before = policy("ingress: [{ports: [{port: 80}]}]");
    let decide = |after: &str| found(&Sent::update(&before, &policy(after)).decide(&enforced(OPEN)));
    let line = |state: &str| format!("{state} {OPEN} spec.ingress.from");
    assert_eq!(
        decide("ingress: [{from: [{podSelector: {}}]}, {ports: [{port: 80, protocol: TCP}]}]"),
        [line("pre-existing")]
    );
    assert_eq!(decide("ingress: [{ports: [{port: 81}, {port: 80}]}]"), [line("new"), line("pre-existing")]);
    assert_eq!(decide("ingress: [{}]"), [line("new")]);
}

fn blocks(blocks: &[(&str, &str)]) -> String {
    let block =
        |(cidr, except): &(&str, &str)| format!("{{ipBlock: {{cidr: '{cidr}', except: [{except}]}}}}");
    let blocks: Vec<_> = blocks.iter().map(block).collect();
    policy(&format!("policyTypes: [Egress], egress: [{{to: [{}]}}]", blocks.join(", ")))
}

const PRIVATE: &str = "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.169.254/32";

#[test]
fn a_wide_block_leaves_out_what_is_inside() {
    for (cidr, except, is_open) in [
        ("0.0.0.0/0", "", true),
        ("1.2.3.4/0", "", true),
        ("::/0", "", true),
        ("::ffff:0:0/96", "", true),
        ("0.0.0.0/0", PRIVATE, false),
        ("0.0.0.0/0", "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16", true),
        ("0.0.0.0/0", "10.0.0.0/9, 172.16.0.0/12, 192.168.0.0/16, 169.254.169.254/32", true),
        ("0.0.0.0/0", "10.0.0.0/9, 10.128.0.0/9, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16", false),
        ("0.0.0.0/0", "x, 172.16.0.0/12", true),
        ("::/0", "'fc00::/7'", false),
        ("::/0", "'fd00::/8'", true),
        ("8.0.0.0/7", "", false),
        ("8.0.0.0/6", "", true),
        ("8.0.0.0/6", "10.0.0.0/8", false),
        ("128.0.0.0/1", "172.16.0.0/12, 192.168.0.0/16, 169.254.169.254/32", false),
        // As wide as the widest network, and so meant.
        ("10.0.0.0/8", "", false),
        ("169.254.169.254/32", "", false),
        ("fd00::/8", "", false),
        ("any", "", false),
    ] {
        let said = said(WORLD, "", &blocks(&[(cidr, except)]));
        assert_eq!(!said.is_empty(), is_open, "{cidr} except {except}: {said:?}");
    }
    let sentence = "spec.egress[0].to[0].ipBlock.cidr is `0.0.0.0/0` and lets through private networks or the cloud's \
                    metadata service";
    assert_eq!(said(WORLD, "", &blocks(&[("0.0.0.0/0", "")])), [sentence]);
}

#[test]
fn all_addresses_in_pieces_are_all_addresses() {
    let halves = [("0.0.0.0/1", ""), ("128.0.0.0/1", "")];
    assert_eq!(said(WORLD, "", &blocks(&halves)).len(), 2);
    // What one block leaves out the blocks beside it let in.
    let mended = [
        ("0.0.0.0/0", PRIVATE),
        ("10.0.0.0/8", ""),
        ("172.16.0.0/12", ""),
        ("192.168.0.0/16", ""),
        ("169.254.169.254/32", ""),
    ];
    let sentence = "spec.egress[0].to[0].ipBlock.cidr is `0.0.0.0/0` and with the blocks beside it lets through every address";
    assert_eq!(said(WORLD, "", &blocks(&mended)), [sentence]);
    assert_eq!(said(WORLD, "", &blocks(&mended[..4])), Vec::<String>::new());
    // Two hundred and fifty-six networks side by side are no networks any more.
    let pieces: Vec<_> = (0..=255).map(|first| format!("{first}.0.0.0/8")).collect();
    let pieces: Vec<_> = pieces.iter().map(|piece| (&**piece, "")).collect();
    let said_of_pieces = said(WORLD, "", &blocks(&pieces));
    assert_eq!(said_of_pieces.len(), 4, "the pieces that hold something inside: {said_of_pieces:?}");
    assert!(
        said_of_pieces[0]
            .ends_with("is `10.0.0.0/8` and with the blocks beside it is wider than any network")
    );
    // Rules for the same ports add up, rules for others do not.
    let rules = |second: &str| {
        policy(&format!(
            "ingress: [{{from: [{{ipBlock: {{cidr: 0.0.0.0/0, except: [{PRIVATE}]}}}}], ports: [{{port: 1}}]}}, \
             {{from: [{{ipBlock: {{cidr: 0.0.0.0/1, except: [1.0.0.0/8]}}}}, {{ipBlock: {{cidr: 128.0.0.0/1, except: [129.0.0.0/8]}}}}], ports: [{second}]}}]"
        ))
    };
    assert_eq!(said(WORLD, "", &rules("{port: 1, protocol: TCP}")).len(), 3);
    assert_eq!(said(WORLD, "", &rules("{port: 2}")).len(), 2);
}

#[test]
fn a_block_stays_as_it_was_when_it_moves() {
    let before = blocks(&[("0.0.0.0/0", ""), ("192.0.2.0/24", "")]);
    let after = blocks(&[("192.0.2.0/24", ""), ("0.0.0.0/0", ""), ("::/0", "")]);
    let lines = found(&Sent::update(&before, &after).decide(&enforced(WORLD)));
    assert_eq!(
        lines,
        [
            "pre-existing world-open-ip-block spec.egress.to[ipBlock.cidr=0.0.0.0/0]",
            "new world-open-ip-block spec.egress.to[ipBlock.cidr=::/0]",
        ]
    );
}
