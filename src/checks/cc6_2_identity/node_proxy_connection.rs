//! Refuses talking to a node's kubelet by way of the API server.

use serde::Deserialize;

use super::way_in::{Connection, Only};
use crate::{
    check::{Check, Examine, Examiner, Examples, Kinds, Need, Params, Principal, Reference, quoted},
    criterion::{Criterion, Severity, Support},
    manifest::Unusable,
    object::Kind,
};

pub(super) const CHECK: Check = Check {
    id: "node-proxy-connection",
    criterion: Criterion::CC6_2,
    tsc: &[
        Support::direct(
            Criterion::CC6_1,
            "keeps people away from the interface that commands every pod of a node",
        ),
        Support::supporting(Criterion::CC6_6, "the kubelet's port is reached by the control plane alone"),
        Support::supporting(Criterion::CC7_2, "an attempt to reach it is noticed"),
    ],
    severity: Severity::Critical,
    needs: &[Need::Request],
    title: "connection to a kubelet",
    why: "The kubelet runs commands in every pod of its node, shows their logs and its own configuration, and asks no \
          admission control. Through the API server's proxy it takes the API server's word for who is asking.",
    fix: "Read metrics with the permission `nodes/metrics`; a scraper that needs the proxy can be named in `allow`.",
    references: &[Reference::Cis("5.1.10"), Reference::Kep(2862)],
    examples: Examples::new(
        "
apiVersion: v1
kind: NodeProxyOptions
metadata: {name: node-1}
path: /run/shop/web/app
",
        "
apiVersion: v1
kind: NodeProxyOptions
metadata: {name: node-1}
path: /metrics/cadvisor
",
    )
    .under("allow: [{principals: [{kind: User, name: ann}], paths: [/metrics]}]"),
    examine: Examine::Configured(Kinds::These(&[Kind::NodeProxyOptions]), configure),
};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Parameters {
    allow: Vec<Permit>,
}

/// Who may ask a kubelet for what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permit {
    principals: Only<Principal>,
    paths: Only<PathPrefix>,
}

/// A path and all beneath it; empty for the root.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct PathPrefix(String);

impl TryFrom<String> for PathPrefix {
    type Error = &'static str;

    fn try_from(path: String) -> Result<Self, Self::Error> {
        let prefix = path.strip_suffix('/').unwrap_or(&path);
        if !path.starts_with('/') || prefix.contains(['*', '?', '%']) || prefix.split('/').any(is_dots) {
            return Err("write a path as `/metrics`, without patterns: all beneath it is meant");
        }
        Ok(Self(prefix.to_owned()))
    }
}

fn is_dots(part: &str) -> bool {
    matches!(part, "." | "..")
}

impl PathPrefix {
    fn holds(&self, path: &str) -> bool {
        path.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn configure(params: &Params<'_>) -> Result<Examiner, Unusable> {
    let Parameters { allow } = params.read()?;
    Ok(Examiner::Whole(Box::new(move |ask, report| {
        let Some(connection) = Connection::of(ask, report) else { return };
        let path = connection.path();
        // `/metrics/../run` becomes `/run` on its way to the kubelet.
        let is_plain = !path.contains('%') && !path.split('/').any(is_dots);
        let permitted = |permit: &Permit| {
            permit.principals.include(connection.requester)
                && permit.paths.any(|prefix| is_plain && prefix.holds(&path))
        };
        if !allow.iter().any(permitted) {
            let node = quoted(&connection.request.name);
            connection.refuse(format!("asks the kubelet of {node} for {}", quoted(&path)), report);
        }
    })))
}
