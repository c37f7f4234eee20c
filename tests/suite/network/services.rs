//! Services: what the nodes, clouds and names of a cluster open to others.

use super::{enforced, refused, reported_amid, said};
use crate::library::{Sent, found};

/// A Service with this spec and these annotations.
fn service(spec: &str, annotations: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Service, metadata: {{name: s, namespace: shop, annotations: {{{annotations}}}}}, spec: {{{spec}}}}}"
    )
}

fn none() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_node_port_is_one_by_its_type() {
    for (spec, params, sentences) in [
        ("type: NodePort", "", &["spec.type is NodePort"][..]),
        ("type: nodeport", "", &[]),
        ("type: ClusterIP", "", &[]),
        ("type: null", "", &[]),
        ("type: LoadBalancer", "", &[]),
        ("type: LoadBalancer, allocateLoadBalancerNodePorts: false", "loadBalancers: true", &[]),
        (
            "type: LoadBalancer, allocateLoadBalancerNodePorts: true",
            "loadBalancers: true",
            &["spec.allocateLoadBalancerNodePorts is true"],
        ),
        (
            "type: LoadBalancer",
            "loadBalancers: true",
            &["spec.allocateLoadBalancerNodePorts is not set, which means true"],
        ),
        ("type: NodePort", "loadBalancers: true", &["spec.type is NodePort"]),
    ] {
        assert_eq!(said("node-port", params, &service(spec, "")), sentences, "{spec} {params}");
    }
    // The API server fills in the default: no new violation.
    let [bare, filled] = ["", ", allocateLoadBalancerNodePorts: true"]
        .map(|more| service(&format!("type: LoadBalancer{more}"), ""));
    let policies = crate::library::policies(&["
apiVersion: soc2gate.io/v1
kind: ControlPolicy
metadata: {name: only}
spec:
  criterion: CC6.6
  control: One check.
  checks: [{id: node-port, params: {loadBalancers: true}, mode: enforce}]
"]);
    let lines = found(&Sent::update(&bare, &filled).decide(&policies));
    assert_eq!(lines, ["pre-existing node-port spec.allocateLoadBalancerNodePorts"]);
}

const BALANCER: &str = "open-load-balancer";
const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";

#[test]
fn a_load_balancer_serves_everybody_until_it_says_whom() {
    let unset = "spec.loadBalancerSourceRanges is not set, so that everybody may connect";
    let of_field = |range: &str, what: &str| format!("spec.loadBalancerSourceRanges[0] (`{range}`) {what}");
    let of_annotation = |range: &str, what: &str| format!("metadata.annotations[{RANGES}] ({range}) {what}");
    let unread = "is no block of addresses, so that nobody can say whom it lets in";
    for (ranges, annotation, sentences) in [
        ("[]", "", vec![unset.to_owned()]),
        ("null", "", vec![unset.to_owned()]),
        ("[]", "  ", vec![unset.to_owned()]),
        ("[192.0.2.0/24]", "", vec![]),
        ("[' 192.0.2.0/24 ', 2001:db8::/32]", "", vec![]),
        ("[0.0.0.0/0]", "", vec![of_field("0.0.0.0/0", "is every address")]),
        ("[10.0.0.0/0]", "", vec![of_field("10.0.0.0/0", "is every address")]),
        ("['::/0', 192.0.2.0/24]", "", vec![of_field("::/0", "is every address")]),
        ("['::ffff:0:0/96']", "", vec![of_field("::ffff:0:0/96", "is every address")]),
        ("[192.0.2.1]", "", vec![of_field("192.0.2.1", unread)]),
        ("[everybody]", "", vec![of_field("everybody", unread)]),
        (
            "[0.0.0.0/1, 128.0.0.0/1, 2001:db8::/32]",
            "",
            vec![
                of_field("0.0.0.0/1", "with the other ranges is every address"),
                "spec.loadBalancerSourceRanges[1] (`128.0.0.0/1`) with the other ranges is every address"
                    .to_owned(),
            ],
        ),
        ("[]", "192.0.2.0/24, 2001:db8::/32", vec![]),
        ("[]", "192.0.2.0/24,0.0.0.0/0", vec![of_annotation("`0.0.0.0/0`", "is every address")]),
        ("[]", "192.0.2.0/24,", vec![of_annotation("empty", unread)]),
        // The field silences the annotation, for better and for worse.
        ("[192.0.2.0/24]", "0.0.0.0/0", vec![]),
        ("[0.0.0.0/0]", "192.0.2.0/24", vec![of_field("0.0.0.0/0", "is every address")]),
    ] {
        let annotations =
            if annotation.is_empty() { String::new() } else { format!("{RANGES}: '{annotation}'") };
        let manifest =
            service(&format!("type: LoadBalancer, loadBalancerSourceRanges: {ranges}"), &annotations);
        assert_eq!(said(BALANCER, "", &manifest), sentences, "{ranges} {annotation}");
    }
    assert_eq!(
        said(BALANCER, "", &service("type: ClusterIP, loadBalancerSourceRanges: [0.0.0.0/0]", "")),
        none()
    );
}

#[test]
fn a_load_balancer_is_internal_where_its_cloud_takes_it_for_that() {
    let prefix = "service.beta.kubernetes.io";
    for (annotations, is_internal) in [
        (format!("{prefix}/aws-load-balancer-scheme: internal"), true),
        (format!("{prefix}/aws-load-balancer-scheme: internet-facing"), false),
        (format!("{prefix}/aws-load-balancer-scheme: Internal"), false),
        (format!("{prefix}/aws-load-balancer-internal: 'true'"), true),
        (format!("{prefix}/aws-load-balancer-internal: 'false'"), false),
        (format!("{prefix}/azure-load-balancer-internal: 'True'"), true),
        ("networking.gke.io/load-balancer-type: Internal".to_owned(), true),
        ("networking.gke.io/load-balancer-type: External".to_owned(), false),
        ("cloud.google.com/load-balancer-type: internal".to_owned(), true),
        ("service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type: private".to_owned(), true),
        (format!("{prefix}/openstack-internal-load-balancer: 'true'"), true),
        (format!("{prefix}/cce-load-balancer-internal-vpc: 'true'"), true),
        ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid: subnet-1".to_owned(), true),
        ("service.kubernetes.io/qcloud-loadbalancer-internal-subnetid: ''".to_owned(), false),
        (format!("{prefix}/alibaba-cloud-loadbalancer-address-type: intranet"), true),
        (format!("{prefix}/oci-load-balancer-internal: 'true'"), true),
        (format!("{prefix}/do-loadbalancer-network: INTERNAL"), true),
        ("load-balancer.hetzner.cloud/disable-public-network: 'true'".to_owned(), true),
        ("example.com/internal: 'true'".to_owned(), false),
        // Of two that contradict each other nobody knows which one counts.
        (
            format!(
                "{prefix}/aws-load-balancer-internal: 'true', {prefix}/aws-load-balancer-scheme: internet-facing"
            ),
            false,
        ),
    ] {
        let said = said(BALANCER, "", &service("type: LoadBalancer", &annotations));
        assert_eq!(said.is_empty(), is_internal, "{annotations}");
    }
    let own = "internalMarkers: [{annotation: example.com/internal, values: ['true']}]";
    assert_eq!(said(BALANCER, own, &service("type: LoadBalancer", "example.com/internal: 'true'")), none());
    let aws = service("type: LoadBalancer", &format!("{prefix}/aws-load-balancer-internal: 'true'"));
    assert_eq!(said(BALANCER, own, &aws).len(), 1, "a list of one's own replaces the list");
    assert!(
        refused(BALANCER, "internalMarkers: [{annotation: '', values: []}]").contains("names no annotation")
    );
    assert!(refused(BALANCER, "internalMarkers: [{annotation: a}]").contains("values"));
}

#[test]
fn an_external_address_is_refused_unless_it_is_ones_own() {
    let addresses = |list: &str| service(&format!("externalIPs: [{list}]"), "");
    let said = |params: &str, list: &str| said("external-ip", params, &addresses(list));
    let sentence =
        |at: usize, address: &str| format!("spec.externalIPs[{at}] takes the traffic for `{address}`");
    let own = "allow: [192.0.2.0/24, 2001:db8::/32, 198.51.100.7]";
    assert_eq!(said("", "192.0.2.1, '2001:db8::1'"), [sentence(0, "192.0.2.1"), sentence(1, "2001:db8::1")]);
    assert_eq!(
        said(own, "192.0.2.1, '2001:db8::1', 198.51.100.7, '::ffff:192.0.2.9', 192.000.002.001"),
        none()
    );
    assert_eq!(said(own, "192.0.3.1, 198.51.100.8"), [sentence(0, "192.0.3.1"), sentence(1, "198.51.100.8")]);
    assert_eq!(said(own, "web"), ["spec.externalIPs[0] `web` is no address"]);
    assert_eq!(said(own, "''"), ["spec.externalIPs[0] empty is no address"]);
    assert_eq!(said("", ""), none());
    assert_eq!(super::said("external-ip", "", &service("externalIPs: null", "")), none());
    for (params, words) in [
        ("allow: [0.0.0.0/0]", "every address"),
        ("allow: ['::/0']", "every address"),
        ("allow: [192.0.2.0/33]", "no block of addresses"),
        ("allow: [example.com]", "no block of addresses"),
    ] {
        assert!(refused("external-ip", params).contains(words), "{params}");
    }
    // However it is written, an address stays the same.
    let update = Sent::update(&addresses("192.0.2.1"), &addresses("192.0.2.2, '::ffff:192.0.2.1'"));
    let lines = found(&update.decide(&enforced("external-ip")));
    assert_eq!(
        lines,
        [
            "new external-ip spec.externalIPs[192.0.2.2]",
            "pre-existing external-ip spec.externalIPs[192.0.2.1]"
        ]
    );
}

#[test]
fn only_a_controller_says_where_a_load_balancer_answers() {
    let answering = |list: &str| {
        service("type: LoadBalancer", "")
            .replace("spec: {", &format!("status: {{loadBalancer: {{ingress: [{list}]}}}}, spec: {{"))
    };
    let before = answering("{ip: 192.0.2.1}");
    let policies = enforced("forged-load-balancer-status");
    let decide = |by: &str, list: &str| {
        let sent = Sent::update(&before, &answering(list)).set("subResource", "status".into());
        found(&sent.by(by, &["system:authenticated"]).decide(&policies))
    };
    let line = |at: &str| format!("new forged-load-balancer-status status.loadBalancer.ingress[{at}]");
    assert_eq!(decide("ann", "{ip: 192.0.2.1}, {ip: 203.0.113.7}"), [line("203.0.113.7")]);
    assert_eq!(decide("ann", "{hostname: db.example.com}"), [line("db.example.com")]);
    assert_eq!(decide("ann", "{ip: 192.0.2.1, ipMode: Proxy}"), [line("192.0.2.1")]);
    assert_eq!(decide("ann", "{ip: 192.0.2.1}"), none());
    assert_eq!(decide("ann", ""), none());
    for (by, is_known) in [
        ("system:serviceaccount:kube-system:service-controller", true),
        ("system:serviceaccount:kube-system:cloud-controller-manager", true),
        ("system:cloud-controller-manager", true),
        ("system:kube-controller-manager", true),
        ("system:serviceaccount:metallb-system:controller", true),
        ("system:serviceaccount:metallb:controller", false),
        ("system:serviceaccount:kube-system:my-service-controller", false),
        ("system:serviceaccount:shop:service-controller", false),
    ] {
        assert_eq!(decide(by, "{ip: 203.0.113.7}").is_empty(), is_known, "{by}");
    }
    // Of a new Service the API server drops the status, and a file writes none.
    assert_eq!(found(&Sent::create(&before).decide(&policies)), none());
    assert_eq!(said("forged-load-balancer-status", "", &before), none());
    let own = "allow: [{kind: ServiceAccount, namespace: lb, name: '*'}]";
    let check = soc2gate::checks::find("forged-load-balancer-status").unwrap();
    assert!(
        check.examine.configure(&soc2gate::check::Params::of(&crate::library::document(own).root)).is_ok()
    );
    assert!(refused("forged-load-balancer-status", "allow: [{kind: User, name: '*'}]").contains("everybody"));
    assert!(reported_amid("forged-load-balancer-status", "", "", &before).missing.is_empty());
}

#[test]
fn an_alias_is_told_by_what_it_leads_to() {
    let alias = |host: &str| service(&format!("type: ExternalName, externalName: '{host}'"), "");
    let check = "external-name-service";
    for (host, kind) in [
        ("db.payments.svc.cluster.local", "`db.payments.svc.cluster.local`: a Service of the cluster"),
        ("db.payments.svc.", "`db.payments.svc`: a Service of the cluster"),
        ("Metadata.Google.internal", "`metadata.google.internal`: the cloud's metadata service"),
        ("169.254.169.254", "`169.254.169.254`: the cloud's metadata service"),
        ("fd00:ec2::254", "`fd00:ec2::254`: the cloud's metadata service"),
        ("localhost", "`localhost`: whoever asks"),
        ("192.0.2.1", "`192.0.2.1`: an address"),
        ("db.example.com", "`db.example.com`: another host"),
        ("", "empty: another host"),
    ] {
        assert_eq!(said(check, "", &alias(host)), [format!("spec.externalName is {kind}")], "{host}");
    }
    assert_eq!(said(check, "", &service("type: ClusterIP, externalName: db.example.com", "")), none());
    let allow = "allow: [db.example.com, '*.rds.example.com']";
    for (host, is_allowed) in [
        ("db.example.com", true),
        ("DB.example.com.", true),
        ("a.rds.example.com", true),
        ("a.b.rds.example.com", true),
        ("rds.example.com", false),
        ("evilrds.example.com", false),
        ("db.example.com.evil.io", false),
    ] {
        assert_eq!(said(check, allow, &alias(host)).is_empty(), is_allowed, "{host}");
    }
    for (params, words) in [
        ("allow: ['*']", "every host"),
        ("allow: ['']", "no host"),
        ("allow: ['https://db']", "no host"),
        ("allow: ['a.*.b']", "no host"),
    ] {
        assert!(refused(check, params).contains(words), "{params}");
    }
}
