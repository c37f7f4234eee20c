//! Warns of workloads in the mesh that still take plain text.

use serde::Deserialize;

use crate::{
    check::{Ask, Check, Examine, Examiner, Examples, Kinds, Missing, Params, Report, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::{Body, Kind, PeerAuthentication, Place, Selector},
};

pub(super) const CHECK: Check = Check {
    id: "permissive-mtls",
    criterion: Criterion::CC6_7,
    tsc: &[
        Support::direct(Criterion::CC6_7, "what workloads send each other is encrypted on its way"),
        Support::supporting(Criterion::CC6_1, "a workload knows who calls it"),
    ],
    severity: Severity::High,
    needs: &[],
    title: "permissive mutual TLS",
    why: "A workload that takes plain text beside mutual TLS takes it from everybody: it neither encrypts nor knows \
          its caller, and rules about identities mean nothing.",
    fix: "Set the mode to STRICT once all callers are in the mesh.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: PERMISSIVE}}
",
        "
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: shop}
spec: {mtls: {mode: STRICT}}
",
    ),
    examine: Examine::Configured(Kinds::These(&[Kind::PeerAuthentication]), configure),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Parameters {
    /// Where the policy for the whole mesh stands.
    root_namespace: String,
}

impl Default for Parameters {
    fn default() -> Self {
        Self { root_namespace: "istio-system".to_owned() }
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { root_namespace } = params.read()?;
    if root_namespace.is_empty() || root_namespace.contains('*') {
        return Err(params.refuse("`rootNamespace` is no namespace: write its full name"));
    }
    Ok(Examiner::Whole(Box::new(move |ask, report| modes(ask, &root_namespace, report))))
}

fn modes(ask: &Ask<'_>, root_namespace: &str, report: &mut Report) {
    let Some(object) = ask.object else { return };
    let Body::PeerAuthentication(policy) = &object.body else { return };
    let PeerAuthentication { selector, mtls, port_level_mtls } = policy;
    let mode = mtls.as_ref().map_or("", |mtls| &*mtls.mode);
    if is_inherited(mode) {
        let namespace = &*object.metadata.namespace;
        let is_for_all = selector.as_ref().is_none_or(Selector::is_empty);
        if is_for_all && namespace == root_namespace {
            // There is nothing above to inherit from.
            let what = "sets no mode for the whole mesh, which means PERMISSIVE";
            report.violation_of(Place::of("spec.mtls.mode"), "unset", what);
        } else if is_for_all && namespace.is_empty() {
            let reason = "the manifest names no namespace, so that it may speak for the whole mesh";
            report.not_assessable(Missing::NotKnownHere(reason.into()));
        }
    } else if mode != "STRICT" {
        report.violation_of(Place::of("spec.mtls.mode"), mode, format!("is {}", quoted(mode)));
    }
    for (port, mtls) in port_level_mtls.iter() {
        let mode = &*mtls.mode;
        if !is_inherited(mode) && mode != "STRICT" {
            let place = Place::of("spec").entry("portLevelMtls", port).field("mode");
            report.violation_of(place, mode, format!("is {}", quoted(mode)));
        }
    }
}

fn is_inherited(mode: &str) -> bool {
    matches!(mode, "" | "UNSET")
}
