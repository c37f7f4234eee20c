//! Asks that nobody reaches pods and Services by way of the API server.

use super::way_in::Parameters;
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Part, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "service-proxy-connection",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(Criterion::CC6_1, "programs are reached by the ways that were made for it"),
        Support::supporting(Criterion::CC6_6, "no proxy leads round the network policies"),
    ],
    severity: Severity::Medium,
    needs: &[Need::Request, Need::Optional(Part::Pods)],
    title: "connection through the API server's proxy",
    why: "The API server makes the connection in its own name: network policies let it in, and the program cannot tell \
          who stands behind it.",
    fix: "Use a Service, Ingress or Gateway with a sign-in; who must use the proxy can be named in `allow`.",
    references: &[],
    examples: Examples::new(
        "
apiVersion: v1
kind: ServiceProxyOptions
metadata: {name: 'http:grafana:80', namespace: shop}
path: /login
",
        "
apiVersion: v1
kind: ServiceProxyOptions
metadata: {name: 'http:grafana:80', namespace: sandbox}
path: /login
",
    )
    .under("allow: [{principals: [{kind: User, name: ann}], namespaces: [sandbox]}]"),
    examine: Examine::Configured(
        Kinds::These(&[Kind::PodProxyOptions, Kind::ServiceProxyOptions]),
        configure,
    ),
};

/// The path is not shown: in a web address secrets may stand.
fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let parameters: Parameters = params.read()?;
    Ok(parameters.refusing(|connection| {
        let target = match connection.request.kind {
            Kind::ServiceProxyOptions => format!("Service {}", quoted(&connection.request.name)),
            _ => connection.target(),
        };
        format!("reaches {target} through the API server")
    }))
}
