//! What a mesh is told: mutual TLS, who stays out, how upstreams are reached.

use super::assert_told;
use crate::library::told;

#[test]
fn any_mode_but_strict_is_permissive_and_unset_inherits() {
    let policy = |namespace: &str, spec: &str| {
        format!(
            "{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: p, {namespace}}}, spec: {spec}}}"
        )
    };
    let shop = |spec: &str| policy("namespace: shop", spec);
    let root = |spec: &str| policy("namespace: istio-system", spec);
    let unset = "spec.mtls.mode sets no mode for the whole mesh, which means PERMISSIVE";
    assert_told(
        "permissive-mtls",
        &[
            (&shop("{mtls: {mode: STRICT}}"), &[]),
            (&shop("{mtls: {mode: PERMISSIVE}}"), &["spec.mtls.mode is `PERMISSIVE`"]),
            (&shop("{mtls: {mode: DISABLE}}"), &["spec.mtls.mode is `DISABLE`"]),
            (&shop("{mtls: {mode: strict}}"), &["spec.mtls.mode is `strict`"]),
            (&shop("{mtls: {mode: UNSET}}"), &[]),
            (&shop("{mtls: null}"), &[]),
            (&shop("null"), &[]),
            (
                &shop(
                    "{selector: {matchLabels: {a: b}}, mtls: {mode: STRICT}, portLevelMtls: {'80': {mode: DISABLE}, '81': {mode: UNSET}, '82': {mode: STRICT}}}",
                ),
                &["spec.portLevelMtls[80].mode is `DISABLE`"],
            ),
            (&root("{mtls: {mode: STRICT}}"), &[]),
            (&root("{mtls: {mode: UNSET}}"), &[unset]),
            (&root("{}"), &[unset]),
            (&root("{selector: {matchLabels: {}}}"), &[unset]),
            (&root("{selector: {matchLabels: {a: b}}}"), &[]),
            (
                &policy("", "{}"),
                &["? the manifest names no namespace, so that it may speak for the whole mesh"],
            ),
            (&policy("", "{mtls: {mode: STRICT}}"), &[]),
        ],
    );
    assert_eq!(told("permissive-mtls", "{rootNamespace: shop}", &shop("{}")), [unset]);
    assert!(told("permissive-mtls", "{rootNamespace: shop}", &root("{}")).is_empty());
}

#[test]
fn a_pod_that_stays_out_of_the_mesh_is_found_by_label_and_annotation() {
    let pod = |metadata: &str| {
        format!(
            "{{apiVersion: v1, kind: Pod, metadata: {{{metadata}}}, spec: {{containers: [{{name: c}}]}}}}"
        )
    };
    assert_told(
        "mesh-opt-out",
        &[
            (
                &pod("labels: {sidecar.istio.io/inject: 'false'}"),
                &["metadata.labels[sidecar.istio.io/inject] is `false`"],
            ),
            (
                &pod("annotations: {sidecar.istio.io/inject: 'no'}"),
                &["metadata.annotations[sidecar.istio.io/inject] is `no`"],
            ),
            (&pod("labels: {sidecar.istio.io/inject: 'true'}"), &[]),
            (&pod("labels: {sidecar.istio.io/inject: ''}"), &[]),
            (
                &pod("labels: {istio.io/dataplane-mode: none}"),
                &["metadata.labels[istio.io/dataplane-mode] is `none`"],
            ),
            (&pod("labels: {istio.io/dataplane-mode: ambient}"), &[]),
            (
                &pod("annotations: {linkerd.io/inject: disabled}"),
                &["metadata.annotations[linkerd.io/inject] is `disabled`"],
            ),
            (
                &pod("annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '3306, 6379,'}"),
                &[
                    "metadata.annotations[traffic.sidecar.istio.io/excludeOutboundPorts] leaves out `3306`",
                    "metadata.annotations[traffic.sidecar.istio.io/excludeOutboundPorts] leaves out `6379`",
                ],
            ),
            (&pod("annotations: {traffic.sidecar.istio.io/excludeInboundPorts: ''}"), &[]),
            (&pod("annotations: {traffic.sidecar.istio.io/includeOutboundPorts: '80'}"), &[]),
        ],
    );
    // What stands on the controller itself says nothing of its pods.
    let deployment = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {sidecar.istio.io/inject: 'false'}}
spec: {template: {metadata: {labels: {sidecar.istio.io/inject: 'true'}}, spec: {containers: []}}}
";
    assert!(told("mesh-opt-out", "", deployment).is_empty());
}

#[test]
fn an_upstream_without_tls_or_without_a_look_at_its_certificate_is_found_wherever_it_is_set() {
    let rule =
        |spec: &str| format!("{{apiVersion: networking.istio.io/v1, kind: DestinationRule, spec: {spec}}}");
    assert_told(
        "unverified-upstream-tls",
        &[
            (&rule("{trafficPolicy: {tls: {mode: DISABLE}}}"), &["spec.trafficPolicy.tls.mode is `DISABLE`"]),
            // Without a mode the API means the first one.
            (
                &rule("{trafficPolicy: {tls: {}}}"),
                &["spec.trafficPolicy.tls.mode is not set, which means DISABLE"],
            ),
            (&rule("{trafficPolicy: {tls: null}}"), &[]),
            (&rule("{host: a}"), &[]),
            (&rule("{trafficPolicy: {tls: {mode: MUTUAL}}}"), &[]),
            (
                &rule("{trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true}}}"),
                &["spec.trafficPolicy.tls.insecureSkipVerify is true"],
            ),
            (&rule("{trafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: false}}}"), &[]),
            (
                &rule(
                    "{trafficPolicy: {portLevelSettings: [{port: {number: 80}}, {port: {number: 81}, tls: {mode: DISABLE}}]}}",
                ),
                &["spec.trafficPolicy.portLevelSettings[1].tls.mode is `DISABLE`"],
            ),
            (
                &rule(
                    "{subsets: [{name: v1}, {name: v2, trafficPolicy: {portLevelSettings: [{tls: {mode: DISABLE}}]}}]}",
                ),
                &["spec.subsets[1].trafficPolicy.portLevelSettings[0].tls.mode is `DISABLE`"],
            ),
            (
                "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, spec: {hosts: [a.example, '*']}}",
                &["spec.hosts[1] stands for every host, so that no certificate can be checked against it"],
            ),
            ("{apiVersion: networking.istio.io/v1, kind: ServiceEntry, spec: {hosts: ['*.example']}}", &[]),
        ],
    );
}

#[test]
fn linkerds_open_doors_are_found_on_pods_and_on_namespaces() {
    let annotated = |kind: &str, annotation: &str| {
        format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: x, annotations: {{config.linkerd.io/{annotation}}}}}, spec: {{}}}}"
        )
    };
    for kind in ["Pod", "Namespace"] {
        for (annotation, expected) in [
            ("default-inbound-policy: all-unauthenticated", 1),
            ("default-inbound-policy: cluster-unauthenticated", 1),
            ("default-inbound-policy: audit", 1),
            ("default-inbound-policy: all-authenticated", 0),
            ("default-inbound-policy: deny", 0),
            ("skip-inbound-ports: '25,587-588'", 2),
            ("skip-outbound-ports: '3306'", 1),
            ("skip-subnets: 10.0.0.0/8", 1),
            ("skip-inbound-ports: ''", 0),
            ("opaque-ports: '3306'", 0),
        ] {
            let told = told("unauthenticated-mesh-inbound", "", &annotated(kind, annotation));
            assert_eq!(told.len(), expected, "{kind} {annotation}: {told:?}");
        }
    }
}
