//! Asks that nobody opens a tunnel to a pod through the API server.

use super::way_in::Parameters;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Part},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "port-forward-to-pod",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "programs are reached by the ways that were made for it"),
        Support::supporting(Criterion::CC6_6, "no tunnel leads round the network policies"),
        Support::supporting(Criterion::CC6_7, "data leaves by ways that were chosen"),
    ],
    severity: Severity::High,
    needs: &[Need::Request, Need::Optional(Part::Pods)],
    title: "tunnel to a pod",
    why: "A forwarded port ends at the pod's loopback address. It passes by every network policy, the service mesh and the \
          program's own front door, and nobody sees what goes through it.",
    fix: "Publish the port with a Service and say in a network policy who may use it, or ask for a short exemption.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: PodPortForwardOptions
metadata: {name: web, namespace: shop}
ports: [5432]
",
        "
apiVersion: v1
kind: PodPortForwardOptions
metadata: {name: web, namespace: sandbox}
ports: [5432]
",
    )
    .under("allow: [{principals: [{kind: User, name: ann}], namespaces: [sandbox]}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::PodPortForwardOptions]), configure),
};

/// Which ports are meant is told over WebSocket only, so that nothing rests on them.
fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(parameters.refusing(|connection| format!("opens a tunnel to {}", connection.target())))
}
